"""Workers, tasks, and who is reserved for what: the half of the emulated platform that routes.

A task's status follows from its reservations': reserved while one is pending, else assigned, wrapping or over; when all of them ended
without acceptance it is pending again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Final

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.clock import Clock, RealClock
from reservation_core.emulator.platform.model import (
    ACCOUNT,
    ASSUMED_TASK,
    ASSUMED_WORKER,
    ENDED,
    Attributes,
    JournalEntry,
    StateConflict,
    StoredReservation,
    Task,
    TaskConflict,
    TaskStatus,
    Worker,
    check_sid,
    check_timeout,
    take_over,
)
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import CommitHook, Storage
from reservation_core.rest.addresses import SID_PREFIXES, Route, reservation_path

PLATFORM: Final = "platform"
"""Who did it, in the journal, when nobody outside did."""

CREATED: Final = "created"
"""What happened to a reservation first, in the journal."""

WORKED_ON: Final = (Status.ACCEPTED, Status.WRAPPING)
"""The statuses in which a worker has the task."""

_USUAL: Final = Settings()
_LIVE: Final = (
    (Status.PENDING, TaskStatus.RESERVED),
    (Status.ACCEPTED, TaskStatus.ASSIGNED),
    (Status.WRAPPING, TaskStatus.WRAPPING),
)
"""What a task is while one of its reservations is that: the first that applies."""

_OVER: Final = {Status.COMPLETED: TaskStatus.COMPLETED, Status.CANCELED: TaskStatus.CANCELED}


class Routing(Storage):
    """What there is to be worked on and who works.

    :param clock: what time it is; the real time by default.
    :param settings: how it behaves where no source settles it.
    :param on_commit: called once for every unit of work, with everything it changed; when it raises, nothing has changed.
    :param random: where the SIDs come from that are made here; the same ones in every run unless another is given.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        settings: Settings = _USUAL,
        on_commit: CommitHook | None = None,
        random: Random | None = None,
    ) -> None:
        super().__init__(clock or RealClock(), on_commit, settings.journal_length)
        self.settings: Final = settings
        self._random = random or Random(0)  # noqa: S311 - names, not secrets

    # --- what there is ---------------------------------------------------------------------------------------------------------------

    def add_worker(
        self,
        workspace_sid: str,
        *,
        sid: str | None = None,
        account_sid: str | None = None,
        name: str | None = None,
        attributes: Attributes | None = None,
        activity_sid: str | None = None,
    ) -> Worker:
        """Add a worker, or put another one in the place of one with the same SID.

        :param attributes: ``contact_uri`` says where the worker is called; instructions that name no contact need it.
        :raises ValueError: when a SID is none, or the attributes are no JSON object.
        """
        with self._unit:
            worker = Worker(
                sid=check_sid("worker_sid", sid or self._make_sid(SID_PREFIXES["worker_sid"])),
                workspace_sid=check_sid("workspace_sid", workspace_sid),
                account_sid=account_sid or ACCOUNT,
                name=name,
                attributes=take_over(attributes),
                activity_sid=activity_sid,
            )
            self._hold_worker(worker)
            return worker

    def add_task(
        self,
        workspace_sid: str,
        *,
        sid: str | None = None,
        account_sid: str | None = None,
        attributes: Attributes | None = None,
        reservation_timeout: int | None = None,
    ) -> Task:
        """Add a task, pending.

        :param attributes: ``call_sid`` or ``outbound_to``, ``from`` and ``conference_sid`` are what instructions ask for.
        :param reservation_timeout: seconds that a worker has to answer, up to 86,400; else the setting's.
        :raises ValueError: when a SID is none or already a task's, or the attributes are no JSON object.
        """
        with self._unit:
            if sid in self._tasks:
                raise ValueError(
                    f"task {sid} is there already; give another sid, or none to have one made"
                )
            date = self._date()
            task = Task(
                sid=check_sid("task_sid", sid or self._make_sid(SID_PREFIXES["task_sid"])),
                workspace_sid=check_sid("workspace_sid", workspace_sid),
                account_sid=account_sid or ACCOUNT,
                attributes=take_over(attributes),
                reservation_timeout=self.settings.reservation_timeout
                if reservation_timeout is None
                else check_timeout(reservation_timeout),
                date_created=date,
                date_updated=date,
            )
            self._hold_task(task)
            return task

    def add(self, reservation: Reservation) -> Reservation:
        """Hold a reservation as it is, at version 0; its task and its worker are assumed where they are not known.

        What is assumed meets the needs of every instruction.

        :raises IncompleteReservation: when it lacks a SID that its two addresses are made of.
        """
        for route in Route:
            reservation_path(reservation, route)
        sid, task_sid = str(reservation.sid), str(reservation.task_sid)
        with self._unit:
            date = self._date()
            task = self._tasks.get(task_sid) or self._assume_task(reservation, date)
            self._assume_worker(reservation)
            added = attrs.evolve(
                reservation,
                date_created=reservation.date_created or date,
                date_updated=date,
                etag="0",
            )
            before = self._held.get(sid)
            number = before.number if before else self._next_number()
            due = (
                self._present + timedelta(seconds=task.reservation_timeout)
                if added.state == Status.PENDING
                else None
            )
            self._hold(StoredReservation(added, number, due))
            self._settle(task, _OVER.get(added.status, TaskStatus.PENDING))
            if before and before.reservation.task_sid != task_sid:
                self._settle(self._tasks[str(before.reservation.task_sid)], TaskStatus.PENDING)
            return added

    def _assume_task(self, reservation: Reservation, date: datetime) -> Task:
        task = Task(
            sid=str(reservation.task_sid),
            workspace_sid=str(reservation.workspace_sid),
            account_sid=reservation.account_sid,
            attributes=ASSUMED_TASK,
            reservation_timeout=self.settings.reservation_timeout,
            date_created=date,
            date_updated=date,
            is_assumed=True,
        )
        self._hold_task(task)
        return task

    def _assume_worker(self, reservation: Reservation) -> None:
        sid = str(reservation.worker_sid)
        if sid not in self._workers:
            workspace, name = str(reservation.workspace_sid), reservation.worker_name
            account = reservation.account_sid
            self._hold_worker(
                Worker(
                    sid=sid,
                    workspace_sid=workspace,
                    account_sid=account,
                    name=name,
                    attributes=ASSUMED_WORKER,
                )
            )

    def reserve(self, task_sid: str, worker_sid: str, *, sid: str | None = None) -> Reservation:
        """Reserve a worker for a task, as the platform does when it has found one; several may be reserved for one task.

        :raises KeyError: when there is no such task or worker.
        :raises TaskConflict: when the task is not waiting for a worker.
        """
        with self._unit:
            task = self._tasks[task_sid]
            if task.status is TaskStatus.PENDING:
                task = attrs.evolve(task, rounds=task.rounds + 1)
            elif task.status is not TaskStatus.RESERVED or self._is_worked_on(task_sid):
                raise TaskConflict(task_sid, task.status, "to reserve a worker")
            return self._reserve(task, self._workers[worker_sid], sid, transfer=False)

    def transfer(self, sid: str, worker_sid: str) -> Reservation:
        """Begin to hand a task that is worked on to another worker: a second reservation of the same task.

        :param sid: the reservation of the worker who has the task.
        :raises KeyError: when there is no such reservation or worker.
        :raises StateConflict: when nobody works on it.
        """
        with self._unit:
            held = self._held[sid]
            if held.reservation.status not in WORKED_ON:
                raise StateConflict(sid, held.reservation.state, "transfer")
            return self._reserve(
                self._tasks[str(held.reservation.task_sid)],
                self._workers[worker_sid],
                None,
                transfer=True,
            )

    def _reserve(
        self, task: Task, worker: Worker, sid: str | None, *, transfer: bool
    ) -> Reservation:
        if sid in self._held:
            raise ValueError(
                f"reservation {sid} is there already; give another sid, or none to have one made"
            )
        date = self._date()
        reservation = Reservation(
            sid=check_sid("sid", sid or self._make_sid(SID_PREFIXES["sid"])),
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
        self._hold(
            StoredReservation(
                reservation,
                self._next_number(),
                self._present + timedelta(seconds=task.reservation_timeout),
                transfer,
            )
        )
        worker = attrs.evolve(
            worker, version=worker.version + 1
        )  # observed: a reservation raises its worker's version by 1
        self._hold_worker(worker)
        status = self._settle(task, TaskStatus.RESERVED)
        task = self._tasks[task.sid]
        created = JournalEntry(
            str(reservation.sid),
            CREATED,
            PLATFORM,
            "0",
            self._present,
            reservation,
            None,
            status,
            task=task,
            worker=worker,
        )
        self._acts.append(created)
        return reservation

    # --- what follows ----------------------------------------------------------------------------------------------------------------

    def _date(self) -> datetime:
        """Give the present as bodies show it: to the second."""
        return self._present.replace(microsecond=0)

    def _make_sid(self, prefix: str) -> str:
        while (
            (sid := f"{prefix}{self._random.getrandbits(128):032x}") in self._held
            or sid in self._tasks
            or sid in self._workers
        ):
            pass
        return sid

    def _is_worked_on(self, task_sid: str) -> bool:
        return any(held.reservation.status in WORKED_ON for held in self._siblings(task_sid))

    def _settle(self, task: Task, otherwise: TaskStatus, reason: str | None = None) -> TaskStatus:
        """Let a task follow its reservations.

        :param otherwise: what it is when none of them is live.
        """
        statuses = [held.reservation.status for held in self._siblings(task.sid)]
        status = next((led for live, led in _LIVE if live in statuses), otherwise)
        if status is TaskStatus.PENDING and task.rounds >= self.settings.max_rounds:
            status, reason = TaskStatus.CANCELED, f"reserved {task.rounds} times in vain"
        if status is task.status and task.sid in self._tasks:
            return status
        due = (
            self._present + timedelta(seconds=self.settings.delete_after)
            if status in ENDED
            else None
        )
        self._hold_task(task.moved(status, self._date(), due, reason))
        return status
