"""What a platform is to hold from the start: workers, tasks and their reservations, as a JSON document says it.

::

    {"workers": [{"workspace_sid": "WS…", "sid": "WK…", "name": "…", "attributes": {"contact_uri": "client:…"}}],
     "tasks": [{"workspace_sid": "WS…", "sid": "WT…", "attributes": {"call_sid": "CA…"},
                "reservations": [{"worker_sid": "WK…", "sid": "WR…", "facts": ["accepted"]}]}]}

A document is read whole before anything is done, and all that is wrong with it is told at once, each fault with its path. It is then
planted as one unit of work: wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.documents import UnreadableDocument, read_document
from reservation_core.emulator.platform.model import Task, Worker
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.bodies import Attributes
from reservation_core.rest.errors import PayloadFault
from reservation_core.rest.field_reader import FieldReader

SIDS: Final[Mapping[str, str]] = {**SID_PREFIXES, "activity_sid": "WA"}
"""How each SID that may be given begins."""


@attrs.frozen(kw_only=True)
class WorkerSeed:
    """A worker to be added; what is ``None`` the platform makes."""

    workspace_sid: str
    sid: str | None = None
    account_sid: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    attributes: Attributes | None = attrs.field(default=None, repr=False)
    activity_sid: str | None = None


@attrs.frozen(kw_only=True)
class ReservationSeed:
    """A reservation of a task for a worker, and the facts that have happened to it since."""

    worker_sid: str
    sid: str | None = None
    facts: tuple[Status, ...] = ()


@attrs.frozen(kw_only=True)
class TaskSeed:
    """A task to be added, and its reservations; ``reservation_timeout`` is in seconds."""

    workspace_sid: str
    sid: str | None = None
    account_sid: str | None = None
    attributes: Attributes | None = attrs.field(default=None, repr=False)
    reservation_timeout: int | None = None
    reservations: tuple[ReservationSeed, ...] = ()


@attrs.frozen
class Seed:
    """What to plant."""

    workers: tuple[WorkerSeed, ...] = ()
    tasks: tuple[TaskSeed, ...] = ()


def read_seed(reading: FieldReader) -> Seed:
    """Read a seed.

    :raises UnreadableDocument: with everything that is wrong with it.
    """
    workers = tuple(map(read_seed_worker, reading.each("workers")))
    tasks = tuple(map(read_seed_task, reading.each("tasks")))
    reading.finish()
    return Seed(workers, tasks)


def read_seed_file(path: Path) -> Seed:
    """Read a seed from a file.

    :raises UnreadableDocument: when there is no such file, or with everything that is wrong with it.
    """
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(
            (PayloadFault(str(path), f"cannot be read ({error.strerror}); check the name"),)
        ) from None
    return read_seed(read_document(document))


def read_seed_worker(reading: FieldReader) -> WorkerSeed:
    """Read a worker."""
    seed = WorkerSeed(
        workspace_sid=reading.required_sid("workspace_sid", SIDS["workspace_sid"]),
        sid=reading.sid("sid", SIDS["worker_sid"]),
        account_sid=reading.sid("account_sid", SIDS["account_sid"]),
        name=reading.text("name"),
        attributes=reading.mapping("attributes"),
        activity_sid=reading.sid("activity_sid", SIDS["activity_sid"]),
    )
    reading.reject_unread()
    return seed


def read_seed_task(reading: FieldReader) -> TaskSeed:
    """Read a task with its reservations."""
    seed = TaskSeed(
        workspace_sid=reading.required_sid("workspace_sid", SIDS["workspace_sid"]),
        sid=reading.sid("sid", SIDS["task_sid"]),
        account_sid=reading.sid("account_sid", SIDS["account_sid"]),
        attributes=reading.mapping("attributes"),
        reservation_timeout=reading.integer("reservation_timeout", None, minimum=1),
        reservations=tuple(read_seed_reservation(each) for each in reading.each("reservations")),
    )
    reading.reject_unread()
    return seed


def read_seed_reservation(reading: FieldReader) -> ReservationSeed:
    """Read a reservation of a task."""
    seed = ReservationSeed(
        worker_sid=reading.required_sid("worker_sid", SIDS["worker_sid"]),
        sid=reading.sid("sid", SIDS["sid"]),
        facts=tuple(map(Status, reading.choices("facts", tuple(Status)))),
    )
    reading.reject_unread()
    return seed


def load(seed: Seed, platform: Platform) -> None:
    """Let a platform hold what a seed says, besides what it holds already: wholly, or not at all.

    :raises ReservationError, ValueError, KeyError: as the platform does for what cannot be.
    """
    with platform.transaction():
        for worker in seed.workers:
            load_worker(worker, platform)
        for task in seed.tasks:
            load_task(task, platform)


def load_worker(seed: WorkerSeed, platform: Platform) -> Worker:
    """Add a worker."""
    return platform.add_worker(
        seed.workspace_sid,
        sid=seed.sid,
        account_sid=seed.account_sid,
        name=seed.name,
        attributes=seed.attributes,
        activity_sid=seed.activity_sid,
    )


def load_task(seed: TaskSeed, platform: Platform) -> Task:
    """Add a task with its reservations, and let happen to each what has."""
    with platform.transaction():
        task = platform.add_task(
            seed.workspace_sid,
            sid=seed.sid,
            account_sid=seed.account_sid,
            attributes=seed.attributes,
            reservation_timeout=seed.reservation_timeout,
        )
        for each in seed.reservations:
            load_reservation(each, task.sid, platform)
        return platform.task(task.sid)


def load_reservation(seed: ReservationSeed, task_sid: str, platform: Platform) -> Reservation:
    """Reserve a worker for a task, and let happen what has."""
    with platform.transaction():
        reservation = platform.reserve(task_sid, seed.worker_sid, sid=seed.sid)
        for fact in seed.facts:
            reservation = platform.set_status(str(reservation.sid), fact)
        return reservation
