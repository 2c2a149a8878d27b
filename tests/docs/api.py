"""Directives that document every public name of a room."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Final

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
    "cli": None,
}
"""The rooms, and the package from which the main names of each are imported."""


def write_room(room: str) -> str:
    """Return the API of a room: its main names, then the rest of each module."""
    package = IMPORTED_FROM[room]
    exported = list(_exported_names(room, package)) if package else []
    sections = [f"```{{eval-rst}}\n.. automodule:: reservation_core.{room}\n   :no-members:\n```"]
    if exported:
        sections.append(f"## Names in `{package}`")
        sections += [
            f"```{{eval-rst}}\n.. auto{kind}:: {package}.{name}\n```" for kind, name in exported
        ]
    names = ", ".join(name for _, name in exported)
    for module in _modules(room):
        sections.append(f"## `{module}`")
        exclude = f"\n   :exclude-members: {names}" if names else ""
        sections.append(
            f"```{{eval-rst}}\n.. automodule:: {module}\n   :ignore-module-all:{exclude}\n```"
        )
    return "\n\n".join(sections) + "\n"


def _exported_names(room: str, package: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of each exported class and function."""
    exporting = importlib.import_module(package)
    for name in sorted(exporting.__all__, key=str.lower):
        value: object = getattr(exporting, name)
        if getattr(value, "__module__", "").startswith(f"reservation_core.{room}."):
            if inspect.isclass(value):
                yield ("exception" if issubclass(value, BaseException) else "class"), name
            elif inspect.isfunction(value):
                yield "function", name


def _modules(room: str) -> list[str]:
    package = importlib.import_module(f"reservation_core.{room}")
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [module.name for module in found if not module.name.endswith("__main__")]
