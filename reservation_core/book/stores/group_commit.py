"""Group commit: concurrent callers share one commit or one round trip.

The first caller starts at once, alone. Callers that arrive meanwhile wait, and the next commit
serves all of them. With 32 writers, a durable record takes a quarter to a fifth of the time that
it takes with a commit for each (benchmark row 14). To remove group commit, call ``work`` with one
item where ``submit`` is called.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

_T = TypeVar("_T")
_R = TypeVar("_R")

_MAX_BATCH: Final = 500
_TAKEOVER_AFTER: Final = 1.0
"""Seconds after which a waiter checks whether the leader was interrupted."""


class InterruptedAfterWork(BaseException):
    """The work was done, and then its thread was interrupted.

    :param results: the result of each item.
    :param interrupt: the exception that was raised in the thread.
    """

    def __init__(self, results: Sequence[object], interrupt: BaseException) -> None:
        super().__init__()
        self.results: Final[Sequence[Any]] = results
        self.interrupt: Final = interrupt


class _Waiter(Generic[_T, _R]):
    """One caller that waits for its result."""

    __slots__ = ("failure", "has_left", "is_done", "is_woken", "item", "result", "signal")

    result: _R  # set when the waiter is done, unless it failed

    def __init__(self, item: _T) -> None:
        self.item = item
        self.is_done = False
        self.failure: Exception | None = None
        self.has_left = False  # interrupted: it waits no longer
        self.is_woken = False  # signaled, but its thread has not run yet
        self.signal = threading.Lock()  # released when the waiter is done, or is to lead
        self.signal.acquire()

    def wake(self) -> None:
        """Signal the waiter, once. The caller holds the mutex."""
        if not self.is_woken:
            self.is_woken = True
            self.signal.release()


class GroupCommit(Generic[_T, _R]):
    """Group commit for threads.

    There is no thread of its own. One of the waiters is the *leader*: it takes the waiting items,
    does the work for all of them, and wakes the others. The next leader starts when all of them
    are awake. By then those that submit again have done so, and share the next commit. If it
    started at once, the callers would fall into two halves that wait for each other.

    If the leader is interrupted, another waiter takes over within 1 s. Work that was interrupted is
    then done once more, except for the members of its group that already have their results. Work
    that was done and then interrupted raises :class:`InterruptedAfterWork`, so that they have.

    A waiter has a lock of its own, as one ``threading.Condition`` for all is 20 % slower
    (benchmark row 14).

    :param work: returns a result for each item, in order. If it fails for several items, it is
        called again for each item alone.
    :param failures: exceptions of the work. Any other one is an interrupt: only the leader raises
        it, and the others are served once more.
    :param shared_failures: exceptions that would hit every item: no item is tried alone then.
    :param max_batch: maximum number of items that share one call of ``work``.
    """

    def __init__(
        self,
        work: Callable[[Sequence[_T]], Sequence[_R]],
        *,
        failures: type[Exception] = Exception,
        shared_failures: tuple[type[Exception], ...] = (),
        max_batch: int = _MAX_BATCH,
    ) -> None:
        self._work: Final = work
        self._failures: Final = failures
        self._shared_failures: Final = shared_failures
        self._max_batch: Final = max_batch
        self.start_anew()
        _INSTANCES.add(self)

    def start_anew(self) -> None:
        """Forget all threads. A forked child does so: they are its parent's."""
        self._mutex = threading.Lock()  # guards the fields below and those of waiters
        self._leading = threading.Lock()  # held by the leader
        self._waiting = deque[_Waiter[_T, _R]]()
        self._has_leader = False  # one is chosen, though it may not lead yet

    def submit(self, item: _T) -> _R:
        """Do the work for one item, and return its result.

        :raises Exception: the failure of the work, if it fails for this item.
        """
        waiter = _Waiter[_T, _R](item)
        try:
            with self._mutex:
                self._waiting.append(waiter)
                is_leader, self._has_leader = not self._has_leader, True
            while not waiter.is_done:
                if is_leader:
                    with self._leading:
                        self._lead(waiter)
                else:
                    is_leader = self._wait(waiter)
        except BaseException:  # interrupted, by a signal for example
            self._leave(waiter)
            raise
        if waiter.failure is not None:
            raise waiter.failure
        return waiter.result

    def _wait(self, waiter: _Waiter[_T, _R]) -> bool:
        """Wait for the signal. Return true if the waiter leads, unless it is done."""
        is_signaled = waiter.signal.acquire(timeout=_TAKEOVER_AFTER)
        with self._mutex:
            if is_signaled:
                self._note_awake(waiter)
            return is_signaled or not self._leading.locked()

    def _note_awake(self, waiter: _Waiter[_T, _R]) -> None:
        waiter.is_woken = False
        if waiter.is_done:
            self._waking -= 1
            if not self._waking:
                self._choose_leader()

    def _leave(self, waiter: _Waiter[_T, _R]) -> None:
        with self._mutex:
            waiter.has_left = True
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            if waiter.is_woken:
                self._note_awake(waiter)
                if not waiter.is_done:
                    self._choose_leader()

    def _lead(self, leader: _Waiter[_T, _R]) -> None:
        with self._mutex:
            if leader.is_done:  # by another waiter that took over
                self._note_awake(leader)
                return
            if leader not in self._waiting:  # the one that had taken it was interrupted
                self._waiting.appendleft(leader)
            count = min(len(self._waiting), self._max_batch)
            group = [self._waiting.popleft() for _ in range(count)]
        try:
            self._serve(group)
        finally:
            with self._mutex:
                others = [other for other in group if other is not leader and not other.has_left]
                done = [other for other in others if other.is_done]
                # If this was interrupted, some are not done: they wait again.
                self._waiting.extendleft(other for other in reversed(others) if not other.is_done)
                self._waking = len(done)  # not awake yet, though they are signaled
                for other in done:
                    other.wake()
                if not done:
                    self._choose_leader()

    def _choose_leader(self) -> None:
        self._has_leader = bool(self._waiting)
        if self._has_leader:
            self._waiting[0].wake()

    def _serve(self, group: Sequence[_Waiter[_T, _R]]) -> None:
        results: Sequence[_R] | None = None
        try:
            results = self._work([waiter.item for waiter in group])
            _settle(group, results)
        except BaseException as error:
            if isinstance(error, InterruptedAfterWork):
                results = error.results
                error = error.interrupt
            if results is not None:  # the others must not do the work once more
                _settle(group, results)
                raise error from error.__cause__
            if not isinstance(error, self._failures):
                raise
            self._handle_failure(group, error)

    def _handle_failure(self, group: Sequence[_Waiter[_T, _R]], failure: Exception) -> None:
        if len(group) > 1 and not isinstance(failure, self._shared_failures):
            for waiter in group:
                self._serve((waiter,))
            return
        for waiter in group:
            waiter.failure, waiter.is_done = failure, True


