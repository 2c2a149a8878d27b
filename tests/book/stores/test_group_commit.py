"""Tests of group commit for threads and for asyncio tasks."""

from __future__ import annotations

import asyncio
import linecache
import sys
import threading
import time
from collections.abc import Sequence
from itertools import count
from types import FrameType, FunctionType, SimpleNamespace
from typing import Any, Final

import pytest

from reservation_core.book.stores.group_commit import AsyncGroupCommit, GroupCommit, _Waiter  # pyright: ignore[reportPrivateUsage]


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

    def __init__(self, together: GroupCommit[int, int]) -> None:
        self.together = together
        self.outcomes: dict[int, object] = {}
        self.threads: list[threading.Thread] = []

    def call(self, item: int) -> None:
        """Ask, in a thread, and come to the queue."""

        def ask() -> None:
            try:
                self.outcomes[item] = self.together.submit(item)
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


def test_waiting_items_share_one_call_of_work() -> None:
    """The first starts alone. The others follow in their order, in batches."""
    work = Slow()
    callers = Callers(GroupCommit(work, max_batch=3))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    for item in (2, 3, 4, 5):
        callers.call(item)
    for _ in range(3):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert work.batches == [[1], [2, 3, 4], [5]]


def test_failed_batch_is_retried_one_by_one() -> None:
    work = Slow()
    callers = Callers(GroupCommit(work))
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    for item in (2, 13, 4):
        callers.call(item)
    for _ in range(5):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 13: ValueError, 4: 8}
    assert work.batches == [[1], [2, 13, 4], [2], [13], [4]]


def test_next_leader_serves_the_group_of_an_interrupted_leader() -> None:
    work = Slow()
    callers = Callers(GroupCommit(work))
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

    def acquire(self, timeout: float = 60.0) -> bool:
        """Take it, or be interrupted."""
        end = time.monotonic() + timeout
        while not self.within.acquire(timeout=0.001):
            if self.interrupted.is_set():
                raise Interrupted
            if time.monotonic() > end:
                return False
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

    monkeypatch.setattr(
        "reservation_core.book.stores.group_commit.threading", SimpleNamespace(Lock=lock)
    )
    for item in items:
        callers.call(item)
    return dict(zip(items, turns, strict=True))


@pytest.mark.parametrize("called", [False, True])
def test_interrupted_waiter_is_not_served(monkeypatch: pytest.MonkeyPatch, *, called: bool) -> None:
    """If it was just chosen to lead, the next waiter leads."""
    work = Slow()
    callers = Callers(GroupCommit(work))
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
    assert work.batches == [[1], [3]]


@pytest.mark.parametrize("leader_too", [False, True])
@pytest.mark.parametrize("called", [False, True])
def test_interrupted_member_of_a_group_does_not_block_the_next_group(
    monkeypatch: pytest.MonkeyPatch, *, called: bool, leader_too: bool
) -> None:
    work = Slow()
    callers = Callers(GroupCommit(work, max_batch=3))
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
    assert callers.join() == {
        1: 2,
        2: Interrupted if leader_too else 4,
        3: Interrupted,
        4: 8,
        5: 10,
    }
    assert work.batches == [[1], [2, 3, 4], [4, 5] if leader_too else [5]]


def test_next_leader_starts_when_all_served_are_awake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = Slow()
    callers = Callers(GroupCommit(work, max_batch=3))
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


def test_waiter_is_woken_once() -> None:
    ticket = _Waiter[int, int](1)
    for _ in range(2):
        ticket.wake()
    assert [ticket.signal.acquire(timeout=0) for _ in range(2)] == [True, False]


class Blind:
    """A lock that nobody sees to be taken."""

    def __init__(self) -> None:
        self.within = threading.Lock()
        self.wanted = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.wanted.release()
        self.within.acquire()

    def __exit__(self, *_: object) -> None:
        self.within.release()

    def locked(self) -> bool:
        """Say no."""
        return False


def test_takeover_from_a_slow_leader_serves_each_item_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 0.01)
    work = Slow()
    together = GroupCommit(work)
    at_work = Blind()
    setattr(together, "_leading", at_work)  # noqa: B010 - it is final
    callers = Callers(together)
    callers.call(1)
    assert work.begun.acquire(timeout=10)
    callers.call(2)
    callers.call(3)
    for _ in range(3):
        assert at_work.wanted.acquire(timeout=10)
    for _ in range(2):
        work.go_on.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6}
    assert [sorted(batch) for batch in work.batches] == [[1], [2, 3]]
    work.go_on.release()
    assert together.submit(4) == 8


