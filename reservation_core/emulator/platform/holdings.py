"""What the emulated platform holds, by SID, with the index and the timers that go with it, and what it was before.

It is changed from within units of work only (:mod:`reservation_core.emulator.platform.storage`), which keep or undo the changes.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import TypeVar

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    StoredReservation,
    Task,
    Worker,
)

T = TypeVar("T")


class Holdings:
    """Reservations, tasks and workers; not safe to share between threads by itself."""

    def __init__(self) -> None:
        self._held: dict[str, StoredReservation] = {}
        self._tasks: dict[str, Task] = {}
        self._workers: dict[str, Worker] = {}
        self._of: dict[
            str, dict[str, None]
        ] = {}  # the reservations of a task or of a worker, oldest first
        self._timers: list[
            tuple[datetime, str]
        ] = []  # a heap; an entry counts only while its owner has the same due
        self._number = 0
        self._was_held: dict[str, StoredReservation | None] = {}
        self._was_task: dict[str, Task | None] = {}
        self._was_worker: dict[str, Worker | None] = {}
        self._acts: list[JournalEntry] = []

    # --- changing it ---

    def _next_number(self) -> int:
        self._number += 1
        return self._number - 1

    def _hold(self, held: StoredReservation) -> None:
        reservation = held.reservation
        sid = reservation.sid
        assert sid is not None
        before = self._held.get(sid)
        if sid not in self._was_held:
            self._was_held[sid] = before
        self._held[sid] = held
        if before is None:
            self._index(reservation)
        elif (
            before.reservation.task_sid != reservation.task_sid
            or before.reservation.worker_sid != reservation.worker_sid
        ):
            self._unindex(before.reservation)
            self._index(reservation)
        if held.due is not None and (before is None or before.due != held.due):
            self._set_timer(held.due, sid)

    def _hold_task(self, task: Task) -> None:
        before = self._tasks.get(task.sid)
        if task.sid not in self._was_task:
            self._was_task[task.sid] = before
        self._tasks[task.sid] = task
        if task.due is not None and (before is None or before.due != task.due):
            self._set_timer(task.due, task.sid)

    def _hold_worker(self, worker: Worker) -> None:
        self._was_worker.setdefault(worker.sid, self._workers.get(worker.sid))
        self._workers[worker.sid] = worker

    def _remove_task(self, sid: str) -> None:
        """Let a task go, with its reservations."""
        for its in tuple(self._of.get(sid, ())):
            held = self._held.pop(its)
            self._was_held.setdefault(its, held)
            self._unindex(held.reservation)
        task = self._tasks.pop(sid)
        self._was_task.setdefault(sid, task)

    def _siblings(self, task_sid: str) -> list[StoredReservation]:
        """Give what is held of a task, oldest first."""
        return [self._held[sid] for sid in self._of.get(task_sid, ())]

    def _index(self, reservation: Reservation) -> None:
        for parent in (reservation.task_sid, reservation.worker_sid):
            self._of.setdefault(str(parent), {})[str(reservation.sid)] = None

    def _unindex(self, reservation: Reservation) -> None:
        for parent in (reservation.task_sid, reservation.worker_sid):
            its = self._of[str(parent)]
            del its[str(reservation.sid)]
            if not its:
                del self._of[str(parent)]

    def _set_timer(self, due: datetime, sid: str) -> None:
        heapq.heappush(self._timers, (due, sid))
        if len(self._timers) > 2 * (len(self._held) + len(self._tasks)) + 64:
            self._timers = [timer for timer in set(self._timers) if self._is_due(*timer)]
            heapq.heapify(self._timers)

    def _is_due(self, due: datetime, sid: str) -> bool:
        owner = self._held.get(sid) or self._tasks.get(sid)
        return owner is not None and owner.due == due

    def _rebuild(self) -> None:
        """Make order, index and timers anew from what is held."""
        self._held = {
            str(held.reservation.sid): held
            for held in sorted(self._held.values(), key=lambda held: held.number)
        }
        self._number = 1 + max((held.number for held in self._held.values()), default=-1)
        self._of = {}
        for held in self._held.values():
            self._index(held.reservation)
        owned = ((held.due, sid) for sid, held in self._held.items())
        tasks = ((task.due, sid) for sid, task in self._tasks.items())
        self._timers = [(due, sid) for due, sid in (*owned, *tasks) if due is not None]
        heapq.heapify(self._timers)

    # --- what was changed ---

    def _forget(self) -> list[JournalEntry]:
        acts, self._acts = self._acts, []
        self._was_held.clear()
        self._was_task.clear()
        self._was_worker.clear()
        return acts

    def _changes(self) -> Changes:
        removed: list[str] = []

        def became(was: dict[str, T | None], now: dict[str, T]) -> dict[str, T]:
            removed.extend(sid for sid in was if sid not in now)
            return {sid: now[sid] for sid in was if sid in now}

        held, tasks = became(self._was_held, self._held), became(self._was_task, self._tasks)
        return Changes(
            held, tasks, became(self._was_worker, self._workers), tuple(removed), tuple(self._acts)
        )

    def _undo(self) -> None:
        def put_back(was: dict[str, T | None], now: dict[str, T]) -> None:
            for sid, value in was.items():
                if value is None:
                    now.pop(sid, None)
                else:
                    now[sid] = value

        put_back(self._was_held, self._held)
        put_back(self._was_task, self._tasks)
        put_back(self._was_worker, self._workers)
        self._forget()
        self._rebuild()
