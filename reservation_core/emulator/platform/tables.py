"""Tables of the emulated platform, with index, timers and undo log.

They are changed inside a transaction of :mod:`reservation_core.emulator.platform.storage`, which
commits the changes or rolls them back.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Final, TypeVar

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)

_V = TypeVar("_V")


class Table(dict[str, _V]):
    """Values by SID. Remembers the values from before the current transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.originals: Final[dict[str, _V | None]] = {}

    def put(self, sid: str, value: _V) -> _V | None:
        """Insert or replace a value and return the previous one."""
        previous = self.get(sid)
        if sid not in self.originals:
            self.originals[sid] = previous
        self[sid] = value
        return previous

    def remove(self, sid: str) -> _V:
        """Remove a value and return it."""
        value = self.pop(sid)
        self.originals.setdefault(sid, value)
        return value

    def changed(self) -> dict[str, _V]:
        """Return the values that were inserted or replaced in this transaction."""
        return {sid: self[sid] for sid in self.originals if sid in self}

    def roll_back(self) -> None:
        """Restore the values from before this transaction."""
        for sid, value in self.originals.items():
            if value is None:
                self.pop(sid, None)
            else:
                self[sid] = value

    def replace(self, values: dict[str, _V]) -> None:
        """Hold exactly these values. This is not part of a transaction."""
        self.clear()
        self.update(values)


class Tables:
    """Reservations, tasks and workers. Not thread-safe."""

    def __init__(self) -> None:
        self.reservations: Final[Table[StoredReservation]] = Table()
        self.tasks: Final[Table[Task]] = Table()
        self.workers: Final[Table[Worker]] = Table()
        self.entries: list[JournalEntry] = []
        """Journal entries of the current transaction."""
        self._children: dict[str, dict[str, None]] = {}
        """SIDs of the reservations of each task and worker, oldest first."""
        self.timers: list[tuple[datetime, str]] = []
        """A heap. An entry is stale once its owner has another due time."""
        self._next_number = 0

    # --- changes ---

    def take_number(self) -> int:
        """Return the next sequence number of a reservation."""
        self._next_number += 1
        return self._next_number - 1

    def put_reservation(self, stored: StoredReservation) -> None:
        """Insert or replace a reservation."""
        reservation, sid = stored.reservation, str(stored.reservation.sid)
        previous = self.reservations.put(sid, stored)
        if previous is None:
            self._add_to_index(reservation)
        elif (
            previous.reservation.task_sid != reservation.task_sid
            or previous.reservation.worker_sid != reservation.worker_sid
        ):
            self._remove_from_index(previous.reservation)
            self._add_to_index(reservation)
        self._set_timer(sid, previous.due if previous else None, stored.due)

    def put_task(self, task: Task) -> None:
        """Insert or replace a task."""
        previous = self.tasks.put(task.sid, task)
        self._set_timer(task.sid, previous.due if previous else None, task.due)

    def remove_task(self, sid: str) -> None:
        """Remove a task and its reservations."""
        for child in tuple(self._children.get(sid, ())):
            self._remove_from_index(self.reservations.remove(child).reservation)
        self.tasks.remove(sid)

    def remove_all(self) -> None:
        """Remove everything."""
        for sid in tuple(self.tasks):
            self.remove_task(sid)
        for sid in tuple(self.workers):
            self.workers.remove(sid)
        self.entries.clear()

    def children(self, parent_sid: str) -> list[StoredReservation]:
        """Return the reservations of a task or a worker, oldest first."""
        return [self.reservations[sid] for sid in self._children.get(parent_sid, ())]

    def _add_to_index(self, reservation: Reservation) -> None:
        for parent in (reservation.task_sid, reservation.worker_sid):
            self._children.setdefault(str(parent), {})[str(reservation.sid)] = None

    def _remove_from_index(self, reservation: Reservation) -> None:
        for parent in (str(reservation.task_sid), str(reservation.worker_sid)):
            children = self._children[parent]
            del children[str(reservation.sid)]
            if not children:
                del self._children[parent]

    # --- timers ---

    def next_due(self) -> datetime | None:
        """Return the time of the next timer."""
        while self.timers and not self._is_current(*self.timers[0]):
            heapq.heappop(self.timers)
        return self.timers[0][0] if self.timers else None

    def pop_due(self, now: datetime) -> tuple[datetime, str] | None:
        """Remove and return the next due timer: its time and SID."""
        while self.timers and self.timers[0][0] <= now:
            timer = heapq.heappop(self.timers)
            if self._is_current(*timer):
                return timer
        return None

    def is_due(self, now: datetime) -> bool:
        """Return true if a timer may be due by now."""
        return bool(self.timers) and self.timers[0][0] <= now

    def _set_timer(self, sid: str, before: datetime | None, due: datetime | None) -> None:
        if due is None or due == before:
            return
        heapq.heappush(self.timers, (due, sid))
        if len(self.timers) > 2 * (len(self.reservations) + len(self.tasks)) + 64:
            self.timers = [timer for timer in set(self.timers) if self._is_current(*timer)]
            heapq.heapify(self.timers)

    def _is_current(self, due: datetime, sid: str) -> bool:
        owner = self.reservations.get(sid) or self.tasks.get(sid)
        return owner is not None and owner.due == due

    # --- transactions ---

    def has_changes(self) -> bool:
        """Return true if this transaction changed anything."""
        return bool(self.reservations.originals or self.tasks.originals or self.workers.originals)

    def changes(self) -> Changes:
        """Return all changes of this transaction."""
        tables = (self.reservations, self.tasks, self.workers)
        removed = tuple(sid for table in tables for sid in table.originals if sid not in table)
        reservations, tasks = self.reservations.changed(), self.tasks.changed()
        return Changes(reservations, tasks, self.workers.changed(), removed, tuple(self.entries))

    def commit(self) -> list[JournalEntry]:
        """Forget the undo log and return the journal entries of this transaction."""
        entries, self.entries = self.entries, []
        for table in (self.reservations, self.tasks, self.workers):
            table.originals.clear()
        return entries

    def roll_back(self) -> None:
        """Undo all changes of this transaction."""
        for table in (self.reservations, self.tasks, self.workers):
            table.roll_back()
        self.commit()
        self._rebuild()

    def snapshot(self) -> Snapshot:
        """Return all values."""
        stored = tuple(self.reservations.values())
        return Snapshot(tuple(self.workers.values()), tuple(self.tasks.values()), stored)

    def load(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot. This is not part of a transaction."""
        self.workers.replace({worker.sid: worker for worker in snapshot.workers})
        self.tasks.replace({task.sid: task for task in snapshot.tasks})
        self.reservations.replace({str(s.reservation.sid): s for s in snapshot.reservations})
        self._rebuild()

    def _rebuild(self) -> None:
        """Rebuild order, index and timers from the tables."""
        ordered = sorted(self.reservations.items(), key=lambda item: item[1].number)
        self.reservations.replace(dict(ordered))
        self._next_number = 1 + max((stored.number for _, stored in ordered), default=-1)
        self._children = {}
        for _, stored in ordered:
            self._add_to_index(stored.reservation)
        reservations = [(stored.due, sid) for sid, stored in ordered]
        tasks = [(task.due, sid) for sid, task in self.tasks.items()]
        self.timers = [(due, sid) for due, sid in (*reservations, *tasks) if due is not None]
        heapq.heapify(self.timers)
