"""Strategies for REST bodies and assignment callbacks, valid or malformed.

They are written by hand from the documents. None is made with the library's own reading or writing.
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
    """Payload, and the reservation that parsing must return."""

    payload: Payload
    reservation: Reservation


@attrs.frozen
class MalformedPayload:
    """A payload with exactly one fault.

    :param path: the faulty field, such as ``links.task``, or ``(body)`` for the whole payload.
    """

    payload: Payload
    path: str


# --- REST bodies ---------------------------------------------------------------------------------

_PLAIN_FIELDS: Final = (*SID_PREFIXES, "worker_name", "url")
_EXTRAS: Final[Mapping[str, object]] = {
    "attention": 0,
    "reservation_timeout": 120,
    "canceled_reason_code": 13223,
    "version": "3",
}
"""Keys that were observed and that no schema has; a reader must ignore them."""


def _body(reservation: Reservation, *, of_worker_sdk: bool = False) -> dict[str, object]:
    """Write a body. The worker SDK nests the task and counts seconds."""
    body: dict[str, object] = {
        **{field: getattr(reservation, field) for field in _PLAIN_FIELDS},
        "reservation_status": reservation.status.value,
        "date_created": _date(reservation.date_created, in_seconds=of_worker_sdk),
        "date_updated": _date(reservation.date_updated, in_seconds=of_worker_sdk),
        "links": None if reservation.links is None else dict(reservation.links),
    }
    if of_worker_sdk:
        body |= {"task_sid": None, "task": {"sid": reservation.task_sid, "age": 5}}
    return body


def _date(date: datetime | None, *, in_seconds: bool) -> str | int | None:
    if date is None:
        return None
    if in_seconds:
        return int(date.timestamp())
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json_forms(body: Mapping[str, object]) -> SearchStrategy[Payload]:
    text = json.dumps(body)
    indented = json.dumps(body, ensure_ascii=False, indent=1)
    return st.sampled_from((body, text, text.encode(), b"\xef\xbb\xbf" + indented.encode()))


@st.composite
def bodies(draw: DrawFn, of: Reservation | None = None) -> DrawnPayload:
    """Draw REST bodies as mappings, texts or bytes. The simplest is a mapping as REST has it.

    Some are as the worker SDK has them. An unknown field may be null or missing, and there may be
    keys that no schema has, such as the worker SDK's version. No body shows a hold.

    :param of: the reservation; any by default.
    """
    reported = draw(reservations() | reservations(complete=False)) if of is None else of
    body = _body(reported, of_worker_sdk=draw(st.booleans()))
    etag = None
    if draw(st.booleans()):
        body |= _EXTRAS
        etag = str(_EXTRAS["version"])
    if draw(st.booleans()):
        body = {key: value for key, value in body.items() if value is not None}
    return DrawnPayload(draw(_json_forms(body)), attrs.evolve(reported, etag=etag, on_hold=False))


_NOT_TEXTS: Final[SearchStrategy[object]] = st.sampled_from((1, [], True, {}))
_NOT_DATES: Final[SearchStrategy[object]] = st.sampled_from(
    ("", "yesterday", "2014-13-01T00:00:00Z", "14/05/2014", True, [], {}, 1e30)
)
_WRONG_VALUES: Final[Mapping[str, SearchStrategy[object]]] = {
    **{
        field: near_sids(prefix) | st.sampled_from((0, 1, [], True))
        for field, prefix in SID_PREFIXES.items()
    },
    "reservation_status": st.sampled_from(
        ("", "PENDING", "accept", "reserved", "wrapup", "onHold", "pending ", None, 1, ["pending"])
    ),
    "date_created": _NOT_DATES,
    "date_updated": _NOT_DATES,
    "worker_name": _NOT_TEXTS,
    "url": _NOT_TEXTS,
    "links": st.sampled_from(("", "https://example.com/", [], 1)),
    "links.task": _NOT_TEXTS,
}

_NOT_OBJECTS: Final[tuple[str | bytes, ...]] = (
    *("", " ", "null", "[]", '"pending"', "1", "{", "{'sid': 1}", "<html></html>"),
    b"\xff\xfe{\x00",
)


@st.composite
def _with_wrong_field(draw: DrawFn) -> MalformedPayload:
    body = _body(draw(reservations()))
    path = draw(st.sampled_from(tuple(_WRONG_VALUES)))
    if path == "reservation_status" and draw(st.booleans()):
        del body[path]
    elif path == "links.task":
        body["links"] = {"task": draw(_WRONG_VALUES[path])}
    else:
        body[path] = draw(_WRONG_VALUES[path])
    return MalformedPayload(draw(_json_forms(body)), path)


@st.composite
def _without_object(draw: DrawFn) -> MalformedPayload:
    text = json.dumps(_body(draw(reservations())))
    truncated = st.integers(1, len(text) - 1).map(lambda end: text[:end])
    return MalformedPayload(draw(st.sampled_from(_NOT_OBJECTS) | truncated), "(body)")


def malformed_bodies() -> SearchStrategy[MalformedPayload]:
    """Draw REST bodies with exactly one fault. The simplest has one empty field.

    A field is wrong, the status is missing, or the body is truncated or not a JSON object.
    """
    return _with_wrong_field() | _without_object()


# --- assignment callbacks ------------------------------------------------------------------------

CALLBACK_SIDS: Final = {
    "ReservationSid": "sid",
    "AccountSid": "account_sid",
    "WorkspaceSid": "workspace_sid",
    "TaskSid": "task_sid",
    "WorkerSid": "worker_sid",
}
"""Fields of callbacks that hold the SIDs of a reservation."""

_TASK_ATTRIBUTES: Final = (
    "{}",
    '{"from": "+15005550006", "call_sid": "CA00000000000000000000000000000000"}',
)


@st.composite
def _callback(draw: DrawFn, reservation: Reservation) -> dict[str, str]:
    """Write an assignment callback: the twelve documented fields, and some observed ones."""
    form = {name: str(getattr(reservation, field)) for name, field in CALLBACK_SIDS.items()}
    form |= {
        "WorkflowSid": draw(sids("WW")),
        "TaskQueueSid": draw(sids("WQ")),
        "WorkerAttributes": '{"contact_uri": "client:alice"}',
        "TaskAttributes": draw(st.sampled_from(_TASK_ATTRIBUTES)),
        "TaskAge": str(draw(st.integers(0, 86_400))),
        "TaskPriority": str(draw(st.integers(0, 10))),
        "Timestamp": "1460136575",
    }
    if reservation.worker_name is not None:
        form["WorkerName"] = reservation.worker_name
    if draw(st.booleans()):
        form["TaskChannelUniqueName"] = "voice"
    return form


@st.composite
def callbacks(draw: DrawFn, of: Reservation | None = None) -> DrawnPayload:
    """Draw assignment callbacks, as mappings or encoded forms. The simplest is a mapping.

    A callback shows SIDs and perhaps the worker's name. Its reservation is pending.

    :param of: the reservation; any by default.
    """
    announced = draw(reservations()) if of is None else of
    form = draw(_callback(announced))
    known = {field: getattr(announced, field) for field in (*SID_PREFIXES, "worker_name")}
    return DrawnPayload(draw(_encoded_forms(form)), Reservation(status=Status.PENDING, **known))


def _encoded_forms(form: Mapping[str, str]) -> SearchStrategy[Payload]:
    text = urlencode(form)
    return st.sampled_from((form, text, text.encode()))


@st.composite
def malformed_callbacks(draw: DrawFn) -> MalformedPayload:
    """Draw assignment callbacks with one wrong SID. The simplest has no ``ReservationSid``.

    An empty field says that the SID is unknown. It is a fault only for the reservation's own.
    """
    form = draw(_callback(draw(reservations())))
    name = draw(st.sampled_from(tuple(CALLBACK_SIDS)))
    wrong = near_sids(form[name][:2])
    form[name] = draw(wrong if name == "ReservationSid" else wrong.filter(bool))
    return MalformedPayload(draw(_encoded_forms(form)), name)


def payloads() -> SearchStrategy[DrawnPayload]:
    """Draw REST bodies and assignment callbacks. The simplest is a body."""
    return bodies() | callbacks()


def malformed_payloads() -> SearchStrategy[MalformedPayload]:
    """Draw REST bodies and assignment callbacks with one fault. The simplest is a body."""
    return malformed_bodies() | malformed_callbacks()
