"""Strategy for the events of a run, in any of the shapes.

Delivery may repeat, reorder or lose events. Events are written by hand, from the documents and
from observed callbacks. None is made with the library's own reading.
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
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.bodies import Payload
from reservation_core.testing.strategies.payloads import CALLBACK_SIDS
from reservation_core.testing.strategies.runs import Run, runs
from reservation_core.webhooks.events import Event, EventShape

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
    """Delivered payload, and the event that parsing must return."""

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
    """Draw the events of a run: creation and changes of status.

    A step that changes no status has no event, but raises the version of the next one. All events
    of a draw have one shape (:class:`~reservation_core.webhooks.events.EventShape`); each is a
    mapping or an encoded body. The simplest are those of the simplest run: created and rejected, as
    forms, each once and in order.

    :param of: the run; any by default.
    :param repeated: whether an event may be delivered up to three times.
    :param reordered: whether the events may be delivered in any order.
    :param lossy: whether events may be lost; the simplest then loses as many as possible.
    """
    run = draw(runs()) if of is None else of
    write = draw(st.sampled_from((_form, _cloud_event, _resource)))
    number = draw(st.integers(0, 16**31))
    changes = (
        run.first,
        *(after for before, after in pairwise(run.reservations) if after.status != before.status),
    )
    delivered: list[DeliveredEvent] = []
    for index, changed in enumerate(changes):
        event = draw(write(_event(changed, f"EV{number + index:032x}")))
        is_lost = lossy and draw(st.booleans())
        delivered += [event] * (0 if is_lost else draw(st.integers(1, 3)) if repeated else 1)
    return tuple(draw(st.permutations(delivered)) if reordered else delivered)


def _event(changed: Reservation, sid: str) -> Event:
    assert changed.date_updated is not None
    shown = {field: getattr(changed, field) for field in (*SID_PREFIXES, "worker_name", "status")}
    return Event(
        sid=sid,
        type=_TYPES[changed.status],
        status=changed.status,
        reservation=Reservation(**shown),
        version=int(changed.etag or 0),
        time=changed.date_updated,
        reservation_sid=changed.sid,
        task_sid=changed.task_sid,
        worker_sid=changed.worker_sid,
        workspace_sid=changed.workspace_sid,
        task_status=None,
        payload={},
    )


def _form(event: Event) -> SearchStrategy[DeliveredEvent]:
    """Write an event as the form of an event callback."""
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
    return _delivered(event, form, urlencode(form), EventShape.CALLBACK)


def _cloud_event(event: Event) -> SearchStrategy[DeliveredEvent]:
    """Write an event as a CloudEvent of Event Streams, in snake_case."""
    inner = _to_snake_case(_fields(event))
    envelope = {
        "specversion": "1.0",
        "type": f"com.twilio.taskrouter.{event.type}",
        "id": event.sid,
        "time": event.time.isoformat(),
        "data": {"payload": {"sid": event.sid, "eventtype": event.type, **inner}},
    }
    return _delivered(event, envelope, json.dumps(envelope), EventShape.STREAM)


def _resource(event: Event) -> SearchStrategy[DeliveredEvent]:
    """Write an event as a resource, with data in either spelling."""
    reservation, fields = event.reservation, _fields(event)
    assert reservation is not None
    resource = {
        "account_sid": reservation.account_sid,
        "workspace_sid": event.workspace_sid,
        "sid": event.sid,
        "event_type": event.type,
        "event_date": event.time.isoformat(timespec="seconds"),
        "event_date_ms": fields["TimestampMs"],
        "resource_type": "reservation",
        "resource_sid": event.reservation_sid,
    }
    bodies = [{**resource, "event_data": data} for data in (_to_snake_case(fields), fields)]
    return st.sampled_from(bodies).flatmap(
        lambda body: _delivered(event, body, json.dumps(body), EventShape.RESOURCE)
    )


def _to_snake_case(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        "".join(f"_{char.lower()}" if char.isupper() else char for char in name)[1:]: value
        for name, value in fields.items()
    }


def _delivered(
    event: Event, payload: Mapping[str, object], text: str, shape: EventShape
) -> SearchStrategy[DeliveredEvent]:
    parsed = attrs.evolve(event, payload=payload, shape=shape)
    forms: tuple[Payload, ...] = (payload, text, text.encode())
    return st.sampled_from(forms).map(lambda form: DeliveredEvent(form, parsed))


def _fields(event: Event) -> dict[str, object]:
    """Return what all shapes show, by the callback's names."""
    reservation = event.reservation
    assert reservation is not None
    name = reservation.worker_name
    return {
        **{wire_name: getattr(reservation, field) for wire_name, field in CALLBACK_SIDS.items()},
        "ReservationVersion": event.version,
        "TimestampMs": int(event.time.timestamp() * 1000),
        **({} if name is None else {"WorkerName": name}),
    }
