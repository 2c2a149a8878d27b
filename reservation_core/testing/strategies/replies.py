"""Strategies for requests and replies: reservations, refusals and unreadable bodies.

The error bodies are the platform's own, those of RFC 9457, and what proxies and broken connections
make of them. The error that each must be parsed as is written by hand from the documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.member_docs import document_members
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
from reservation_core.rest.fetch import prepare_fetch
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.update import prepare
from reservation_core.testing.strategies.commands import legal_commands
from reservation_core.testing.strategies.payloads import bodies, malformed_bodies
from reservation_core.testing.strategies.reservations import reservations
from reservation_core.testing.strategies.texts import sids


@st.composite
def requests(draw: DrawFn) -> Request:
    """Draw fetches and legal updates on both routes. The simplest is a fetch by task."""
    reservation, route = draw(reservations()), draw(st.sampled_from(Route))
    legal = legal_commands(reservation, route=route)
    if legal.is_empty or not draw(st.booleans()):
        return prepare_fetch(reservation, route=route)
    return prepare(reservation, draw(legal), route=route)


_RATE_LIMIT_HEADERS: Final = (
    ("X-Rate-Limit-Limit", "100"),
    ("X-Rate-Limit-Remaining", "99"),
    ("X-Rate-Limit-Config", "TaskReservations"),
)


@st.composite
def replies(draw: DrawFn, of: Reservation | None = None) -> Reply:
    """Draw replies that report a reservation. The simplest has only the necessary headers.

    The ETag header is spelled in any case, and is there if the reservation has a version.

    :param of: the reservation; any by default.
    """
    reported = draw(reservations()) if of is None else of
    payload = draw(bodies(reported)).payload
    headers = [("Content-Type", "application/json")]
    if reported.etag is not None:
        headers.append((draw(st.sampled_from(("ETag", "etag", "Etag"))), reported.etag))
    if draw(st.booleans()):
        headers += _RATE_LIMIT_HEADERS
    return Reply(200, tuple(headers), _to_bytes(payload))


def _to_bytes(payload: Payload) -> bytes:
    text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
    return text.encode() if isinstance(text, str) else text


@document_members
class ErrorFamily(StrEnum):
    """Form of the body of a refusal."""

    LEGACY = "the platform's own JSON"
    """The platform's own JSON, with error number and message."""
    RFC_9457 = "problem details"
    """Problem details, the standard JSON of RFC 9457."""
    EMPTY = "nothing"
    """An empty body."""
    HTML = "an HTML page"
    """An HTML page, as a proxy sends."""
    TEXT = "plain text"
    """Plain text."""
    NOT_AN_OBJECT = "JSON that is not an object"
    """JSON that is not an object."""
    TRUNCATED = "truncated JSON"
    """JSON that ends too early."""

    @property
    def is_readable(self) -> bool:
        """True if the platform's error number and message can be parsed."""
        return self in (ErrorFamily.LEGACY, ErrorFamily.RFC_9457)


@attrs.frozen
class RefusalReply:
    """A reply without success, and what it must be parsed as.

    :param family: the form of its body.
    :param error: the error.
    :param code: the platform's error number; ``None`` if it cannot be parsed.
    """

    reply: Reply
    family: ErrorFamily
    error: type[Refused]
    code: int | None


@attrs.frozen
class _Refusal:
    """The platform's error in a refusal, and the library's."""

    status: int
    error: type[Refused]
    code: int | None = None
    message: str = "Bad request"


