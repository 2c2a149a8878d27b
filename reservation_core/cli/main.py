"""Entry point of the command line.

It needs no extra itself, so that it can name a missing one.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable


def main(argv: Iterable[str] | None = None) -> int:
    """Run the command line and return its exit code.

    :param argv: the arguments; those of the process by default.
    """
    if not all(importlib.util.find_spec(name) for name in ("cyclopts", "rich")):
        print(
            "the command line needs an extra: pip install 'reservation-core[cli]'", file=sys.stderr
        )
        return 2
    from reservation_core.cli.app import run_command_line  # noqa: PLC0415 - it needs the extra

    return run_command_line(sys.argv[1:] if argv is None else list(argv))
