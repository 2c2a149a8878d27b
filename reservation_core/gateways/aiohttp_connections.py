"""Guarded connections and bounded replies of aiohttp.

aiohttp takes what arrives on an idle connection for the next reply, and reads a reply whole.
:func:`guard_connector` changes that for one connector:

1. Bytes that arrive on an idle connection close it.
2. A connection is used again only if nothing waits in its socket and its parser is between two
   replies. This finds bytes that arrived in the same packet as a reply.
3. If bytes arrive on a new connection before the request, the request is not sent.
4. Within :func:`bounded_replies`, a reply beyond ``max_reply_bytes`` is refused while it arrives.

The connector's pool, limits and TLS settings stay as they are. This module replaces the connector's
method ``connect``. It also asks the parser of a connection if it is within a reply, which is
private state. A connection without such a parser is not used again. Tested with aiohttp 3.14.2 and
3.14.5. Earlier versions bound neither the headers nor the unpacked body of a reply.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, cast

from reservation_core._extras import extra
from reservation_core.gateways.failures import ErrorFactory
from reservation_core.gateways.sockets import is_readable

with extra("aiohttp"):
    from aiohttp import BaseConnector, ClientConnectionError, ClientRequest, ClientResponse
    from aiohttp.connector import Connection


_Connect: TypeAlias = Callable[..., Awaitable[Connection]]


class BoundedExchange:
    """One exchange of a gateway, as its connector sees it.

    ``connects`` is the number of connections that the client asked for, and ``failure`` the error
    of the last one. ``heads`` has the status and the headers of each reply.
    """

    def __init__(self, errors: ErrorFactory) -> None:
        """Begin an exchange.

        :param errors: builds the errors, and has the settings with the limit.
        """
        self.errors: Final = errors
        self.connects = 0
        self.failure: Exception | None = None
        self.heads: Final = list[tuple[int, list[tuple[str, str]]]]()


_current: ContextVar[BoundedExchange | None] = ContextVar("exchange", default=None)


class UnaskedReplyError(ClientConnectionError):
    """Bytes, or the end of a new connection, came before the request."""


def guard_connector(connector: BaseConnector) -> None:
    """Let a connector drop connections on which bytes arrive unasked. It may be done twice."""
    connect: object = connector.connect
    if not isinstance(connect, functools.partial):
        guarded = functools.partial(_connect, cast("_Connect", connect))
        setattr(connector, "connect", guarded)  # noqa: B010 - a method, for a type checker


def guard_session(session: object) -> None:
    """Guard the connector of a session, if it is one of aiohttp."""
    connector: object = getattr(session, "connector", None)
    if isinstance(connector, BaseConnector):
        guard_connector(connector)


@contextlib.contextmanager
def bounded_replies(exchange: BoundedExchange) -> Generator[None]:
    """Refuse replies beyond the limit, on guarded connectors."""
    token = _current.set(exchange)
    try:
        yield
    finally:
        _current.reset(token)


async def _connect(
    connect: _Connect, request: ClientRequest, *given: object, **named: object
) -> Connection:
    exchange = _current.get()
    if exchange is None:
        return await _connect_clean(connect, request, *given, **named)
    exchange.connects += 1
    request.response_class = _bounded_class(request.response_class)
    try:
        return await _connect_clean(connect, request, *given, **named)
    except Exception as error:
        exchange.failure = error
        raise


async def _connect_clean(
    connect: _Connect, request: ClientRequest, *given: object, **named: object
) -> Connection:
    while True:
        connection = await connect(request, *given, **named)
        protocol, is_new = _guard(connection)
        if protocol.is_clean(is_new=is_new):
            protocol.is_idle = False
            connection.add_callback(protocol.mark_idle)
            return connection
        connection.close()
        if is_new:
            raise UnaskedReplyError


def _guard(connection: Connection) -> "tuple[_GuardedProtocol, bool]":
    """Return the protocol of a connection, and if the connection is new."""
    transport, inner = connection.transport, connection.protocol
    if transport is None or inner is None:  # the server closed it
        connection.close()
        raise UnaskedReplyError
    present: object = transport.get_protocol()
    if isinstance(present, _GuardedProtocol):
        return present, False
    guarded = _GuardedProtocol(inner, transport)
    transport.set_protocol(guarded)
    return guarded, True


class _GuardedProtocol(asyncio.Protocol):
    """Protocol that passes everything on, except while its connection is idle."""

    def __init__(self, inner: Any, transport: asyncio.Transport) -> None:
        self._inner: Final[Any] = inner
        self._transport: Final = transport
        self.is_idle = False

    def mark_idle(self) -> None:
        self.is_idle = True

    def is_clean(self, *, is_new: bool) -> bool:
        """Return True if nothing arrived that no request has asked for."""
        if self._transport.is_closing() or self._inner.should_close:
            return False
        if is_new and self._transport.get_extra_info("ssl_object"):
            return True  # what waits in the socket may be a session ticket
        return not is_readable(self._transport.get_extra_info("socket").fileno()) and (
            is_new or is_between_replies(getattr(self._inner, "_parser", None))
        )

    def data_received(self, data: bytes) -> None:
        if self.is_idle:
            self._transport.abort()
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return cast("bool | None", self._inner.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def is_between_replies(parser: Any) -> bool:
    """Return True if a parser of aiohttp has read only whole replies.

    The parser in C tells it by what it does at the end of a connection. The one in Python keeps the
    bytes that it has not understood yet.
    """
    try:
        if getattr(parser, "_tail", b"") or getattr(parser, "_lines", ()):
            return False
        return parser.feed_eof() is None
    except Exception:  # noqa: BLE001 - no parser, or one that complains of an incomplete reply
        return False


# --- replies within the limit --------------------------------------------------------------------


class _BoundedStream:
    """Body of a response, refused as soon as it exceeds the limit."""

    def __init__(self, stream: Any, errors: ErrorFactory, status: int) -> None:
        self._stream = stream
        self._errors = errors
        self._status = status

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self) -> bytes:
        body = bytearray()
        async for piece in self._stream.iter_any():
            body += piece
            if len(body) > self._errors.settings.max_reply_bytes:
                raise self._errors.reply_too_long(self._status)
        return bytes(body)


_bounded_classes: dict[type[ClientResponse], type[ClientResponse]] = {}


def _bounded_class(kind: type[ClientResponse]) -> type[ClientResponse]:
    """Return a subclass of a response class, with a bounded body."""
    if kind not in _bounded_classes:

        class Bounded(kind):  # type: ignore[valid-type,misc]
            content: Any

            async def start(self, connection: Connection) -> ClientResponse:
                await super().start(connection)
                exchange = cast("BoundedExchange", _current.get())
                exchange.heads.append((self.status, list(self.headers.items())))
                self.content = _BoundedStream(self.content, exchange.errors, self.status)
                return self

        _bounded_classes[kind] = Bounded
    return _bounded_classes[kind]
