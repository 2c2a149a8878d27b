"""HTTP exchange of a callback, with one deadline for the whole.

1. A connection that cannot be made is tried once more. Nothing else is sent again (the documented
   defaults of the platform).
2. A redirect is not followed. Proxies of the environment are not used.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import attrs

from reservation_core.emulator.callbacks.model import Callback
from reservation_core.rest.messages import Headers, Reply

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for one attempt to connect."""

MAX_RESPONSE_BYTES: Final = 65_536
"""Length of the longest response body."""

_ATTEMPTS: Final = 2
_HEADERS: Final = {
    "Accept": "*/*",
    "Connection": "close",
    "User-Agent": "reservation-core emulator",
}


class NotConnected(Exception):
    """Two attempts to connect failed."""


class InvalidResponse(http.client.HTTPException):
    """Response that is incomplete or too long."""


@attrs.define(eq=False)
class CallbackExchange:
    """Exchange of one callback. Its time starts with the first attempt to connect.

    :param timeout: seconds for the whole exchange.
    :param tls: settings for the verification of certificates; ``None`` for the system's.
    """

    callback: Callback
    timeout: float
    tls: ssl.SSLContext | None
    _started: float = 0.0
    _sock: socket.socket | None = None
    _is_aborted: bool = False

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline.

        :raises TimeoutError: if the deadline has passed.
        """
        left = self.timeout - self.seconds
        if left <= 0:
            raise TimeoutError
        return left

    def run(self) -> Reply:
        """Send the callback and return the response.

        :raises NotConnected: if there is no connection.
        :raises TimeoutError: if the deadline passes.
        :raises OSError, HTTPException: if there is no valid response.
        """
        self._started = time.monotonic()
        connection = self._connect()
        try:
            assert self._sock is not None
            self._sock.settimeout(self.seconds_left)
            if self._is_aborted:  # while it was connecting
                self.abort()
            parts = urlsplit(self.callback.url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = dict(self.callback.headers.pairs) | _HEADERS
            connection.request("POST", target, self.callback.body, headers)
            return self._read_response(self._sock)
        finally:
            connection.close()

    def abort(self) -> None:
        """End the exchange at once, from any thread."""
        self._is_aborted = True
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.callback.url)
        is_secure = parts.scheme.lower() == "https"
        https = partial(http.client.HTTPSConnection, context=self.tls)
        make = https if is_secure else http.client.HTTPConnection
        reason = "no time left"
        for _ in range(_ATTEMPTS):
            timeout = min(CONNECT_TIMEOUT, self.timeout - self.seconds)
            if timeout <= 0 or self._is_aborted:
                break
            connection = make(str(parts.hostname), parts.port, timeout=timeout)
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:  # UnicodeError: not a valid host name
                connection.close()
                reason = type(error).__name__
            else:
                self._sock = connection.sock
                return connection
        raise NotConnected(reason)

    def _read_response(self, sock: socket.socket) -> Reply:
        reader = cast("socket.socket", _DeadlineReader(sock, self))
        with http.client.HTTPResponse(reader, method="POST") as response:
            response.begin()
            body = response.read(MAX_RESPONSE_BYTES + 1)
            if len(body) > MAX_RESPONSE_BYTES:
                raise InvalidResponse(f"the response has more than {MAX_RESPONSE_BYTES} bytes")
            if response.length:
                raise InvalidResponse("the response is incomplete")
            return Reply(response.status, Headers(tuple(response.getheaders())), body)


class _DeadlineReader(io.RawIOBase):
    """Reader of a socket that stops at the deadline of an exchange.

    It stands in for the socket of an ``HTTPResponse``, which only calls ``makefile``. The time-out
    of a socket alone bounds each read, so a server could send bytes one by one for ever.
    """

    def __init__(self, sock: socket.socket, exchange: CallbackExchange) -> None:
        self._sock, self._exchange = sock, exchange

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        self._sock.settimeout(self._exchange.seconds_left)
        return self._sock.recv_into(into)
