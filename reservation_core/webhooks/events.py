"""Events of reservations, from event callbacks or Event Streams.

An event callback is a form. Event Streams send CloudEvents, one or a batch.

1. The type names the new status, because no field of an event holds it. ``reservation.wrapup``
   reports wrapping, and ``reservation.created`` reports pending. The other statuses have the same
   name as their type.
2. Events of other types are read too, with ``status`` ``None``. They need only a type and a time.
   One of them is ``reservation.failed``: no worker was reserved.
3. Neither source guarantees an order, and either may repeat an event. Drop an event whose ``key``
   is known. Order the others by ``version``, then by ``time``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Final, cast

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Payload, read_body
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.field_reader import LARGEST_INTEGER, LenientFieldReader
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

_STREAM_TYPE: Final = "com.twilio.taskrouter."


@attrs.frozen(kw_only=True)
class Event:
    """One event as it was reported.

    :param sid: the SID of the event, the same for both sources and for every repetition. It was
        observed in callbacks, though not documented there.
    :param type: the type, such as ``reservation.accepted``.
    :param status: the status that the type reports, ``None`` for other types.
    :param reservation: the reservation with that status and the event's SIDs. ``None`` if the
        status is.
    :param version: the reservation's version, a number that grows with every change.
    :param time: an aware datetime in UTC, to the millisecond if the event has it.
    :param task_status: the assignment status of the task.
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
    payload: Mapping[str, object] = attrs.field(repr=False, eq=False)

    @property
    def key(self) -> str:
        """The key that all repetitions of an event share.

        It is the ``sid``, or else the type, the time and the SID of the subject.
        """
        subject = self.reservation_sid or self.task_sid or self.worker_sid or ""
        return self.sid or f"{self.type}/{self.time.isoformat()}/{subject}"


def read_event(payload: Payload) -> Event:
    """Read one event.

    :param payload: an event callback's form or a CloudEvent: a mapping of its fields, or the body
        as it was received.
    :raises MalformedReply: if it cannot be read. The error has all faults.

    >>> form = {"EventType": "reservation.wrapup", "ReservationSid": "WR" + "a" * 32}
    >>> event = read_event(form | {"Timestamp": "1400000000"})
    >>> event.status, event.reservation.status
    (<Status.WRAPPING: 'wrapping'>, <Status.WRAPPING: 'wrapping'>)
    """
    return _read_one(read_body(payload), "")


def read_events(
    payload: Payload, *, on_unreadable: Callable[[MalformedReply], object] | None = None
) -> tuple[Event, ...]:
    """Read all events of a body, one or a batch.

    :param payload: an event callback's form, a CloudEvent or a list of them, as the body that was
        received. A mapping is read as one event.
    :param on_unreadable: called with the error of each unreadable event of a batch. The other
        events are returned. Without it, one unreadable event makes the whole batch unreadable, and
        the platform sends a refused batch again for hours.
    :raises MalformedReply: if an event cannot be read. The error has the faults of all events. With
        ``on_unreadable``, only if the body is neither JSON nor a form, or is one unreadable event.
    """
    body = read_body(payload)
    if not isinstance(body, list):
        return (_read_one(body, ""),)
    events: list[Event] = []
    faults: list[PayloadFault] = []
    for number, item in enumerate(cast("list[object]", body)):
        try:
            events.append(_read_one(item, f"[{number}]"))
        except MalformedReply as error:
            if on_unreadable is None:
                faults += error.faults
            else:
                on_unreadable(error)
    if faults:
        raise MalformedReply(tuple(faults))
    return tuple(events)


@cache
def _stream_name(name: str) -> str:
    """Return the Event Streams name of a form's field."""
    return "eventtype" if name == "EventType" else re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def _envelope_name(name: str) -> str:
    return "time" if name == "Timestamp" else name


def _read_one(body: object, path: str) -> Event:
    reader = LenientFieldReader(body, path, wanted="an event")
    reader.raise_faults()
    if "EventType" in reader.fields:
        time = _read_time(reader)
        return _build(reader, reader.fields, reader.text("EventType"), time, reader.text("Sid"))
    envelope = LenientFieldReader(reader.fields, path, reader.faults, rename=_envelope_name)
    data = envelope.nested("data", _stream_name)
    layers = [data, envelope]
    if "payload" in data.fields:
        layers.insert(0, data.nested("payload", _stream_name))
    inner, is_whole = layers[0], not reader.faults
    # The envelope's type wins: it is the type that was subscribed to. In the documented samples the
    # payload has another one.
    type_ = envelope.text("type") or inner.text("EventType") or ""
    type_ = type_.removeprefix(_STREAM_TYPE)
    if type_ in EVENT_STATUSES and not is_whole:
        reader.raise_faults()  # the fields of the reservation are missing
    sids = [layer.text("Sid") for layer in layers[:-1]]
    sid = next(filter(None, sids), None) or envelope.text("id")
    return _build(inner, reader.fields, type_ or None, _read_time(*layers), sid)


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
) -> Event:
    if type_ is None:
        reader.add_fault("EventType", "is missing")
    status = EVENT_STATUSES.get(type_ or "")
    version = reader.integer("ReservationVersion", None, maximum=LARGEST_INTEGER)
    task_status = reader.text("TaskAssignmentStatus")
    reservation = None if status is None else read_form_fields(reader, status)
    if type_ is None or time is None:
        raise MalformedReply(tuple(reader.faults))
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
        payload=payload,
    )
