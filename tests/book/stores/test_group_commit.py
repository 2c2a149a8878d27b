"""Tests of group commit for threads and for asyncio tasks."""

from __future__ import annotations

import asyncio
import linecache
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from types import FrameType, FunctionType, SimpleNamespace
from typing import Any, Final

import pytest

from reservation_core.book.stores.group_commit import (
    AsyncGroupCommit,
    GroupCommit,
    InterruptedAfterWork,
    _start_all_anew,  # pyright: ignore[reportPrivateUsage]
    _Waiter,  # pyright: ignore[reportPrivateUsage]
)


class Interrupted(BaseException):
    """Stands for a signal that raises."""


class SlowWork:
    """Work that starts when the test allows it, and notes its batches."""

    def __init__(self) -> None:
        self.batches: list[Sequence[int]] = []
        self.started = threading.Semaphore(0)
        self.proceed = threading.Semaphore(0)
        self.raises: list[BaseException | None] = []

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        """Return the double of each item. Fail for 13."""
        self.batches.append(list(items))
        self.started.release()
        assert self.proceed.acquire(timeout=10)
        if self.raises and (failure := self.raises.pop(0)):
            raise failure
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


class Callers:
    """Threads that submit one item each."""

    def __init__(self, group_commit: GroupCommit[int, int]) -> None:
        self.group_commit = group_commit
        self.outcomes: dict[int, object] = {}
        self.threads: list[threading.Thread] = []

    def call(self, item: int) -> None:
        """Submit an item in a thread, and wait until it is queued."""

        def submit() -> None:
            try:
                self.outcomes[item] = self.group_commit.submit(item)
            except BaseException as failure:  # noqa: BLE001 - the test checks it
                self.outcomes[item] = type(failure)

        before = len(self.waiting)
        self.threads.append(threading.Thread(target=submit))
        self.threads[-1].start()
        while len(self.threads) > 1 and len(self.waiting) == before:
            pass

    @property
    def waiting(self) -> Sequence[object]:
        """Waiters in the queue."""
        return self.group_commit._waiting  # pyright: ignore[reportPrivateUsage]

    def join(self) -> dict[int, object]:
        """Wait for all threads, and return the outcome of each item."""
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()
        return self.outcomes


def test_waiting_items_share_one_call_of_work() -> None:
    """The first starts alone. The others follow in their order, in batches."""
    work = SlowWork()
    callers = Callers(GroupCommit(work, max_batch=3))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    for item in (2, 3, 4, 5):
        callers.call(item)
    for _ in range(3):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert work.batches == [[1], [2, 3, 4], [5]]


def test_single_caller_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(GroupCommit, "_wait")
    group_commit = GroupCommit(CountingWork())
    assert [group_commit.submit(item) for item in (1, 2)] == [2, 4]


@pytest.mark.parametrize("others", [(2,), (2, 4)])
def test_failed_batch_is_retried_one_by_one(others: tuple[int, ...]) -> None:
    work = SlowWork()
    callers = Callers(GroupCommit(work))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    for item in (13, *others):
        callers.call(item)
    for _ in range(3 + len(others)):
        work.proceed.release()
    doubles = {item: 2 * item for item in (1, *others)}
    assert callers.join() == {**doubles, 13: ValueError}
    assert work.batches == [[1], [13, *others], [13], *([item] for item in others)]


def test_next_leader_serves_the_group_of_an_interrupted_leader() -> None:
    work = SlowWork()
    callers = Callers(GroupCommit(work))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    for item in (2, 3, 4):
        callers.call(item)
    work.raises = [None, Interrupted()]
    for _ in range(3):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: Interrupted, 3: 6, 4: 8}
    assert work.batches == [[1], [2, 3, 4], [3, 4]]


