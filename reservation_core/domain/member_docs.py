"""Docstrings of the members of a class: of enum members and of fields.

Such a docstring is the string literal below the member. Editors and Sphinx read it in the source,
because Python drops it. This module does the same, so that ``help()`` shows it, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import ast

_E = TypeVar("_E", bound=Enum)


def document_members(enum: type[_E]) -> type[_E]:
    """Set the docstring of each member to the string below it.

    The source is read when a member's ``__doc__`` is first used. Without the source, a member has
    the docstring of its class.
    """
    enum.__doc__ = _Docstring(enum.__doc__)
    return enum


class _Docstring(str):
    """Docstring of an enum. It gives each member its own."""

    __slots__ = ()

    def __get__(self, member: Enum | None, owner: type[Enum]) -> str:
        return self if member is None else _read_class(owner).get(member.name, self)


def read_member_docs(declaration: type) -> Mapping[str, str]:
    """Return the strings below the members of a class, by name.

    Those of its bases are included. They are empty without the source, such as in a frozen
    application.

    >>> from reservation_core import Redirect
    >>> read_member_docs(Redirect)["call_sid"]
    'The live, parked call.'
    """
    found: dict[str, str] = {}
    for base in reversed(declaration.__mro__):
        found |= _read_class(base)
    return found


def _read_class(declaration: type) -> Mapping[str, str]:
    return _read_module(declaration.__module__).get(declaration.__qualname__, {})


@cache
def _read_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Return the strings of a module, by qualified class name and member."""
    # Imported lazily: they take 5 ms, and only documentation needs them.
    import ast  # noqa: PLC0415
    import inspect  # noqa: PLC0415

    def find_classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, ast.ClassDef):
                yield f"{prefix}{child.name}", child
                inner = f"{prefix}{child.name}."
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{prefix}{child.name}.<locals>."
            yield from find_classes(child, inner)

    def find_strings(declaration: ast.ClassDef) -> Iterator[tuple[str, str]]:
        for member, below in pairwise(declaration.body):
            match member, below:
                case (
                    ast.Assign(targets=[ast.Name(id=name)])
                    | ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    yield name, inspect.cleandoc(text)
                case _:
                    pass

    try:
        source = inspect.getsource(sys.modules[name])
    except (KeyError, OSError, TypeError):
        return {}
    return {found: dict(find_strings(body)) for found, body in find_classes(ast.parse(source), "")}
