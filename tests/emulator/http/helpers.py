"""Requests that the HTTP tests share."""

from __future__ import annotations

import socket

from reservation_core.emulator.server import Emulator
from tests.emulator import worlds
from tests.emulator.wire import Answer, ask

ACCEPT = "ReservationStatus=accepted"


def update(emulator: Emulator, sid: str, form: str = ACCEPT) -> Answer:
    return ask(emulator.url, "POST", worlds.path(sid), form)


FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


HEAD = (
    b"POST "
    + worlds.path("WR" + "9" * 32).encode()
    + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
)


def read_until(feed: socket.socket, mark: bytes, text: bytes = b"") -> bytes:
    while mark not in text:
        more = feed.recv(65536)
        assert more
        text += more
    return text


def raw_accept(sid: str) -> bytes:
    """Return the bytes of a request that accepts a reservation."""
    start = f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n"
    return f"{start}Content-Length: {len(ACCEPT)}\r\n\r\n{ACCEPT}".encode()
