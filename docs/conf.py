"""Configuration of the documentation site."""

import sys
from enum import Enum
from pathlib import Path
from typing import cast

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the site documents this tree, not an installed package

from reservation_core.gateways import settings  # noqa: E402
from tests.docs.api import escape_names  # noqa: E402
from tests.docs.generated import write_generated  # noqa: E402

write_generated(ROOT / "docs" / "_generated")

project = "reservation-core"
author = "The reservation_core authors"
project_copyright = f"2026, {author}"
release = version = settings.user_agent().split("/")[1]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!reservation_core).*"),  # other projects: nothing is downloaded
    ("py:class", r".*\.(_\w+|Annotated)"),  # type variables, and names of typing
]

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"reservation-core {release}"
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["_static"]
html_css_files = ["custom.css"]


def keep_enum_members(*event: object) -> bool | None:
    """Show the members of an enumeration that have no text of their own."""
    _, kind, _, member, *_ = event
    return False if kind == "class" and isinstance(member, Enum) else None


def escape_docstring(*event: object) -> None:
    """Change the lines of a docstring in place."""
    lines = cast("list[str]", event[-1])
    lines[:] = map(escape_names, lines)


def setup(app: Sphinx) -> None:
    """Connect the hooks of this file."""
    app.connect("autodoc-skip-member", keep_enum_members)
    app.connect("autodoc-process-docstring", escape_docstring)
