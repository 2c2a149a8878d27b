"""The emulated platform: events of calls, tasks, workers and reservations.

It does no I/O and knows nothing of HTTP. A change that is not a step of the lifecycle is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from random import Random, SystemRandom
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.actions import Actions
from reservation_core.emulator.platform.clock import Clock, RealClock
from reservation_core.emulator.platform.creation import Creation
from reservation_core.emulator.platform.model import (
    JournalEntry,
    Record,
    Snapshot,
    StoredReservation,
    Task,
    Worker,
)
from reservation_core.emulator.platform.routing import BY_PLATFORM, Routing
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.storage import (
    CommitHook,
    EventSubscriber,
    JournalSubscriber,
    Storage,
)
from reservation_core.emulator.platform.transitions import Transitions


@attrs.frozen
class Parts:
    """Parts of a platform, for rooms of the emulator that extend it.

    They are used inside a transaction.
    """

    storage: Storage
    routing: Routing
    creation: Creation
    transitions: Transitions
    actions: Actions


class Platform:
    """Workers, tasks and reservations. Thread-safe: one transaction runs at a time.

    ``journal`` holds the latest changes, oldest first. ``clock`` and ``settings`` are those given.

    Methods raise these errors, and change nothing then:

    * :class:`KeyError` for the SID of something that does not exist, or was deleted.
    * :class:`ValueError` for a new SID that is invalid or in use, for attributes that are not a
      JSON object, and for a number out of bounds.
    * :class:`StateConflict` if the reservation's state does not allow the change.
    * :class:`TaskConflict` if the task's status does not allow it.

    :param clock: the time; real time by default.
    :param settings: behavior that no source settles, and limits.
    :param on_commit: called with all changes of each transaction. If it raises, nothing changes.
    :param random: source of new SIDs, such as ``Random(7)`` to make the same ones in every run. By
        default no SID comes again, in this process or another.
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
        length = self.settings.journal_length
        self._storage: Final = Storage(self.clock, self._run_timer, on_commit, length)
        self._tables: Final = self._storage.tables
        self.journal: Final[deque[JournalEntry]] = self._storage.journal
        self._routing: Final = Routing(self._storage, self.settings, random or SystemRandom())
        self._creation: Final = Creation(self._storage, self._routing, self.settings)
        self._transitions: Final = Transitions(self._storage, self._routing, self.settings)
        self._actions: Final = Actions(self._storage, self._routing, self._transitions)
        self.parts: Final = Parts(
            self._storage, self._routing, self._creation, self._transitions, self._actions
        )

    def _run_timer(self, sid: str) -> None:
        self._actions.run_timer(sid)

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context manager that makes all changes within it atomic.

        Other threads wait meanwhile. A nested transaction is part of the outer one.
        """
        return self._storage

    def subscribe(self, subscriber: JournalSubscriber) -> Callable[[], None]:
        """Call a function with every journal entry after its commit, in order.

        It runs in the caller of the change and should be quick. An exception does not undo it.

        :returns: a function that ends the subscription.
        """
        return self._storage.subscribe(subscriber)

    def subscribe_events(self, subscriber: EventSubscriber) -> Callable[[], None]:
        """Call a function with every event of routed tasks and workers.

        It shares one order with the functions of :meth:`subscribe`.

        :returns: a function that ends the subscription.
        """
        return self._storage.subscribe_events(subscriber)

    # --- state and time ---

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

        They are methods for its call and its task, and statuses for :meth:`set_status`.
        """
        with self._storage:
            return self._actions.available(sid)

    def now(self) -> datetime:
        """Return the clock's time."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock forward and run due timers, or do neither."""
        self._storage.advance(seconds)

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
        with self._storage:
            return self._tables.snapshot()

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
            self._storage.clear_journal()

    def record(self, sid: str) -> Record:
        """Return a workspace, activity, queue, workflow or channel."""
        with self._storage:
            return self._tables.records[sid]

    def records(self) -> tuple[Record, ...]:
        """Return all workspaces, activities, queues, workflows and channels, oldest first."""
        with self._storage:
            return tuple(self._tables.records.values())

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

        The arguments are fields of :class:`Worker`. By default, a new SID is made.
        """
        with self._storage:
            return self._creation.add_worker(
                workspace_sid, sid, account_sid, name, attributes, activity_sid
            )

    def add_task(
        self,
        workspace_sid: str,
        *,
        sid: str | None = None,
        account_sid: str | None = None,
        attributes: Mapping[str, object] | None = None,
        reservation_timeout: int | None = None,
        orchestrated: bool | None = None,
    ) -> Task:
        """Add a pending task.

        The arguments are fields of :class:`Task`. By default, a new SID is made.

        :param reservation_timeout: seconds to answer, 1 to 86,400. By default the setting's.
        :param orchestrated: true if an accept puts a reservation on hold first, as in Flex. By
            default the setting's.
        """
        with self._storage:
            return self._creation.add_task(
                workspace_sid, sid, account_sid, attributes, reservation_timeout, orchestrated
            )

    def add(self, reservation: Reservation) -> Reservation:
        """Add or replace a reservation as it is, at version 0.

        An unknown task or worker is added too, with attributes that satisfy every instruction.

        :raises IncompleteReservation: if it lacks a SID of its two addresses.
        """
        with self._storage:
            return self._creation.add(reservation)

    def reserve(self, task_sid: str, worker_sid: str, *, sid: str | None = None) -> Reservation:
        """Reserve a worker for a task that waits for one.

        The task is pending or reserved, and no worker has it. It can have several reservations.
        """
        with self._storage:
            return self._routing.reserve(task_sid, worker_sid, sid)

    def transfer(self, sid: str, worker_sid: str) -> Reservation:
        """Reserve a second worker for a task that a worker already has.

        :param sid: the first worker's reservation. It is accepted or wrapping.
        """
        with self._storage:
            return self._routing.transfer(sid, worker_sid)

    # --- commands and facts ---

    def execute(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Carry out a command and its consequences.

        An acceptance rescinds the pending siblings, and so does a conference or an orchestrated
        accept that is on hold (documented). A rejection may set the worker's activity.

        :param by: the author for the journal.
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
        """
        with self._storage:
            return self._transitions.set_status(sid, status, by)

    def force_status(self, sid: str, status: Status, *, by: str = BY_PLATFORM) -> Reservation:
        """Set a status by a step that the lifecycle does not have.

        No source shows such a step, and none rules it out. Accepted or wrapping work is then
        canceled, timed out or rescinded, or wrapping work is accepted again. Use it to test that a
        service takes such a report over.

        :param by: the author for the journal.
        """
        with self._storage:
            return self._transitions.force_status(sid, status, by)

    # --- the call, the task and the worker ---

    def answer_call(self, sid: str) -> Reservation:
        """Answer the call to the worker, which accepts the reservation on hold."""
        with self._storage:
            return self._actions.end_hold(sid, Status.ACCEPTED, "the worker answered")

    def miss_call(self, sid: str) -> Reservation:
        """Miss the call to the worker, which cancels the reservation on hold.

        With the setting ``accepts_unanswered`` it is accepted.
        """
        status = Status.ACCEPTED if self.settings.accepts_unanswered else Status.CANCELED
        with self._storage:
            return self._actions.end_hold(sid, status, "the worker did not answer")

    def fail_call(self, sid: str, code: int) -> Reservation:
        """Fail the call to the worker, which cancels the reservation on hold.

        :param code: the platform's error number, such as 13223 (invalid number) or 21215
            (country not enabled).
        """
        with self._storage:
            reason = "the call to the worker failed"
            return self._actions.end_hold(sid, Status.CANCELED, reason, code)

    def hang_up(self, sid: str) -> Reservation:
        """Hang up as the caller. The reservation is pending, on hold or accepted.

        The task and its reservations that are pending or on hold are canceled (documented).
        Accepted ones are wrapping (observed where a conference ends, otherwise inferred).
        """
        with self._storage:
            return self._actions.hang_up(sid)

    def end_call(self, task_sid: str) -> Task:
        """End a task's call without consequences.

        That happens to a task that no Enqueue created. A redirect is then refused with 40122.
        """
        with self._storage:
            return self._actions.end_call(task_sid)

    def cancel_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Cancel a task that no worker has, and its reservations."""
        with self._storage:
            return self._actions.cancel_task(sid, reason)

    def wrap_task(self, sid: str) -> Task:
        """End the work on an assigned task. Its accepted reservations are wrapping."""
        with self._storage:
            return self._actions.wrap_task(sid)

    def complete_task(self, sid: str, *, reason: str | None = None) -> Task:
        """Complete a task that a worker has. A pending transfer is canceled."""
        with self._storage:
            return self._actions.complete_task(sid, reason)

    def delete_task(self, sid: str) -> None:
        """Delete a task and its reservations.

        Accepted work is completed before (observed), everything else canceled (inferred).
        """
        with self._storage:
            self._actions.delete_task(sid)

    def set_task_attributes(self, sid: str, attributes: Mapping[str, object]) -> Task:
        """Replace a task's attributes. Its reservations stay as they are."""
        with self._storage:
            return self._actions.set_task_attributes(sid, attributes)

    def set_worker_activity(
        self, sid: str, activity_sid: str, *, reject_pending: bool = False
    ) -> Worker:
        """Set a worker's activity.

        :param reject_pending: also reject pending reservations, an option of the Worker resource.
        """
        with self._storage:
            return self._actions.set_activity(sid, activity_sid, reject_pending=reject_pending)
