"""The README's code blocks, for the tests that run them and for the check that runs the quickstart on the built wheel."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    """Give every Python block, in order."""
    return re.findall(
        r"^```python\n(.*?)^```$", README.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )


def quickstart() -> str:
    """Give the block that stands after the quickstart's mark."""
    text = README.read_text("utf-8")
    match = re.search(
        r"<!-- quickstart -->\n```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE
    )
    assert match is not None
    return match[1]
