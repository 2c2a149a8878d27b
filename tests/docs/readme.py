"""Checks of the README for the built wheel: ``python -m tests.docs.readme WHEEL FOLDER``.

The README in the wheel has only links that work on PyPI. The README's example and its output are
written into the folder, to be run with the wheel.
"""

import re
import sys
import zipfile
from pathlib import Path

from tests.docs.pages import README, read_code_blocks


def read_description(wheel: Path) -> str:
    """Return the README as PyPI shows it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(name).decode()


def find_relative_links(text: str) -> list[str]:
    """Return the links and pictures that lead nowhere outside a checkout."""
    return re.findall(r"\]\((?!https?:)[^)]*\)", text)


def main(wheel: str, folder: str) -> int:
    """Check the wheel, and write the example. Return the exit code."""
    links = find_relative_links(read_description(Path(wheel)))
    sys.stdout.writelines(f"a link that does not work on PyPI: {link}\n" for link in links)
    example = next(read_code_blocks(README))
    Path(folder, "example.py").write_text(example.code, "utf-8")
    Path(folder, "example.txt").write_text(example.output or "", "utf-8")
    return 1 if links else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
