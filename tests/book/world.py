"""A platform, a book, and a gateway with injected faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from reservation_core import Accept, Call, Command, Policy, Reply, Request, Status
from reservation_core.book import Book, Entry, MemoryStore
from reservation_core.emulator import InMemoryGateway
from tests.book.scenario import Scenario, sid

S: Final = Status
WR: Final = sid("WR", 0)
NO_WAIT: Final = Policy(backoff=0.0)
ALONE: Final = Policy(backoff=0.0, sole_writer=True)
CALL: Final = Call(from_="+15005550006", url="https://example.com")

Fault: TypeAlias = BaseException | Reply | Callable[[], object] | None
"""Injected fault: an error, another reply, a call that is made meanwhile, or none."""


class ProcessCrash(BaseException):
    """Stands for the end of a process."""


class World:
    """A platform, a book in memory, and a gateway with injected faults."""

    def __init__(self, count: int = 1) -> None:
        self.scenario = Scenario(count)
        self.store = MemoryStore()
        self.book = self.open_node()
        self.book.record_all(self.scenario.events)
        self.requests: list[Request] = []
        self.before: list[Fault] = []  # the fault of each request before it arrives
        self.after: list[Fault] = []  # the fault of each request after it was executed
        self._gateway = InMemoryGateway(self.scenario.platform)

    def open_node(self) -> Book:
        """Open the book as another process."""
        return Book(self.store, clock=self.scenario.clock, sleep=lambda _: None)

    def send(self, request: Request) -> Reply:
        """Send a request, with the next faults."""
        self.requests.append(request)
        if (replaced := self._inject(self.before)) is not None:
            return replaced
        reply = self._gateway.send(request)
        return self._inject(self.after) or reply

    async def asend(self, request: Request) -> Reply:
        """Send a request in an event loop."""
        await asyncio.sleep(0)
        return self.send(request)

    @staticmethod
    def _inject(faults: list[Fault]) -> Reply | None:
        match faults.pop(0) if faults else None:
            case BaseException() as failure:
                raise failure
            case Reply() as reply:
                return reply
            case None:
                return None
            case action:
                action()
                return None

    @property
    def entry(self) -> Entry:
        """The entry of the first reservation."""
        entry = self.book.get(WR)
        assert entry is not None
        return entry

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Type and outcome of each history line."""
        return [(line.type, line.outcome.value) for line in self.book.history(WR)]

    @property
    def actions(self) -> list[str]:
        """Commands that the platform executed."""
        journal = self.scenario.platform.journal
        return [action.trigger for action in journal if action.by == "client"]

    @property
    def methods(self) -> list[str]:
        """Methods of the requests."""
        return [request.method for request in self.requests]


def crash(world: World, *, acted: bool, command: Command = Accept()) -> None:  # noqa: B008 - it is frozen
    """Perform a command whose process ends, and let two minutes pass.

    :param acted: true if the process ends after the command was executed.
    """
    faults = world.after if acted else world.before
    faults.append(ProcessCrash())
    with pytest.raises(ProcessCrash):
        world.book.perform(WR, command, world)
    world.scenario.clock.advance(120)
    world.requests.clear()
