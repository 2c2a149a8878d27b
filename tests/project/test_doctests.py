"""The examples in docstrings."""

import doctest
import importlib
import pkgutil

import pytest

import reservation_core

MODULES = [
    module.name for module in pkgutil.walk_packages(reservation_core.__path__, "reservation_core.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    """Every example in a module's docstrings gives what it says."""
    names: dict[str, object] = {
        name: getattr(reservation_core, name) for name in reservation_core.__all__
    }
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, extraglobs=names | vars(module), optionflags=flags)
    assert result.failed == 0


def test_there_are_examples() -> None:
    """The examples are found at all."""
    finder = doctest.DocTestFinder()
    found = sum(
        len(test.examples)
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
    )
    assert found >= 10
