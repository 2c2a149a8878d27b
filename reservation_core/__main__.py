"""Run the command line as ``python -m reservation_core``."""

import sys

from reservation_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
