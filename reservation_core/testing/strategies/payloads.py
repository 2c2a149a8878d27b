"""Draws what the platform says of a reservation: REST bodies and assignment callbacks in every form they come in, and with one fault.

Bodies and callbacks are written here by hand, as the documents show them; none is made with the library's own reading or writing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import SID_PREFIXES
from reservation_core.rest.bodies import Payload
from reservation_core.testing.strategies.reservations import reservations
from reservation_core.testing.strategies.texts import near_sids, sids


@attrs.frozen
class DrawnPayload:
    """A payload, and the reservation that it tells of: what reading it must give."""

    payload: Payload
    reservation: Reservation


@attrs.frozen
class MalformedPayload:
    """A payload with exactly one fault, and its place: a field's path such as ``links.task``, or ``(body)`` for the whole."""

    payload: Payload
    path: str


# --- REST bodies -----------------------------------------------------------------------------------------------------------------

_PLAIN: Final = (
    "sid",
    "account_sid",
    "workspace_sid",
    "task_sid",
    "worker_sid",
    "worker_name",
    "url",
)
_EXTRAS: Final[Mapping[str, object]] = {
    "attention": 0,
    "reservation_timeout": 120,
    "canceled_reason_code": 13223,
    "version": "3",
}
"""Keys that are seen and that no schema has; they must be left alone."""


def _body(reservation: Reservation, *, of_the_sdk: bool = False) -> dict[str, object]:
    """Write a body as REST has it, or, with the task nested and dates in seconds, as the worker SDK has it."""
    body: dict[str, object] = {
        **{field: getattr(reservation, field) for field in _PLAIN},
        "reservation_status": reservation.status.value,
        "date_created": _date(reservation.date_created, in_seconds=of_the_sdk),
        "date_updated": _date(reservation.date_updated, in_seconds=of_the_sdk),
        "links": None if reservation.links is None else dict(reservation.links),
    }
    return (
        {**body, "task_sid": None, "task": {"sid": body["task_sid"], "age": 5}}
        if of_the_sdk
        else body
    )


