"""The markup of docstrings, which the site shows."""

import ast
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.api import escape_names
from tests.docs.pages import ROOT

MODULES = sorted(ROOT.joinpath("reservation_core").rglob("*.py"))
ROLES = ("attr", "class", "data", "exc", "func", "meth", "mod")

core: Any = importlib.import_module("docutils.core")  # it is not typed
roles: Any = importlib.import_module("docutils.parsers.rst.roles")
nodes: Any = importlib.import_module("docutils.nodes")
for role in ROLES:
    roles.register_generic_role(role, nodes.literal)  # Sphinx defines them


def _docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if text := ast.get_docstring(node):
                    yield getattr(node, "lineno", 1), text
            case _:
                pass


@pytest.mark.slow
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_have_valid_markup(path: Path) -> None:
    for line, docstring in _docstrings(path):
        problems = io.StringIO()
        text = "\n".join(map(escape_names, docstring.splitlines()))
        options = {"warning_stream": problems, "report_level": 2}
        core.publish_doctree(text, settings_overrides=options)
        assert not problems.getvalue(), f"{path.relative_to(ROOT)}:{line}\n{problems.getvalue()}"
