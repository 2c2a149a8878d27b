"""Tables of the emulated platform, with index, timers and undo log.

They are changed inside a transaction of :mod:`reservation_core.emulator.platform.storage`, which
commits the changes or rolls them back.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from typing import Any, Final, Protocol, TypeVar

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    Record,
    ResourceEvent,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)
from reservation_core.rest.bodies import Json

_V = TypeVar("_V")


class TableObserver(Protocol):
    """Observer of all tables. ``None`` stands for a value that does not exist."""

    def task_changed(self, before: Task | None, after: Task | None) -> None:
        """Observe a task that is inserted, replaced or removed."""
        ...

    def worker_changed(self, before: Worker | None, after: Worker | None) -> None:
        """Observe a worker that is inserted, replaced or removed."""
        ...

    def reservation_changed(
        self, before: StoredReservation | None, after: StoredReservation | None
    ) -> None:
        """Observe a reservation that is inserted, replaced or removed."""
        ...

    def record_changed(self, before: Record | None, after: Record | None) -> None:
        """Observe a record that is inserted, replaced or removed."""
        ...

    def reloaded(self, sids: Iterable[str]) -> None:
        """Observe values that were rolled back, or loaded without a transaction."""
        ...


class Table(dict[str, _V]):
    """Values by SID. Remembers the values from before the current transaction.

    ``on_change`` is called with the values before and after each change, and ``on_reload`` with
    the SIDs of values that were restored or loaded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.originals: Final[dict[str, _V | None]] = {}
        self._numbers: Final = count()
        self._places: dict[str, int] = {}
        self._places_before: Final[dict[str, int]] = {}
        """Places of the values that were removed in this transaction."""
        self.on_change: Callable[[_V | None, _V | None], None] | None = None
        self.on_reload: Callable[[Iterable[str]], None] | None = None

    def put(self, sid: str, value: _V) -> _V | None:
        """Insert or replace a value and return the previous one."""
        previous = self.get(sid)
        if previous is None:
            self._places[sid] = next(self._numbers)
        if sid not in self.originals:
            self.originals[sid] = previous
        self[sid] = value
        if self.on_change is not None:
            self.on_change(previous, value)
        return previous

    def remove(self, sid: str) -> _V:
        """Remove a value and return it."""
        value = self.pop(sid)
        self.originals.setdefault(sid, value)
        self._places_before.setdefault(sid, self._places.pop(sid))
        if self.on_change is not None:
            self.on_change(value, None)
        return value

    def changed(self) -> dict[str, _V]:
        """Return the values that were inserted or replaced in this transaction."""
        return {sid: self[sid] for sid in self.originals if sid in self}

    def commit(self) -> None:
        """Forget the values from before this transaction."""
        self.originals.clear()
        self._places_before.clear()

    def roll_back(self) -> None:
        """Restore the values from before this transaction, in their order."""
        for sid, value in self.originals.items():
            if value is None:
                self.pop(sid, None)
                self._places.pop(sid, None)
            else:
                self[sid] = value
        if self._places_before:
            self._places.update(
                (sid, place) for sid, place in self._places_before.items() if sid in self
            )
            ordered = sorted(self.items(), key=lambda item: self._places[item[0]])
            self.clear()
            self.update(ordered)
        self._report_reload(self.originals)

    def replace(self, values: dict[str, _V]) -> None:
        """Hold exactly these values. This is not part of a transaction."""
        before = tuple(self)
        self.clear()
        self.update(values)
        self._places = dict(zip(values, self._numbers, strict=False))
        self._report_reload((*before, *values))

    def _report_reload(self, sids: Iterable[str]) -> None:
        if self.on_reload is not None:
            self.on_reload(sids)


