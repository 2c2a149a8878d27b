"""What the emulated platform holds: workers, tasks, reservations and the acts that moved them, as frozen values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

import attrs

from reservation_core.domain.commands.kinds import sid
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import State
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import SID_PREFIXES, is_sid

ACCOUNT: Final = "AC" + "0" * 32
"""The account of tasks and workers that are given none."""

MAX_RESERVATION_TIMEOUT: Final = 86_400
"""Seconds: the longest reservation time-out there is."""

Attributes = Mapping[str, object]
"""A task's or a worker's attributes: a JSON object."""


class TaskStatus(StrEnum):
    """The six statuses of a task."""

    PENDING = "pending"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    WRAPPING = "wrapping"
    COMPLETED = "completed"
    CANCELED = "canceled"


ENDED: Final = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELED})
"""The statuses in which a task waits for its deletion."""


def check_sid(field: str, value: str) -> str:
    """Give a SID back, if it is the one that a field asks for.

    :raises ValueError: when it is not.
    """
    if not is_sid(value, field):
        raise ValueError(f"{field} must be {sid(SID_PREFIXES[field]).says}")
    return value


def check_timeout(seconds: int) -> int:
    """Give a reservation time-out back, if it is one.

    :raises ValueError: when it is not.
    """
    if not 1 <= seconds <= MAX_RESERVATION_TIMEOUT:
        raise ValueError(
            f"reservation_timeout must be from 1 to {MAX_RESERVATION_TIMEOUT} seconds, not {seconds!r}"
        )
    return seconds


_DEEPEST: Final = 100
"""Layers of lists and objects in one another."""


def _is_deep(value: object, layers: int = _DEEPEST) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    within = (
        cast("dict[str, object]", value).values()
        if isinstance(value, dict)
        else cast("list[object]", value)
    )
    return layers == 0 or any(_is_deep(one, layers - 1) for one in within)


def take_over(given: Attributes | None) -> Attributes:
    """Take over a JSON object, so that nobody changes it from outside; nothing given is an empty one.

    :raises ValueError: when it is none.
    """
    if given is None:
        return {}
    try:
        taken: object = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, RecursionError):
        taken = None
    if not isinstance(taken, dict) or _is_deep(cast("object", taken)):
        remedy = (
            f"give a dict of texts, numbers, lists and dicts, at most {_DEEPEST} in one another"
        )
        raise ValueError(f"attributes must be an object that JSON can write; {remedy}")
    return cast("Attributes", taken)


ASSUMED_TASK: Final[Attributes] = {"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
"""The attributes of a task that was only assumed, when a reservation was added by itself: enough for every instruction."""

ASSUMED_WORKER: Final[Attributes] = {"contact_uri": "client:worker"}
"""The attributes of a worker that was only assumed."""


def _personal(_: object) -> str:
    return "<personal>"


@attrs.frozen(kw_only=True, eq=False)
class Worker:
    """A worker: where it is reached (``attributes["contact_uri"]``), what it is doing (``activity_sid``), and its version."""

    sid: str
    workspace_sid: str
    account_sid: str | None = ACCOUNT
    name: str | None = attrs.field(default=None, repr=False)
    attributes: Attributes = attrs.field(factory=dict[str, object], repr=_personal)
    activity_sid: str | None = None
    version: int = 0


@attrs.frozen(kw_only=True, eq=False)
class Task:
    """A task: what is to be done, and how far it is.

    :param reservation_timeout: seconds that a worker has to answer.
    :param due: when it is deleted; known once it has ended.
    :param reason: why it was canceled, or how it was completed, where somebody said so.
    :param rounds: how often it went from pending to reserved.
    :param has_live_call: whether the caller is still there.
    :param is_assumed: whether nothing is known of it but that a reservation was added for it.
    """

    sid: str
    workspace_sid: str
    account_sid: str | None = ACCOUNT
    attributes: Attributes = attrs.field(factory=dict[str, object], repr=_personal)
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

    def moved(
        self, status: TaskStatus, date: datetime, due: datetime | None, reason: str | None
    ) -> Task:
        """Give the same task in another status, one version on; spelled out because ``attrs.evolve`` takes twice as long."""
        return Task(
            sid=self.sid,
            workspace_sid=self.workspace_sid,
            account_sid=self.account_sid,
            attributes=self.attributes,
            status=status,
            reservation_timeout=self.reservation_timeout,
            date_created=self.date_created,
            date_updated=date,
            due=due,
            reason=reason,
            version=self.version + 1,
            rounds=self.rounds,
            has_live_call=self.has_live_call,
            is_assumed=self.is_assumed,
        )


@attrs.frozen(eq=False)
class StoredReservation:
    """A reservation as the platform holds it, with what no body shows.

    :param number: in which order reservations were made, from 0.
    :param due: when it times out; ``None`` once it was answered, be it only on hold.
    :param is_transfer: whether it is a second one, of a task that somebody works on.
    :param post_work_activity_sid: where the worker goes when the work is done.
    """

    reservation: Reservation
    number: int
    due: datetime | None = None
    is_transfer: bool = False
    post_work_activity_sid: str | None = None
    canceled_reason_code: int | None = None


@attrs.frozen
class JournalEntry:
    """One thing that happened to a reservation: what, by whom, the version it made, and how everything stood then.

    :param before: where the reservation stood; ``None`` when it was made by this.
    :param task_status: the task's status once everything that came with it was done.
    :param reason: why, in words, where there is more to say than the trigger does.
    :param code: the platform's number for why it was canceled.
    :param task: the task as it then was, for it may be deleted since; so for the worker. No JSON of an act shows either.
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
        """The task as it was once everything that came with it was done."""
        return self._task

    @property
    def worker(self) -> Worker | None:
        """The worker as it was then; ``None`` when nobody knows it."""
        return self._worker


@attrs.frozen
class Changes:
    """Everything that one unit of work changed: what became of it, by SID, the SIDs that are gone, and the acts in order."""

    reservations: Mapping[str, StoredReservation]
    tasks: Mapping[str, Task]
    workers: Mapping[str, Worker]
    removed: tuple[str, ...]
    entries: tuple[JournalEntry, ...]


@attrs.frozen
class Snapshot:
    """All that a platform holds at one moment, but for the journal and the time."""

    workers: tuple[Worker, ...] = ()
    tasks: tuple[Task, ...] = ()
    reservations: tuple[StoredReservation, ...] = ()


@attrs.frozen(slots=False)
class StateConflict(ReservationError):
    """A command or fact that is no step from where the reservation stands, on the platform's side."""

    sid: str
    state: State
    trigger: str

    def __str__(self) -> str:
        """Name the reservation, its state, what was asked, and the remedy."""
        return f"reservation {self.sid} is {self.state}; {self.trigger} is no step from there: read it again with get()"


@attrs.frozen(slots=False)
class TaskConflict(ReservationError):
    """Something that cannot be done with a task as it stands."""

    sid: str
    status: TaskStatus
    asked: str

    def __str__(self) -> str:
        """Name the task, its status, what was asked, and the remedy."""
        return f"task {self.sid} is {self.status}; {self.asked} is not possible then: read it again with task()"


@attrs.frozen(slots=False)
class UnmetPrecondition(ReservationError):
    """A command that fits the state but not the task or the worker it is about; ``code`` is the platform's number for it."""

    sid: str
    trigger: str
    code: int
    message: str

    def __str__(self) -> str:
        """Name the reservation, the command, what is missing, and the platform's number."""
        return f"{self.trigger} of reservation {self.sid} cannot be carried out ({self.code}): {self.message}"