class InterruptibleLock:
    """Lock whose waiting can be interrupted or delayed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.interrupted = threading.Event()
        self.interrupted_when_woken = False
        self.may_wake = threading.Event()
        self.may_wake.set()

    def acquire(self, timeout: float = 60.0) -> bool:
        """Acquire it, or be interrupted."""
        end = time.monotonic() + timeout
        while not self._lock.acquire(timeout=0.001):
            if self.interrupted.is_set():
                raise Interrupted
            if time.monotonic() > end:
                return False
        assert self.may_wake.wait(10)
        if self.interrupted_when_woken:
            raise Interrupted
        return True

    def release(self) -> None:
        """Release it."""
        self._lock.release()


def call_with_locks(
    callers: Callers, monkeypatch: pytest.MonkeyPatch, *items: int
) -> dict[int, InterruptibleLock]:
    """Submit items during the first call of work. Return their locks."""
    locks: list[InterruptibleLock] = []

    def lock() -> InterruptibleLock:
        locks.append(InterruptibleLock())
        return locks[-1]

    monkeypatch.setattr(
        "reservation_core.book.stores.group_commit.threading", SimpleNamespace(Lock=lock)
    )
    for item in items:
        callers.call(item)
    return dict(zip(items, locks, strict=True))


@pytest.mark.parametrize("woken", [False, True])
def test_interrupted_waiter_is_not_served(monkeypatch: pytest.MonkeyPatch, *, woken: bool) -> None:
    """After it was chosen to lead, the next one leads at once."""
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 20.0)
    work = SlowWork()
    callers = Callers(GroupCommit(work))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    locks = call_with_locks(callers, monkeypatch, 2, 3)
    if woken:
        locks[2].interrupted_when_woken = True
    else:
        locks[2].interrupted.set()
        callers.threads[1].join(10)
    for _ in range(2):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: Interrupted, 3: 6}
    assert work.batches == [[1], [3]]


@pytest.mark.parametrize("leader_too", [False, True])
@pytest.mark.parametrize("woken", [False, True])
def test_interrupted_member_of_a_group_does_not_block_the_next_group(
    monkeypatch: pytest.MonkeyPatch, *, woken: bool, leader_too: bool
) -> None:
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 20.0)
    work = SlowWork()
    callers = Callers(GroupCommit(work, max_batch=3))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    locks = call_with_locks(callers, monkeypatch, 2, 3, 4, 5)
    work.raises = [None, Interrupted() if leader_too else None]
    work.proceed.release()
    assert work.started.acquire(timeout=10)
    if woken:
        locks[3].interrupted_when_woken = True
    else:
        locks[3].interrupted.set()
        callers.threads[2].join(10)
    for _ in range(2):
        work.proceed.release()
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
    work = SlowWork()
    callers = Callers(GroupCommit(work, max_batch=3))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    locks = call_with_locks(callers, monkeypatch, 2, 3, 4, 5)
    for item in (3, 4):
        locks[item].may_wake.clear()
    for _ in range(2):
        work.proceed.release()
    assert work.started.acquire(timeout=10)  # for 2, 3 and 4
    callers.threads[1].join(10)
    for item in (3, 4):
        assert not work.started.acquire(timeout=0.05)
        locks[item].may_wake.set()
    assert work.started.acquire(timeout=10)
    work.proceed.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6, 4: 8, 5: 10}
    assert work.batches == [[1], [2, 3, 4], [5]]


def test_waiter_is_woken_once() -> None:
    waiter = _Waiter[int, int](1)
    for _ in range(2):
        waiter.wake()
    assert [waiter.signal.acquire(timeout=0) for _ in range(2)] == [True, False]


class UnlockedLock:
    """Lock that always claims to be unlocked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.requests.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def locked(self) -> bool:
        """Return false."""
        return False


def test_takeover_from_a_slow_leader_serves_each_item_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 0.01)
    work = SlowWork()
    group_commit = GroupCommit(work)
    leading = UnlockedLock()
    setattr(group_commit, "_leading", leading)  # noqa: B010 - it is final
    callers = Callers(group_commit)
    callers.call(1)
    assert work.started.acquire(timeout=10)
    callers.call(2)
    callers.call(3)
    for _ in range(3):
        assert leading.requests.acquire(timeout=10)
    for _ in range(2):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: 4, 3: 6}
    assert [sorted(batch) for batch in work.batches] == [[1], [2, 3]]
    work.proceed.release()
    assert group_commit.submit(4) == 8


