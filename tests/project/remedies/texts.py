"""Remedies in the error texts of the package, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3] / "reservation_core"
ROOMS: Final = ("domain", "rest", "gateways", "webhooks", "delivery", "book")
_NAMES: Final = (
    "remedy",
    "remedies",
    "fields",
    "_CHOSEN_BY_CLASS",
    "_REMEDY",
    "_RESUME",
    "_FETCH_FIRST",
    "_READ_AGAIN",
    "SETTABLE_STATUS",
)
_CALLS: Final = {
    "Problem": 1,
    "Forged": 2,
    "Rule": 3,
    "TypeError": 0,
    "ConfigurationError": 0,
    "NotSent": 0,
}
"""Calls that take a remedy, with the position of the argument."""
_METHODS: Final = ("_remedy", "__str__")


def remedy_texts() -> dict[str, str]:
    """Return each text with a remedy, and its module. A value in it is written as ``{}``."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = str(path.relative_to(ROOT))
            for text in _texts_of(ast.parse(path.read_text("utf-8"))):
                found.setdefault(text, module)
    return found


def _texts_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _NAMES:
                yield from _literals(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target, value in zip(targets, values, strict=True):
                    if isinstance(target, ast.Name) and target.id in _NAMES:
                        yield from _literals(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if (
                name in _NAMES
            ):
                yield from _literals(value)
            case ast.Call(func=ast.Name(id=name), args=args) if name in _CALLS:
                yield from (text for each in args[_CALLS[name] :][:1] for text in _literals(each))
            case ast.ClassDef() if _is_error(node):
                yield from _class_texts(node)
            case _:
                pass


def _is_error(node: ast.ClassDef) -> bool:
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    return any(base.endswith(("Error", "Failed", "Refused", "Reply", "Unknown")) for base in bases)


def _class_texts(node: ast.ClassDef) -> Iterator[str]:
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name in _METHODS:
            has_docstring = ast.get_docstring(method) is not None
            yield from (text for each in method.body[has_docstring:] for text in _literals(each))


def _literals(node: ast.AST) -> Iterator[str]:
    """Yield the texts in an expression, those of f-strings as one."""
    match node:
        case ast.Constant(value=str(text)):
            if " " in text.strip():
                yield text
        case ast.JoinedStr(values=parts):
            pieces = [part.value if isinstance(part, ast.Constant) else "{}" for part in parts]
            text = "".join(map(str, pieces))
            if " " in text.strip():
                yield text
        case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
            yield from _literals(value)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _literals(child)
