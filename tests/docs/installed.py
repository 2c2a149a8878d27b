"""Python environments that hold only what a page installs.

A page installs them in a block, or in text as ``pip install …`` in backticks.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.pages import ROOT

PROJECT: Final[Mapping[str, Any]] = tomllib.loads(
    ROOT.joinpath("pyproject.toml").read_text("utf-8")
)["project"]
PLUGINS: Final = "_hypothesis_pytestplugin,_reservation_core_plugins.pytest_plugin"

_HIDE: Final = '''"""Hides packages that a page does not install."""

import sys

HIDDEN = frozenset({hidden})


class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}: the page does not install it")


sys.meta_path.insert(0, Hiding)
'''


def read_installed(page: Path) -> Iterator[str]:
    """Yield the requirements that a page installs."""
    text = page.read_text("utf-8")
    for words in re.findall(r"(?<=pip install )[^`\n]+", text):
        for word in shlex.split(words):
            if not word.startswith("-"):
                yield word.replace("/path/to/", "")


def find_packages(requirements: Iterable[str]) -> set[str]:
    """Return the names of the packages that pip installs for requirements."""
    waiting = list(map(Requirement, requirements))
    done: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {each for of, each in done if of == name}:
            done.add((name, extra))
            if name == PROJECT["name"]:
                extras = PROJECT["optional-dependencies"]
                waiting += map(Requirement, extras[extra] if extra else PROJECT["dependencies"])
            else:
                waiting += _requirements(name, extra)
    return {name for name, _ in done}


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    try:
        found = requires(name) or ()
    except PackageNotFoundError:  # only for another platform or version
        return
    for requirement in map(Requirement, found):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def hide_others(folder: Path, page: Path) -> Mapping[str, str]:
    """Return settings of a Python that imports only what a page installs."""
    allowed = find_packages(read_installed(page))
    hidden = {
        module
        for module, names in packages_distributions().items()
        if allowed.isdisjoint(map(canonicalize_name, names))
    }
    (folder / "sitecustomize.py").write_text(_HIDE.format(hidden=sorted(hidden)), "utf-8")
    return {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": PLUGINS,
    }
