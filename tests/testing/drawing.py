"""Draws from a strategy the same way each time: many values, or the least one."""

from collections.abc import Callable
from operator import attrgetter
from random import Random
from typing import TypeVar

from hypothesis import Phase, find, given, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def drawn(strategy: SearchStrategy[T], number: int) -> list[T]:
    """Draw so many values, each from random bytes of its own: evenly, and quicker than by a test, which also learns from what it draws."""
    found: list[T] = []

    @settings(database=None, deadline=None)
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    draw: Callable[[bytes], object] = attrgetter("hypothesis.fuzz_one_input")(collect)
    random = Random(number)
    for _ in range(3 * number):
        if len(found) < number:
            draw(random.randbytes(2000))
    assert len(found) == number
    return found


def least(strategy: SearchStrategy[T], when: Callable[[T], object] = lambda _: True) -> T:
    """Find the least value of which something is true."""
    wanted = settings(
        max_examples=2000, database=None, deadline=None, phases=[Phase.generate, Phase.shrink]
    )
    return find(strategy, lambda value: bool(when(value)), settings=wanted, random=Random(1))
