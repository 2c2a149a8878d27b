"""The README's code blocks, for tests and the wheel's check."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    """Return every Python block, in order."""
    return re.findall(
        r"^```python\n(.*?)^```$", README.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def quickstart() -> str:
    """Return the block after the quickstart mark."""
    text = README.read_text("utf-8")
    match = re.search(
        r"<!-- quickstart -->\n```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE
    )
    assert match is not None
    return match[1]
