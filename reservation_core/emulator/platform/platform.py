"""The emulated platform: events of calls, tasks, workers and reservations.

It does no I/O and knows nothing of HTTP. A change that is not a step of the lifecycle is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from random import Random
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.clock import Clock, RealClock
from reservation_core.emulator.platform.errors import StateConflict, TaskConflict
from reservation_core.emulator.platform.model import (
    DEFAULT_ACCOUNT_SID,
    JournalEntry,
    Snapshot,
    StoredReservation,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.routing import BY_PLATFORM, Routing
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import CommitHook, JournalSubscriber, Storage
from reservation_core.emulator.platform.transitions import Step, Transitions
from reservation_core.emulator.platform.validation import (
    check_sid,
    check_timeout,
    copy_attributes,
)
from reservation_core.rest.addresses import SID_PREFIXES, Route, reservation_path

_AFTER_TASK_END: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.COMPLETED,
    Status.WRAPPING: Status.COMPLETED,
}
"""Status of each live reservation after its task was completed or deleted; on hold is pending."""

_AFTER_HANG_UP: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.WRAPPING,
}
"""Status of each live reservation after the caller has left; on hold is pending."""


class Platform:
    """Workers, tasks and reservations. Thread-safe: one transaction runs at a time.

    ``journal`` holds the latest changes, oldest first. ``clock`` and ``settings`` are those given.
    A method raises :class:`KeyError` for the SID of something that does not exist, or was deleted.

    :param clock: the time; real time by default.
    :param settings: the behavior where no source settles it.
    :param on_commit: called with all changes of each transaction. If it raises, nothing changes.
    :param random: source of new SIDs. By default every run makes the same ones.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        settings: Settings | None = None,
        on_commit: CommitHook | None = None,
        random: Random | None = None,
    ) -> None:
        self.clock: Final = clock or RealClock()
        self.settings: Final = settings or Settings()
        self._storage: Final = Storage(
            self.clock, self._run_timer, on_commit, self.settings.journal_length
        )
        self._tables: Final = self._storage.tables
        self.journal: Final[deque[JournalEntry]] = self._storage.journal
        seeded = random or Random(0)  # noqa: S311 - SIDs are not secrets
        self._routing: Final = Routing(self._storage, self.settings, seeded)
        self._transitions: Final = Transitions(self._storage, self._routing, self.settings)

    # --- transactions ---

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context manager that makes all changes within it atomic.

        Other threads wait meanwhile. A nested transaction is part of the outer one.
        """
        return self._storage

    def subscribe(self, subscriber: JournalSubscriber) -> Callable[[], None]:
        """Call a function with every journal entry after its commit, in order.

        It runs in the thread that made the change and should be quick. An exception reaches the
        caller of the change, which stands.

        :returns: a function that ends the subscription.
        """
        return self._storage.subscribe(subscriber)

    # --- state ---

    def get(self, sid: str) -> Reservation:
        """Return a reservation. Its ``on_hold`` is exact, which the API never shows."""
        return self.stored(sid).reservation

    def stored(self, sid: str) -> StoredReservation:
        """Return a reservation with its timer and the platform's other internal data."""
        with self._storage:
            return self._tables.reservations[sid]

    def all(self, of: str | None = None) -> tuple[Reservation, ...]:
        """Return all reservations, oldest first.

        :param of: the SID of a task or a worker, to return only its reservations.
        """
        with self._storage:
            found = self._tables.reservations.values() if of is None else self._tables.children(of)
            return tuple(stored.reservation for stored in found)

    def task(self, sid: str) -> Task:
        """Return a task."""
        with self._storage:
            return self._tables.tasks[sid]

    def tasks(self) -> tuple[Task, ...]:
        """Return all tasks, oldest first."""
        with self._storage:
            return tuple(self._tables.tasks.values())

    def worker(self, sid: str) -> Worker:
        """Return a worker."""
        with self._storage:
            return self._tables.workers[sid]

    def workers(self) -> tuple[Worker, ...]:
        """Return all workers, oldest first."""
        with self._storage:
            return tuple(self._tables.workers.values())

    def available_actions(self, sid: str) -> tuple[str, ...]:
        """Return the names of all actions that are available for a reservation.

        They are names of methods for the reservation, its call and its task, and of statuses for
        :meth:`set_status`. Exactly these are not refused.
        """
        with self._storage:
            stored = self._tables.reservations[sid]
            task = self._tables.tasks[str(stored.reservation.task_sid)]
            is_calling = stored.reservation.state == ON_HOLD
            is_worked_on = self._routing.is_worked_on(task.sid)
            actions = {
                "answer_call": is_calling,
                "miss_call": is_calling,
                "fail_call": is_calling,
                "hang_up": stored.reservation.status in _AFTER_HANG_UP,
                "wrap_task": task.status is TaskStatus.ASSIGNED,
                "complete_task": is_worked_on,
                "cancel_task": self._is_waiting(task),
                "delete_task": True,
            }
            for fact in Status:
                actions[fact.value] = self._transitions.find_target(stored, fact) is not None
            return tuple(name for name, is_available in actions.items() if is_available)

    # --- time and the whole ---

    def now(self) -> datetime:
        """Return the clock's time."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock forward and run the timers that become due."""
        with self._storage.lock:
            self.clock.advance(seconds)
            self.run_due_timers()

    def run_due_timers(self) -> None:
        """Run the timers that are due. Every other method does so first."""
        with self._storage:
            pass

    def next_due(self) -> datetime | None:
        """Return the time of the next timer. ``clock.wait`` converts it to real seconds."""
        with self._storage.lock:
            return self._tables.next_due()

    def snapshot(self) -> Snapshot:
        """Return everything, to restore it later or elsewhere."""
        tables = self._tables
        with self._storage:
            stored = tuple(tables.reservations.values())
            return Snapshot(tuple(tables.workers.values()), tuple(tables.tasks.values()), stored)

    def restore(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot, and clear the journal.

        ``on_commit`` and subscribers are not called.
        """
        with self._storage.lock:
            self._tables.load(snapshot)
            self.journal.clear()

    def reset(self) -> None:
        """Remove everything and clear the journal."""
        with self._storage:
            self._tables.remove_all()
        self.journal.clear()

    def _run_timer(self, sid: str) -> None:
        if sid in self._tables.tasks:
            self._tables.remove_task(sid)
        else:
            stored = self._tables.reservations[sid]
            self._transitions.make([Step(stored, Status.TIMEOUT.value, Status.TIMEOUT)])

    # --- adding ---

    def add_worker(
        self,
        workspace_sid: str,
        *,
        sid: str | None = None,
        account_sid: str | None = None,
        name: str | None = None,
        attributes: Mapping[str, object] | None = None,
        activity_sid: str | None = None,
    ) -> Worker:
        """Add a worker, or replace the one with the same SID.

        :param attributes: ``contact_uri`` is the address for instructions that give none.
        :raises ValueError: if a SID is invalid or the attributes are not a JSON object.
        """
        with self._storage:
            worker = Worker(
                sid=check_sid(
                    "worker_sid", sid or self._routing.make_sid(SID_PREFIXES["worker_sid"])
                ),
                workspace_sid=check_sid("workspace_sid", workspace_sid),
                account_sid=account_sid or DEFAULT_ACCOUNT_SID,
                name=name,
                attributes=copy_attributes(attributes),
                activity_sid=activity_sid,
            )
            self._tables.workers.put(worker.sid, worker)
            return worker

    def add_task(
        self,
        workspace_sid: str,
        *,
        sid: str | None = None,
        account_sid: str | None = None,
        attributes: Mapping[str, object] | None = None,
        reservation_timeout: int | None = None,
    ) -> Task:
        """Add a pending task.

        :param attributes: instructions use ``call_sid`` or ``outbound_to``, ``from`` and
            ``conference_sid``.
        :param reservation_timeout: seconds that a worker has to answer, from 1 to 86,400. By
            default the setting's.
        :raises ValueError: if a SID is invalid or in use, the timeout is out of bounds, or the
            attributes are not a JSON object.
        """
        with self._storage:
            if sid in self._tables.tasks:
                raise ValueError(f"cannot add task {sid}: the SID is in use. Choose another one")
            if reservation_timeout is None:
                reservation_timeout = self.settings.reservation_timeout
            task = Task(
                sid=check_sid("task_sid", sid or self._routing.make_sid(SID_PREFIXES["task_sid"])),
                workspace_sid=check_sid("workspace_sid", workspace_sid),
                account_sid=account_sid or DEFAULT_ACCOUNT_SID,
                attributes=copy_attributes(attributes),
                reservation_timeout=check_timeout(reservation_timeout),
                date_created=self._storage.date,
                date_updated=self._storage.date,
            )
            self._tables.put_task(task)
            return task

    def add(self, reservation: Reservation) -> Reservation:
        """Add or replace a reservation as it is, at version 0.

        An unknown task or worker is added too, with attributes that satisfy every instruction.

        :raises IncompleteReservation: if it lacks a SID of its two addresses.
        """
        for route in Route:
            reservation_path(reservation, route)
        with self._storage:
            return self._routing.add(reservation)

    def reserve(self, task_sid: str, worker_sid: str, *, sid: str | None = None) -> Reservation:
        """Reserve a worker for a task. A task can have several reservations.

        :raises TaskConflict: if the task is not waiting for a worker.
        :raises ValueError: if the reservation's SID is invalid or in use.
        """
        with self._storage:
            task = self._tables.tasks[task_sid]
            if not self._is_waiting(task):
                raise TaskConflict(task_sid, task.status, "reserve a worker for")
            if task.status is TaskStatus.PENDING:
                task = attrs.evolve(task, rounds=task.rounds + 1)
            return self._routing.reserve(task, self._tables.workers[worker_sid], sid)

    def transfer(self, sid: str, worker_sid: str) -> Reservation:
        """Reserve a second worker for a task that a worker already has.

        :param sid: the first worker's reservation.
        :raises StateConflict: if it is neither accepted nor wrapping.
        """
        with self._storage:
            first = self._tables.reservations[sid].reservation
            if first.status not in (Status.ACCEPTED, Status.WRAPPING):
                raise StateConflict(sid, first.state, "transfer")
            task, worker = self._tables.tasks[str(first.task_sid)], self._tables.workers[worker_sid]
            return self._routing.reserve(task, worker, is_transfer=True)

    # --- commands and facts ---

    def execute(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Carry out a command and its consequences.

        An acceptance rescinds the pending siblings. A rejection may set the worker's activity.

        :param by: the author for the journal.
        :raises StateConflict: if the command is not a step of the lifecycle from this state.
        :raises UnmetPrecondition: if the task, the worker or the call does not fit.
        """
        with self._storage:
            return self._transitions.execute(sid, command, by)

    def check_command(self, sid: str, command: Command) -> None:
        """Raise the error that :meth:`execute` would raise. Change nothing."""
        with self._storage:
            self._transitions.check(sid, command)

    def set_status(self, sid: str, status: Status, *, by: str = BY_PLATFORM) -> Reservation:
        """Set a reservation's status as the platform does, without a command.

        An acceptance rescinds the pending siblings.

        :param by: the author for the journal.
        :raises StateConflict: if the status is not a step of the lifecycle from this state.
        """
        with self._storage:
            stored = self._tables.reservations[sid]
            target = self._transitions.find_target(stored, status)
            if target is None:
                raise StateConflict(sid, stored.reservation.state, status.value)
            return self._transitions.make([Step(stored, status.value, target, by)])

    # --- the call ---

    def answer_call(self, sid: str) -> Reservation:
        """Answer the call to the worker, which accepts the reservation.

        :raises StateConflict: if it is not on hold.
        """
        return self._end_hold(sid, Status.ACCEPTED, "the worker answered")

    def miss_call(self, sid: str) -> Reservation:
        """Miss the call to the worker, which cancels the reservation.

        :raises StateConflict: if it is not on hold.
        """
        return self._end_hold(sid, Status.CANCELED, "the worker did not answer")

    def fail_call(self, sid: str, code: int) -> Reservation:
        """Fail the call to the worker, which cancels the reservation.

        :param code: the platform's error number, such as 13223 (invalid number) or 21215
            (country not enabled).
        :raises StateConflict: if it is not on hold.
        """
        return self._end_hold(sid, Status.CANCELED, "the call to the worker failed", code)

    def _end_hold(
        self, sid: str, status: Status, reason: str, code: int | None = None
    ) -> Reservation:
        with self._storage:
            stored = self._tables.reservations[sid]
            if stored.reservation.state != ON_HOLD:
                raise StateConflict(sid, stored.reservation.state, status.value)
            step = Step(stored, status.value, status, reason=reason, code=code)
            return self._transitions.make([step], reason=reason)

    def hang_up(self, sid: str) -> Reservation:
        """Hang up as the caller.

        The task and its reservations that are pending or on hold are canceled (documented).
        Accepted ones are wrapping (observed where a conference ends, otherwise inferred).

        :raises StateConflict: if the reservation is neither pending, on hold nor accepted.
        """
        with self._storage:
            reservation = self._tables.reservations[sid].reservation
            if reservation.status not in _AFTER_HANG_UP:
                raise StateConflict(sid, reservation.state, Status.CANCELED.value)
            task = self.end_call(str(reservation.task_sid))
            self._transitions.end(task, _AFTER_HANG_UP, TaskStatus.CANCELED, "the caller hung up")
            return self._tables.reservations[sid].reservation

    def end_call(self, task_sid: str) -> Task:
        """End a task's call without consequences.

        That happens to a task that no Enqueue created. A redirect of the call is then refused with
        40122.
        """
        with self._storage:
            task = attrs.evolve(self._tables.tasks[task_sid], has_live_call=False)
            self._tables.put_task(task)
            return task

    # --- the task and the worker ---

    def cancel_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Cancel a task that no worker has, and its reservations.

        :raises TaskConflict: if it is neither pending nor reserved, or a worker has it.
        """
        with self._storage:
            task = self._tables.tasks[sid]
            if not self._is_waiting(task):
                raise TaskConflict(sid, task.status, "cancel")
            return self._transitions.end(task, _AFTER_TASK_END, TaskStatus.CANCELED, reason)

    def wrap_task(self, sid: str) -> Task:
        """End the work on an assigned task. Its accepted reservations are wrapping.

        :raises TaskConflict: if it is not assigned.
        """
        with self._storage:
            task = self._tables.tasks[sid]
            if task.status is not TaskStatus.ASSIGNED:
                raise TaskConflict(sid, task.status, "wrap up")
            targets = {Status.ACCEPTED: Status.WRAPPING}
            return self._transitions.end(task, targets, TaskStatus.WRAPPING)

    def complete_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Complete a task and its reservations. A pending transfer is canceled.

        :raises TaskConflict: if no worker has it.
        """
        with self._storage:
            task = self._tables.tasks[sid]
            if not self._routing.is_worked_on(sid):
                raise TaskConflict(sid, task.status, "complete")
            return self._transitions.end(task, _AFTER_TASK_END, TaskStatus.COMPLETED, reason)

    def delete_task(self, sid: str) -> None:
        """Delete a task and its reservations.

        Accepted work is completed before (observed), everything else canceled (inferred).
        """
        with self._storage:
            is_worked_on = self._routing.is_worked_on(sid)
            status = TaskStatus.COMPLETED if is_worked_on else TaskStatus.CANCELED
            task = self._tables.tasks[sid]
            self._transitions.end(task, _AFTER_TASK_END, status, "the task was deleted")
            self._tables.remove_task(sid)

    def set_task_attributes(self, sid: str, attributes: Mapping[str, object]) -> Task:
        """Replace a task's attributes. Its reservations stay as they are.

        :raises ValueError: if the attributes are not a JSON object.
        """
        with self._storage:
            task = self._tables.tasks[sid]
            task = attrs.evolve(
                task,
                attributes=copy_attributes(attributes),
                date_updated=self._storage.date,
                version=task.version + 1,
            )
            self._tables.put_task(task)
            return task

    def _is_waiting(self, task: Task) -> bool:
        is_open = task.status in (TaskStatus.PENDING, TaskStatus.RESERVED)
        return is_open and not self._routing.is_worked_on(task.sid)

    def set_worker_activity(
        self, sid: str, activity_sid: str, *, reject_pending: bool = False
    ) -> Worker:
        """Set a worker's activity.

        :param reject_pending: also reject the worker's pending reservations, which is an option
            of the Worker resource.
        """
        with self._storage:
            self._transitions.set_activity(sid, activity_sid)
            worker = self._tables.workers[sid]
            if reject_pending:
                for stored in self._tables.children(sid):
                    if stored.reservation.state is Status.PENDING:
                        reject = Step(
                            stored, "rejected", Status.REJECTED, "client", "the worker left"
                        )
                        self._transitions.make([reject])
            return worker
