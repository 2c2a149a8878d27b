"""How reservations move on the emulated platform: by commands and facts, each a step of the lifecycle or none, with all that follows."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Dequeue, Reject, Supervise
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD
from reservation_core.domain.decisions import decide, find_fact_edge
from reservation_core.domain.lifecycle import ON_HOLD, Edge, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.model import (
    JournalEntry,
    StateConflict,
    StoredReservation,
    Task,
    TaskStatus,
    UnmetPrecondition,
)
from reservation_core.emulator.platform.preconditions import unmet
from reservation_core.emulator.platform.routing import PLATFORM, Routing

_OUTBOUND: Final = "outbound_to"


@attrs.frozen
class Transition:
    """One step of one reservation, before it is taken."""

    held: StoredReservation
    trigger: str
    target: State
    by: str = PLATFORM
    reason: str | None = None
    code: int | None = None


class Moves(Routing):
    """Reservations that are commanded and reported on."""

    def execute(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Do what a command asks, and what follows from it: an acceptance rescinds the pending siblings, a rejection may move the worker.

        :param by: who asks, for the journal.
        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the command is no step of the lifecycle from where it stands.
        :raises UnmetPrecondition: when the task, the worker or the call lacks what an instruction needs.
        """
        with self._unit:
            held, target = self._allow(sid, command)
            if command.first_pair[0] == INSTRUCTION_FIELD:
                after_work: str | None = getattr(command, "post_work_activity_sid", None)
                if after_work is not None:
                    held = attrs.evolve(held, post_work_activity_sid=after_work)
                if isinstance(command, Dequeue):
                    self._call_worker(self._tasks[str(held.reservation.task_sid)])
            elif isinstance(command, Reject) and command.worker_activity_sid is not None:
                self._occupy(held, command.worker_activity_sid)
            return self._take([Transition(held, command.trigger, target, by)])

    def check_command(self, sid: str, command: Command) -> None:
        """Refuse a command as :meth:`execute` does, and do nothing else. Errors as there."""
        with self._unit:
            self._allow(sid, command)

    def _allow(self, sid: str, command: Command) -> tuple[StoredReservation, State]:
        """Give the reservation that a command is about, and where it would lead."""
        held, trigger = self._held[sid], command.trigger
        edge = decide(self._seen(held, trigger), trigger, command.is_accepting).edge
        if edge is None:
            raise StateConflict(sid, held.reservation.state, trigger)
        if command.first_pair[0] == INSTRUCTION_FIELD:
            self._check_needs(held, command)
        return held, edge.target

    def set_status(self, sid: str, fact: Status, *, by: str = PLATFORM) -> Reservation:
        """Let a fact happen that no client asked for, to this reservation alone (and to the siblings of one that is accepted).

        :param by: who did it, for the journal.
        :raises KeyError: when there is no such reservation.
        :raises StateConflict: when the fact is no step of the lifecycle from where it stands.
        """
        with self._unit:
            held = self._held[sid]
            edge = self._next(held, fact)
            if edge is None:
                raise StateConflict(sid, held.reservation.state, fact.value)
            return self._take([Transition(held, fact.value, edge.target, by)])

    def _next(self, held: StoredReservation, fact: Status) -> Edge | None:
        """Give the step by which a fact would follow."""
        return find_fact_edge(self._seen(held, fact.value), fact)

    def _seen(self, held: StoredReservation, trigger: str) -> State:
        """Give the state a question is put to: on hold counts as pending where a setting says that it still can be left that way."""
        state = held.reservation.state
        if state != ON_HOLD:
            return state
        rejected = trigger in ("reject", Status.REJECTED) and self.settings.can_reject_on_hold
        rescinded = trigger == Status.RESCINDED and self.settings.can_rescind_on_hold
        return Status.PENDING if rejected or rescinded else state

    def _check_needs(self, held: StoredReservation, command: Command) -> None:
        reservation = held.reservation
        task, worker = (
            self._tasks[str(reservation.task_sid)],
            self._workers.get(str(reservation.worker_sid)),
        )
        supervisor = (
            self._workers.get(command.supervisor) if isinstance(command, Supervise) else None
        )
        missing = unmet(
            command, task, worker, supervisor, transfer=held.is_transfer, settings=self.settings
        )
        if missing is not None:
            raise UnmetPrecondition(str(reservation.sid), command.trigger, *missing)

    def _call_worker(self, task: Task) -> None:
        """Call the worker of a dequeued task, whose attributes then hold the call (documented on the assignment callback's page)."""
        self._hold_task(
            attrs.evolve(
                task, attributes={**task.attributes, "worker_call_sid": self._make_sid("CA")}
            )
        )

    def _take(
        self, moves: list[Transition], over: TaskStatus | None = None, reason: str | None = None
    ) -> Reservation:
        """Take steps of one task's reservations together, let the siblings and the task follow, and write it all down.

        :param over: what the task is then, if no live reservation remains; else it follows from the first step.
        """
        first = moves[0]
        before = first.held.reservation
        task = self._tasks[str(before.task_sid)]
        if first.target is Status.ACCEPTED and before.status is Status.PENDING:
            moves += self._rescinded(first.held)
        taken = [self._step(move) for move in moves]
        status = self._settle(task, over or _over(first, task), reason)
        task, at = self._tasks[task.sid], self._present
        for move, after in zip(moves, taken, strict=True):
            assert after.sid is not None
            assert after.etag is not None
            was, worker = move.held.reservation.state, self._workers.get(str(after.worker_sid))
            what = (
                after.sid,
                move.trigger,
                move.by,
                after.etag,
                at,
                after,
                was,
                status,
                move.reason,
                move.code,
            )
            self._acts.append(JournalEntry(*what, task=task, worker=worker))
        return taken[0]

    def _rescinded(self, winner: StoredReservation) -> list[Transition]:
        siblings = self._siblings(str(winner.reservation.task_sid))
        if len(siblings) == 1:
            return []
        return [
            Transition(held, Status.RESCINDED.value, Status.RESCINDED)
            for held in siblings
            if held.number != winner.number and self._seen(held, Status.RESCINDED) is Status.PENDING
        ]

    def _step(self, move: Transition) -> Reservation:
        held, target = move.held, move.target
        before = held.reservation
        status, on_hold = (target, False) if isinstance(target, Status) else (before.status, True)
        after = before.with_status(
            status, on_hold=on_hold, etag=str(int(before.etag or 0) + 1), date_updated=self._date()
        )
        due = held.due if target is Status.PENDING else None
        self._hold(
            StoredReservation(
                after, held.number, due, held.is_transfer, held.post_work_activity_sid, move.code
            )
        )
        if (
            before.status is Status.ACCEPTED
            and status is not Status.ACCEPTED
            and held.post_work_activity_sid is not None
        ):
            self._occupy(held, held.post_work_activity_sid)
        if status is Status.COMPLETED and (worker := self._workers.get(str(before.worker_sid))):
            self._hold_worker(
                attrs.evolve(worker, version=worker.version + 1)
            )  # documented for completing, as for reserving
        return after

    def _occupy(self, held: StoredReservation, activity_sid: str) -> None:
        """Transition the worker of a reservation to an activity."""
        worker = self._workers[str(held.reservation.worker_sid)]
        self._hold_worker(
            attrs.evolve(worker, activity_sid=activity_sid, version=worker.version + 1)
        )

    def _fall_due(self, sid: str) -> None:
        if sid in self._tasks:
            self._remove_task(sid)
        else:
            self._take([Transition(self._held[sid], Status.TIMEOUT.value, Status.TIMEOUT)])


def _over(first: Transition, task: Task) -> TaskStatus:
    """Tell what a task is whose last live reservation took this step.

    Whether a failed set-up ends the task was seen for an outbound one; of any other it is documented that it is routed again.
    """
    if first.target is Status.COMPLETED:
        return TaskStatus.COMPLETED
    if first.target is not Status.CANCELED:
        return TaskStatus.PENDING
    return (
        TaskStatus.PENDING
        if first.held.reservation.on_hold and not task.attributes.get(_OUTBOUND)
        else TaskStatus.CANCELED
    )
