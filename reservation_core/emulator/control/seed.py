"""Workers, tasks and reservations to load into a platform, from a JSON document.

::

    {"workers": [{"workspace_sid": "WS…", "sid": "WK…", "name": "…",
                  "attributes": {"contact_uri": "client:…"}}],
     "tasks": [{"workspace_sid": "WS…", "sid": "WT…", "attributes": {"call_sid": "CA…"},
                "reservations": [{"worker_sid": "WK…", "sid": "WR…", "facts": ["accepted"]}]}]}

A document is read whole before it is loaded. All its faults are reported at once, each with its
path. It is loaded in one transaction: wholly or not at all.
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

SEED_PREFIXES: Final[Mapping[str, str]] = {**SID_PREFIXES, "activity_sid": "WA"}
"""Prefix of each SID in a document."""


@attrs.frozen(kw_only=True)
class WorkerSeed:
    """Worker to add. The platform chooses a value for each field that is ``None``."""

    workspace_sid: str
    sid: str | None = None
    account_sid: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    attributes: Attributes | None = attrs.field(default=None, repr=False)
    activity_sid: str | None = None


@attrs.frozen(kw_only=True)
class ReservationSeed:
    """Reservation of a task for a worker.

    :param facts: statuses that the platform has reported since, in order.
    """

    worker_sid: str
    sid: str | None = None
    facts: tuple[Status, ...] = ()


@attrs.frozen(kw_only=True)
class TaskSeed:
    """Task to add, with its reservations.

    :param reservation_timeout: seconds until a reservation times out.
    """

    workspace_sid: str
    sid: str | None = None
    account_sid: str | None = None
    attributes: Attributes | None = attrs.field(default=None, repr=False)
    reservation_timeout: int | None = None
    reservations: tuple[ReservationSeed, ...] = ()


@attrs.frozen
class Seed:
    """Document to load."""

    workers: tuple[WorkerSeed, ...] = ()
    tasks: tuple[TaskSeed, ...] = ()


# --- reading -------------------------------------------------------------------------------------


def read_seed_file(path: Path) -> Seed:
    """Read a seed from a file.

    :raises UnreadableDocument: if the file or one of its fields cannot be read.
    """
    try:
        document = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check the name"
        raise UnreadableDocument((PayloadFault(str(path), problem),)) from None
    body = read_document(document)
    seed = read_seed(body)
    body.finish()
    return seed


def read_seed(body: FieldReader) -> Seed:
    """Read a seed. Faults are added to the reader."""
    return Seed(
        workers=tuple(map(read_worker_seed, body.each("workers"))),
        tasks=tuple(map(read_task_seed, body.each("tasks"))),
    )


def read_worker_seed(body: FieldReader) -> WorkerSeed:
    """Read a worker. Faults are added to the reader."""
    seed = WorkerSeed(
        workspace_sid=body.required_sid("workspace_sid", SEED_PREFIXES["workspace_sid"]),
        sid=body.sid("sid", SEED_PREFIXES["worker_sid"]),
        account_sid=body.sid("account_sid", SEED_PREFIXES["account_sid"]),
        name=body.text("name"),
        attributes=body.mapping("attributes"),
        activity_sid=body.sid("activity_sid", SEED_PREFIXES["activity_sid"]),
    )
    body.reject_unread()
    return seed


def read_task_seed(body: FieldReader) -> TaskSeed:
    """Read a task with its reservations. Faults are added to the reader."""
    seed = TaskSeed(
        workspace_sid=body.required_sid("workspace_sid", SEED_PREFIXES["workspace_sid"]),
        sid=body.sid("sid", SEED_PREFIXES["task_sid"]),
        account_sid=body.sid("account_sid", SEED_PREFIXES["account_sid"]),
        attributes=body.mapping("attributes"),
        reservation_timeout=body.integer("reservation_timeout", None, minimum=1),
        reservations=tuple(map(read_reservation_seed, body.each("reservations"))),
    )
    body.reject_unread()
    return seed


def read_reservation_seed(body: FieldReader) -> ReservationSeed:
    """Read a reservation of a task. Faults are added to the reader."""
    seed = ReservationSeed(
        worker_sid=body.required_sid("worker_sid", SEED_PREFIXES["worker_sid"]),
        sid=body.sid("sid", SEED_PREFIXES["sid"]),
        facts=tuple(map(Status, body.choices("facts", tuple(Status)))),
    )
    body.reject_unread()
    return seed


# --- loading -------------------------------------------------------------------------------------


def load_seed(seed: Seed, platform: Platform) -> None:
    """Load a seed into a platform in one transaction, in addition to what it holds.

    :raises ReservationError, ValueError, KeyError: if the platform refuses a part of it.
    """
    with platform.transaction():
        for worker in seed.workers:
            load_worker(worker, platform)
        for task in seed.tasks:
            load_task(task, platform)


def load_worker(seed: WorkerSeed, platform: Platform) -> Worker:
    """Add a worker."""
    return platform.add_worker(**attrs.asdict(seed, recurse=False))


def load_task(seed: TaskSeed, platform: Platform) -> Task:
    """Add a task with its reservations."""
    fields = attrs.asdict(seed, recurse=False, filter=attrs.filters.exclude("reservations"))
    with platform.transaction():
        task = platform.add_task(**fields)
        for each in seed.reservations:
            load_reservation(each, task.sid, platform)
        return platform.task(task.sid)


def load_reservation(seed: ReservationSeed, task_sid: str, platform: Platform) -> Reservation:
    """Reserve a worker for a task, and report the statuses that followed."""
    with platform.transaction():
        reservation = platform.reserve(task_sid, seed.worker_sid, sid=seed.sid)
        for fact in seed.facts:
            reservation = platform.set_status(str(reservation.sid), fact)
        return reservation
