"""Command line: write or check all diagrams of a folder.

``python -m reservation_core.diagrams diagrams`` writes them into the folder ``diagrams``. With
``--check`` it only prints the files that are out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from reservation_core.diagrams.graphs import write_dot, write_mermaid
from reservation_core.diagrams.svg import draw_lifecycle
from reservation_core.diagrams.tables import write_parameters, write_statuses

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "lifecycle.svg": draw_lifecycle,
    "lifecycle.mmd": write_mermaid,
    "lifecycle.dot": write_dot,
    "statuses.md": write_statuses,
    "parameters.md": write_parameters,
}
"""The functions that return the content of each file, by file name."""


def run(argv: Sequence[str] | None = None) -> int:
    """Write or check the files of a folder.

    :returns: the exit code: 1 if ``--check`` finds files that are out of date.
    """
    parser = argparse.ArgumentParser(
        prog="python -m reservation_core.diagrams",
        description="Write the diagrams into a folder.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name the files that are out of date, and exit with 1 if there are any",
    )
    options = parser.parse_args(argv)
    folder: Path = options.folder
    contents = {folder / name: write().encode() for name, write in FILES.items()}
    outdated = [
        path
        for path, content in contents.items()
        if not path.is_file() or path.read_bytes() != content
    ]
    if options.check:
        sys.stdout.writelines(f"{path} is out of date\n" for path in outdated)
        return 1 if outdated else 0
    folder.mkdir(parents=True, exist_ok=True)
    for path in outdated:
        path.write_bytes(contents[path])
    return 0


if __name__ == "__main__":
    sys.exit(run())
