"""Creation of workers, tasks and given reservations on the emulated platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    DEFAULT_ACCOUNT_SID,
    StoredReservation,
    Task,
    TaskOrder,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.routing import Routing
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import Storage
from reservation_core.emulator.platform.validation import check_sid, check_timeout, copy_attributes
from reservation_core.rest.addresses import SID_PREFIXES, Route, reservation_path
from reservation_core.rest.bodies import Attributes

_TASK_STATUS_OF_ENDED: Final = {
    Status.COMPLETED: TaskStatus.COMPLETED,
    Status.CANCELED: TaskStatus.CANCELED,
}

# Attributes of an assumed task and worker. They satisfy every instruction.
_ASSUMED_TASK: Final[Attributes] = {"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
_ASSUMED_WORKER: Final[Attributes] = {"contact_uri": "client:worker"}


class Creation:
    """Creation of workers, tasks and given reservations. Used inside a transaction.

    The errors are those of :class:`~reservation_core.emulator.Platform`.
    """

    def __init__(self, storage: Storage, routing: Routing, settings: Settings) -> None:
        self._storage = storage
        self._tables = storage.tables
        self._routing = routing
        self._settings = settings

    def add_worker(
        self,
        workspace_sid: str,
        sid: str | None,
        account_sid: str | None,
        name: str | None,
        attributes: Mapping[str, object] | None,
        activity_sid: str | None,
    ) -> Worker:
        """Add or replace a worker."""
        worker = Worker(
            sid=check_sid("worker_sid", sid or self._routing.make_sid(SID_PREFIXES["worker_sid"])),
            workspace_sid=check_sid("workspace_sid", workspace_sid),
            account_sid=account_sid or DEFAULT_ACCOUNT_SID,
            name=name,
            attributes=copy_attributes(attributes),
            activity_sid=activity_sid,
            date_created=self._storage.date,
            date_updated=self._storage.date,
            date_status_changed=self._storage.date,
        )
        self._tables.workers.put(worker.sid, worker)
        return worker

    def add_task(
        self,
        workspace_sid: str,
        sid: str | None,
        account_sid: str | None,
        attributes: Mapping[str, object] | None,
        reservation_timeout: int | None,
        orchestrated: bool | None,
        order: TaskOrder | None = None,
    ) -> Task:
        """Add a pending task."""
        if sid in self._tables.tasks:
            raise ValueError(f"cannot add task {sid}: the SID is in use. Choose another one")
        if reservation_timeout is None:
            reservation_timeout = self._settings.reservation_timeout
        task = Task(
            sid=check_sid("task_sid", sid or self._routing.make_sid(SID_PREFIXES["task_sid"])),
            workspace_sid=check_sid("workspace_sid", workspace_sid),
            account_sid=account_sid or DEFAULT_ACCOUNT_SID,
            attributes=copy_attributes(attributes),
            reservation_timeout=check_timeout(reservation_timeout),
            date_created=self._storage.date,
            date_updated=self._storage.date,
            is_orchestrated=self._is_orchestrated(orchestrated),
            order=order,
            due=None if order is None else order.expires,
        )
        self._tables.put_task(task)
        return task

    def _is_orchestrated(self, given: bool | None = None) -> bool:
        return self._settings.orchestrated_accept if given is None else given

    def add(self, reservation: Reservation) -> Reservation:
        """Add or replace a reservation at version 0.

        An unknown task or worker is added too.
        """
        for route in Route:
            reservation_path(reservation, route)  # raises if a SID is missing
        sid, task_sid = str(reservation.sid), str(reservation.task_sid)
        task = self._tables.tasks.get(task_sid) or self._assume_task(reservation)
        self._assume_worker(reservation)
        date = self._storage.date
        created = reservation.date_created or date
        added = attrs.evolve(reservation, date_created=created, date_updated=date, etag="0")
        previous = self._tables.reservations.get(sid)
        number = previous.number if previous else self._tables.take_number()
        due = (
            self._routing.time_after(task.reservation_timeout)
            if added.state == Status.PENDING
            else None
        )
        self._tables.put_reservation(StoredReservation(added, number, due))
        self._routing.settle(task, _TASK_STATUS_OF_ENDED.get(added.status, TaskStatus.PENDING))
        if previous and (task_before := str(previous.reservation.task_sid)) != task_sid:
            self._routing.settle(self._tables.tasks[task_before], TaskStatus.PENDING)
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
            is_orchestrated=self._is_orchestrated(),
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
                date_created=self._storage.date,
                date_updated=self._storage.date,
                date_status_changed=self._storage.date,
            )
            self._tables.workers.put(sid, worker)