CODE: Final = {
    function.__code__
    for kind in (GroupCommit, _Waiter)
    for function in vars(kind).values()
    if isinstance(function, FunctionType)
}


def is_with(frame: FrameType) -> bool:
    """Tell whether a line is where a ``with`` begins or ends: the interpreter interrupts nobody between its last statement and its exit."""
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


def interrupt_at(line: int, together: GroupCommit[int, int], *, first: bool) -> bool:
    """Interrupt one of four callers where it comes to so many lines of the code, and tell whether it came so far."""
    lines = count(1)
    outcomes: dict[int, list[object]] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:  # what sys.settrace takes
        if event == "line" and not is_with(frame) and next(lines) == line:
            raise Interrupted
        return trace if frame.f_code in CODE else None

    def ask(who: int) -> None:
        answers = outcomes[who] = []
        if who == 0:
            sys.settrace(trace)
        try:
            answers += [together.submit(item) for item in (10 * who, 10 * who + 1)]
        except Interrupted:
            answers.append(Interrupted)
        finally:
            if who == 0:
                sys.settrace(None)

    threads = [
        threading.Thread(target=ask, args=(who,), daemon=True)
        for who in ((0, 1, 2, 3) if first else (1, 2, 0, 3))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    for who in (1, 2, 3):
        assert outcomes[who] == [20 * who, 20 * who + 2]
    return Interrupted in outcomes[0]


@pytest.mark.parametrize("first", [False, True])
def test_interrupt_at_any_line_does_not_block_others(
    monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 0.02)

    def work(items: Sequence[int]) -> Sequence[int]:
        time.sleep(0.001)
        return [2 * item for item in items]

    lines = 1
    while interrupt_at(lines, GroupCommit(work, max_batch=3), first=first):
        lines += 1
    assert lines > 20


def test_shared_failure_is_not_retried() -> None:
    """For threads and for asyncio tasks."""
    batches: list[Sequence[int]] = []

    def work(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        raise KeyError

    slow = Slow()
    callers = Callers(GroupCommit(slow, shared_failures=LookupError))
    callers.call(1)
    assert slow.begun.acquire(timeout=10)
    for item in (2, 3):
        callers.call(item)
    slow.raises = [None, KeyError()]
    for _ in range(2):
        slow.go_on.release()
    assert callers.join() == {1: 2, 2: KeyError, 3: KeyError}
    assert slow.batches == [[1], [2, 3]]

    async def ask() -> list[object]:
        async def at_once(items: Sequence[int]) -> Sequence[int]:
            return work(items)

        together = AsyncGroupCommit(at_once, shared_failures=LookupError)
        return [
            type(outcome)
            for outcome in await asyncio.gather(
                together.submit(1), together.submit(2), return_exceptions=True
            )
        ]

    assert asyncio.run(ask()) == [KeyError, KeyError]
    assert batches == [[1, 2]]


def test_asyncio_tasks_share_one_call_of_work() -> None:
    """A cancelled one is served all the same."""
    batches: list[Sequence[int]] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        await asyncio.sleep(0.001)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]

    async def ask() -> list[object]:
        together = AsyncGroupCommit(work, max_batch=3)
        tasks = [asyncio.ensure_future(together.submit(item)) for item in (1, 2, 3, 13, 5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        again = await together.submit(7)
        cancelled = asyncio.ensure_future(together.submit(13))
        await asyncio.sleep(0.0005)
        cancelled.cancel()
        await asyncio.sleep(0.01)
        return [
            *(
                type(outcome) if isinstance(outcome, BaseException) else outcome
                for outcome in outcomes
            ),
            again,
        ]

    assert asyncio.run(ask()) == [2, asyncio.CancelledError, 6, ValueError, 10, 14]
    assert batches == [[1, 2, 3], [13, 5], [13], [5], [7], [13]]


def test_end_of_the_event_loop_cancels_all_that_wait() -> None:

    async def work(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(60)
        return items

    async def ask() -> list[bool]:
        together = AsyncGroupCommit(work, max_batch=1)
        tasks = [asyncio.ensure_future(together.submit(item)) for item in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert together._task is not None  # pyright: ignore[reportPrivateUsage]
        together._task.cancel()  # pyright: ignore[reportPrivateUsage]
        return [
            isinstance(outcome, asyncio.CancelledError)
            for outcome in await asyncio.gather(*tasks, return_exceptions=True)
        ]

    assert asyncio.run(ask()) == [True, True]
