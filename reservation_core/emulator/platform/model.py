"""Values of the emulated platform: workers, tasks, reservations, records and journal entries."""

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


@document_members
class ResourceEventType(StrEnum):
    """Types of events of routed tasks and of workers."""

    TASK_CREATED = "task.created"
    """A task was created."""
    TASK_UPDATED = "task.updated"
    """The attributes or the priority of a task have changed."""
    TASK_CANCELED = "task.canceled"
    """A task was canceled, or no worker accepted it in time."""
    TASK_WRAPUP = "task.wrapup"
    """A task is wrapping."""
    TASK_COMPLETED = "task.completed"
    """A task was completed."""
    TASK_DELETED = "task.deleted"
    """A task was deleted by a client."""
    WORKER_CREATED = "worker.created"
    """A worker was created."""
    WORKER_ACTIVITY_UPDATE = "worker.activity.update"
    """A worker has another activity."""
    WORKER_ATTRIBUTES_UPDATE = "worker.attributes.update"
    """A worker has other attributes."""
    WORKER_DELETED = "worker.deleted"
    """A worker was deleted."""


def _redact(_: object) -> str:
    return "<personal>"


@attrs.frozen(kw_only=True, eq=False)
class Worker:
    """A worker.

    :param attributes: JSON object. Its ``contact_uri`` is the address to call the worker at.
    :param activity_sid: the worker's current activity.
    :param version: number of changes so far.
    :param date_status_changed: time of the last change of the activity.
    """

    sid: str
    workspace_sid: str
    account_sid: str | None = DEFAULT_ACCOUNT_SID
    name: str | None = attrs.field(default=None, repr=False)
    attributes: Attributes = attrs.field(factory=dict[str, Json], repr=_redact)
    activity_sid: str | None = None
    version: int = 0
    date_created: datetime | None = None
    date_updated: datetime | None = None
    date_status_changed: datetime | None = None


@attrs.frozen(kw_only=True)
class TaskOrder:
    """Order for a task that the platform routes by itself.

    :param workflow_sid: the workflow that routes the task.
    :param task_queue_sid: the queue the task waits in. Without one, no worker is reserved.
    :param worker_sid: the only worker to reserve; ``None`` for any.
    :param priority: a higher one goes first.
    :param expires: time at which the task is canceled if no worker has it.
    :param fields: all other properties, as they were given.
    """

    workflow_sid: str | None = None
    task_queue_sid: str | None = None
    worker_sid: str | None = None
    priority: int = 0
    expires: datetime
    fields: Attributes = attrs.field(factory=dict[str, Json], repr=False)


@attrs.frozen(kw_only=True, eq=False)
class Task:
    """A task.

    :param attributes: JSON object. Instructions use its ``call_sid`` or ``outbound_to``, its
        ``from`` and its ``conference_sid``.
    :param reservation_timeout: seconds that a worker has to answer a reservation.
    :param due: time of the deletion of an ended task, or of the end of a task that no worker has.
        ``None`` if there is none.
    :param reason: why the task was canceled or how it was completed, if given.
    :param rounds: number of changes from pending to reserved.
    :param has_live_call: false once the caller has left.
    :param is_assumed: true if the task was created only because a reservation of it was added.
    :param is_orchestrated: true if an accept puts a reservation on hold first, as in Flex.
    :param order: how to route the task; ``None`` if the platform does not route it.
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
    order: TaskOrder | None = None


@attrs.frozen(kw_only=True, eq=False)
class Record:
    """Stored workspace, activity, task queue, workflow or task channel.

    :param kind: the kind of the resource, such as ``activity``.
    :param fields: all properties, as they were given or by default.
    """

    sid: str
    kind: str
    workspace_sid: str
    account_sid: str | None = DEFAULT_ACCOUNT_SID
    fields: Attributes = attrs.field(repr=False)
    date_created: datetime
    date_updated: datetime


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
class ResourceEvent:
    """Event of a routed task or of a worker.

    :param at: the platform's time of the event.
    :param description: the event in words.
    :param task: the task after the event; ``None`` for a worker's event.
    :param worker: the worker after the event; ``None`` for a task's event.
    :param worker_before: the worker before the event, if there was one.
    """

    type: ResourceEventType
    at: datetime
    description: str
    task: Task | None = attrs.field(default=None, repr=False, eq=False)
    worker: Worker | None = attrs.field(default=None, repr=False, eq=False)
    worker_before: Worker | None = attrs.field(default=None, repr=False, eq=False)


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
    records: Mapping[str, Record] = attrs.field(factory=dict[str, Record])


@attrs.frozen
class Snapshot:
    """All workers, tasks, reservations and records at one moment.

    The journal and the time are not part of it.
    """

    workers: tuple[Worker, ...] = ()
    tasks: tuple[Task, ...] = ()
    reservations: tuple[StoredReservation, ...] = ()
    records: tuple[Record, ...] = ()