def _settle(group: Sequence[_Waiter[_T, _R]], results: Sequence[_R]) -> None:
    for waiter, result in zip(group, results, strict=True):
        waiter.result, waiter.is_done = result, True


_INSTANCES: Final = WeakSet[GroupCommit[Any, Any]]()


def _start_all_anew() -> None:
    for each in _INSTANCES:
        each.start_anew()


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_start_all_anew)


class AsyncGroupCommit(Generic[_T, _R]):
    """Group commit for the asyncio tasks of one event loop.

    An asyncio task does the work for all that wait. It ends when none does.

    :param work: returns a result for each item, in order. If it fails for several items, it is
        called again for each item alone.
    :param shared_failures: exceptions that would hit every item: no item is tried alone then.
    :param max_batch: maximum number of items that share one call of ``work``.
    """

    def __init__(
        self,
        work: Callable[[Sequence[_T]], Awaitable[Sequence[_R]]],
        *,
        shared_failures: tuple[type[Exception], ...] = (),
        max_batch: int = _MAX_BATCH,
    ) -> None:
        self._work: Final = work
        self._shared_failures: Final = shared_failures
        self._max_batch: Final = max_batch
        self._waiting: Final = deque[tuple[_T, asyncio.Future[_R]]]()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: _T) -> _R:
        """Do the work for one item, and return its result.

        :raises Exception: the failure of the work, if it fails for this item.

        If the caller is cancelled, the work is still done.
        """
        future: asyncio.Future[_R] = asyncio.get_running_loop().create_future()
        if self._task is not None and self._task.get_loop() is not future.get_loop():
            self._task = None  # of an event loop that ended, or of the parent of a forked child
            self._waiting.clear()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve_all())
        return await future

    async def _serve_all(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), self._max_batch)
            await self._serve([self._waiting.popleft() for _ in range(count)])

    async def _serve(self, group: Sequence[tuple[_T, asyncio.Future[_R]]]) -> None:
        try:
            results = await self._work([item for item, _ in group])
            settled = list(zip(group, results, strict=True))
        except Exception as failure:  # noqa: BLE001 - the waiters raise it
            if len(group) > 1 and not isinstance(failure, self._shared_failures):
                for one in group:
                    await self._serve((one,))
                return
            for _, future in group:
                if not future.done():
                    future.set_exception(failure)
        except BaseException:  # the event loop ends
            for _, future in (*group, *self._waiting):
                future.cancel()
            self._waiting.clear()
            raise
        else:
            for (_, future), result in settled:
                if not future.done():
                    future.set_result(result)
