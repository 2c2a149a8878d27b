"""Pages of Markdown, and the code blocks in them.

The Python blocks of a page run one after the other, with the same names, in an empty folder. An
``output`` block right after a Python block is what it prints. ``...`` in it matches any text.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
README: Final = ROOT / "README.md"
PAGES: Final = sorted(
    path for path in DOCS.rglob("*.md") if not path.relative_to(DOCS).parts[0].startswith("_")
)
"""The pages that are written by hand."""

_BLOCK: Final = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```output\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@attrs.frozen
class CodeBlock:
    """Python block of a page, and the text that it prints."""

    line: int
    code: str
    output: str | None  # None if the page does not show it


def read_code_blocks(page: Path) -> Iterator[CodeBlock]:
    """Yield the Python blocks of a page, in order."""
    text = page.read_text("utf-8")
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("code")) + 1
        yield CodeBlock(line, match["code"], match["output"])
