"""Connections of ``requests`` that keep one deadline.

``requests`` limits each wait, but not their sum. It also overlooks bytes that arrive in the same
packet as a reply, and uses the connection again. :func:`use_own_connections` gives the exchanges of
a gateway connections of their own on the client's session:

1. Every read ends with the deadline of the whole exchange, the TLS handshake included.
2. A connection with bytes behind a reply is closed.
3. Only worker threads use these connections. An exception of a signal handler in another use of the
   client cannot block them.

It mounts an adapter on the session, for the platform's address. All other requests of the session
go through the adapter that was there. The session's proxies, certificates and headers are used as
before. A session with an adapter of the service's own for that address is left as it is: then the
caller is released at the deadline, and the exchange goes on until the adapter ends it.

The module extends ``requests`` and ``urllib3`` where they are meant to be extended, with one
exception: ``_new_conn``. Tested with requests 2.32.2 and 2.34.2, and urllib3 2.2.0 and 2.8.0.
"""

import contextlib
import http.client
import io
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, Final, cast

from reservation_core._extras import extra
from reservation_core.gateways.sockets import shut_down_after

with extra("twilio"):
    from requests import PreparedRequest, Response, Session
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
    from urllib3.connection import HTTPConnection, HTTPSConnection


class TimedExchange:
    """One exchange of a gateway, as its connections see it.

    ``sends`` is the number of requests that the client gave to them, and ``failure`` the error of
    the last one.
    """

    def __init__(self, deadline: float) -> None:
        """Begin an exchange.

        :param deadline: its end, in terms of ``time.monotonic``.
        """
        self.deadline: Final = deadline
        self.sends = 0
        self.failure: Exception | None = None


_exchange: ContextVar[TimedExchange | None] = ContextVar("exchange", default=None)
_mounting: Final = threading.Lock()


@contextlib.contextmanager
def ending_at(exchange: TimedExchange) -> Generator[None]:
    """Let the connections of this context keep the deadline of an exchange."""
    token = _exchange.set(exchange)
    try:
        yield
    finally:
        _exchange.reset(token)


def use_own_connections(session: object, origin: str, count: int) -> None:
    """Mount the adapter of this module on a session of ``requests``. It may be done twice.

    :param origin: the platform's address: scheme, host and any unusual port.
    :param count: idle connections to keep.
    """
    if not isinstance(session, Session):
        return
    prefix = f"{origin}/"
    with _mounting:
        adapter: object = session.get_adapter(prefix)
        if type(adapter) is HTTPAdapter:
            own = DeadlineAdapter(adapter, count)
            others = {key: each for key, each in session.adapters.items() if key != prefix}
            session.adapters = OrderedDict({prefix: own, **others})  # the first match wins


def _remaining() -> float:
    """Return the seconds until the deadline of the present exchange."""
    exchange = _exchange.get()
    seconds = (exchange.deadline if exchange else 0) - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class DeadlineAdapter(HTTPAdapter):
    """Adapter whose connections keep the deadline of the gateway's exchange."""

    __attrs__: list[str] = [*HTTPAdapter.__attrs__, "_replaced"]  # noqa: RUF012 - as in the base

    def __init__(self, replaced: HTTPAdapter, count: int) -> None:
        """Take the place of an adapter.

        :param replaced: sends every request that is not a gateway's.
        """
        self._replaced = replaced
        super().__init__(pool_maxsize=count)

    def send(self, request: PreparedRequest, *given: Any, **named: Any) -> Response:
        """Send a request of a gateway. Pass any other one to the adapter that was there."""
        exchange = _exchange.get()
        if exchange is None:
            return self._replaced.send(request, *given, **named)
        _remaining()  # too late for a request, after a wait in the client
        exchange.sends += 1
        try:
            return super().send(request, *given, **named)
        except Exception as error:
            exchange.failure = error
            raise

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """Make pools of connections that keep the deadline."""
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        """Make pools of connections that keep the deadline, behind a proxy."""
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        if type(manager) is ProxyManager:  # not for SOCKS, which has connections of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        """Close the connections of this adapter and the replaced one."""
        super().close()
        self._replaced.close()


class _Reader(io.RawIOBase):
    """Reader of a socket that ends with the deadline."""

    def __init__(self, sock: Any) -> None:
        self.is_ended = False
        self._sock = sock
        self._raw: Final[Any] = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_ended:
            return None
        self._sock.settimeout(_remaining())
        read: int | None = self._raw.readinto(buffer)
        return read

    def end(self) -> None:
        self.is_ended = True

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Stream(io.BufferedReader):
    """Stream of one reply, which looks for bytes behind it."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._reader = _Reader(sock)
        super().__init__(self._reader)

    def close(self) -> None:
        if not self.closed:
            self._reader.end()
            if self.peek(1) or (hasattr(self._sock, "pending") and self._sock.pending()):
                with contextlib.suppress(OSError):  # then the pool drops the connection
                    self._sock.shutdown(socket.SHUT_RDWR)
        super().close()


class _Source:
    """Socket as ``http.client`` uses it for a response."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return _Stream(self._sock)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *given: Any, **named: Any) -> None:
        super().__init__(cast("Any", _Source(sock)), *given, **named)


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response
    _handshake: contextlib.ExitStack

    def connect(self) -> None:
        with contextlib.ExitStack() as self._handshake:
            super().connect()

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self._handshake.enter_context(shut_down_after(_remaining(), sock))
        return sock


class _Pool(HTTPConnectionPool):
    ConnectionCls = cast("Any", _Connection)


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = cast("Any", _TLSConnection)


_POOLS: Final[dict[str, Any]] = {"http": _Pool, "https": _TLSPool}
