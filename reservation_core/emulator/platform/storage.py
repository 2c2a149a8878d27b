"""How the emulated platform keeps what it holds: everything that changes together is kept together, or not at all.

Its rules:

1. **A unit of work is whole.** Whatever is changed before the outermost :meth:`Storage.transaction` is left is kept by one call, told
   in order, and undone if anything raises meanwhile.
2. **Time passes between units.** What fell due is done first, as a unit of its own, dated when it was due.
"""

from __future__ import annotations

import heapq
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Final

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.clock import DEFAULT_START, Clock
from reservation_core.emulator.platform.holdings import Holdings
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)

CommitHook = Callable[[Changes], None]
JournalSubscriber = Callable[[JournalEntry], None]


class _Unit(AbstractContextManager[None]):
    """One way in and out for all units of work of a ledger; what is under way stands in the ledger itself."""

    def __init__(self, enter: Callable[[], None], leave: Callable[[bool], None]) -> None:
        self._enter, self._leave = enter, leave

    def __enter__(self) -> None:
        self._enter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(kind is not None)


class Storage(Holdings, ABC):
    """Reservations, tasks and workers by SID. Safe to share between threads: one unit of work at a time.

    :param on_commit: called with everything a unit of work changed, before anybody is told of it; when it raises, nothing has changed.
    """

    def __init__(self, clock: Clock, on_commit: CommitHook | None, journal_length: int) -> None:
        super().__init__()
        self.clock: Final = clock
        self.journal: Final[deque[JournalEntry]] = deque(maxlen=journal_length)
        self._on_commit = on_commit
        self._lock = threading.RLock()
        self._unit = _Unit(self._enter, self._leave)
        self._depth = 0
        self._present = DEFAULT_START
        self._subscribers: list[JournalSubscriber] = []
        self._untold: deque[JournalEntry] = deque()
        self._telling = False

    # --- units of work --------------------------------------------------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[None]:
        """Let nothing else happen meanwhile, and keep all that is changed within as one; nested, it is part of the outer one."""
        return self._unit

    def _enter(self) -> None:
        self._lock.acquire()
        if not self._depth:
            try:
                self._present = now = self.clock.now()
                if self._timers and self._timers[0][0] <= now:
                    self._ring(now)
            except BaseException:
                self._lock.release()
                raise
        self._depth += 1

    def _leave(self, failed: bool) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                self._close(failed)
        finally:
            self._lock.release()

    def _ring(self, now: datetime) -> None:
        """Do what fell due by now, in order."""
        self._depth = 1
        failed = True
        try:
            while self._timers and self._timers[0][0] <= now:
                due, sid = heapq.heappop(self._timers)
                if self._is_due(due, sid):
                    self._present = due
                    self._fall_due(sid)
            failed = False
        finally:
            self._depth = 0
            self._close(failed)
            self._present = now

    @abstractmethod
    def _fall_due(self, sid: str) -> None:
        """Do what the timer of a reservation or a task was set for."""

    def _close(self, failed: bool) -> None:
        """CommitHook what was changed, or undo it."""
        if not (self._was_held or self._was_task or self._was_worker):
            return
        if failed:
            self._undo()
            return
        if self._on_commit is not None:
            try:
                self._on_commit(self._changes())
            except BaseException:
                self._undo()
                raise
        acts = self._forget()
        self.journal.extend(acts)
        if self._subscribers:
            self._untold.extend(acts)
            self._tell()

    def _tell(self) -> None:
        """Tell every subscriber, in order; what a subscriber does meanwhile is told after that."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                act = self._untold.popleft()
                for told in tuple(self._subscribers):
                    told(act)
        finally:
            self._telling = False

    def subscribe(self, told: JournalSubscriber) -> Callable[[], None]:
        """Have every act told once it is kept, in order, in the thread that did it; it should be quick.

        What it raises reaches whoever acted, and the act stands.

        :returns: what ends it.
        """
        with self._lock:
            self._subscribers.append(told)

        def end() -> None:
            with self._lock:
                if told in self._subscribers:
                    self._subscribers.remove(told)

        return end

    # --- what is held ---

    def get(self, sid: str) -> Reservation:
        """Give a reservation as it stands; its ``on_hold`` is the truth, which the API never shows.

        :raises KeyError: when there is none, or none any more.
        """
        return self.stored(sid).reservation

    def stored(self, sid: str) -> StoredReservation:
        """Give a reservation with what no body shows: its timer, whether it is a transfer, the code it was canceled with.

        :raises KeyError: when there is none, or none any more.
        """
        with self._unit:
            return self._held[sid]

    def all(self, of: str | None = None) -> tuple[Reservation, ...]:
        """Give every reservation, oldest first.

        :param of: the SID of a task or a worker, to get only theirs.
        """
        with self._unit:
            if of is None:
                return tuple(held.reservation for held in self._held.values())
            return tuple(held.reservation for held in self._siblings(of))

    def task(self, sid: str) -> Task:
        """Give a task. :raises KeyError: when there is none, or none any more."""
        with self._unit:
            return self._tasks[sid]

    def tasks(self) -> tuple[Task, ...]:
        """Give every task, in the order they came."""
        with self._unit:
            return tuple(self._tasks.values())

    def worker(self, sid: str) -> Worker:
        """Give a worker. :raises KeyError: when there is none."""
        with self._unit:
            return self._workers[sid]

    def workers(self) -> tuple[Worker, ...]:
        """Give every worker, in the order they came."""
        with self._unit:
            return tuple(self._workers.values())

    # --- time and the whole ---------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Tell the time, as the clock has it."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Put the clock forward, and do what falls due by then."""
        with self._lock:
            self.clock.advance(seconds)
            self.run_due_timers()

    def run_due_timers(self) -> None:
        """Do what has fallen due; anything else that is asked of the platform does so, too."""
        with self._unit:
            pass

    def next_due(self) -> datetime | None:
        """Tell when something will fall due next by itself; ``clock.wait`` tells how long that takes."""
        with self._lock:
            while self._timers and not self._is_due(*self._timers[0]):
                heapq.heappop(self._timers)
            return self._timers[0][0] if self._timers else None

    def snapshot(self) -> Snapshot:
        """Give all that is held, to restore it later or elsewhere."""
        with self._unit:
            return Snapshot(
                tuple(self._workers.values()),
                tuple(self._tasks.values()),
                tuple(self._held.values()),
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Hold exactly what a snapshot does, in place of all that was held; nothing is kept or told. The journal begins anew."""
        with self._lock:
            self._workers = {worker.sid: worker for worker in snapshot.workers}
            self._tasks = {task.sid: task for task in snapshot.tasks}
            self._held = {str(held.reservation.sid): held for held in snapshot.reservations}
            self.journal.clear()
            self._rebuild()

    def reset(self) -> None:
        """Hold nothing any more, and remember nothing."""
        with self._unit:
            for sid in tuple(self._tasks):
                self._remove_task(sid)
            for sid in tuple(self._workers):
                self._was_worker.setdefault(sid, self._workers.pop(sid))
            self._acts.clear()
        self.journal.clear()
