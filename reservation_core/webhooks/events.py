"""Events as they are reported: by the workspace's event callback (a form) or by Event Streams (CloudEvents), read into one value.

1. The type says what happened; no field of an event names the reservation's status.
2. ``reservation.wrapup`` reports wrapping and ``reservation.created`` pending; ``reservation.failed`` reports no status, for nobody was
   reserved. A type that reports no status of a reservation is kept, and its ``status`` is ``None``; of such an event nothing is asked but
   its type and its time.
3. Neither way promises an order, and either may repeat itself: go by ``key``, then by ``version``, then by ``time``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, cast

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Payload, read_body
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.field_reader import LARGEST_INTEGER, LenientFieldReader
from reservation_core.rest.reservation_payload import CALLBACK_FIELDS, read_form_fields

_CALLED: Final = {Status.PENDING: "created", Status.WRAPPING: "wrapup"}

EVENT_TYPES: Final[Mapping[Status, str]] = {
    status: f"reservation.{_CALLED.get(status, status)}" for status in Status
}
"""The type of the event that reports each status."""

EVENT_STATUSES: Final[Mapping[str, Status]] = {
    type_: status for status, type_ in EVENT_TYPES.items()
}
"""The status that each type of event reports; a type that is not here reports none."""

_STREAM_TYPE: Final = "com.twilio.taskrouter."
_STREAM_NAMES: Final = {
    name: re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
    for name in (
        *CALLBACK_FIELDS,
        "Sid",
        "ReservationVersion",
        "TaskAssignmentStatus",
        "Timestamp",
        "TimestampMs",
    )
} | {"EventType": "eventtype"}
_SIDS: Final = {
    name: field
    for name, field in CALLBACK_FIELDS.items()
    if field in {"sid", "task_sid", "worker_sid", "workspace_sid"}
}


@attrs.frozen(kw_only=True)
class Event:
    """One thing that happened, as it was reported.

    :param sid: the event's own, the same on every way and every repetition; not documented for callbacks, though seen there.
    :param type: such as ``reservation.accepted``.
    :param status: the reservation's status that it reports; ``None`` for every other type.
    :param reservation: the reservation with that status and the SIDs that were told; ``None`` without a status.
    :param version: the reservation's, which grows with every change; ``None`` where it was not told.
    :param time: aware, in UTC, to the millisecond where it was told so.
    :param task_status: the task's assignment status, where it was told.
    :param payload: everything, as it came; it holds personal data. Events are compared without it.
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
        """What a repetition is told by: the event's SID, or else what it says, when, and of what."""
        return self.sid or "/".join(
            (
                self.type,
                self.time.isoformat(),
                self.reservation_sid or self.task_sid or self.worker_sid or "",
            )
        )


def read_event(payload: Payload) -> Event:
    """Read one event.

    :param payload: an event callback's form or a CloudEvent: a mapping, or the body as it was sent.
    :raises MalformedReply: with every fault.

    >>> event = read_event({"EventType": "reservation.wrapup", "ReservationSid": "WR" + "a" * 32, "Timestamp": "1400000000"})
    >>> event.status, event.reservation.status
    (<Status.WRAPPING: 'wrapping'>, <Status.WRAPPING: 'wrapping'>)
    """
    return _read_one(read_body(payload), "")


def read_events(
    payload: Payload, *, on_unreadable: Callable[[MalformedReply], object] | None = None
) -> tuple[Event, ...]:
    """Read all events of a body: one, or a batch of Event Streams.

    :param on_unreadable: is told of each event of a batch that cannot be read, instead of refusing all of them: the platform sends a
        batch that was refused again, for hours.
    :raises MalformedReply: with every fault of every event; and always when the body is no JSON and no form.
    """
    body = read_body(payload)
    if not isinstance(body, list):
        return (_read_one(body, ""),)
    events: list[Event] = []
    faults: list[PayloadFault] = []
    for number, one in enumerate(cast("list[object]", body)):
        try:
            events.append(_read_one(one, f"[{number}]"))
        except MalformedReply as error:
            if on_unreadable is None:
                faults += error.faults
            else:
                on_unreadable(error)
    if faults:
        raise MalformedReply(tuple(faults))
    return tuple(events)


def _read_one(body: object, path: str) -> Event:
    reader = LenientFieldReader(body, path, wanted="an event")
    reader.raise_faults()
    if "EventType" in reader.fields:
        time = _read_time(reader)
        return _build(reader, reader.fields, reader.text("EventType"), time, reader.text("Sid"))
    envelope = LenientFieldReader(reader.fields, path, reader.faults, names={"Timestamp": "time"})
    data = envelope.nested("data", _STREAM_NAMES)
    layers = [data, envelope]
    if "payload" in data.fields:
        layers.insert(0, data.nested("payload", _STREAM_NAMES))
    inner, is_whole = layers[0], not reader.faults
    # The envelope's type is that of the subscription. The payloads of the documented samples have
    # another one.
    type_ = envelope.text("type") or inner.text("EventType") or ""
    type_ = type_.removeprefix(_STREAM_TYPE)
    if type_ in EVENT_STATUSES and not is_whole:
        reader.raise_faults()  # the fields of the reservation are missing
    sid = next((sid for layer in layers[:-1] if (sid := layer.text("Sid"))), None)
    return _build(
        inner, reader.fields, type_ or None, _read_time(*layers), sid or envelope.text("id")
    )


def _read_time(*readers: LenientFieldReader) -> datetime | None:
    """Read the time from the innermost reader that has it, in milliseconds if possible."""
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
    if status is None:
        reservation = None
        sids = {field: reader.text(name) for name, field in _SIDS.items()}
    else:
        reservation = read_form_fields(reader, status)
        sids = {field: getattr(reservation, field) for field in _SIDS.values()}
    if type_ is None or time is None:
        raise MalformedReply(tuple(reader.faults))
    return Event(
        sid=sid,
        type=type_,
        status=status,
        reservation=reservation,
        version=version,
        time=time,
        reservation_sid=sids["sid"],
        task_sid=sids["task_sid"],
        worker_sid=sids["worker_sid"],
        workspace_sid=sids["workspace_sid"],
        task_status=task_status,
        payload=payload,
    )
