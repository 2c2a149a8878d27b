"""Requests and replies of the emulator as ASGI messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final, NamedTuple, TypeAlias

from reservation_core._extras import extra
from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.request import server_host

with extra("emulator"):
    from starlette.types import Receive, Scope, Send


READ_HEADERS: Final = frozenset((b"authorization", b"content-type", b"if-match"))
"""Request headers that the emulated API reads."""


LINGER_SECONDS: Final = 1.0
"""Seconds in which a client may go on sending what is not read any more."""

SITE_HEADERS: Final = frozenset(
    (
        *(b"host", b"origin", b"sec-fetch-site", b"access-control-request-method"),
        *(b"x-forwarded-host", b"x-forwarded-proto"),
    )
)
"""Request headers that say where a request comes from, and where to."""

SiteHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""The headers of a request that are among :data:`SITE_HEADERS`, in order."""


def read_site(scope: Scope) -> tuple[str, SiteHeaders]:
    """Return the client's IP address and the site headers.

    A request of HTTP/1.0 needs no ``Host``. The address that it came to stands in for it.
    """
    headers: SiteHeaders = tuple(header for header in scope["headers"] if header[0] in SITE_HEADERS)
    if scope["http_version"] == "1.0" and all(name != b"host" for name, _ in headers):
        name, port = scope["server"]
        headers = (*headers, (b"host", server_host(name, port).encode()))
    client, _ = scope["client"] or ("", 0)  # unknown if it has already gone
    return client, headers


class ApplicationRequest(NamedTuple):
    """A request as it was received.

    :param is_too_long: true if its body is longer than the limit.
    :param rest: receives the rest of a body that is too long; ``None`` if there is no more.
    """

    raw: RawRequest
    is_too_long: bool
    rest: Receive | None


async def read_request(scope: Scope, receive: Receive, limit: int) -> ApplicationRequest | None:
    """Read a request, or return ``None`` if the client has disconnected.

    :param limit: bytes of the longest body. Of a longer one, only a little more is read.
    """
    body, has_more = b"", True
    while has_more and len(body) <= limit:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    target = scope["raw_path"]
    if scope["query_string"]:
        target = target + b"?" + scope["query_string"]
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name in READ_HEADERS
    )
    raw = RawRequest(scope["method"], target.decode("latin-1"), headers, body)
    return ApplicationRequest(raw, len(body) > limit, receive if has_more else None)


async def send_reply(send: Send, reply: Reply, received: ApplicationRequest | None = None) -> None:
    """Send a reply.

    After a request that is too long the connection is closed, a second later if there is more of
    the request. If it were closed at once, the client's own data would destroy the reply.

    :param received: the request, if it was read.
    """
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in reply.headers.pairs
    ]
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(reply.body)))
    rest = None if received is None else received.rest
    if received is not None and received.is_too_long:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    has_rest = rest is not None
    await send({"type": "http.response.body", "body": reply.body, "more_body": has_rest})
    if rest is not None:
        await _drop_rest(rest)
        await send({"type": "http.response.body"})


async def _drop_rest(receive: Receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass


def error_reply(status: int, code: int, message: str) -> Reply:
    """Return the reply for an error that is not the platform's."""
    body = json.dumps({"code": code, "message": message, "status": status})
    return Reply(status, {"Content-Type": "application/json"}, body.encode())
