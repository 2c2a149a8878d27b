"""Callers who come at the same time are served by one piece of work, and nobody waits for ever, whoever fails or is interrupted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from reservation_core.book.together import AsyncTogether, Together


class Interrupted(BaseException):
    """What a person does who does not want to wait."""


class Slow:
    """Work that begins when it is let, and keeps what it was given together."""

    def __init__(self) -> None:
        self.batches: list[Sequence[int]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.raises: list[BaseException | None] = []

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        """Double each; refuse 13."""
        self.batches.append(list(items))
        self.begun.release()
        assert self.go_on.acquire(timeout=10)
        if self.raises and (failure := self.raises.pop(0)):
            raise failure
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


class Callers:
    """Threads that each ask for one thing."""

    def __init__(self, together: Together[int, int]) -> None:
        self.together = together
        self.outcomes: dict[int, object] = {}
        self.threads: list[threading.Thread] = []

    def call(self, item: int) -> None:
        """Ask, in a thread, and come to the queue."""

        def ask() -> None:
            try:
                self.outcomes[item] = self.together.do(item)
            except BaseException as failure:  # noqa: BLE001 - it is looked at
                self.outcomes[item] = type(failure)

        before = len(self.waiting)
        self.threads.append(threading.Thread(target=ask))
        self.threads[-1].start()
        while len(self.threads) > 1 and len(self.waiting) == before:
            pass

    @property
    def waiting(self) -> Sequence[object]:
        """Who waits."""
        return self.together._waiting  # pyright: ignore[reportPrivateUsage]

    def join(self) -> dict[int, object]:
        """Wait for all."""
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.outcomes


def test_who_comes_meanwhile_is_served_together() -> None:
    """The first begins at once and alone; those who come meanwhile are served by one of them, in their order, at most so many at once."""
    work = Slow()
    callers = Callers(Together(work, most=3))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    for item in (2, 3, 4, 5):
        callers.call(item)
    for _ in range(3):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert work.batches == [[1], [2, 3, 4], [5]]


def test_who_fails_fails_alone() -> None:
    """Where work for several fails, it is tried for each alone, and only who is at fault is told."""
    work = Slow()
    callers = Callers(Together(work))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    for item in (2, 13, 4):
        callers.call(item)
    for _ in range(5):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 13: ValueError, 4: 8}
    assert work.batches == [[1], [2, 13, 4], [2], [13], [4]]


def test_who_is_interrupted_at_work_leaves_it_to_the_next() -> None:
    """Where the one at work is interrupted, those it worked for are served by the next, each once."""
    work = Slow()
    callers = Callers(Together(work))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    for item in (2, 3, 4):
        callers.call(item)
    work.raises = [None, Interrupted()]
    for _ in range(3):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: Interrupted, 3: 6, 4: 8}
    assert work.batches == [[1], [2, 3, 4], [3, 4]]


@pytest.mark.parametrize("called", [False, True])
def test_who_is_interrupted_while_waiting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, *, called: bool) -> None:
    """Who is interrupted while waiting is served by nobody, or, where it was just called to serve, serves those who wait with it."""
    work = Slow()
    together = Together(work)
    callers = Callers(together)
    callers.call(1)
    assert work.begun.acquire(timeout=10)

    class Turn:
        """A lock whose waiting is interrupted, before or after it was released."""

        def __init__(self) -> None:
            self.within = threading.Lock()
            self.acquired = False

        def acquire(self) -> bool:
            """Take it, and the second time be interrupted."""
            if not self.acquired:
                self.acquired = True
                return self.within.acquire()
            if called:
                self.within.acquire()
                self.within.release()
            raise Interrupted

        def release(self) -> None:
            """Let it go."""
            self.within.release()

        def locked(self) -> bool:
            """Tell."""
            return self.within.locked()

    class Turns:
        Lock = Turn

    failures: list[object] = []

    def hook(told: threading.ExceptHookArgs) -> None:
        failures.append(told.exc_type)

    with monkeypatch.context() as patched:
        patched.setattr("reservation_core.book.together.threading", Turns)
        waiting = threading.Thread(target=callers.together.do, args=(2,))
        monkeypatch.setattr(threading, "excepthook", hook)
        waiting.start()
        if called:
            while not callers.waiting:
                pass
        else:
            waiting.join(10)
    callers.call(3)
    for _ in range(3):
        work.go_on.release()
    assert callers.join() == {1: 2, 3: 6}
    waiting.join(10)
    assert failures == [Interrupted]
    assert work.batches == ([[1], [2, 3]] if called else [[1], [3]])


def test_tasks_are_served_together() -> None:
    """In an event loop it is the same, and whoever is cancelled is served without being told."""
    batches: list[Sequence[int]] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        await asyncio.sleep(0.001)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]

    async def ask() -> list[object]:
        together = AsyncTogether(work, most=3)
        tasks = [asyncio.ensure_future(together.do(item)) for item in (1, 2, 3, 13, 5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        again = await together.do(7)
        cancelled = asyncio.ensure_future(together.do(13))
        await asyncio.sleep(0.0005)
        cancelled.cancel()
        await asyncio.sleep(0.01)
        return [*(type(outcome) if isinstance(outcome, BaseException) else outcome for outcome in outcomes), again]

    assert asyncio.run(ask()) == [2, asyncio.CancelledError, 6, ValueError, 10, 14]
    assert batches == [[1, 2, 3], [13, 5], [13], [5], [7], [13]]


def test_where_the_loop_ends_all_who_wait_are_cancelled() -> None:
    """Where the work itself is cancelled, with its event loop, nobody is left waiting."""

    async def work(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(60)
        return items

    async def ask() -> list[bool]:
        together = AsyncTogether(work, most=1)
        tasks = [asyncio.ensure_future(together.do(item)) for item in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert together._task is not None  # pyright: ignore[reportPrivateUsage]
        together._task.cancel()  # pyright: ignore[reportPrivateUsage]
        return [isinstance(outcome, asyncio.CancelledError) for outcome in await asyncio.gather(*tasks, return_exceptions=True)]

    assert asyncio.run(ask()) == [True, True]
