"""Connections of the httpx2 gateways.

httpx2 has no setting for two things, so this module builds its connection pool:

* For threads, every wait ends with the deadline of the whole exchange. After the deadline, nothing
  is read or written.
* A connection on which the server wrote beyond the end of a reply is dropped. httpx2 would read
  these bytes as the next reply. They may wait in h11, in the TLS object, or in the socket.

The pool has no limit on connections. The gateways limit them.

This module is the only one that uses private state of httpx2 and httpcore2, in
:func:`has_surplus_bytes` and :func:`require_pool`. Tested with httpx2 and httpcore2 2.16.1
and 2.16.2, and h11 0.16.0.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, cast

from reservation_core._extras import extra
from reservation_core.gateways.base import IDLE_TIMEOUT
from reservation_core.gateways.settings import ConfigurationError
from reservation_core.gateways.sockets import shut_down_after

with extra("httpx2"):
    import httpcore2
    import httpx2


def has_surplus_bytes(connection: object) -> bool:
    """Return True if an idle connection may hold bytes beyond its reply.

    httpcore2 keeps them in a private attribute. If a version lacks it, the result is True, and the
    connection is not used again.
    """
    inner = getattr(connection, "_connection", connection)
    if inner is None:  # not connected yet
        return False
    buffered = getattr(getattr(inner, "_h11_state", None), "trailing_data", None)
    return buffered is None or buffered[0] != b""


def require_pool(transport: object, kind: type) -> None:
    """Check that a transport of httpx2 has a connection pool to replace.

    :raises ConfigurationError: if it does not. Without the pool, deadlines would not be kept.
    """
    if not isinstance(getattr(transport, "_pool", None), kind):
        version = httpx2.__version__
        raise ConfigurationError(f"httpx2 {version} is not supported. Install httpx2 2.16")


# --- for threads ---------------------------------------------------------------------------------


class DeadlineNetwork(httpcore2.NetworkBackend):
    """Network backend with one deadline for each thread's exchange."""

    def __init__(self) -> None:
        self._deadlines = threading.local()

    def start_exchange(self, deadline: float) -> None:
        """Set the deadline of the current thread, in terms of ``time.monotonic``."""
        self._deadlines.current = deadline

    def remaining(self, timeout: float | None, late: type[Exception]) -> float:
        """Return the seconds that one wait may take: ``timeout``, or less before the deadline.

        :param late: raised after the deadline.
        """
        deadline: float = self._deadlines.current
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise late
        return remaining if timeout is None else min(timeout, remaining)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Open a connection."""
        seconds = self.remaining(timeout, httpcore2.ConnectTimeout)
        stream = httpcore2.SyncBackend().connect_tcp(
            host, port, seconds, local_address, socket_options or ()
        )
        return _DeadlineStream(stream, self)


class _DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, network: DeadlineNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._network.remaining(timeout, httpcore2.ReadTimeout)
        return self._stream.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        seconds = self._network.remaining(timeout, httpcore2.WriteTimeout)
        self._stream.write(buffer, seconds)

    def close(self) -> None:
        # The shutdown also ends a wait in another thread.
        with contextlib.suppress(OSError):
            self.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = self._network.remaining(timeout, httpcore2.ConnectTimeout)
        with shut_down_after(seconds, self.get_extra_info("socket")):
            stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _DeadlineStream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Connection(httpcore2.HTTPConnection):
    def has_expired(self) -> bool:
        return super().has_expired() or has_surplus_bytes(self)


class _Pool(httpcore2.ConnectionPool):
    def __init__(self, ssl_context: ssl.SSLContext, network: DeadlineNetwork) -> None:
        super().__init__(
            ssl_context,
            max_connections=None,
            keepalive_expiry=IDLE_TIMEOUT,
            network_backend=network,
        )
        self._tls = ssl_context
        self._network = network

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.ConnectionInterface:
        return _Connection(origin, self._tls, IDLE_TIMEOUT, network_backend=self._network)


class Transport(httpx2.HTTPTransport):
    """Transport of httpx2 for threads, with the connections of this module."""

    def __init__(self, ssl_context: ssl.SSLContext, network: DeadlineNetwork) -> None:
        """Open an empty pool without a limit."""
        super().__init__(verify=ssl_context)
        require_pool(self, httpcore2.ConnectionPool)
        self._pool = _Pool(ssl_context, network)


# --- for asyncio ---------------------------------------------------------------------------------


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Network backend that also looks for bytes in TLS objects."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the name of the overridden method
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        backend = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        return _CheckedStream(
            await backend.connect_tcp(host, port, timeout, local_address, socket_options or ())
        )


class _CheckedStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign]
        self.write = stream.write  # type: ignore[method-assign]
        self.aclose = stream.aclose  # type: ignore[method-assign]

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the name of the overridden method
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:  # cancelled at the deadline: httpcore2 leaves the connection open
            await self._stream.aclose()
            raise
        return _CheckedStream(stream)

    def get_extra_info(self, info: str) -> Any:
        known = self._stream.get_extra_info(info)
        if info == "is_readable":
            return known or holds_bytes(self._stream.get_extra_info("ssl_object"))
        return known


def holds_bytes(tls: ssl.SSLObject | None) -> bool:
    """Return True if the TLS object of an idle connection holds bytes."""
    if tls is None:
        return False
    try:
        tls.read(1)
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError)
    return True


class _AsyncConnection(httpcore2.AsyncHTTPConnection):
    def has_expired(self) -> bool:
        return super().has_expired() or has_surplus_bytes(self)


class _AsyncPool(httpcore2.AsyncConnectionPool):
    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self._tls = ssl_context
        self._network = _CheckedNetwork()
        super().__init__(
            ssl_context,
            max_connections=None,
            keepalive_expiry=IDLE_TIMEOUT,
            network_backend=self._network,
        )

    def create_connection(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface:
        return _AsyncConnection(origin, self._tls, IDLE_TIMEOUT, network_backend=self._network)


class AsyncTransport(httpx2.AsyncHTTPTransport):
    """Transport of httpx2 for asyncio, with the connections of this module."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        """Open an empty pool without a limit."""
        super().__init__(verify=ssl_context)
        require_pool(self, httpcore2.AsyncConnectionPool)
        self._pool = _AsyncPool(ssl_context)
