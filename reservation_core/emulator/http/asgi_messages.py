"""Requests and replies of the emulator as ASGI messages."""

from __future__ import annotations

import json
from typing import Final

from starlette.types import Receive, Scope, Send

from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.rest.messages import Reply

READ_HEADERS: Final = frozenset((b"authorization", b"content-type", b"if-match"))
"""Request headers that the emulated API reads."""


async def read_request(scope: Scope, receive: Receive, limit: int) -> RawRequest | None:
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
    return RawRequest(scope["method"], target.decode("latin-1"), headers, body)


async def send_reply(send: Send, reply: Reply, *, close: bool = False) -> None:
    """Send a reply.

    :param close: close the connection afterwards, as the rest of the request is not read.
    """
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in reply.headers.pairs
    ]
    if reply.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(reply.body)))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def error_reply(status: int, code: int, message: str) -> Reply:
    """Return the reply for an error that is not the platform's."""
    body = json.dumps({"code": code, "message": message, "status": status})
    return Reply(status, {"Content-Type": "application/json"}, body.encode())
