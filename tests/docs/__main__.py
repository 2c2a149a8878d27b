"""Build of the documentation site: ``python -m tests.docs [folder]``.

A warning is an error. Nothing is downloaded. The site is written to ``docs/_build/html``, or to the
given folder.
"""

import sys

from sphinx.cmd.build import main

from tests.docs.pages import DOCS


def build(folder: str) -> int:
    """Build the site into a folder and return the exit code."""
    options = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet"]
    return main([*options, "--builder=html", str(DOCS), folder])


if __name__ == "__main__":
    sys.exit(build(sys.argv[1] if len(sys.argv) > 1 else str(DOCS / "_build" / "html")))
