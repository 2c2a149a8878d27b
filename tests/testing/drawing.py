"""Deterministic draws from a strategy: many values, or the simplest one."""

from collections.abc import Callable
from operator import attrgetter
from random import Random
from typing import TypeVar

from hypothesis import Phase, find, given, settings
from hypothesis.strategies import SearchStrategy

_T = TypeVar("_T")


def drawn(strategy: SearchStrategy[_T], number: int) -> list[_T]:
    """Draw a number of values, each from its own random bytes.

    The values are spread evenly, unlike those of a test, which learns from earlier draws.
    """
    found: list[_T] = []

    @settings(database=None, deadline=None)
    @given(strategy)
    def collect(value: _T) -> None:
        found.append(value)

    draw: Callable[[bytes], object] = attrgetter("hypothesis.fuzz_one_input")(collect)
    random = Random(number)
    for _ in range(3 * number):
        if len(found) < number:
            draw(random.randbytes(2000))
    assert len(found) == number
    return found


def least(strategy: SearchStrategy[_T], when: Callable[[_T], object] = lambda _: True) -> _T:
    """Return the simplest value with a property."""
    wanted = settings(
        max_examples=2000, database=None, deadline=None, phases=[Phase.generate, Phase.shrink]
    )
    return find(strategy, lambda value: bool(when(value)), settings=wanted, random=Random(1))
