"""Draws the events of a life, as the workspace's event callback or Event Streams report them, and as badly as either may deliver them.

Events are written here by hand, as the documents and the callbacks seen have them; none is made with the library's own reading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Final
from urllib.parse import urlencode

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.bodies import Payload
from reservation_core.testing.strategies.runs import Run, runs
from reservation_core.webhooks.events import Event

_TYPES: Final[Mapping[Status, str]] = {
    Status.PENDING: "reservation.created",
    Status.ACCEPTED: "reservation.accepted",
    Status.REJECTED: "reservation.rejected",
    Status.TIMEOUT: "reservation.timeout",
    Status.CANCELED: "reservation.canceled",
    Status.RESCINDED: "reservation.rescinded",
    Status.WRAPPING: "reservation.wrapup",
    Status.COMPLETED: "reservation.completed",
}


@attrs.frozen
class DeliveredEvent:
    """One event as it is delivered: the payload, and the event that it tells of: what reading it must give."""

    payload: Payload
    event: Event


@st.composite
def events(
    draw: DrawFn,
    of: Run | None = None,
    *,
    repeated: bool = False,
    reordered: bool = False,
    lossy: bool = False,
) -> tuple[DeliveredEvent, ...]:
    """Draw the events of a life, or of any: that it began, and one for each change of status, in order unless it is said otherwise.

    A step that changes no status has no event, but raises the version of the next. All come the same way, as forms or as CloudEvents,
    each a mapping or the body as it is sent. The least is of the least life: created and rejected, as forms, each once and in order.

    :param repeated: whether some may come up to three times.
    :param reordered: whether they may come in any order.
    :param lossy: whether some, or all, may never come; the least then has as few as there may be.
    """
    life = draw(runs()) if of is None else of
    write = draw(st.sampled_from((_form, _cloud_event)))
    number = draw(st.integers(0, 16**31))
    changes = (
        life.first,
        *(after for before, after in pairwise(life.told) if after.status is not before.status),
    )
    reports: list[DeliveredEvent] = []
    for at, told in enumerate(changes):
        report = draw(write(_event(told, f"EV{number + at:032x}")))
        lost = lossy and draw(st.booleans())
        reports += [report] * (0 if lost else draw(st.integers(1, 3)) if repeated else 1)
    return tuple(draw(st.permutations(reports)) if reordered else reports)


def _event(told: Reservation, sid: str) -> Event:
    assert told.date_updated is not None
    reported = Reservation(
        sid=told.sid,
        account_sid=told.account_sid,
        workspace_sid=told.workspace_sid,
        task_sid=told.task_sid,
        worker_sid=told.worker_sid,
        worker_name=told.worker_name,
        status=told.status,
    )
    return Event(
        sid=sid,
        type=_TYPES[told.status],
        status=told.status,
        reservation=reported,
        version=int(told.etag or 0),
        time=told.date_updated,
        reservation_sid=told.sid,
        task_sid=told.task_sid,
        worker_sid=told.worker_sid,
        workspace_sid=told.workspace_sid,
        task_status=None,
        payload={},
    )


def _form(event: Event) -> SearchStrategy[DeliveredEvent]:
    """Write an event as the event callback does: every field a text."""
    form = {
        "EventType": event.type,
        "Sid": event.sid or "",
        **{name: str(value) for name, value in _fields(event).items()},
        "WorkspaceName": "Support",
        "EventDescription": f"Reservation {event.reservation_sid} {event.status}",
        "ResourceType": "reservation",
        "ResourceSid": str(event.reservation_sid),
        "WorkerAttributes": '{"contact_uri": "client:alice"}',
        "Timestamp": str(int(event.time.timestamp())),
    }
    text = urlencode(form)
    return _reports((form, text, text.encode()), form, event)


def _cloud_event(event: Event) -> SearchStrategy[DeliveredEvent]:
    """Write an event as Event Streams do: a CloudEvent, whose payload's names are in small letters with underscores."""
    inner = {
        "".join(f"_{char.lower()}" if char.isupper() else char for char in name)[1:]: value
        for name, value in _fields(event).items()
    }
    envelope = {
        "specversion": "1.0",
        "type": f"com.twilio.taskrouter.{event.type}",
        "id": event.sid,
        "time": event.time.isoformat(),
        "data": {"payload": {"sid": event.sid, "eventtype": event.type, **inner}},
    }
    text = json.dumps(envelope)
    return _reports((envelope, text, text.encode()), envelope, event)


def _reports(
    ways: tuple[Payload, ...], told: Mapping[str, object], event: Event
) -> SearchStrategy[DeliveredEvent]:
    return st.sampled_from(ways).map(
        lambda payload: DeliveredEvent(payload, attrs.evolve(event, payload=told))
    )


def _fields(event: Event) -> dict[str, object]:
    """Name what both ways tell, by the callback's names."""
    reservation = event.reservation
    assert reservation is not None
    names = {} if reservation.worker_name is None else {"WorkerName": reservation.worker_name}
    return {
        "AccountSid": reservation.account_sid,
        "WorkspaceSid": reservation.workspace_sid,
        "TaskSid": reservation.task_sid,
        "WorkerSid": reservation.worker_sid,
        "ReservationSid": reservation.sid,
        "ReservationVersion": event.version,
        "TimestampMs": int(event.time.timestamp() * 1000),
        **names,
    }
