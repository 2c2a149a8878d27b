"""Raw HTTP for tests: requests as bytes, whole replies back, and what a client does that no library would."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from reservation_core.rest.messages import FORM_CONTENT_TYPE

WAIT: Final = 10.0
"""Seconds that any single wait lasts at most."""


@attrs.frozen
class Answer:
    """A reply as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


def address(url: str) -> tuple[str, int]:
    """Give host and port of a URL."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def ask(
    url: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request on a connection of its own: text as a form, anything else as JSON."""
    connection = http.client.HTTPConnection(*address(url), timeout=WAIT)
    kind = {"Content-Type": FORM_CONTENT_TYPE} if isinstance(body, str) else {}
    sent = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
    try:
        connection.request(method, path, sent, {**kind, **(headers or {})})
        reply = connection.getresponse()
        return Answer(
            reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        )
    finally:
        connection.close()


def say(url: str, *parts: bytes) -> bytes:
    """Send bytes as they are, part by part, and give all that comes back until the server closes, or breaks, the connection."""
    said = b""
    with socket.create_connection(address(url), WAIT) as sock:
        try:
            for part in parts:
                sock.sendall(part)
            while more := sock.recv(65536):
                said += more
        except ConnectionError:
            pass
    return said


def status_of(said: bytes) -> int:
    """Give the status of a raw reply; 0 where none came."""
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/") else 0
