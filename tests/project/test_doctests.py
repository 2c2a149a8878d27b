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
def test_docstring_examples_pass(name: str) -> None:
    names: dict[str, object] = {
        name: getattr(reservation_core, name) for name in reservation_core.__all__
    }
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(module, extraglobs=names | vars(module), optionflags=flags)
    assert result.failed == 0


def test_docstrings_hold_at_least_ten_examples() -> None:
    finder = doctest.DocTestFinder()
    found = sum(
        len(test.examples)
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
    )
    assert found >= 10
