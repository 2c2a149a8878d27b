"""Writing the folder of diagrams: every picture and table, from the code's own declarations.

``python -m reservation_core.diagrams diagrams`` writes it; with ``--check`` it only names the files that are stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from reservation_core.diagrams.lifecycle_pictures import (
    lifecycle_dot,
    lifecycle_mermaid,
    lifecycle_svg,
)
from reservation_core.diagrams.tables import parameters_markdown, statuses_markdown

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "lifecycle.svg": lifecycle_svg,
    "lifecycle.mmd": lifecycle_mermaid,
    "lifecycle.dot": lifecycle_dot,
    "statuses.md": statuses_markdown,
    "parameters.md": parameters_markdown,
}
"""What stands in ``diagrams/``, and what writes it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files into a folder, or with ``--check`` name those that are not as they would be written (and return 1)."""
    parser = argparse.ArgumentParser(
        prog="python -m reservation_core.diagrams",
        description="Write the diagrams into a folder.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name the stale files and exit 1 if there are any",
    )
    asked = parser.parse_args(argv)
    folder: Path = asked.folder
    fresh = {folder / name: draw().encode() for name, draw in FILES.items()}
    stale = [
        path
        for path, content in fresh.items()
        if not path.is_file() or path.read_bytes() != content
    ]
    if asked.check:
        sys.stdout.writelines(f"{path} is stale\n" for path in stale)
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_bytes(fresh[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
