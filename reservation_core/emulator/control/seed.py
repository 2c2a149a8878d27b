"""Workers, tasks and reservations to load from a JSON document.

::

    {"workers": [{"workspace_sid": "WS…", "sid": "WK…", "name": "…",
                  "attributes": {"contact_uri": "client:…"}}],
     "tasks": [{"workspace_sid": "WS…", "sid": "WT…", "attributes": {"call_sid": "CA…"},
                "reservations": [{"worker_sid": "WK…", "sid": "WR…", "facts": ["accepted"]}]}]}

A document is read whole before anything is loaded: each function here returns a loader, which is
a function that loads what was read into a platform. All faults of a document are reported at once,
each with its path. It is loaded in one transaction: wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from reservation_core.domain.errors import hides_locals
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.documents import UnreadableDocument, read_document
from reservation_core.emulator.platform.model import Snapshot, Task, Worker
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.validation import MAX_RESERVATION_TIMEOUT
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.errors import PayloadFault
from reservation_core.rest.field_reader import FieldReader

SEED_PREFIXES: Final[Mapping[str, str]] = {**SID_PREFIXES, "activity_sid": "WA"}
"""Prefix of each SID in a document."""


@hides_locals(UnreadableDocument)
def read_seed_file(path: Path) -> Callable[[Platform], Snapshot]:
    """Read a document from a file, and return its loader.

    :raises UnreadableDocument: if the file or one of its fields cannot be read.
    """
    try:
        document = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check the name"
        raise UnreadableDocument((PayloadFault(str(path), problem),)) from None
    body = read_document(document)
    load = read_seed(body)
    body.finish()
    return load


def read_seed(body: FieldReader) -> Callable[[Platform], Snapshot]:
    """Read workers and tasks, and return their loader.

    The loader adds them to what a platform holds. If the platform refuses a part, it raises the
    platform's error and has no effect.
    """
    workers = [read_seed_worker(each) for each in body.each("workers")]
    tasks = [read_seed_task(each) for each in body.each("tasks")]

    def load(platform: Platform) -> Snapshot:
        with platform.transaction():
            for add in (*workers, *tasks):
                add(platform)
        return platform.snapshot()

    return load


def read_seed_worker(body: FieldReader) -> Callable[[Platform], Worker]:
    """Read a worker, and return its loader."""
    fields: dict[str, Any] = {
        **_read_common(body, "worker_sid"),
        "name": body.text("name"),
        "activity_sid": body.sid("activity_sid", SEED_PREFIXES["activity_sid"]),
    }
    body.reject_unread()
    return lambda platform: platform.add_worker(**fields)


def read_seed_task(body: FieldReader) -> Callable[[Platform], Task]:
    """Read a task with its reservations, and return their loader."""
    fields: dict[str, Any] = {
        **_read_common(body, "task_sid"),
        "reservation_timeout": body.integer(
            "reservation_timeout", None, minimum=1, maximum=MAX_RESERVATION_TIMEOUT
        ),
        "orchestrated": body.flag("orchestrated"),
    }
    reservations = [read_seed_reservation(each) for each in body.each("reservations")]
    body.reject_unread()

    def load(platform: Platform) -> Task:
        with platform.transaction():
            task = platform.add_task(**fields)
            for reserve in reservations:
                reserve(platform, task.sid)
            return platform.task(task.sid)

    return load


def read_seed_reservation(body: FieldReader) -> Callable[[Platform, str], Reservation]:
    """Read a reservation, and return its loader.

    The loader takes the platform and the SID of the task. It reports the statuses in ``facts``
    afterwards, in their order.
    """
    worker_sid = body.required_sid("worker_sid", SEED_PREFIXES["worker_sid"])
    sid = body.sid("sid", SEED_PREFIXES["sid"])
    facts = [Status(fact) for fact in body.choices("facts", tuple(Status))]
    body.reject_unread()

    def load(platform: Platform, task_sid: str) -> Reservation:
        with platform.transaction():
            reservation = platform.reserve(task_sid, worker_sid, sid=sid)
            for fact in facts:
                reservation = platform.set_status(str(reservation.sid), fact)
            return reservation

    return load


def _read_common(body: FieldReader, kind: str) -> dict[str, object]:
    return {
        "workspace_sid": body.required_sid("workspace_sid", SEED_PREFIXES["workspace_sid"]),
        "sid": body.sid("sid", SEED_PREFIXES[kind]),
        "account_sid": body.sid("account_sid", SEED_PREFIXES["account_sid"]),
        "attributes": body.mapping("attributes"),
    }
