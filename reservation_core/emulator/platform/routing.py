"""Routing: reservation of workers for tasks, and the status of tasks.

A task's status follows its reservations: reserved while one is pending, else assigned, wrapping or
ended. If all of them end without acceptance, the task is pending again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.errors import StateConflict, TaskConflict
from reservation_core.emulator.platform.model import (
    StoredReservation,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import Storage
from reservation_core.emulator.platform.validation import check_sid
from reservation_core.rest.addresses import SID_PREFIXES

BY_PLATFORM: Final = "platform"
"""Author of a journal entry that no client caused."""

CREATED: Final = "created"
"""Trigger of a reservation's first journal entry."""

EXPIRED: Final = "Task TTL Exceeded"
"""Reason of a task that no worker accepted in time (documented)."""

_WORKED_ON: Final = (Status.ACCEPTED, Status.WRAPPING)
_WAITING: Final = (TaskStatus.PENDING, TaskStatus.RESERVED)
_ENDED: Final = (TaskStatus.COMPLETED, TaskStatus.CANCELED)
_TASK_STATUS_OF_LIVE: Final = (
    (Status.PENDING, TaskStatus.RESERVED),
    (Status.ACCEPTED, TaskStatus.ASSIGNED),
    (Status.WRAPPING, TaskStatus.WRAPPING),
)
"""Task status by reservation status. The first status that a reservation has decides."""


class Routing:
    """Reservation of workers, and the status of tasks. Used inside a transaction.

    The errors are those of :class:`~reservation_core.emulator.Platform`.
    """

    def __init__(self, storage: Storage, settings: Settings, random: Random) -> None:
        self._storage = storage
        self._tables = storage.tables
        self._settings = settings
        self._random = random

    def make_sid(self, prefix: str) -> str:
        """Return a SID that is not in use."""
        tables = self._tables
        while True:
            sid = f"{prefix}{self._random.getrandbits(128):032x}"
            if not any(
                sid in table
                for table in (tables.reservations, tables.tasks, tables.workers, tables.records)
            ):
                return sid

    def is_worked_on(self, task_sid: str) -> bool:
        """Return true if a worker has the task."""
        return any(
            stored.reservation.status in _WORKED_ON for stored in self._tables.children(task_sid)
        )

    def is_waiting(self, task: Task) -> bool:
        """Return true if the task waits for a worker."""
        return task.status in _WAITING and not self.is_worked_on(task.sid)

    def reserve(self, task_sid: str, worker_sid: str, sid: str | None) -> Reservation:
        """Reserve a worker for a task that waits for one."""
        task = self._tables.tasks[task_sid]
        if not self.is_waiting(task):
            raise TaskConflict(task_sid, task.status, "reserve a worker for")
        if task.status is TaskStatus.PENDING:
            task = attrs.evolve(task, rounds=task.rounds + 1)
        worker = self._tables.workers[worker_sid]
        if sid in self._tables.reservations:
            raise ValueError(f"cannot add reservation {sid}: the SID is in use. Choose another one")
        sid = check_sid("sid", sid or self.make_sid(SID_PREFIXES["sid"]))
        return self._reserve(task, worker, sid, is_transfer=False)

    def transfer(self, sid: str, worker_sid: str) -> Reservation:
        """Reserve a second worker for the task of an accepted reservation."""
        first = self._tables.reservations[sid].reservation
        if first.status not in _WORKED_ON:
            raise StateConflict(sid, first.state, "transfer")
        task, worker = self._tables.tasks[str(first.task_sid)], self._tables.workers[worker_sid]
        return self._reserve(task, worker, self.make_sid(SID_PREFIXES["sid"]), is_transfer=True)

    def _reserve(self, task: Task, worker: Worker, sid: str, *, is_transfer: bool) -> Reservation:
        date = self._storage.date
        reservation = Reservation(
            sid=sid,
            account_sid=task.account_sid,
            workspace_sid=task.workspace_sid,
            task_sid=task.sid,
            worker_sid=worker.sid,
            worker_name=worker.name,
            status=Status.PENDING,
            date_created=date,
            date_updated=date,
            etag="0",
        )
        number, due = self._tables.take_number(), self.time_after(task.reservation_timeout)
        self._tables.put_reservation(StoredReservation(reservation, number, due, is_transfer))
        # Observed: a reservation raises its worker's version by 1.
        worker = attrs.evolve(worker, version=worker.version + 1)
        self._tables.workers.put(worker.sid, worker)
        task = self.settle(task, TaskStatus.RESERVED)
        self._storage.record(reservation, CREATED, BY_PLATFORM, None, task)
        return reservation

    def settle(self, task: Task, otherwise: TaskStatus, reason: str | None = None) -> Task:
        """Set a task's status from its reservations and return the task.

        :param otherwise: the status if none of its reservations is live.
        """
        statuses = [s.reservation.status for s in self._tables.children(task.sid)]
        status = next(
            (follows for live, follows in _TASK_STATUS_OF_LIVE if live in statuses), otherwise
        )
        if status is TaskStatus.PENDING and task.rounds >= self._settings.max_rounds:
            status, reason = TaskStatus.CANCELED, f"reserved {task.rounds} times in vain"
        elif status is TaskStatus.PENDING and self._has_expired(task):
            status, reason = TaskStatus.CANCELED, EXPIRED
        if status is task.status:
            return task
        task = attrs.evolve(
            task,
            status=status,
            date_updated=self._storage.date,
            due=self._due_of(task, status),
            reason=reason,
            version=task.version + 1,
        )
        self._tables.put_task(task)
        return task

    def _has_expired(self, task: Task) -> bool:
        return task.order is not None and task.order.expires <= self._storage.time

    def _due_of(self, task: Task, status: TaskStatus) -> datetime | None:
        if status in _ENDED:
            return self.time_after(self._settings.delete_after)
        is_waiting = status in _WAITING and not self.is_worked_on(task.sid)
        return task.order.expires if task.order is not None and is_waiting else None

    def time_after(self, seconds: float) -> datetime:
        """Return the time that many seconds after the current transaction."""
        return self._storage.time + timedelta(seconds=seconds)
