"""Docstrings of the commands, with an entry for each parameter.

The sentence about a parameter is the string literal beneath its field, where editors show it.
Python does not keep such literals, so they are read from the source. Without the source, such as
in a frozen application, the docstring has all facts but these sentences.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from reservation_core.domain.commands.extra import EXTRA_FIELD
from reservation_core.domain.commands.parameters import Parameter, Rule

_RAISES: Final = ":raises InvalidCommand: if a value breaks a rule. It names all broken rules."


def complete_docstring(
    command: type, description: str, parameters: Sequence[Parameter], rules: Sequence[Rule]
) -> str:
    """Return the description of a command with its rules and parameters."""
    summaries = read_summaries(command)
    sentences = (f"``{rule.fields[0]}`` {rule.rule}." for rule in rules)
    entries = [_write_entry(parameter, summaries) for parameter in parameters]
    if extra := summaries.get(EXTRA_FIELD):
        entries.append(f":param {EXTRA_FIELD}: {' '.join(extra.split())}")
    return "\n\n".join(
        (description, *map(_wrap, sentences), "\n".join((*map(_wrap, entries), _RAISES)))
    )


def _wrap(text: str) -> str:
    return textwrap.fill(
        text, 100, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _write_entry(parameter: Parameter, summaries: Mapping[str, str]) -> str:
    info = parameter.info
    facts = (
        f":param {parameter.field}:",
        summaries.get(parameter.field, ""),
        f"Takes {parameter.kind.describe()}.",
        "Required." if parameter.is_required else "",
        f"If unset: {info.if_unset}." if info.if_unset else "",
        f"Has an effect only with ``{'`` or ``'.join(info.depends_on)}``."
        if info.depends_on
        else "",
        f"Sent as ``{parameter.wire_name}``" + ("." if info.code is None else ";"),
        f"platform error {info.code}." if info.code else "",
    )
    return " ".join(filter(None, facts))


def read_summaries(command: type) -> Mapping[str, str]:
    """Return the sentences about the fields of a class, by field.

    Those of its bases are included. They are empty if the source is not there.

    >>> from reservation_core import Redirect
    >>> read_summaries(Redirect)["call_sid"]
    'The live, parked call.'
    """
    summaries: dict[str, str] = {}
    for kind in reversed(command.__mro__):
        summaries |= _read_module(kind.__module__).get(kind.__qualname__, {})
    return summaries


@cache
def _read_module(name: str) -> Mapping[str, Mapping[str, str]]:
    try:
        source = inspect.getsource(sys.modules[name])
    except (KeyError, OSError, TypeError):
        return {}
    return {name: _read_class(found) for name, found in _find_classes(ast.parse(source), "")}


def _find_classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", child
            inner = f"{prefix}{child.name}."
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}{child.name}.<locals>."
        yield from _find_classes(child, inner)


def _read_class(declaration: ast.ClassDef) -> Mapping[str, str]:
    return {
        field.target.id: inspect.cleandoc(literal.value.value)
        for field, literal in pairwise(declaration.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and not ast.unparse(field.annotation).startswith("ClassVar")
        and isinstance(literal, ast.Expr)
        and isinstance(literal.value, ast.Constant)
        and isinstance(literal.value.value, str)
    }
