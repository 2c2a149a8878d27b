"""The package explains itself where tools look: in ``help()``, on hover and in Sphinx."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

import pytest

import reservation_core
from reservation_core.book import AsyncStore, Store
from reservation_core.domain.lifecycle import Status

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = sorted(ROOT.joinpath("reservation_core").rglob("*.py"))
POINTER: Final = re.compile(
    r"((See|Like|As|(The )?same as|Equivalent to|Alias (of|for))\b[^\n]*|(:\w+:)?`[^`]*`\.?)\Z",
    re.IGNORECASE,
)
"""Text that only refers to another place."""


def _public_enums() -> Iterator[tuple[str, type[Enum]]]:
    """Yield every public enum of the package, with its place."""
    for path in SOURCES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = [ast.unparse(base) for base in node.bases]
                if any(base.endswith(("Enum", "Flag")) for base in bases):
                    yield (
                        f"{module}.{node.name}",
                        getattr(importlib.import_module(module), node.name),
                    )


ENUMS: Final = dict(_public_enums())


@pytest.mark.parametrize("name", ENUMS)
def test_every_member_of_a_public_enum_has_own_docstring(name: str) -> None:
    enum = ENUMS[name]
    silent = [member.name for member in enum if member.__doc__ in (None, enum.__doc__)]
    assert silent == []


def test_public_enums_are_found() -> None:
    assert Status in ENUMS.values()
    assert len(ENUMS) > 20


def test_member_docstrings_are_sentences() -> None:
    texts = [str(member.__doc__) for enum in ENUMS.values() for member in enum]
    assert [text for text in texts if not (text[0].isupper() and text.endswith("."))] == []


def test_no_comment_takes_the_place_of_a_docstring() -> None:
    # Neither help() nor the hover of an editor shows a comment that begins with "#:".
    found = [
        f"{path.relative_to(ROOT)}:{token.start[0]}"
        for path in SOURCES
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        if token.type == tokenize.COMMENT and token.string.startswith("#:")
    ]
    assert found == []


def test_no_docstring_only_refers_to_another() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {text}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if POINTER.match(text := ast.get_docstring(node) or "")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_pointer"),
    [
        ("See :meth:`AsyncBook.get`.", True),
        ("The same as :func:`fetch`, in an event loop.", True),
        (":meth:`AsyncBook.get`", True),
        ("See to it.\n\nIt needs more than a glance.", False),
        ("Return the entry of a reservation, or ``None``.", False),
    ],
)
def test_pointer_is_recognized(text: str, is_pointer: bool) -> None:
    assert (POINTER.match(text) is not None) is is_pointer


def test_store_for_threads_repeats_the_docstrings_of_its_async_twin() -> None:
    names = [name for name in vars(Store) if not name.startswith("_")]
    assert len(names) > 5
    for name in names:
        assert getattr(Store, name).__doc__ == getattr(AsyncStore, name).__doc__, name


@pytest.mark.parametrize("name", ["perform", "fetch", "list_reservations"])
def test_function_documents_the_parameters_and_errors_of_its_async_twin(name: str) -> None:
    described, twin = (
        re.findall(r"^:\w+ [^:]+:", inspect.getdoc(function) or "", re.MULTILINE)
        for function in (getattr(reservation_core, name), getattr(reservation_core, f"a{name}"))
    )
    assert described
    assert described == twin
