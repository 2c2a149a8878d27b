"""Values of the emulated platform: workers, tasks, reservations and journal entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import attrs

from reservation_core.domain.lifecycle import State
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Attributes, Json

DEFAULT_ACCOUNT_SID: Final = "AC" + "0" * 32
"""Account of tasks and workers that are added without one."""


@document_members
class TaskStatus(StrEnum):
    """The six statuses of a task."""

    PENDING = "pending"
    """The task waits for a worker."""
    RESERVED = "reserved"
    """A worker is reserved and has not accepted yet."""
    ASSIGNED = "assigned"
    """A worker accepted the task."""
    WRAPPING = "wrapping"
    """The worker does the after-work."""
    COMPLETED = "completed"
    """The task is finished."""
    CANCELED = "canceled"
    """The task ended before it was finished."""


def _redact(_: object) -> str:
    return "<personal>"


@attrs.frozen(kw_only=True, eq=False)
class Worker:
    """A worker.

    :param attributes: JSON object. Its ``contact_uri`` is the address to call the worker at.
    :param activity_sid: the worker's current activity.
    :param version: number of changes so far.
    """

    sid: str
    workspace_sid: str
    account_sid: str | None = DEFAULT_ACCOUNT_SID
    name: str | None = attrs.field(default=None, repr=False)
    attributes: Attributes = attrs.field(factory=dict[str, Json], repr=_redact)
    activity_sid: str | None = None
    version: int = 0


@attrs.frozen(kw_only=True, eq=False)
class Task:
    """A task.

    :param attributes: JSON object. Instructions use its ``call_sid`` or ``outbound_to``, its
        ``from`` and its ``conference_sid``.
    :param reservation_timeout: seconds that a worker has to answer a reservation.
    :param due: time of the task's deletion; ``None`` until the task has ended.
    :param reason: why the task was canceled or how it was completed, if given.
    :param rounds: number of changes from pending to reserved.
    :param has_live_call: false once the caller has left.
    :param is_assumed: true if the task was created only because a reservation of it was added.
    :param is_orchestrated: true if an accept puts a reservation on hold first, as in Flex.
    """

    sid: str
    workspace_sid: str
    account_sid: str | None = DEFAULT_ACCOUNT_SID
    attributes: Attributes = attrs.field(factory=dict[str, Json], repr=_redact)
    status: TaskStatus = TaskStatus.PENDING
    reservation_timeout: int
    date_created: datetime
    date_updated: datetime
    due: datetime | None = None
    reason: str | None = None
    version: int = 0
    rounds: int = 0
    has_live_call: bool = True
    is_assumed: bool = False
    is_orchestrated: bool = False


@attrs.frozen(eq=False)
class StoredReservation:
    """A reservation with the platform's internal data about it.

    :param number: 0-based sequence number, in the order of creation.
    :param due: time at which it times out; ``None`` once it was answered, even if on hold.
    :param is_transfer: true for the second reservation of a task that a worker already has.
    :param post_work_activity_sid: the worker's activity after the work.
    :param canceled_reason_code: the platform's error number for the cancellation.
    """

    reservation: Reservation
    number: int
    due: datetime | None = None
    is_transfer: bool = False
    post_work_activity_sid: str | None = None
    canceled_reason_code: int | None = None


@attrs.frozen
class JournalEntry:
    """One change of one reservation.

    :param trigger: the command or fact that caused the change, or ``created``.
    :param by: author of the change, such as ``client`` or ``platform``.
    :param version: the reservation's version after the change.
    :param reservation: the reservation after the change.
    :param at: the platform's time of the change.
    :param before: state before the change; ``None`` for the creation.
    :param task_status: the task's status after the change and its consequences.
    :param reason: further explanation in words.
    :param code: the platform's error number for a cancellation.
    :param task: the task after the change, since it may be deleted later. Not part of the JSON.
    :param worker: the worker after the change; ``None`` if unknown. Not part of the JSON.
    """

    sid: str
    trigger: str
    by: str
    version: str
    at: datetime
    reservation: Reservation = attrs.field(repr=False)
    before: State | None
    task_status: TaskStatus
    reason: str | None = None
    code: int | None = None
    _task: Task = attrs.field(kw_only=True, repr=False, eq=False, alias="task")
    _worker: Worker | None = attrs.field(kw_only=True, repr=False, eq=False, alias="worker")

    @property
    def task(self) -> Task:
        """The task after the change and its consequences."""
        return self._task

    @property
    def worker(self) -> Worker | None:
        """The worker after the change, or ``None`` if unknown."""
        return self._worker


@attrs.frozen
class Changes:
    """All changes of one transaction.

    New values by SID, removed SIDs, and the journal entries in order.
    """

    reservations: Mapping[str, StoredReservation]
    tasks: Mapping[str, Task]
    workers: Mapping[str, Worker]
    removed: tuple[str, ...]
    entries: tuple[JournalEntry, ...]


@attrs.frozen
class Snapshot:
    """All workers, tasks and reservations at one moment.

    The journal and the time are not part of it.
    """

    workers: tuple[Worker, ...] = ()
    tasks: tuple[Task, ...] = ()
    reservations: tuple[StoredReservation, ...] = ()
