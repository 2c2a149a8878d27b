"""Events of reservations, from event callbacks, Event Streams or the REST API.

An event callback is a form. Event Streams send CloudEvents, one or a batch. The REST API shows
events as resources, one or a page: they fill in what the other two missed.

1. The type names the new status. ``reservation.wrapup`` reports wrapping, and
   ``reservation.created`` reports pending. The other statuses have the same name as their type.
   (Some events of Event Streams also have a ``reservation_status``. It is not documented, and not
   used.)
2. Events of other types are read too, with ``status`` ``None``. They need only a type and a time.
   One of them is ``reservation.failed``: no worker was reserved.
3. No source guarantees an order, and each may repeat an event. Drop an event whose ``key``
   is known. Order the others by ``version``, then by ``time``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from typing import Final, cast

import attrs

from reservation_core.domain.errors import hides_locals
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import BODY, Payload, read_body
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.faults import Faults
from reservation_core.rest.field_reader import LARGEST_INTEGER, ErrorOfFaults, LenientFieldReader
from reservation_core.rest.listing import LARGEST_PAGE
from reservation_core.rest.reservation_payload import read_form_fields

_TYPE_NAMES: Final = {Status.PENDING: "created", Status.WRAPPING: "wrapup"}

EVENT_TYPES: Final[Mapping[Status, str]] = {
    status: f"reservation.{_TYPE_NAMES.get(status, status)}" for status in Status
}
"""The type of the event that reports each status."""

EVENT_STATUSES: Final[Mapping[str, Status]] = {
    type_: status for status, type_ in EVENT_TYPES.items()
}
"""The status that each type of event reports. Other types report no status."""


@document_members
class EventShape(StrEnum):
    """The three shapes of an event. The value names it in an error."""

    CALLBACK = "an event callback"
    """A form, with ``EventType``."""
    STREAM = "a CloudEvent of Event Streams"
    """A JSON object with ``type`` and ``data``."""
    RESOURCE = "an event resource of the REST API"
    """A JSON object with ``event_type`` and ``event_data``."""


MAX_EVENTS: Final = LARGEST_PAGE
"""The default limit of the events of one body: that of a page of the REST API."""

_STREAM_TYPE: Final = "com.twilio.taskrouter."


@attrs.frozen(kw_only=True)
class Event:
    """One event as it was reported.

    :param sid: the SID of the event, the same for all sources and for every repetition. It was
        observed in callbacks, though not documented there.
    :param type: the type, such as ``reservation.accepted``.
    :param status: the status that the type reports, ``None`` for other types.
    :param reservation: the reservation with that status and the event's SIDs. ``None`` if the
        status is.
    :param version: the reservation's version, a number that grows with every change.
    :param time: an aware datetime in UTC, to the millisecond if the event has it.
    :param task_status: the assignment status of the task.
    :param shape: the shape that was read. Events are compared without it.
    :param payload: all fields, as they were received. They hold personal data. Events are compared
        without it.
    """

    sid: str | None
    type: str
    status: Status | None
    reservation: Reservation | None
    version: int | None
    time: datetime
    reservation_sid: str | None
    task_sid: str | None
    worker_sid: str | None
    workspace_sid: str | None
    task_status: str | None
    shape: EventShape = attrs.field(default=EventShape.CALLBACK, eq=False)
    payload: Mapping[str, object] = attrs.field(repr=False, eq=False)

    @property
    def key(self) -> str:
        """The key that all repetitions of an event share.

        It is the ``sid``, or else the type, the time and the SID of the subject.
        """
        subject = self.reservation_sid or self.task_sid or self.worker_sid or ""
        return self.sid or f"{self.type}/{self.time.isoformat()}/{subject}"


@hides_locals(MalformedReply)
def read_event(payload: Payload) -> Event:
    """Read one event.

    :param payload: an event callback's form, a CloudEvent or an event resource: a mapping of its
        fields, or the body as it was received.
    :raises MalformedReply: if it cannot be read. The error has all faults.

    >>> form = {"EventType": "reservation.wrapup", "ReservationSid": "WR" + "a" * 32}
    >>> event = read_event(form | {"Timestamp": "1400000000"})
    >>> event.status, event.reservation.status
    (<Status.WRAPPING: 'wrapping'>, <Status.WRAPPING: 'wrapping'>)
    """
    return _read_one(read_body(payload), "")


@hides_locals(MalformedReply)
def read_events(
    payload: Payload,
    *,
    on_unreadable: Callable[[MalformedReply], object] | None = None,
    max_events: int = MAX_EVENTS,
) -> tuple[Event, ...]:
    """Read all events of a body, one or a batch.

    :param payload: an event callback's form, a CloudEvent or a list of them, an event resource or
        a page of them. A mapping of its fields, or the body as it was received.
    :param on_unreadable: called with the error of each unreadable event of a batch. The other
        events are returned. Without it, one unreadable event makes the whole batch unreadable, and
        the platform sends a refused batch again for hours.
    :param max_events: the largest number of events. A longer batch is refused, and none is read.
    :raises MalformedReply: if an event cannot be read. The error has the faults of all events. With
        ``on_unreadable``, only if the body is neither JSON nor a form, is one unreadable event or
        has too many.
    """
    items, place = _find_items(read_body(payload))
    if not isinstance(items, list):
        return (_read_one(items, place),)
    items = cast("list[object]", items)
    if len(items) > max_events:
        problem = f"has {len(items)} events, more than the limit of {max_events}"
        raise MalformedReply((PayloadFault(place or BODY, problem),))
    events: list[Event] = []
    faults = Faults()
    for number, item in enumerate(items):
        try:
            events.append(_read_one(item, f"{place}[{number}]"))
        except MalformedReply as error:
            if on_unreadable is None:
                faults.extend(error.faults, error.omitted)
            else:
                on_unreadable(error)
    if faults:
        raise MalformedReply(tuple(faults), omitted=faults.omitted)
    return tuple(events)


def _find_items(body: object) -> tuple[object, str]:
    """Return the list of a page and its place, or the body."""
    if not isinstance(body, Mapping):
        return body, ""
    fields = cast("Mapping[str, object]", body)
    is_page = isinstance(fields.get("events"), list)
    return (fields["events"], "events") if is_page else (fields, "")


@cache
def _stream_name(name: str) -> str:
    """Return the Event Streams name of a form's field."""
    return "eventtype" if name == "EventType" else re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def _envelope_name(name: str) -> str:
    return "time" if name == "Timestamp" else name


