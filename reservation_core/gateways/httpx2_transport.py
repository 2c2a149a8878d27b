"""Connections for the httpx2 gateways: they end with their exchange, hold nothing when they are used again, and end with the gateway.

httpx2 has no setting for any of it, so its pool is built here. That bytes are left over, httpcore2 does not tell; the one place where it
keeps them is looked at, and should a later version keep them elsewhere, the contract of the gateways notices.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, TypedDict

import httpcore2
import httpx2


class Pooling(TypedDict):
    """How many connections are made, how long they are kept, and what verifies certificates."""

    ssl_context: ssl.SSLContext
    max_connections: int
    max_keepalive_connections: int
    keepalive_expiry: float


class DeadlineNetwork(threading.local, httpcore2.NetworkBackend):
    """Connections that know when the exchange of their thread must end."""

    end: float = 0.0

    def left(self, timeout: float | None) -> float:
        """Give the seconds that one wait may take: never none, for that would mean not to wait but to try."""
        left = max(self.end - time.monotonic(), 0.001)
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect."""
        stream = httpcore2.SyncBackend().connect_tcp(
            host, port, self.left(timeout), local_address, socket_options or ()
        )
        return _Stream(stream, self)


class _Stream(httpcore2.NetworkStream):
    """One such connection; closing it also ends a wait for it in another thread."""

    def __init__(self, stream: httpcore2.NetworkStream, network: DeadlineNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what comes."""
        return self._stream.read(max_bytes, self._network.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all."""
        self._stream.write(buffer, self._network.left(timeout))

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Shake hands."""
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, self._network.left(timeout)),
            self._network,
        )

    def get_extra_info(self, info: str) -> Any:
        """Tell of the connection."""
        return self._stream.get_extra_info(info)


def _unread(connection: object) -> bool:
    """Whether a connection that nobody is using (the pool asks of no other) holds bytes beyond the end of its last reply."""
    state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return state is not None and state.trailing_data[0] != b""


class _Open:
    """Whether a pool is; one that was closed makes connections for those who still wait."""

    def __init__(self) -> None:
        self.is_open = True

    def check(self) -> None:
        """Let nothing go out any more. Raises ConnectError."""
        if not self.is_open:
            raise httpcore2.ConnectError("it is closed")


class _Connection(httpcore2.HTTPConnection):
    """A connection that is over as soon as it holds more than it was asked for."""

    pool: _Open

    def has_expired(self) -> bool:
        """Whether it must not be used again."""
        return super().has_expired() or _unread(self)

    def handle_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send it, if the pool is open still."""
        self.pool.check()
        return super().handle_request(request)


class _AsyncConnection(httpcore2.AsyncHTTPConnection):
    """The same for asyncio."""

    pool: _Open

    def has_expired(self) -> bool:
        """Whether it must not be used again."""
        return super().has_expired() or _unread(self)

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send it, if the pool is open still."""
        self.pool.check()
        return await super().handle_async_request(request)


class _Pool(httpcore2.ConnectionPool):
    def __init__(self, pooling: Pooling, network: DeadlineNetwork) -> None:
        super().__init__(**pooling, network_backend=network)
        self._open = _Open()

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.ConnectionInterface:
        """Make one."""
        made = _Connection(
            origin, self._ssl_context, self._keepalive_expiry, network_backend=self._network_backend
        )
        made.pool = self._open
        return made

    def close(self) -> None:
        """Close all of them, and make none any more."""
        self._open.is_open = False
        super().close()


class _AsyncPool(httpcore2.AsyncConnectionPool):
    def __init__(self, pooling: Pooling) -> None:
        super().__init__(**pooling)
        self._open = _Open()

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        """Make one."""
        made = _AsyncConnection(
            origin, self._ssl_context, self._keepalive_expiry, network_backend=self._network_backend
        )
        made.pool = self._open
        return made

    async def aclose(self) -> None:
        """Close all of them, and make none any more."""
        self._open.is_open = False
        await super().aclose()


class Transport(httpx2.HTTPTransport):
    """httpx2's own transport for threads, on such connections."""

    def __init__(self, pooling: Pooling, network: DeadlineNetwork) -> None:
        """Open the pool."""
        super().__init__(verify=pooling["ssl_context"])
        self._pool = _Pool(pooling, network)


class AsyncTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport for asyncio, on such connections."""

    def __init__(self, pooling: Pooling) -> None:
        """Open the pool."""
        super().__init__(verify=pooling["ssl_context"])
        self._pool = _AsyncPool(pooling)