_STATE_MESSAGES: Final = (
    "Reservation {} is already in state [accepted] and cannot be updated to [accepted]",
    "Reservation {} not in expected state [pending] and cannot be updated to [onHold]",
    "Unable to execute Conference instruction. Reservation {} is not currently in a Pending state.",
)
_NOT_ENQUEUED: Final = (
    "The conference instruction can only be issued on a task that was created using"
    " the <Enqueue> TwiML verb."
)
_REFUSALS: Final = (
    *(
        _Refusal(400, LostRace, code, message)
        for message in _STATE_MESSAGES
        for code in (None, 20001)
    ),
    *(_Refusal(400, LostRace, code) for code in (40114, 40123, 40135, 40136, 40144, 40146)),
    _Refusal(412, LostRace, 20412, "The version is stale"),
    _Refusal(400, Refused, message=_NOT_ENQUEUED),
    *(_Refusal(400, Refused, code) for code in (20001, 40100, 40111, 40131, 40141, 40157, 55555)),
    _Refusal(401, Unauthorized, 20003, "Authenticate"),
    _Refusal(403, Unauthorized, message="Forbidden"),
    _Refusal(404, NotFound, 20404, "The requested resource /Reservations/{} was not found"),
    _Refusal(429, Throttled, 20429, "Too many requests"),
    _Refusal(500, ServerFailed, 20500, "An internal server error has occurred"),
    _Refusal(503, ServerFailed, message="Service unavailable"),
)
_ERROR_OF_STATUS: Final[Mapping[int, type[Refused]]] = {
    refusal.status: refusal.error for refusal in _REFUSALS
} | {400: Refused}  # a 400 alone does not show that the state changed


@st.composite
def refusals(draw: DrawFn) -> RefusalReply:
    """Draw refusals with bodies of every family. The simplest is a repeated accept's."""
    refusal, family = draw(st.sampled_from(_REFUSALS)), draw(st.sampled_from(ErrorFamily))
    message = refusal.message.format(draw(sids("WR")))
    content_type, error_bodies = _error_bodies(family, refusal, message)
    headers = [("Content-Type", content_type)]
    if refusal.error is Throttled and draw(st.booleans()):
        headers.append(("Retry-After", str(draw(st.integers(0, 120)))))
    reply = Reply(refusal.status, tuple(headers), draw(error_bodies))
    if family.is_readable:
        return RefusalReply(reply, family, refusal.error, refusal.code)
    return RefusalReply(reply, family, _ERROR_OF_STATUS[refusal.status], None)


_PROXY_ERROR: Final = b"upstream connect error or disconnect/reset before headers"


def _error_bodies(
    family: ErrorFamily, refusal: _Refusal, message: str
) -> tuple[str, SearchStrategy[bytes]]:
    """Return the content type and the bodies of a refusal."""
    status, code = refusal.status, refusal.code
    link = f"https://www.twilio.com/docs/errors/{code}"
    legacy: dict[str, object] = {"message": message, "status": status}
    if code is not None:
        legacy |= {"code": code, "more_info": link}
    whole = json.dumps(legacy).encode()
    problem = {"title": message, "status": status, "type": link, "code": code}
    problem["detail"] = "see the type"
    page = f"<html><body><h1>{status}</h1></body></html>"
    not_objects = st.sampled_from((b"null", b"[]", b'"error"'))
    ends = st.integers(1, len(whole) - 1)
    forms: Mapping[ErrorFamily, tuple[str, SearchStrategy[bytes]]] = {
        ErrorFamily.LEGACY: ("application/json", st.just(whole)),
        ErrorFamily.RFC_9457: ("application/problem+json", st.just(json.dumps(problem).encode())),
        ErrorFamily.EMPTY: ("text/plain", st.sampled_from((b"", b"\r\n"))),
        ErrorFamily.HTML: ("text/html", st.just(page.encode())),
        ErrorFamily.TEXT: ("text/plain", st.just(_PROXY_ERROR)),
        ErrorFamily.NOT_AN_OBJECT: ("application/json", not_objects),
        ErrorFamily.TRUNCATED: ("application/json", ends.map(lambda end: whole[:end])),
    }
    return forms[family]


def unreadable_replies() -> SearchStrategy[Reply]:
    """Draw replies of status 200 with a malformed body. The simplest has an empty ``sid``."""
    return malformed_bodies().map(
        lambda body: Reply(200, (("Content-Type", "application/json"),), _to_bytes(body.payload))
    )
