"""How callers who come at the same time are served by one piece of work: one commit, one round trip, for all who wait.

Nobody waits for company: whoever finds nobody at work begins at once, and who comes meanwhile is served together by the next.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


_LOST: Final = 1.0
"""Seconds after which a caller looks whether it waits in vain."""


class _Ticket(Generic[T, R]):
    """What one caller waits with."""

    __slots__ = ("called", "failure", "item", "left", "result", "served", "turn")

    def __init__(self, item: T) -> None:
        self.item = item
        self.served = False
        self.result: R | None = None
        self.failure: Exception | None = None
        self.left = False  # interrupted: it is called no more
        self.called = False  # and not awake yet
        self.turn = threading.Lock()  # held until it is called: it is served, or is to serve
        self.turn.acquire()

    def call(self) -> None:
        """Wake who waits; under the guard."""
        if not self.called:
            self.called = True
            self.turn.release()


class GroupCommit(Generic[T, R]):
    """Serves threads: one of those who wait does the work for all of them, and hands it on to the next.

    The next begins when all who were served are awake: by then who has more to ask has asked, and is served with those who came
    meanwhile. To begin at once parts the callers into two halves, each waiting for the other.

    Whoever is interrupted, and wherever, keeps the others waiting for a second at most: one who waits while nobody is at work takes the
    work over. What was worked on when it was interrupted is worked on once more.

    :param work: gives a result for each item, in order; when it fails for several, it is tried for each alone.
    :param shared_failures: the failures that would be everybody's; nobody is tried alone then.
    :param max_batch: how many items are worked on at once.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Sequence[R]],
        *,
        shared_failures: type[Exception] | tuple[()] = (),
        max_batch: int = 500,
    ) -> None:
        self._work: Final = work
        self._hopeless: Final = shared_failures
        self._max_batch: Final = max_batch
        self._guard: Final = threading.Lock()
        self._at_work: Final = threading.Lock()
        self._waiting: Final = deque[_Ticket[T, R]]()
        self._busy = False
        self._asleep = 0  # of those who were served and called

    def do(self, item: T) -> R:
        """Have one item worked on; what the work raises for it is raised."""
        ticket = _Ticket[T, R](item)
        try:
            with self._guard:
                self._waiting.append(ticket)
                leads, self._busy = not self._busy, True
            while not ticket.served:
                if leads:
                    self._lead(ticket)
                else:
                    leads = self._wait(ticket)
        except BaseException:  # interrupted: nobody else may wait for who is no more there
            self._leave(ticket)
            raise
        if ticket.failure is not None:
            raise ticket.failure
        return cast("R", ticket.result)

    def _wait(self, ticket: _Ticket[T, R]) -> bool:
        """Wait to be called, and tell whether it is to lead."""
        called = ticket.turn.acquire(timeout=_LOST)
        with self._guard:
            if called:
                self._wake(ticket)
            return not ticket.served and (called or not self._at_work.locked())

    def _wake(self, ticket: _Ticket[T, R]) -> None:
        ticket.called = False
        if ticket.served:
            self._asleep -= 1
            if not self._asleep:
                self._call_next()

    def _leave(self, ticket: _Ticket[T, R]) -> None:
        with self._guard:
            ticket.left = True
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            if ticket.called:
                self._wake(ticket)
                if not ticket.served:
                    self._call_next()

    def _lead(self, ticket: _Ticket[T, R]) -> None:
        with self._at_work:
            self._serve_waiting(ticket)

    def _serve_waiting(self, ticket: _Ticket[T, R]) -> None:
        with self._guard:
            if ticket.served:  # by one who took over
                self._wake(ticket)
                return
            if ticket not in self._waiting:  # whoever had taken it is gone
                self._waiting.appendleft(ticket)
            tickets = [
                self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_batch))
            ]
        try:
            self._serve(tickets)
        finally:
            with self._guard:
                others = [other for other in tickets if other is not ticket and not other.left]
                served = [other for other in others if other.served]
                self._waiting.extendleft(
                    other for other in reversed(others) if not other.served
                )  # when this was interrupted
                self._asleep = len(served)
                for other in served:
                    other.call()
                if not served:
                    self._call_next()

    def _call_next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            self._waiting[0].call()

    def _serve(self, tickets: Sequence[_Ticket[T, R]]) -> None:
        try:
            results = self._work([ticket.item for ticket in tickets])
        except Exception as failure:  # noqa: BLE001 - it is handed to who asked for it
            if len(tickets) > 1 and not isinstance(failure, self._hopeless):
                for ticket in tickets:
                    self._serve((ticket,))
                return
            for ticket in tickets:
                ticket.failure, ticket.served = failure, True
        else:
            for ticket, result in zip(tickets, results, strict=True):
                ticket.result, ticket.served = result, True


class AsyncGroupCommit(Generic[T, R]):
    """Serves tasks of one event loop, in a task of its own, which ends when nobody waits; else as :class:`GroupCommit`."""

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        shared_failures: type[Exception] | tuple[()] = (),
        max_batch: int = 500,
    ) -> None:
        self._work: Final = work
        self._hopeless: Final = shared_failures
        self._max_batch: Final = max_batch
        self._waiting: Final = deque[tuple[T, asyncio.Future[R]]]()
        self._task: asyncio.Task[None] | None = None

    async def do(self, item: T) -> R:
        """Have one item worked on; who is cancelled meanwhile leaves it to be done."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve_all())
        return await future

    async def _serve_all(self) -> None:
        while self._waiting:
            await self._serve(
                [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_batch))]
            )

    async def _serve(self, waiting: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in waiting])
        except Exception as failure:  # noqa: BLE001 - it is handed to who asked for it
            if len(waiting) > 1 and not isinstance(failure, self._hopeless):
                for one in waiting:
                    await self._serve((one,))
                return
            for _, future in waiting:
                if not future.done():
                    future.set_exception(failure)
        except BaseException:
            for _, future in (*waiting, *self._waiting):
                future.cancel()
            self._waiting.clear()
            raise
        else:
            for (_, future), result in zip(waiting, results, strict=True):
                if not future.done():
                    future.set_result(result)
