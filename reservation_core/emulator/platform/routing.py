"""Routing of the emulated platform: which worker is reserved for which task.

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
from reservation_core.rest.bodies import Attributes

BY_PLATFORM: Final = "platform"
"""Author of a journal entry that no client caused."""

CREATED: Final = "created"
"""Trigger of a reservation's first journal entry."""

_WORKED_ON: Final = (Status.ACCEPTED, Status.WRAPPING)
_ENDED: Final = (TaskStatus.COMPLETED, TaskStatus.CANCELED)
_TASK_STATUS_OF_LIVE: Final = (
    (Status.PENDING, TaskStatus.RESERVED),
    (Status.ACCEPTED, TaskStatus.ASSIGNED),
    (Status.WRAPPING, TaskStatus.WRAPPING),
)
"""The first status that one of the task's reservations has decides the task's status."""

_TASK_STATUS_OF_ENDED: Final = {
    Status.COMPLETED: TaskStatus.COMPLETED,
    Status.CANCELED: TaskStatus.CANCELED,
}

# Attributes of an assumed task and worker. They satisfy every instruction.
_ASSUMED_TASK: Final[Attributes] = {"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
_ASSUMED_WORKER: Final[Attributes] = {"contact_uri": "client:worker"}


class Routing:
    """Creation of reservations, and the status of their tasks. Used inside a transaction."""

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
            if not (sid in tables.reservations or sid in tables.tasks or sid in tables.workers):
                return sid

    def is_worked_on(self, task_sid: str) -> bool:
        """Return true if a worker has the task."""
        return any(
            stored.reservation.status in _WORKED_ON for stored in self._tables.children(task_sid)
        )

    def add(self, reservation: Reservation) -> Reservation:
        """Insert or replace a reservation at version 0.

        An unknown task or worker is inserted too.
        """
        sid, task_sid = str(reservation.sid), str(reservation.task_sid)
        task = self._tables.tasks.get(task_sid) or self._assume_task(reservation)
        self._assume_worker(reservation)
        date = self._storage.date
        created = reservation.date_created or date
        added = attrs.evolve(reservation, date_created=created, date_updated=date, etag="0")
        previous = self._tables.reservations.get(sid)
        number = previous.number if previous else self._tables.take_number()
        due = self._due(task.reservation_timeout) if added.state == Status.PENDING else None
        self._tables.put_reservation(StoredReservation(added, number, due))
        self.settle(task, _TASK_STATUS_OF_ENDED.get(added.status, TaskStatus.PENDING))
        if previous and (task_before := str(previous.reservation.task_sid)) != task_sid:
            self.settle(self._tables.tasks[task_before], TaskStatus.PENDING)
        return added

    def _assume_task(self, reservation: Reservation) -> Task:
        task = Task(
            sid=str(reservation.task_sid),
            workspace_sid=str(reservation.workspace_sid),
            account_sid=reservation.account_sid,
            attributes=_ASSUMED_TASK,
            reservation_timeout=self._settings.reservation_timeout,
            date_created=self._storage.date,
            date_updated=self._storage.date,
            is_assumed=True,
        )
        self._tables.put_task(task)
        return task

    def _assume_worker(self, reservation: Reservation) -> None:
        sid = str(reservation.worker_sid)
        if sid not in self._tables.workers:
            worker = Worker(
                sid=sid,
                workspace_sid=str(reservation.workspace_sid),
                account_sid=reservation.account_sid,
                name=reservation.worker_name,
                attributes=_ASSUMED_WORKER,
            )
            self._tables.workers.put(sid, worker)

    def reserve(
        self, task: Task, worker: Worker, sid: str | None = None, *, is_transfer: bool = False
    ) -> Reservation:
        """Create a pending reservation."""
        if sid in self._tables.reservations:
            raise ValueError(f"cannot add reservation {sid}: the SID is in use. Choose another one")
        date = self._storage.date
        reservation = Reservation(
            sid=check_sid("sid", sid or self.make_sid(SID_PREFIXES["sid"])),
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
        number, due = self._tables.take_number(), self._due(task.reservation_timeout)
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
        status = next((led for live, led in _TASK_STATUS_OF_LIVE if live in statuses), otherwise)
        if status is TaskStatus.PENDING and task.rounds >= self._settings.max_rounds:
            status, reason = TaskStatus.CANCELED, f"reserved {task.rounds} times in vain"
        if status is task.status:
            return task
        task = attrs.evolve(
            task,
            status=status,
            date_updated=self._storage.date,
            due=self._due(self._settings.delete_after) if status in _ENDED else None,
            reason=reason,
            version=task.version + 1,
        )
        self._tables.put_task(task)
        return task

    def _due(self, seconds: float) -> datetime:
        return self._storage.present + timedelta(seconds=seconds)
