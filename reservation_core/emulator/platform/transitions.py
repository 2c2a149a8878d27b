"""Steps of the lifecycle on the emulated platform, and their consequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Dequeue, Reject
from reservation_core.domain.decisions import decide, find_fact_edge
from reservation_core.domain.lifecycle import ON_HOLD, UNLISTED_STEPS, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.errors import StateConflict, UnmetPrecondition
from reservation_core.emulator.platform.model import (
    StoredReservation,
    Task,
    TaskStatus,
)
from reservation_core.emulator.platform.preconditions import find_unmet
from reservation_core.emulator.platform.routing import BY_PLATFORM, Routing
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import Storage

_TAKEN: Final = "another worker has the task"


@attrs.frozen
class Step:
    """One step of one reservation that is about to be made."""

    stored: StoredReservation
    trigger: str
    target: State
    by: str = BY_PLATFORM
    reason: str | None = None
    code: int | None = None


class Transitions:
    """Steps of the lifecycle, by commands and facts. Used inside a transaction.

    The errors are those of :class:`~reservation_core.emulator.Platform`.
    """

    def __init__(self, storage: Storage, routing: Routing, settings: Settings) -> None:
        self._storage = storage
        self._tables = storage.tables
        self._routing = routing
        self._settings = settings

    def check(self, sid: str, command: Command) -> tuple[StoredReservation, State]:
        """Return the reservation of a command, and the command's target.

        :raises StateConflict: if the command is not a step of the lifecycle.
        :raises UnmetPrecondition: if the task, the worker or the call does not fit.
        """
        stored, trigger = self._tables.reservations[sid], command.trigger
        task = self._tables.tasks[str(stored.reservation.task_sid)]
        state, is_accepting = self._state(stored, trigger), command.is_accepting
        edge = decide(state, trigger, is_accepting, task.is_orchestrated).edge
        if edge is None:
            raise StateConflict(sid, stored.reservation.state, trigger)
        unmet = find_unmet(command, stored, self._tables, self._settings)
        if unmet is not None:
            raise UnmetPrecondition(sid, trigger, *unmet)
        return stored, edge.target

    def execute(self, sid: str, command: Command, by: str) -> Reservation:
        """Carry out a command. Errors are those of :meth:`check`."""
        stored, target = self.check(sid, command)
        activity_sid: str | None = getattr(command, "post_work_activity_sid", None)
        if activity_sid is not None:
            stored = attrs.evolve(stored, post_work_activity_sid=activity_sid)
        if isinstance(command, Dequeue):
            self._call_worker(self._tables.tasks[str(stored.reservation.task_sid)])
        elif isinstance(command, Reject) and command.worker_activity_sid is not None:
            self.set_activity(str(stored.reservation.worker_sid), command.worker_activity_sid)
        return self.make([Step(stored, command.trigger, target, by)])

    def _call_worker(self, task: Task) -> None:
        # Documented on the assignment callback's page: the attributes then hold the worker's call.
        attributes = {**task.attributes, "worker_call_sid": self._routing.make_sid("CA")}
        self._tables.put_task(attrs.evolve(task, attributes=attributes))

    def find_target(self, stored: StoredReservation, fact: Status) -> State | None:
        """Return the target of a fact, if it is a step."""
        edge = find_fact_edge(self._state(stored, fact.value), fact)
        return None if edge is None else edge.target

    def set_status(self, sid: str, status: Status, by: str) -> Reservation:
        """Set a reservation's status as the platform does, without a command."""
        stored = self._tables.reservations[sid]
        target = self.find_target(stored, status)
        if target is None:
            raise StateConflict(sid, stored.reservation.state, status.value)
        return self.make([Step(stored, status.value, target, by)])

    def force_status(self, sid: str, status: Status, by: str) -> Reservation:
        """Set a status by a step that the lifecycle does not have."""
        stored = self._tables.reservations[sid]
        if status not in UNLISTED_STEPS.get(stored.reservation.state, ()):
            raise StateConflict(sid, stored.reservation.state, status.value)
        return self.make([Step(stored, status.value, status, by)])

    def _state(self, stored: StoredReservation, trigger: str) -> State:
        """Return the state to judge a trigger by.

        On hold counts as pending if a setting allows the step.
        """
        state = stored.reservation.state
        if state != ON_HOLD:
            return state
        rejects = trigger in ("reject", Status.REJECTED) and self._settings.can_reject_on_hold
        rescinds = trigger == Status.RESCINDED and self._settings.can_rescind_on_hold
        return Status.PENDING if rejects or rescinds else state

    def end(
        self,
        task: Task,
        targets: Mapping[Status, Status],
        otherwise: TaskStatus,
        reason: str | None = None,
    ) -> Task:
        """Move all reservations that have a target, and settle the task.

        :param otherwise: the task's status if none of its reservations is live then.
        """
        steps = [
            Step(stored, target.value, target, reason=reason)
            for stored in self._tables.children(task.sid)
            if (target := targets.get(stored.reservation.status)) is not None
        ]
        if not steps:
            return self._routing.settle(task, otherwise, reason)
        self.make(steps, otherwise, reason)
        return self._tables.tasks[task.sid]

    def make(
        self, steps: list[Step], otherwise: TaskStatus | None = None, reason: str | None = None
    ) -> Reservation:
        """Make steps of one task's reservations and return the first reservation.

        The first worker's answer rescinds the pending siblings, before any audio is connected
        (documented). The task follows. Each step is journaled.

        :param otherwise: the task's status if none of its reservations is live then. By default it
            follows from the first step.
        """
        first = steps[0]
        before = first.stored.reservation
        task = self._tables.tasks[str(before.task_sid)]
        if before.status is Status.PENDING and self._is_answer(first):
            steps = [*steps, *self._end_siblings(first)]
        moved = [self._make_one(step) for step in steps]
        task = self._routing.settle(task, otherwise or _task_status_after(first, task), reason)
        for step, after in zip(steps, moved, strict=True):
            was = step.stored.reservation.state
            self._storage.record(after, step.trigger, step.by, was, task, step.reason, step.code)
        return moved[0]

    def _is_answer(self, step: Step) -> bool:
        """Return true if a step takes the task from the siblings."""
        is_dequeue = step.trigger == Dequeue.trigger
        takes_on_hold = not is_dequeue or self._settings.dequeue_rescinds
        return step.target is Status.ACCEPTED or (step.target == ON_HOLD and takes_on_hold)

    def _end_siblings(self, first: Step) -> Iterator[Step]:
        """Yield the ends of the siblings of a reservation that wins."""
        winner = first.stored
        for sibling in self._tables.children(str(winner.reservation.task_sid)):
            if sibling.number == winner.number:
                continue
            if self._state(sibling, Status.RESCINDED) is Status.PENDING:
                yield Step(sibling, Status.RESCINDED.value, Status.RESCINDED)
            elif sibling.reservation.on_hold and first.target is Status.ACCEPTED:
                # Inferred: its call can get the caller no more. One worker only has the task.
                yield Step(sibling, Status.CANCELED.value, Status.CANCELED, reason=_TAKEN)

    def _make_one(self, step: Step) -> Reservation:
        stored, target = step.stored, step.target
        before = stored.reservation
        status, on_hold = (target, False) if isinstance(target, Status) else (before.status, True)
        etag = str(int(before.etag or 0) + 1)
        after = before.with_status(
            status, on_hold=on_hold, etag=etag, date_updated=self._storage.date
        )
        due = stored.due if target is Status.PENDING else None
        activity_sid = stored.post_work_activity_sid
        self._tables.put_reservation(
            StoredReservation(
                after, stored.number, due, stored.is_transfer, activity_sid, step.code
            )
        )
        worker_sid = str(before.worker_sid)
        has_ended_work = before.status is Status.ACCEPTED and status is not Status.ACCEPTED
        if has_ended_work and activity_sid is not None:
            self.set_activity(worker_sid, activity_sid)
        worker = self._tables.workers.get(worker_sid)
        if status is Status.COMPLETED and worker is not None:
            # Documented: completing raises the worker's version, as reserving does.
            worker = attrs.evolve(worker, version=worker.version + 1)
            self._tables.workers.put(worker_sid, worker)
        return after

    def set_activity(self, worker_sid: str, activity_sid: str) -> None:
        """Set a worker's activity."""
        worker = self._tables.workers[worker_sid]
        date = self._storage.date
        worker = attrs.evolve(
            worker,
            activity_sid=activity_sid,
            version=worker.version + 1,
            date_updated=date,
            date_status_changed=date,
        )
        self._tables.workers.put(worker_sid, worker)


def _task_status_after(step: Step, task: Task) -> TaskStatus:
    """Return the status of a task without live reservations after a step.

    A failed call to the worker ends an outbound task (observed). Any other task is routed again
    (documented).
    """
    if step.target is Status.COMPLETED:
        return TaskStatus.COMPLETED
    is_routed_again = step.stored.reservation.on_hold and not task.attributes.get("outbound_to")
    if step.target is Status.CANCELED and not is_routed_again:
        return TaskStatus.CANCELED
    return TaskStatus.PENDING
