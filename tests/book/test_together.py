"""Callers who come at the same time are served by one piece of work, and nobody waits for ever, whoever fails or is interrupted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from types import SimpleNamespace

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


class Turn:
    """A lock whose waiting can be interrupted, before or when it is let go, or go on for a while then."""

    def __init__(self) -> None:
        self.within = threading.Lock()
        self.interrupted = threading.Event()
        self.interrupted_when_called = False
        self.wakes = threading.Event()
        self.wakes.set()

    def acquire(self) -> bool:
        """Take it, or be interrupted."""
        while not self.within.acquire(timeout=0.001):
            if self.interrupted.is_set():
                raise Interrupted
        assert self.wakes.wait(10)
        if self.interrupted_when_called:
            raise Interrupted
        return True

    def release(self) -> None:
        """Let it go."""
        self.within.release()


def turns_of(callers: Callers, monkeypatch: pytest.MonkeyPatch, *items: int) -> dict[int, Turn]:
    """Have items asked for while the first one is worked on, and give what each caller waits with."""
    turns: list[Turn] = []

    def lock() -> Turn:
        turns.append(Turn())
        return turns[-1]

    monkeypatch.setattr("reservation_core.book.together.threading", SimpleNamespace(Lock=lock))
    for item in items:
        callers.call(item)
    return dict(zip(items, turns, strict=True))


@pytest.mark.parametrize("called", [False, True])
def test_who_is_interrupted_while_waiting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, *, called: bool) -> None:
    """Who is interrupted while waiting is served by nobody, or, where it was just called to serve, serves those who wait with it."""
    work = Slow()
    callers = Callers(Together(work))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    turns = turns_of(callers, monkeypatch, 2, 3)
    if called:
        turns[2].interrupted_when_called = True
    else:
        turns[2].interrupted.set()
        callers.threads[1].join(10)
    for _ in range(2):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: Interrupted, 3: 6}
    assert work.batches == ([[1], [2, 3]] if called else [[1], [3]])


@pytest.mark.parametrize("leader_too", [False, True])
@pytest.mark.parametrize("called", [False, True])
def test_who_is_interrupted_while_it_is_worked_for_keeps_nobody_back(
    monkeypatch: pytest.MonkeyPatch, *, called: bool, leader_too: bool
) -> None:
    """Who leaves while its own is worked on, or when it is called, is not waited for: the next is served, whoever is left to do it."""
    work = Slow()
    callers = Callers(Together(work, most=3))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    turns = turns_of(callers, monkeypatch, 2, 3, 4, 5)
    work.raises = [None, Interrupted() if leader_too else None]
    work.go_on.release()
    assert work.begun.acquire(timeout=10)
    if called:
        turns[3].interrupted_when_called = True
    else:
        turns[3].interrupted.set()
        callers.threads[2].join(10)
    for _ in range(2):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: Interrupted if leader_too else 4, 3: Interrupted, 4: 8, 5: 10}
    last = [5] if not leader_too else [3, 4, 5] if called else [4, 5]
    assert work.batches == [[1], [2, 3, 4], last]


def test_the_next_begins_when_all_who_were_served_are_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was served and asks again is served with those who came meanwhile: they are not begun before it could ask."""
    work = Slow()
    callers = Callers(Together(work, most=3))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    turns = turns_of(callers, monkeypatch, 2, 3, 4, 5)
    for item in (3, 4):
        turns[item].wakes.clear()
    for _ in range(2):
        work.go_on.release()
    assert work.begun.acquire(timeout=10)  # for 2, 3 and 4
    callers.threads[1].join(10)
    for item in (3, 4):
        assert not work.begun.acquire(timeout=0.05)
        turns[item].wakes.set()
    assert work.begun.acquire(timeout=10)
    work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert work.batches == [[1], [2, 3, 4], [5]]


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