def _date(date: datetime | None, *, in_seconds: bool) -> str | int | None:
    if date is None:
        return None
    return (
        int(date.timestamp()) if in_seconds else date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def _forms(body: Mapping[str, object]) -> SearchStrategy[Payload]:
    text = json.dumps(body)
    return st.sampled_from(
        (
            body,
            text,
            text.encode(),
            b"\xef\xbb\xbf" + json.dumps(body, ensure_ascii=False, indent=1).encode(),
        )
    )


@st.composite
def bodies(draw: DrawFn, of: Reservation | None = None) -> DrawnPayload:
    """Draw REST bodies of a reservation, or of any, as mappings, texts or bytes; some as the worker SDK has them.

    What is not known may be null or left out, and there may be keys that no schema has. No body tells a version or a hold. The least
    is a mapping as REST has it.
    """
    said = draw(reservations() | reservations(complete=False)) if of is None else of
    body = _body(said, of_the_sdk=draw(st.booleans()))
    if draw(st.booleans()):
        body |= _EXTRAS
    if draw(st.booleans()):
        body = {key: value for key, value in body.items() if value is not None}
    return DrawnPayload(draw(_forms(body)), attrs.evolve(said, etag=None, on_hold=False))


_NO_TEXT: Final[SearchStrategy[object]] = st.sampled_from((1, [], True, {}))
_NO_DATE: Final[SearchStrategy[object]] = st.sampled_from(
    ("", "yesterday", "2014-13-01T00:00:00Z", "14/05/2014", True, [], {}, 1e30)
)
_WRONG: Final[Mapping[str, SearchStrategy[object]]] = {
    **{
        field: near_sids(prefix) | st.sampled_from((0, 1, [], True))
        for field, prefix in SID_PREFIXES.items()
    },
    "reservation_status": st.sampled_from(
        ("", "PENDING", "accept", "reserved", "wrapup", "onHold", "pending ", None, 1, ["pending"])
    ),
    "date_created": _NO_DATE,
    "date_updated": _NO_DATE,
    "worker_name": _NO_TEXT,
    "url": _NO_TEXT,
    "links": st.sampled_from(("", "https://example.com/", [], 1)),
    "links.task": _NO_TEXT,
}
"""What may not stand at each place of a body."""

_NO_OBJECTS: Final[tuple[str | bytes, ...]] = (
    "",
    " ",
    "null",
    "[]",
    '"pending"',
    "1",
    "{",
    "{'sid': 1}",
    "<html></html>",
    b"\xff\xfe{\x00",
)


@st.composite
def _with_a_wrong_field(draw: DrawFn) -> MalformedPayload:
    body = _body(draw(reservations()))
    path = draw(st.sampled_from(tuple(_WRONG)))
    if path == "reservation_status" and draw(st.booleans()):
        del body[path]
    elif path == "links.task":
        body["links"] = {"task": draw(_WRONG[path])}
    else:
        body[path] = draw(_WRONG[path])
    return MalformedPayload(draw(_forms(body)), path)


@st.composite
def _without_an_object(draw: DrawFn) -> MalformedPayload:
    text = json.dumps(_body(draw(reservations())))
    cut_off = st.integers(1, len(text) - 1).map(lambda end: text[:end])
    return MalformedPayload(draw(st.sampled_from(_NO_OBJECTS) | cut_off), "(body)")


def malformed_bodies() -> SearchStrategy[MalformedPayload]:
    """Draw REST bodies with exactly one fault: a field that is wrong, no status, no JSON object, or one that is cut off.

    The least is a body with one empty field.
    """
    return _with_a_wrong_field() | _without_an_object()


# --- assignment callbacks --------------------------------------------------------------------------------------------------------

_CALLBACK: Final = {
    "ReservationSid": "sid",
    "AccountSid": "account_sid",
    "WorkspaceSid": "workspace_sid",
    "TaskSid": "task_sid",
    "WorkerSid": "worker_sid",
}


@st.composite
def _callback(draw: DrawFn, reservation: Reservation) -> dict[str, str]:
    """Write the form that announces a reservation, with the twelve documented fields and some that were seen."""
    form = {name: str(getattr(reservation, field)) for name, field in _CALLBACK.items()}
    form |= {
        "WorkflowSid": draw(sids("WW")),
        "TaskQueueSid": draw(sids("WQ")),
        "WorkerAttributes": '{"contact_uri": "client:alice"}',
        "TaskAttributes": draw(
            st.sampled_from(
                ("{}", '{"from": "+15005550006", "call_sid": "CA00000000000000000000000000000000"}')
            )
        ),
        "TaskAge": str(draw(st.integers(0, 86_400))),
        "TaskPriority": str(draw(st.integers(0, 10))),
        "Timestamp": "1460136575",
    }
    if reservation.worker_name is not None:
        form["WorkerName"] = reservation.worker_name
    return form | ({"TaskChannelUniqueName": "voice"} if draw(st.booleans()) else {})


@st.composite
def callbacks(draw: DrawFn, of: Reservation | None = None) -> DrawnPayload:
    """Draw assignment callbacks that announce a reservation, or any: as a mapping, or as the form that was sent.

    A callback tells SIDs and perhaps the worker's name; its reservation is pending. The least is a mapping.
    """
    said = draw(reservations()) if of is None else of
    form = draw(_callback(said))
    known = {field: getattr(said, field) for field in (*SID_PREFIXES, "worker_name")}
    return DrawnPayload(draw(_written(form)), Reservation(status=Status.PENDING, **known))


def _written(form: Mapping[str, str]) -> SearchStrategy[Payload]:
    text = urlencode(form)
    return st.sampled_from((form, text, text.encode()))


@st.composite
def malformed_callbacks(draw: DrawFn) -> MalformedPayload:
    """Draw assignment callbacks with exactly one fault: a SID that is none, or no reservation's; the least has no ``ReservationSid``.

    An empty field says that something is not known, which is no fault but for the reservation's own.
    """
    form = draw(_callback(draw(reservations())))
    name = draw(st.sampled_from(tuple(_CALLBACK)))
    wrong = near_sids(form[name][:2])
    form[name] = draw(wrong if name == "ReservationSid" else wrong.filter(bool))
    return MalformedPayload(draw(_written(form)), name)


def payloads() -> SearchStrategy[DrawnPayload]:
    """Draw REST bodies and assignment callbacks; the least is a body."""
    return bodies() | callbacks()


def malformed_payloads() -> SearchStrategy[MalformedPayload]:
    """Draw REST bodies and assignment callbacks with exactly one fault; the least is a body."""
    return malformed_bodies() | malformed_callbacks()