_RESOURCE_NAMES: Final = {
    "EventType": "event_type",
    "Timestamp": "event_date",
    "TimestampMs": "event_date_ms",
}
_SUBJECTS: Final = {"WR": "ReservationSid", "WT": "TaskSid", "WK": "WorkerSid"}


def _resource_name(name: str) -> str:
    return _RESOURCE_NAMES.get(name) or _stream_name(name)


def _read_one(body: object, path: str) -> Event:
    reader = LenientFieldReader(body, path, wanted="an event")
    reader.raise_faults()
    fields = reader.fields
    if "EventType" in fields:
        return _read_callback(fields, path)
    if "event_type" in fields:
        return _read_resource(fields, path)
    if "type" in fields or "data" in fields:
        return _read_stream(fields, path)
    problem = "is not an event: it has none of EventType, event_type, type and data"
    raise MalformedReply((PayloadFault(path or BODY, problem),))


def _error_of(shape: EventShape) -> ErrorOfFaults:
    return partial(MalformedReply, read_as=shape.value)


def _read_callback(fields: Mapping[str, object], path: str) -> Event:
    reader = LenientFieldReader(fields, path, error=_error_of(EventShape.CALLBACK))
    time, type_ = _read_time(reader), reader.text("EventType")
    return _build(reader, fields, type_, time, reader.text("Sid"), EventShape.CALLBACK)


def _read_resource(fields: Mapping[str, object], path: str) -> Event:
    resource = LenientFieldReader(
        fields, path, error=_error_of(EventShape.RESOURCE), rename=_resource_name
    )
    type_, time, sid = resource.text("EventType"), _read_time(resource), resource.text("Sid")
    data = resource.attributes("EventData")
    if type_ in EVENT_STATUSES:
        resource.raise_faults()
    # Fields that the data lack are those of the resource.
    rename = str if any(name[:1].isupper() for name in data) else _stream_name
    known = {rename(name): resource.take(name) for name in ("AccountSid", "WorkspaceSid")}
    subject = resource.text("ResourceSid") or ""
    if name := _SUBJECTS.get(subject[:2]):
        known[rename(name)] = subject
    given = {name: value for name, value in data.items() if value not in (None, "")}
    inner = LenientFieldReader(
        {**known, **given},
        resource.path_of("EventData"),
        resource.faults,
        error=_error_of(EventShape.RESOURCE),
        rename=rename,
    )
    return _build(inner, fields, type_, time, sid, EventShape.RESOURCE)


def _read_stream(fields: Mapping[str, object], path: str) -> Event:
    error = _error_of(EventShape.STREAM)
    envelope = LenientFieldReader(fields, path, error=error, rename=_envelope_name)
    data = envelope.nested("data", _stream_name)
    layers = [data, envelope]
    if "payload" in data.fields:
        layers.insert(0, data.nested("payload", _stream_name))
    inner, is_whole = layers[0], not envelope.faults
    # The envelope's type wins: it is the type that was subscribed to. In the documented samples the
    # payload has another one.
    type_ = envelope.text("type") or inner.text("EventType") or ""
    type_ = type_.removeprefix(_STREAM_TYPE)
    if type_ in EVENT_STATUSES and not is_whole:
        envelope.raise_faults()  # the fields of the reservation are missing
    sids = [layer.text("Sid") for layer in layers[:-1]]
    sid = next(filter(None, sids), None) or envelope.text("id")
    return _build(inner, fields, type_ or None, _read_time(*layers), sid, EventShape.STREAM)


def _read_time(*readers: LenientFieldReader) -> datetime | None:
    """Read the time of the innermost reader that has one."""
    faults = readers[0].faults
    found = len(faults)
    for reader in readers:
        if time := reader.milliseconds("TimestampMs") or reader.date("Timestamp"):
            return time
    if len(faults) == found:
        readers[0].add_fault("Timestamp", "is missing")
    return None


def _build(
    reader: LenientFieldReader,
    payload: Mapping[str, object],
    type_: str | None,
    time: datetime | None,
    sid: str | None,
    shape: EventShape,
) -> Event:
    if type_ is None:
        reader.add_fault("EventType", "is missing")
    status = EVENT_STATUSES.get(type_ or "")
    version = reader.integer("ReservationVersion", None, maximum=LARGEST_INTEGER)
    task_status = reader.text("TaskAssignmentStatus")
    reservation = None if status is None else read_form_fields(reader, status)
    if type_ is None or time is None:
        faults = reader.faults
        raise MalformedReply(tuple(faults), read_as=shape.value, omitted=faults.omitted)
    return Event(
        sid=sid,
        type=type_,
        status=status,
        reservation=reservation,
        version=version,
        time=time,
        reservation_sid=reader.text("ReservationSid"),
        task_sid=reader.text("TaskSid"),
        worker_sid=reader.text("WorkerSid"),
        workspace_sid=reader.text("WorkspaceSid"),
        task_status=task_status,
        shape=shape,
        payload=payload,
    )
