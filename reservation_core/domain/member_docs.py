"""Docstrings of the members of an enum.

Python drops the string below a member. Editors and Sphinx read it in the source.
:func:`document_members` does the same, so that ``help()`` and ``__doc__`` show it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TypeVar

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
        return self if member is None else _read(owner).get(member.name, self)


@cache
def _read(enum: type[Enum]) -> Mapping[str, str]:
    """Return the strings below the members in the source of an enum."""
    # Imported lazily: they take 5 ms, and only documentation needs them.
    import ast  # noqa: PLC0415
    import inspect  # noqa: PLC0415
    import textwrap  # noqa: PLC0415

    try:
        source = textwrap.dedent(inspect.getsource(enum))
    except (OSError, TypeError):
        return {}
    (declaration,) = ast.parse(source).body
    assert isinstance(declaration, ast.ClassDef)
    found: dict[str, str] = {}
    for line, below in zip(declaration.body, declaration.body[1:], strict=False):
        match line, below:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found
