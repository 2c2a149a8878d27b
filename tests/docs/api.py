"""Directives that document every public name of a room."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from typing import Final

from reservation_core.domain.commands.catalogue import COMMANDS

IMPORTED_FROM: Final[Mapping[str, str | None]] = {
    "domain": "reservation_core",
    "rest": "reservation_core",
    "diagrams": None,
    "gateways": "reservation_core",
    "webhooks": "reservation_core.webhooks",
    "delivery": "reservation_core",
    "emulator": "reservation_core.emulator",
    "book": "reservation_core.book",
    "testing": None,
    "parity": "reservation_core.parity",
    "cli": None,
}
"""The rooms, and the package from which the main names of each are imported."""


def write_room(room: str) -> str:
    """Return the API of a room: its main names, then the rest of each module."""
    package = IMPORTED_FROM[room]
    exported = dict(_exported_names(room, package)) if package else {}
    sections = [_directive(f"automodule:: reservation_core.{room}", ":no-members:")]
    if exported:
        sections.append(f"## Names in `{package}`")
        sections += [_directive(*lines) for lines in exported.values()]
    sections.append("## Modules\n\nThe other names of the room. Import each from its module.")
    exclude = f":exclude-members: {', '.join(exported)}"
    for module in _modules(room):
        sections.append(f"### `{module}`")
        sections.append(_directive(f"automodule:: {module}", ":ignore-module-all:", exclude))
    return "\n\n".join(sections) + "\n"


def _directive(head: str, *options: str) -> str:
    lines = (f".. {head}", *(f"   {option}" for option in options))
    return "\n".join(("```{eval-rst}", *lines, "```"))


def _exported_names(room: str, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name and directive of each exported class and function."""
    exporting = importlib.import_module(package)
    for name in sorted(exporting.__all__, key=str.lower):
        value: object = getattr(exporting, name)
        if not getattr(value, "__module__", "").startswith(f"reservation_core.{room}."):
            continue
        if inspect.isfunction(value):
            yield name, (f"autofunction:: {package}.{name}",)
        elif inspect.isclass(value) and issubclass(value, BaseException):
            yield name, (f"autoexception:: {package}.{name}",)
        elif value in COMMANDS:  # the class documents the fields, and Command the rest
            yield name, (f"autoclass:: {package}.{name}", ":no-members:")
        elif inspect.isclass(value):
            yield name, (f"autoclass:: {package}.{name}",)


def escape_names(line: str) -> str:
    """Keep the underscore at the end of a parameter's name.

    It would be a link in reStructuredText.
    """
    return re.sub(r"^(\s*:param \w+)_:", r"\1\\_:", line)


def _modules(room: str) -> list[str]:
    package = importlib.import_module(f"reservation_core.{room}")
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [module.name for module in found if not module.name.endswith("__main__")]