class Tables:
    """Reservations, tasks, workers and records. Not thread-safe."""

    def __init__(self) -> None:
        self.reservations: Final[Table[StoredReservation]] = Table()
        self.tasks: Final[Table[Task]] = Table()
        self.workers: Final[Table[Worker]] = Table()
        self.records: Final[Table[Record]] = Table()
        self.entries: list[JournalEntry | ResourceEvent] = []
        """Journal entries and events of the current transaction."""
        self._tables: Final[tuple[Table[Any], ...]] = (
            self.reservations,
            self.tasks,
            self.workers,
            self.records,
        )
        self._children: dict[str, dict[str, None]] = {}
        """SIDs of the reservations of each task and worker, oldest first."""
        self._records_in: dict[str, dict[str, None]] = {}
        """SIDs of the records of each workspace, oldest first."""
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

    def put_record(self, record: Record) -> None:
        """Insert or replace a record."""
        self.records.put(record.sid, record)
        self._records_in.setdefault(record.workspace_sid, {})[record.sid] = None

    def remove_record(self, sid: str) -> None:
        """Remove a record."""
        workspace_sid = self.records.remove(sid).workspace_sid
        del self._records_in[workspace_sid][sid]
        if not self._records_in[workspace_sid]:
            del self._records_in[workspace_sid]

    def records_in(self, workspace_sid: str, kind: str) -> list[Record]:
        """Return the records of one kind in a workspace, oldest first."""
        records = (self.records[sid] for sid in self._records_in.get(workspace_sid, ()))
        return [record for record in records if record.kind == kind]

    def name_of(self, sid: str | None) -> Json:
        """Return the name of a record, ``None`` without one."""
        record = self.records.get(str(sid))
        return None if record is None else record.fields["friendly_name"]

    def is_available(self, activity_sid: str | None) -> bool:
        """Return true if workers in an activity are available."""
        activity = self.records.get(str(activity_sid))
        return activity is not None and activity.fields.get("available") is True

    def remove_all(self) -> None:
        """Remove everything."""
        for sid in tuple(self.tasks):
            self.remove_task(sid)
        for sid in tuple(self.workers):
            self.workers.remove(sid)
        for sid in tuple(self.records):
            self.remove_record(sid)

    def observe(self, observer: TableObserver) -> None:
        """Call an observer at each change from now on. It replaces an earlier one."""
        self.tasks.on_change = observer.task_changed
        self.workers.on_change = observer.worker_changed
        self.reservations.on_change = observer.reservation_changed
        self.records.on_change = observer.record_changed
        for table in self._tables:
            table.on_reload = observer.reloaded
            observer.reloaded(table)

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
        return bool(
            self.reservations.originals
            or self.tasks.originals
            or self.workers.originals
            or self.records.originals
        )

    def changes(self) -> Changes:
        """Return all changes of this transaction."""
        return Changes(
            self.reservations.changed(),
            self.tasks.changed(),
            self.workers.changed(),
            tuple(sid for table in self._tables for sid in table.originals if sid not in table),
            tuple(entry for entry in self.entries if isinstance(entry, JournalEntry)),
            self.records.changed(),
        )

    def commit(self) -> list[JournalEntry | ResourceEvent]:
        """Forget the undo log, and return this transaction's entries and events."""
        entries, self.entries = self.entries, []
        for table in self._tables:
            table.commit()
        return entries

    def roll_back(self) -> None:
        """Undo all changes of this transaction."""
        for table in self._tables:
            table.roll_back()
        self.commit()
        self._rebuild()

    def snapshot(self) -> Snapshot:
        """Return all values."""
        stored = tuple(self.reservations.values())
        workers, tasks = tuple(self.workers.values()), tuple(self.tasks.values())
        return Snapshot(workers, tasks, stored, tuple(self.records.values()))

    def load(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot. This is not part of a transaction."""
        self.workers.replace({worker.sid: worker for worker in snapshot.workers})
        self.tasks.replace({task.sid: task for task in snapshot.tasks})
        self.reservations.replace({str(s.reservation.sid): s for s in snapshot.reservations})
        self.records.replace({record.sid: record for record in snapshot.records})
        self._rebuild()

    def _rebuild(self) -> None:
        """Rebuild order, index and timers from the tables."""
        ordered = sorted(self.reservations.items(), key=lambda item: item[1].number)
        self.reservations.replace(dict(ordered))
        self._next_number = 1 + max((stored.number for _, stored in ordered), default=-1)
        self._children = {}
        for _, stored in ordered:
            self._add_to_index(stored.reservation)
        self._records_in = {}
        for record in sorted(self.records.values(), key=lambda each: each.date_created):
            self._records_in.setdefault(record.workspace_sid, {})[record.sid] = None
        reservations = [(stored.due, sid) for sid, stored in ordered]
        tasks = [(task.due, sid) for sid, task in self.tasks.items()]
        self.timers = [(due, sid) for due, sid in (*reservations, *tasks) if due is not None]
        heapq.heapify(self.timers)
