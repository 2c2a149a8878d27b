"""The emulated platform: what happens to calls, tasks and workers, and what that does to their reservations.

It does no I/O and knows nothing of HTTP. What is no step of the lifecycle does not happen, whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    Attributes,
    StateConflict,
    StoredReservation,
    Task,
    TaskConflict,
    TaskStatus,
    Worker,
    take_over,
)
from reservation_core.emulator.platform.transitions import Moves, Transition

_ENDS: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.COMPLETED,
    Status.WRAPPING: Status.COMPLETED,
}
"""What becomes of a live reservation when its task is completed or deleted (of one that is on hold: as of a pending one)."""

_LEFT: Final[Mapping[Status, Status]] = {
    Status.PENDING: Status.CANCELED,
    Status.ACCEPTED: Status.WRAPPING,
}
"""What becomes of a live reservation when the caller leaves."""


class Platform(Moves):
    """Reservations as the platform holds them. Safe to share between threads: one unit of work at a time.

    Its ``journal`` holds the last things that happened, oldest first: who looks there knows what a client can only guess.

    :param clock: what time it is; the real time by default.
    :param settings: how it behaves where no source settles it.
    :param on_commit: called once for every unit of work, with everything it changed; when it raises, nothing has changed.
    :param random: where the SIDs come from that are made here; the same ones in every run unless another is given.
    """

    def available_actions(self, sid: str) -> tuple[str, ...]:
        """Name what may happen to a reservation, its call and its task as they stand: methods of this class, and facts to report.

        Whatever is named is not refused, and whatever is not named would be.

        :raises KeyError: when there is no such reservation.
        """
        with self._unit:
            held = self._held[sid]
            task = self._tasks[str(held.reservation.task_sid)]
            on_hold = _is_set_up(held)
            may = {
                "answer_call": on_hold,
                "miss_call": on_hold,
                "fail_call": on_hold,
                "hang_up": held.reservation.status in _LEFT,
                "wrap_task": task.status is TaskStatus.ASSIGNED,
                "complete_task": self._is_worked_on(task.sid),
                "cancel_task": self._is_waiting(task),
                "delete_task": True,
                **{fact.value: self._next(held, fact) is not None for fact in Status},
            }
            return tuple(name for name, can in may.items() if can)

    # --- what happens to the call ------------------------------------------------------------------------------------------------------

    def answer_call(self, sid: str) -> Reservation:
        """Let the worker who is being called answer: what was on hold is accepted.

        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when no answer of it is being carried out.
        """
        return self._turn_out(sid, Status.ACCEPTED, "the worker answered")

    def miss_call(self, sid: str) -> Reservation:
        """Let the worker's phone ring in vain: what was on hold is canceled. Errors as :meth:`answer_call`."""
        return self._turn_out(sid, Status.CANCELED, "the worker did not answer")

    def fail_call(self, sid: str, code: int) -> Reservation:
        """Let the call to the worker fail: what was on hold is canceled. Errors as :meth:`answer_call`.

        :param code: the platform's number for why, such as 13223 (no valid number) or 21215 (country not enabled).
        """
        return self._turn_out(sid, Status.CANCELED, "the worker's leg failed", code)

    def _turn_out(
        self, sid: str, status: Status, reason: str, code: int | None = None
    ) -> Reservation:
        with self._unit:
            held = self._held[sid]
            if not _is_set_up(held):
                raise StateConflict(sid, held.reservation.state, status.value)
            return self._take(
                [Transition(held, status.value, status, reason=reason, code=code)], reason=reason
            )

    def hang_up(self, sid: str) -> Reservation:
        """Let the caller leave: what is pending or on hold is canceled, with its siblings and the task; accepted work is wrapped up.

        The first is documented; the second is seen where a conference ends, and inferred elsewhere.

        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when it is past both.
        """
        with self._unit:
            reservation = self._held[sid].reservation
            if reservation.status not in _LEFT:
                raise StateConflict(sid, reservation.state, Status.CANCELED.value)
            self._end(
                self.end_call(str(reservation.task_sid)),
                _LEFT,
                TaskStatus.CANCELED,
                "the caller hung up",
            )
            return self._held[sid].reservation

    def end_call(self, task_sid: str) -> Task:
        """Let a task's call end without anybody watching it, as of a task that no Enqueue made: a redirect of it is then 40122.

        :raises KeyError: when there is no such task.
        """
        with self._unit:
            task = attrs.evolve(self._tasks[task_sid], has_live_call=False)
            self._hold_task(task)
            return task

    # --- what happens to the task ------------------------------------------------------------------------------------------------------

    def cancel_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Cancel a task that nobody works on yet; its reservations are canceled with it.

        :raises KeyError: when there is no such task.
        :raises TaskConflict: when it is neither pending nor reserved, or somebody works on it.
        """
        with self._unit:
            task = self._tasks[sid]
            if not self._is_waiting(task):
                raise TaskConflict(sid, task.status, "to cancel it")
            return self._end(task, _ENDS, TaskStatus.CANCELED, reason)

    def wrap_task(self, sid: str) -> Task:
        """End the work on an assigned task; its accepted reservations are wrapping.

        :raises KeyError: when there is no such task.
        :raises TaskConflict: when it is not assigned.
        """
        with self._unit:
            task = self._tasks[sid]
            if task.status is not TaskStatus.ASSIGNED:
                raise TaskConflict(sid, task.status, "to wrap it up")
            return self._end(task, {Status.ACCEPTED: Status.WRAPPING}, TaskStatus.WRAPPING, None)

    def complete_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Complete a task that somebody works on, with its reservations; one that is still pending, a transfer, is canceled.

        :raises KeyError: when there is no such task.
        :raises TaskConflict: when nobody works on it.
        """
        with self._unit:
            task = self._tasks[sid]
            if not self._is_worked_on(sid):
                raise TaskConflict(sid, task.status, "to complete it")
            return self._end(task, _ENDS, TaskStatus.COMPLETED, reason)

    def delete_task(self, sid: str) -> None:
        """Delete a task at once, with its reservations: accepted work is completed (observed), the rest canceled (inferred).

        :raises KeyError: when there is no such task.
        """
        with self._unit:
            task = self._tasks[sid]
            self._end(
                task,
                _ENDS,
                TaskStatus.COMPLETED if self._is_worked_on(sid) else TaskStatus.CANCELED,
                "the task was deleted",
            )
            self._remove_task(sid)

    def set_task_attributes(self, sid: str, attributes: Attributes) -> Task:
        """Give a task other attributes; its reservations stay as they are.

        :raises KeyError: when there is no such task.
        :raises ValueError: when the attributes are no JSON object.
        """
        with self._unit:
            task = self._tasks[sid]
            self._hold_task(
                attrs.evolve(
                    task,
                    attributes=take_over(attributes),
                    date_updated=self._date(),
                    version=task.version + 1,
                )
            )
            return self._tasks[sid]

    def _is_waiting(self, task: Task) -> bool:
        return task.status in (TaskStatus.PENDING, TaskStatus.RESERVED) and not self._is_worked_on(
            task.sid
        )

    def _end(
        self, task: Task, ends: Mapping[Status, Status], over: TaskStatus, reason: str | None
    ) -> Task:
        """Let what is live of a task end together."""
        moves = [
            Transition(held, target.value, target, reason=reason)
            for held in self._siblings(task.sid)
            if (target := ends.get(held.reservation.status)) is not None
        ]
        if moves:
            self._take(moves, over, reason)
        else:
            self._settle(task, over, reason)
        return self._tasks[task.sid]

    # --- what happens to the worker ----------------------------------------------------------------------------------------------------

    def set_worker_activity(
        self, sid: str, activity_sid: str, *, reject_pending: bool = False
    ) -> Worker:
        """Transition a worker to an activity.

        :param reject_pending: whether the worker's pending reservations are rejected with it, as the Worker resource can be told to.
        :raises KeyError: when there is no such worker.
        """
        with self._unit:
            worker = self._workers[sid]
            worker = attrs.evolve(worker, activity_sid=activity_sid, version=worker.version + 1)
            self._hold_worker(worker)
            if reject_pending:
                for held in self._siblings(sid):
                    if held.reservation.state is Status.PENDING:
                        self._take(
                            [
                                Transition(
                                    held,
                                    Status.REJECTED.value,
                                    Status.REJECTED,
                                    "client",
                                    "the worker left",
                                )
                            ]
                        )
            return worker


def _is_set_up(held: StoredReservation) -> bool:
    """Whether an answer of it is being carried out, so that the call to the worker can turn out one way or another."""
    return held.reservation.state == ON_HOLD