CODE: Final = {
    function.__code__
    for kind in (GroupCommit, _Waiter)
    for function in vars(kind).values()
    if isinstance(function, FunctionType)
}


def is_with(frame: FrameType) -> bool:
    """Return true where a ``with`` begins or ends: no interrupt comes before its exit."""
    return linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


class CountingWork:
    """Work that counts how often each item is done."""

    def __init__(self) -> None:
        self.counts = Counter[int]()

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        """Return the double of each item."""
        time.sleep(0.001)
        self.counts.update(items)
        return [2 * item for item in items]


def interrupt_at(line: int, group_commit: GroupCommit[int, int], *, first: bool) -> bool:
    """Interrupt one of four callers at a line.

    Return false if it executes fewer lines.
    """
    lines = count(1)
    outcomes: dict[int, list[object]] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:  # what sys.settrace takes
        if event == "line" and not is_with(frame) and next(lines) == line:
            raise Interrupted
        return trace if frame.f_code in CODE else None

    def submit(caller: int) -> None:
        results = outcomes[caller] = []
        if caller == 0:
            sys.settrace(trace)
        try:
            results += [group_commit.submit(item) for item in (10 * caller, 10 * caller + 1)]
        except Interrupted:
            results.append(Interrupted)
        finally:
            if caller == 0:
                sys.settrace(None)

    threads = [
        threading.Thread(target=submit, args=(caller,), daemon=True)
        for caller in ((0, 1, 2, 3) if first else (1, 2, 0, 3))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    for caller in (1, 2, 3):
        assert outcomes[caller] == [20 * caller, 20 * caller + 2]
    return Interrupted in outcomes[0]


@pytest.mark.parametrize("first", [False, True])
def test_interrupt_at_any_line_does_not_block_others(
    monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    monkeypatch.setattr("reservation_core.book.stores.group_commit._TAKEOVER_AFTER", 0.02)

    lines = 1
    while interrupt_at(lines, GroupCommit(work := CountingWork(), max_batch=3), first=first):
        assert {work.counts[item] for item in (10, 11, 20, 21, 30, 31)} == {1}
        lines += 1
    assert lines > 20


@pytest.mark.parametrize("interrupt", [Interrupted, TimeoutError])
def test_group_of_a_leader_interrupted_after_the_work_is_not_served_again(
    interrupt: type[BaseException],
) -> None:
    """The interrupt may be of any class, as in job queues."""
    work = SlowWork()
    callers = Callers(GroupCommit(work, failures=ValueError))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    for item in (2, 3, 4):
        callers.call(item)
    work.raises = [None, InterruptedAfterWork([4, 6, 8], interrupt())]
    for _ in range(2):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: interrupt, 3: 6, 4: 8}
    assert work.batches == [[1], [2, 3, 4]]


def test_interrupt_of_any_class_is_raised_in_the_leader_only() -> None:
    work = SlowWork()
    callers = Callers(GroupCommit(work, failures=ValueError))
    callers.call(1)
    assert work.started.acquire(timeout=10)
    for item in (2, 3):
        callers.call(item)
    work.raises = [None, TimeoutError()]
    for _ in range(3):
        work.proceed.release()
    assert callers.join() == {1: 2, 2: TimeoutError, 3: 6}
    assert work.batches == [[1], [2, 3], [3]]


def test_shared_failure_is_not_retried() -> None:
    """For threads and for asyncio tasks."""
    batches: list[Sequence[int]] = []

    def work(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        raise KeyError

    slow = SlowWork()
    callers = Callers(GroupCommit(slow, shared_failures=(LookupError,)))
    callers.call(1)
    assert slow.started.acquire(timeout=10)
    for item in (2, 3):
        callers.call(item)
    slow.raises = [None, KeyError()]
    for _ in range(2):
        slow.proceed.release()
    assert callers.join() == {1: 2, 2: KeyError, 3: KeyError}
    assert slow.batches == [[1], [2, 3]]

    async def submit_all() -> list[object]:
        async def at_once(items: Sequence[int]) -> Sequence[int]:
            return work(items)

        group_commit = AsyncGroupCommit(at_once, shared_failures=(LookupError,))
        return [
            type(outcome)
            for outcome in await asyncio.gather(
                group_commit.submit(1), group_commit.submit(2), return_exceptions=True
            )
        ]

    assert asyncio.run(submit_all()) == [KeyError, KeyError]
    assert batches == [[1, 2]]


@pytest.mark.parametrize("results", [[], [2, 4]])
def test_work_with_another_number_of_results_fails(results: list[int]) -> None:
    """For threads and for asyncio tasks. No caller waits for ever."""

    def work(_: Sequence[int]) -> Sequence[int]:
        return results

    async def awork(_: Sequence[int]) -> Sequence[int]:
        return results

    async def submit() -> int:
        return await asyncio.wait_for(AsyncGroupCommit(awork).submit(1), 10)

    with pytest.raises(ValueError, match="argument"):
        GroupCommit(work).submit(1)
    with pytest.raises(ValueError, match="argument"):
        asyncio.run(submit())


def test_asyncio_tasks_share_one_call_of_work() -> None:
    """A cancelled one is served all the same."""
    batches: list[Sequence[int]] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        batches.append(list(items))
        await asyncio.sleep(0.001)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]

    async def submit_all() -> list[object]:
        group_commit = AsyncGroupCommit(work, max_batch=3)
        tasks = [asyncio.ensure_future(group_commit.submit(item)) for item in (1, 2, 3, 13, 5)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        again = await group_commit.submit(7)
        cancelled = asyncio.ensure_future(group_commit.submit(13))
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

    assert asyncio.run(submit_all()) == [2, asyncio.CancelledError, 6, ValueError, 10, 14]
    assert batches == [[1, 2, 3], [13, 5], [13], [5], [7], [13]]


def test_end_of_the_event_loop_cancels_all_that_wait() -> None:

    async def work(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(60)
        return items

    async def submit_all() -> list[bool]:
        group_commit = AsyncGroupCommit(work, max_batch=1)
        tasks = [asyncio.ensure_future(group_commit.submit(item)) for item in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert group_commit._task is not None  # pyright: ignore[reportPrivateUsage]
        group_commit._task.cancel()  # pyright: ignore[reportPrivateUsage]
        return [
            isinstance(outcome, asyncio.CancelledError)
            for outcome in await asyncio.gather(*tasks, return_exceptions=True)
        ]

    assert asyncio.run(submit_all()) == [True, True]


def test_child_starts_anew_after_a_fork() -> None:
    """A thread of the parent led when it forked. It does not exist in the child."""
    work = SlowWork()
    group_commit = GroupCommit(work)
    callers = Callers(group_commit)
    callers.call(1)
    assert work.started.acquire(timeout=10)
    _start_all_anew()  # as in the child
    work.proceed.release()
    work.proceed.release()
    assert group_commit.submit(2) == 4
    callers.join()


def test_second_event_loop_starts_anew() -> None:
    """The asyncio task of the first one never ends."""

    async def work(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(60 if 1 in items else 0)
        return [2 * item for item in items]

    group_commit = AsyncGroupCommit(work)
    first = asyncio.new_event_loop()
    waiting = [first.create_task(group_commit.submit(item)) for item in (1, 3)]
    first.run_until_complete(asyncio.sleep(0.01))
    assert asyncio.run(group_commit.submit(2)) == 4
    for each in waiting:
        each.cancel()
    first.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    for task in asyncio.all_tasks(first):
        task.cancel()
        first.run_until_complete(asyncio.gather(task, return_exceptions=True))
    first.close()
