"""Run the command line as ``python -m reservation_core.cli``."""

import sys

from reservation_core.cli.main import main

sys.exit(main())
