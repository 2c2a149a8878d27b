"""Choices of a run: all of them within a bound, or drawn ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import Random
from typing import Final, Protocol


class Chooser(Protocol):
    """Chooses what happens next."""

    def choose(self, count: int, state: Callable[[], Hashable]) -> int:
        """Return the number of one of several possibilities.

        :param state: returns everything on which the rest of the run depends.
        """
        ...


class SeenBefore(Exception):
    """The run reached a state from which everything was explored."""


class DrawnChoices:
    """Choices that a seed determines.

    :param seed: the same seed makes the same choices.
    """

    def __init__(self, seed: int) -> None:
        self._random: Final = Random(seed)

    def choose(self, count: int, state: Callable[[], Hashable]) -> int:
        """Draw a number. The first possibility, which is no fault, is as likely as all others."""
        del state
        return 0 if self._random.random() < 0.5 else self._random.randrange(count)


class Explorer:
    """Depth-first search through all choices. No state is explored twice."""

    def __init__(self) -> None:
        self.runs = 0
        self._seen: set[Hashable] = set()
        self._open: list[tuple[int, ...]] = [()]
        self._path: tuple[int, ...] = ()
        self._made: list[int] = []

    @property
    def states(self) -> int:
        """Number of different states that were reached."""
        return len(self._seen)

    def begin(self) -> bool:
        """Begin the next run. Return false if none is left."""
        if not self._open:
            return False
        self._path, self._made = self._open.pop(), []
        self.runs += 1
        return True

    def choose(self, count: int, state: Callable[[], Hashable]) -> int:
        """Repeat the choices of the path, then take the first.

        :raises SeenBefore: if nothing new can follow.
        """
        place = len(self._made)
        if place < len(self._path):
            self._made.append(self._path[place])
            return self._path[place]
        reached = state()
        if reached in self._seen:
            raise SeenBefore
        self._seen.add(reached)
        self._open += [(*self._made, number) for number in range(count - 1, 0, -1)]
        self._made.append(0)
        return 0
