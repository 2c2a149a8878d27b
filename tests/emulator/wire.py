"""Raw HTTP for tests, also as no library would send it."""

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
"""Timeout of any single wait, in seconds."""


@attrs.frozen
class Answer:
    """A raw reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


def address(url: str) -> tuple[str, int]:
    """Return host and port of a URL."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def ask(
    url: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request on its own connection.

    A string is sent as a form, anything else as JSON.
    """
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


def send_raw(url: str, *parts: bytes) -> bytes:
    """Send raw bytes part by part.

    :returns: everything that is received until the connection is closed or broken.
    """
    received = b""
    with socket.create_connection(address(url), WAIT) as sock:
        try:
            for part in parts:
                sock.sendall(part)
            while more := sock.recv(65536):
                received += more
        except ConnectionError:
            pass
    return received


def status_of(reply: bytes) -> int:
    """Return the status of a raw reply, 0 if there is none."""
    return int(reply.split(b" ", 2)[1]) if reply.startswith(b"HTTP/") else 0
