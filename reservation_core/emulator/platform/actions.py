"""Actions on calls, tasks and workers, and their effects on reservations.

These are changes without a command. Most of them are made by the caller, the called worker or the
owner of the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.errors import StateConflict, TaskConflict
from reservation_core.emulator.platform.model import Task, TaskStatus, Worker
from reservation_core.emulator.platform.routing import EXPIRED, Routing
from reservation_core.emulator.platform.storage import Storage
from reservation_core.emulator.platform.transitions import Step, Transitions
from reservation_core.emulator.platform.validation import copy_attributes

_AFTER_TASK_END: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.COMPLETED,
    Status.WRAPPING: Status.COMPLETED,
}
"""Status of each live reservation after its task was completed or deleted. On hold is pending."""

_AFTER_HANG_UP: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.WRAPPING,
}
"""Status of each live reservation after the caller has left. On hold is pending."""


class Actions:
    """Actions on calls, tasks and workers. Used inside a transaction.

    The errors are those of :class:`~reservation_core.emulator.Platform`.
    """

    def __init__(self, storage: Storage, routing: Routing, transitions: Transitions) -> None:
        self._storage = storage
        self._tables = storage.tables
        self._routing = routing
        self._transitions = transitions

    def available(self, sid: str) -> tuple[str, ...]:
        """Return the names of all actions that are available for a reservation."""
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
            "cancel_task": self._routing.is_waiting(task),
            "delete_task": True,
        }
        for fact in Status:
            actions[fact.value] = self._transitions.find_target(stored, fact) is not None
        return tuple(name for name, is_available in actions.items() if is_available)

    def end_hold(
        self, sid: str, status: Status, reason: str, code: int | None = None
    ) -> Reservation:
        """End the call to a worker. The reservation is accepted or canceled."""
        stored = self._tables.reservations[sid]
        if stored.reservation.state != ON_HOLD:
            raise StateConflict(sid, stored.reservation.state, status.value)
        step = Step(stored, status.value, status, reason=reason, code=code)
        return self._transitions.make([step], reason=reason)

    def hang_up(self, sid: str) -> Reservation:
        """End the call of a reservation's task, with its consequences."""
        reservation = self._tables.reservations[sid].reservation
        if reservation.status not in _AFTER_HANG_UP:
            raise StateConflict(sid, reservation.state, Status.CANCELED.value)
        task = self.end_call(str(reservation.task_sid))
        self._transitions.end(task, _AFTER_HANG_UP, TaskStatus.CANCELED, "the caller hung up")
        return self._tables.reservations[sid].reservation

    def end_call(self, task_sid: str) -> Task:
        """End a task's call without consequences."""
        task = attrs.evolve(self._tables.tasks[task_sid], has_live_call=False)
        self._tables.put_task(task)
        return task

    def cancel_task(self, sid: str, reason: str | None) -> Task:
        """Cancel a task that waits for a worker."""
        task = self._tables.tasks[sid]
        if not self._routing.is_waiting(task):
            raise TaskConflict(sid, task.status, "cancel")
        return self._transitions.end(task, _AFTER_TASK_END, TaskStatus.CANCELED, reason)

    def wrap_task(self, sid: str) -> Task:
        """End the work on an assigned task."""
        task = self._tables.tasks[sid]
        if task.status is not TaskStatus.ASSIGNED:
            raise TaskConflict(sid, task.status, "wrap up")
        targets = {Status.ACCEPTED: Status.WRAPPING}
        return self._transitions.end(task, targets, TaskStatus.WRAPPING)

    def complete_task(self, sid: str, reason: str | None) -> Task:
        """Complete a task that a worker has."""
        task = self._tables.tasks[sid]
        if not self._routing.is_worked_on(sid):
            raise TaskConflict(sid, task.status, "complete")
        return self._transitions.end(task, _AFTER_TASK_END, TaskStatus.COMPLETED, reason)

    def delete_task(self, sid: str) -> None:
        """End a task and delete it with its reservations."""
        is_worked_on = self._routing.is_worked_on(sid)
        status = TaskStatus.COMPLETED if is_worked_on else TaskStatus.CANCELED
        task = self._tables.tasks[sid]
        self._transitions.end(task, _AFTER_TASK_END, status, "the task was deleted")
        self._tables.remove_task(sid)

    def run_timer(self, sid: str) -> None:
        """Run the timer of a reservation or of a task."""
        task = self._tables.tasks.get(sid)
        if task is not None and self._routing.is_waiting(task):
            task = attrs.evolve(task, due=None)  # its deletion may be due at the same time
            self._tables.put_task(task)
            self._transitions.end(task, _AFTER_TASK_END, TaskStatus.CANCELED, EXPIRED)
        elif task is not None:
            self._tables.remove_task(sid)
        else:
            stored = self._tables.reservations[sid]
            self._transitions.make([Step(stored, Status.TIMEOUT.value, Status.TIMEOUT)])

    def set_task_attributes(self, sid: str, attributes: Mapping[str, object]) -> Task:
        """Replace a task's attributes."""
        task = self._tables.tasks[sid]
        task = attrs.evolve(
            task,
            attributes=copy_attributes(attributes),
            date_updated=self._storage.date,
            version=task.version + 1,
        )
        self._tables.put_task(task)
        return task

    def set_activity(self, sid: str, activity_sid: str, *, reject_pending: bool) -> Worker:
        """Set a worker's activity."""
        self._transitions.set_activity(sid, activity_sid)
        worker = self._tables.workers[sid]
        if reject_pending:
            for stored in self._tables.children(sid):
                if stored.reservation.state is Status.PENDING:
                    reject = Step(stored, "rejected", Status.REJECTED, "client", "the worker left")
                    self._transitions.make([reject])
        return worker
