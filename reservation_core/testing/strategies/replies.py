"""Draws requests, and what comes back of one: a reservation, or a refusal in any family of error bodies.

The families are the platform's own, RFC 9457's, and what proxies and broken connections make of either; which error each is to be
read as stands beside it, written by hand from the documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route
from reservation_core.rest.bodies import Payload
from reservation_core.rest.errors import (
    LostRace,
    NotFound,
    Refused,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.update import prepare, prepare_fetch
from reservation_core.testing.strategies.commands import legal_commands
from reservation_core.testing.strategies.payloads import bodies, malformed_bodies
from reservation_core.testing.strategies.reservations import reservations
from reservation_core.testing.strategies.texts import sids


@st.composite
def requests(draw: DrawFn) -> Request:
    """Draw requests for readings and for legal updates, on both routes; the least reads a reservation on the task route."""
    reservation, route = draw(reservations()), draw(st.sampled_from(Route))
    legal = legal_commands(reservation, route=route)
    if legal.is_empty or not draw(st.booleans()):
        return prepare_fetch(reservation, route=route)
    return prepare(reservation, draw(legal), route=route)


_RATES: Final = (
    ("X-Rate-Limit-Limit", "100"),
    ("X-Rate-Limit-Remaining", "99"),
    ("X-Rate-Limit-Config", "TaskReservations"),
)


@st.composite
def replies(draw: DrawFn, of: Reservation | None = None) -> Reply:
    """Draw replies that tell a reservation, or any, with its version where it has one; the least has no more headers than that.

    The body is a REST body in bytes; the names of headers come in any case.
    """
    said = draw(reservations()) if of is None else of
    payload = draw(bodies(said)).payload
    headers = [("Content-Type", "application/json")]
    if said.etag is not None:
        headers.append((draw(st.sampled_from(("ETag", "etag", "Etag"))), said.etag))
    if draw(st.booleans()):
        headers += _RATES
    return Reply(200, tuple(headers), _in_bytes(payload))


def _in_bytes(payload: Payload) -> bytes:
    text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
    return text.encode() if isinstance(text, str) else text


class ErrorFamily(StrEnum):
    """What the body of a refusal is."""

    LEGACY = "the platform's own JSON"
    RFC_9457 = "problem details"
    EMPTY = "nothing"
    HTML = "a page of HTML"
    TEXT = "plain text"
    NO_OBJECT = "JSON, but no object"
    TRUNCATED = "JSON that is cut off"

    @property
    def is_readable(self) -> bool:
        """Whether the platform's number and words can be read out of it."""
        return self in (ErrorFamily.LEGACY, ErrorFamily.RFC_9457)


@attrs.frozen
class RefusalReply:
    """A reply that is no success, the family of its body, the error it is to be read as, and the platform's number, if it can be read."""

    reply: Reply
    family: ErrorFamily
    error: type[Refused]
    code: int | None


@attrs.frozen
class _Saying:
    """What the platform says when it refuses, and the error that it means."""

    status: int
    error: type[Refused]
    code: int | None = None
    message: str = "Bad request"


_ALREADY: Final = (
    "Reservation {} is already in state [accepted] and cannot be updated to [accepted]"
)
_ON_HOLD: Final = "Reservation {} not in expected state [pending] and cannot be updated to [onHold]"
_INSTRUCTION: Final = (
    "Unable to execute Conference instruction. Reservation {} is not currently in a Pending state."
)
_SAYINGS: Final = (
    *(
        _Saying(400, LostRace, code, message)
        for message in (_ALREADY, _ON_HOLD, _INSTRUCTION)
        for code in (None, 20001)
    ),
    *(_Saying(400, LostRace, code) for code in (40114, 40123, 40135, 40136, 40144, 40146)),
    _Saying(412, LostRace, 20412, "The version is stale"),
    _Saying(
        400,
        Refused,
        message="The conference instruction can only be issued on a task that was created using the <Enqueue> TwiML verb.",
    ),
    *(_Saying(400, Refused, code) for code in (20001, 40100, 40111, 40131, 40141, 40157, 55555)),
    _Saying(401, Unauthorized, 20003, "Authenticate"),
    _Saying(403, Unauthorized, message="Forbidden"),
    _Saying(404, NotFound, 20404, "The requested resource /Reservations/{} was not found"),
    _Saying(429, Throttled, 20429, "Too many requests"),
    _Saying(500, ServerFailed, 20500, "An internal server error has occurred"),
    _Saying(503, ServerFailed, message="Service unavailable"),
)
_OF_STATUS: Final[Mapping[int, type[Refused]]] = {
    saying.status: saying.error for saying in _SAYINGS
} | {400: Refused}
"""What a status means by itself; a 400 does not tell that the reservation has moved on."""


@st.composite
def refusals(draw: DrawFn) -> RefusalReply:
    """Draw replies that are no success, with bodies of every family; the least says that the reservation is already accepted."""
    saying, family = draw(st.sampled_from(_SAYINGS)), draw(st.sampled_from(ErrorFamily))
    message = saying.message.format(draw(sids("WR")))
    kind, body = draw(_error_body(family, saying, message))
    headers = [("Content-Type", kind)]
    if saying.error is Throttled and draw(st.booleans()):
        headers.append(("Retry-After", str(draw(st.integers(0, 120)))))
    readable = family.is_readable
    reply = Reply(saying.status, tuple(headers), body)
    return RefusalReply(
        reply,
        family,
        saying.error if readable else _OF_STATUS[saying.status],
        saying.code if readable else None,
    )


def _error_body(
    family: ErrorFamily, saying: _Saying, message: str
) -> SearchStrategy[tuple[str, bytes]]:
    """Write the body of a refusal, with its content type."""
    link = f"https://www.twilio.com/docs/errors/{saying.code}"
    own: dict[str, object] = {"message": message, "status": saying.status}
    own |= {} if saying.code is None else {"code": saying.code, "more_info": link}
    whole = json.dumps(own).encode()
    match family:
        case ErrorFamily.LEGACY:
            return st.just(("application/json", whole))
        case ErrorFamily.RFC_9457:
            own = {
                "title": message,
                "status": saying.status,
                "detail": "see the type",
                "type": link,
                "code": saying.code,
            }
            return st.just(("application/problem+json", json.dumps(own).encode()))
        case ErrorFamily.EMPTY:
            return st.sampled_from((("text/plain", b""), ("text/plain", b"\r\n")))
        case ErrorFamily.HTML:
            return st.just(
                ("text/html", f"<html><body><h1>{saying.status}</h1></body></html>".encode())
            )
        case ErrorFamily.TEXT:
            return st.just(
                ("text/plain", b"upstream connect error or disconnect/reset before headers")
            )
        case ErrorFamily.NO_OBJECT:
            return st.sampled_from(
                (
                    ("application/json", b"null"),
                    ("application/json", b"[]"),
                    ("application/json", b'"error"'),
                )
            )
        case _:  # cut off
            return st.integers(1, len(whole) - 1).map(lambda end: ("application/json", whole[:end]))


def unreadable_replies() -> SearchStrategy[Reply]:
    """Draw replies of status 200 whose body has exactly one fault, so that nobody can tell what was done; the least says ``sid: ''``."""
    return malformed_bodies().map(
        lambda body: Reply(200, (("Content-Type", "application/json"),), _in_bytes(body.payload))
    )
