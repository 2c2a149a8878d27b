"""The rules of the project's language that a script can judge.

They hold for the package and for its tests. A reader judges the rest.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import pytest

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = {
    "book",
    "cli",
    "delivery",
    "diagrams",
    "domain",
    "emulator",
    "gateways",
    "parity",
    "rest",
    "testing",
    "webhooks",
}
MOST_WORDS: Final = 12
ADAPTERS: Final = {"receive", "respond"}
"""The two functions that the adapters of all web frameworks offer under the same names."""

Documented: TypeAlias = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _sources(folder: str) -> list[Path]:
    return sorted(ROOT.joinpath(folder).rglob("*.py"))


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def _summaries() -> list[tuple[str, str]]:
    """Return the place and the summary of every docstring."""
    sources = (*_sources("reservation_core"), *_sources("tests"))
    return [summary for path in sources for summary in _summaries_of(path)]


def _summaries_of(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            line = getattr(node, "lineno", 1)
            yield f"{path.relative_to(ROOT)}:{line}", text.split("\n\n")[0].replace("\n", " ")


def _member_summaries(path: Path) -> Iterator[tuple[str, str]]:
    """Give the place and the summary of every string below a member."""
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Module | ast.ClassDef):
            for above, below in pairwise(node.body):
                match above, below:
                    case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(str(text))):
                        place = f"{path.relative_to(ROOT)}:{below.lineno}"
                        yield place, text.split("\n\n")[0].replace("\n", " ")
                    case _:
                        pass


def _public_names(path: Path) -> Iterator[str]:
    """Give the public names that a module defines at its top."""
    for node in _parse(path).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from _stored(*targets)
            case ast.AnnAssign(target=target):
                yield from _stored(target)
            case _:
                pass


def _stored(*targets: ast.expr) -> Iterator[str]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id


def test_summary_does_not_begin_with_a_question_word() -> None:
    question = re.compile(r"(What|Who|Whose|Whether|How|Where|Which|Whoever|Whatever)\b")
    members = [
        summary
        for folder in ("reservation_core", "tests")
        for path in _sources(folder)
        for summary in _member_summaries(path)
    ]
    assert len(members) > 100
    found = [place for place, summary in (*_summaries(), *members) if question.match(summary)]
    assert found == []


def test_summary_has_at_most_twelve_words() -> None:
    long = [(place, summary) for place, summary in _summaries() if _words(summary) > MOST_WORDS]
    assert long == []


def _words(summary: str) -> int:
    first_sentence = re.split(r"(?<=[.:])\s", summary, maxsplit=1)[0]
    return len(first_sentence.split())


def test_summary_has_no_semicolon() -> None:
    assert [place for place, summary in _summaries() if ";" in summary] == []


def test_public_name_is_defined_in_one_module_only() -> None:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for path in _sources("reservation_core"):
        for name in _public_names(path):
            if not name.startswith("_"):
                places[name].add(str(path.relative_to(ROOT)))
    twice = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in ADAPTERS} == {}
    assert twice.keys() == ADAPTERS


def test_package_holds_the_rooms_only() -> None:
    found = {
        path.name
        for path in ROOT.joinpath("reservation_core").iterdir()
        if path.name != "__pycache__"
    }
    assert found == {*ROOMS, "__init__.py", "__main__.py", "_extras.py", "py.typed"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_test_file_stands_where_its_module_stands(room: str) -> None:
    folder = ROOT / "tests" / room
    package = ROOT / "reservation_core"
    stray = [
        str(path.relative_to(ROOT))
        for path in folder.rglob("test_*.py")
        if not _has_module(package / path.relative_to(ROOT / "tests").parent, path.stem[5:])
    ]
    assert stray == []


def _has_module(folder: Path, name: str) -> bool:
    """Return whether the name begins with a module's or its package's."""
    modules = {path.stem.strip("_") for path in folder.glob("*") if path.suffix in ("", ".py")}
    return any(
        name == module or name.startswith(f"{module}_") for module in {*modules, folder.name}
    )


def test_test_name_does_not_begin_with_a_question_word() -> None:
    vague = re.compile(r"test_(what|who|whose|whoever|whatever|whether|how|where|which|it|they)_")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for folder in ("reservation_core/testing/contract", "tests")
        for path in _sources(folder)
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and vague.match(node.name)
    ]
    assert found == []
