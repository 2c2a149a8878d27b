"""Readers of a reservation from any payload of the platform.

A payload is a REST body, a worker-SDK body or an assignment callback.

Reading is lenient: unknown keys are ignored, nullable fields may be null or missing, dates may be
ISO 8601 or epoch seconds, and the status ``wrapup`` is wrapping. Nothing is guessed: a malformed
SID, an unknown status or a malformed date is a fault. All faults are reported together, each with
its path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

import attrs

from reservation_core.domain.commands.kinds import sid_kind
from reservation_core.domain.errors import hides_locals
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links, Reservation, ReservationBuilder
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.bodies import BODY, Payload, mismatch, read_object
from reservation_core.rest.errors import MalformedReply, PayloadFault, UnknownStatus
from reservation_core.rest.field_reader import FieldReader, LenientFieldReader

_STATUS: Final = "reservation_status"
_VERSION: Final = "version"
_STATUSES: Final = {**{status.value: status for status in Status}, "wrapup": Status.WRAPPING}
"""The status of each word. The index that Flex syncs says ``wrapup`` for wrapping (observed)."""

_MAX_LINKS: Final = 100  # the platform sends three

_take_fields: Final = itemgetter(
    *SID_PREFIXES, _STATUS, "date_created", "date_updated", "worker_name", "url", "links"
)
_are_sids: Final = re.compile(
    "\n".join(sid_kind(prefix).pattern for prefix in SID_PREFIXES.values())
).fullmatch


@hides_locals(MalformedReply)
def read_reservation(payload: Payload, *, etag: str | None = None) -> Reservation:
    """Read a reservation from a payload of the platform.

    :param payload: a REST body (a mapping, or its JSON as ``str`` or ``bytes``), or an assignment
        callback (a mapping of its form fields, or the form as it was received). A callback has no
        status: the platform sends it for a pending reservation.
    :param etag: the ``ETag`` header that was sent with it, if any. Without it, the ``version`` of a
        worker-SDK body is the version.
    :raises MalformedReply: if it cannot be read. The error has all faults. It is
        :class:`UnknownStatus` if the status is not one of the eight.

    >>> read_reservation({"sid": "WR" + "a" * 32, "reservation_status": "wrapping"}).status
    <Status.WRAPPING: 'wrapping'>
    """
    body = read_object(payload) if isinstance(payload, (str, bytes)) else payload
    if not isinstance(body, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise MalformedReply((PayloadFault(BODY, mismatch(body, "an object")),))
    if "ReservationSid" in body and _STATUS not in body:
        return read_callback(LenientFieldReader(body), etag=etag)
    return read_resource(body, etag=etag)


def read_resource(
    body: Mapping[str, object],
    *,
    etag: str | None = None,
    path: str = "",
    links: Links | None = None,
) -> Reservation:
    """Read a reservation from a parsed REST body.

    :param path: its place in a larger body, such as ``reservations[0]``.
    :param links: the links of the known reservation. They are shared if the body has the same.
    :raises MalformedReply: if it cannot be read. The error has all faults.
    """
    return _read_plain(body, etag, links) or _read_any(body, etag, links, path)


def _read_plain(
    body: Mapping[str, object], etag: str | None, known: Links | None
) -> Reservation | None:
    """Read a body with every usual field, ``None`` for any other body.

    It only saves time, and may be removed. It takes 2 µs where :func:`_read_any` takes 10 µs, of
    the 10 µs of a whole update (benchmark rows 6 and 7).
    """
    if _VERSION in body:
        return None
    builder = ReservationBuilder()
    try:
        *sids, raw_status, created, updated, worker_name, url, links = _take_fields(body)
        status = _STATUSES[raw_status]
        created, updated = datetime.fromisoformat(created), datetime.fromisoformat(updated)
        pairs = tuple(links.items())
        are_sids = _are_sids("\n".join(sids))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    is_utc = created.tzinfo is UTC and updated.tzinfo is UTC
    if not (are_sids and is_utc and isinstance(worker_name, str) and isinstance(url, str)):
        return None
    if known is None or pairs != known.pairs:
        if not all(isinstance(link, str) for link in links.values()):
            return None
        known = Links(pairs)
    builder.sid, builder.account_sid, builder.workspace_sid = sids[:3]
    builder.task_sid, builder.worker_sid = sids[3:]
    builder.worker_name = worker_name
    builder.status = status
    builder.date_created = created
    builder.date_updated = updated
    builder.url = url
    builder.links = known
    builder.etag = etag or None
    builder.on_hold = False
    builder.on_hold_since = None
    return builder.build()


def _read_any(
    body: Mapping[str, object], etag: str | None, known: Links | None, path: str
) -> Reservation:
    reader = FieldReader(body, path)
    sids: dict[str, Any] = {
        field: reader.sid(field, prefix) for field, prefix in SID_PREFIXES.items()
    }
    task = body.get("task")
    if body.get("task_sid") is None and isinstance(task, Mapping):
        # The worker SDK's bodies nest the task.
        task_reader = FieldReader(body["task"], reader.path_of("task"), reader.faults)
        sids["task_sid"] = task_reader.sid("sid", SID_PREFIXES["task_sid"])
    raw_status = reader.take(_STATUS)
    status = _STATUSES.get(raw_status) if isinstance(raw_status, str) else None
    if raw_status is None:
        reader.add_fault(_STATUS, "is missing")
    elif status is None:
        reader.add_fault(_STATUS, f"is not one of {', '.join(Status)}", raw_status)
    reservation = Reservation(
        **sids,
        worker_name=reader.text("worker_name"),
        status=status or Status.PENDING,
        date_created=reader.date("date_created"),
        date_updated=reader.date("date_updated"),
        url=reader.text("url"),
        links=_read_links(reader, known),
        etag=etag or _read_version(reader),
    )
    if status is None and isinstance(raw_status, str):
        fields = attrs.asdict(reservation, recurse=False, filter=_was_read)
        faults = reader.faults
        raise UnknownStatus(tuple(faults), raw_status, fields, omitted=faults.omitted)
    reader.raise_faults()
    return reservation


def _was_read(field: attrs.Attribute[object], value: object) -> bool:
    return value is not None and field.name not in ("status", "on_hold")


def _read_version(reader: FieldReader) -> str | None:
    # The worker SDK's bodies have it, and it sends it as If-Match (observed).
    version = reader.take(_VERSION)
    if version is None or re.fullmatch("[0-9]{1,18}", str(version)):
        return None if version is None else str(version)
    reader.add_fault(_VERSION, "is not a whole number", version)
    return None


def _read_links(reader: FieldReader, known: Links | None) -> Links | None:
    links = reader.mapping("links")
    if links is None:
        return None
    if len(links) > _MAX_LINKS:
        reader.add_fault("links", f"has {len(links)} links, more than the limit of {_MAX_LINKS}")
        return None
    link_reader = FieldReader(links, reader.path_of("links"), reader.faults)
    texts = {name: link_reader.text(name) for name in links}
    pairs = tuple((name, text) for name, text in texts.items() if text is not None)
    return known if known and pairs == known.pairs else Links(pairs)


def read_callback(reader: LenientFieldReader, *, etag: str | None = None) -> Reservation:
    """Read the reservation of an assignment callback.

    It is pending: a callback has no status, and is sent when the worker is reserved.

    :raises MalformedReply: with every fault of the reader.
    """
    if "EventType" in reader.fields:
        reader.add_fault(
            "EventType",
            "marks an event callback, which may report another status; use read_event",
        )
    return read_form_fields(reader, Status.PENDING, etag=etag)


def read_form_fields(
    reader: LenientFieldReader, status: Status, *, etag: str | None = None
) -> Reservation:
    """Read a reservation from the fields of a callback's form.

    :param status: its status, which the form does not hold.

    :raises MalformedReply: with every fault of the reader.
    """
    reservation = Reservation(
        sid=reader.required_sid("ReservationSid", SID_PREFIXES["sid"]),
        account_sid=reader.sid("AccountSid", SID_PREFIXES["account_sid"]),
        workspace_sid=reader.sid("WorkspaceSid", SID_PREFIXES["workspace_sid"]),
        task_sid=reader.sid("TaskSid", SID_PREFIXES["task_sid"]),
        worker_sid=reader.sid("WorkerSid", SID_PREFIXES["worker_sid"]),
        worker_name=reader.text("WorkerName"),
        status=status,
        etag=etag or None,
    )
    reader.raise_faults()
    return reservation
