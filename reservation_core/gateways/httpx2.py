"""Gateways on httpx2, one for threads and one for asyncio, and everything but the waiting shared between them.

1. ``NotSent`` for what httpx2 raises before a connection stands: ``PoolTimeout``, ``ConnectError`` (name look-up, refused connect, TLS
   handshake) and ``ConnectTimeout``. Every other failure is ``GatewayError``, outcome unknown.
2. httpx2 bounds each wait, not their sum. The sum is bounded here: by the event loop, and for threads by streams that know when the
   exchange must end. Only a name look-up in a thread takes as long as the system lets it.
3. One request, sent once: no retry, no redirect followed, no cookie kept. A connection on which a server wrote beyond the end of a
   reply is given up: httpx2 would take what it holds for the next reply.
4. Certificates are always verified, against the system's store; ``SSL_CERT_FILE`` names another one. Proxy variables and netrc are
   not read.
5. Replies are read as they come and unpacked here, so that the limit holds while they stream.

A gateway for asyncio belongs to the event loop that first uses it; close it there. Not for use across ``fork()``.
"""

import asyncio
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, TypedDict, Unpack

from reservation_core.gateways.base import (
    IDLE_TIMEOUT,
    AsyncClosableGateway,
    ClosableGateway,
    StreamingGateway,
    cause,
)
from reservation_core.gateways.settings import Credentials, GatewayOptions, user_agent
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

try:
    import httpx2

    from reservation_core.gateways.httpx2_transport import (
        AsyncTransport,
        DeadlineNetwork,
        Pooling,
        Transport,
    )
except ImportError as _missing:
    raise ImportError(
        "this gateway needs httpx2: pip install 'reservation-core[httpx2]'"
    ) from _missing

_UNCONNECTED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)
_FAILURES: Final = (httpx2.TransportError, httpx2.StreamError, OSError)


class _Common(TypedDict):
    headers: dict[str, str]
    cookies: CookieJar
    timeout: httpx2.Timeout
    trust_env: bool


class _Outgoing(TypedDict):
    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None


class _Exchange(StreamingGateway):
    """What both gateways are but for waiting."""

    def _common(self) -> _Common:
        settings = self._settings
        return {
            "headers": {
                "Authorization": settings.credentials.authorization,
                "User-Agent": user_agent(),
                "Accept-Encoding": "gzip",
            },
            "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=())),
            "timeout": httpx2.Timeout(
                settings.timeout, connect=settings.connect_timeout, pool=settings.connect_timeout
            ),
            "trust_env": False,
        }

    def _pooling(self) -> Pooling:
        most = self._settings.max_connections
        return {
            "ssl_context": self._tls(),
            "max_connections": most,
            "max_keepalive_connections": most,
            "keepalive_expiry": IDLE_TIMEOUT,
        }

    def _outgoing(self, request: Request) -> _Outgoing:
        url, headers = self._address(request), [*request.headers.pairs]
        content = None if request.method == "GET" else request.body
        if content is not None:
            headers.append(("Content-Length", str(len(content))))
        return {"method": request.method, "url": url, "headers": headers, "content": content}

    def _failure(self, error: BaseException) -> GatewayError:
        if isinstance(error, httpx2.PoolTimeout):
            return self._occupied()
        if isinstance(error, _UNCONNECTED):
            return self._unconnected(
                None if isinstance(error, httpx2.ConnectTimeout) else cause(error)
            )
        return (
            self._late()
            if isinstance(error, httpx2.TimeoutException | TimeoutError)
            else self._broken(cause(error))
        )


class Httpx2Gateway(_Exchange, ClosableGateway):
    """A gateway for threads: any number may share one, and with it its connections.

    ``Httpx2Gateway()`` takes the credentials from the environment; ``Settings`` lists the options.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(credentials, **options)
        self._network: Final = DeadlineNetwork()
        self._client: Final = httpx2.Client(
            transport=Transport(self._pooling(), self._network), **self._common()
        )

    def send(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        outgoing = self._outgoing(request)
        self._network.end = time.monotonic() + self._settings.timeout
        try:
            with self._client.stream(**outgoing) as response:
                reply = self._gather(response.status_code, response.headers.raw)
                for piece in response.iter_raw():
                    reply.add(piece)
                return reply.reply()
        except _FAILURES as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close every connection; an exchange under way ends with GatewayError. ClosableGateway twice is no error."""
        self._closed = True
        self._client.close()


class AsyncHttpx2Gateway(_Exchange, AsyncClosableGateway):
    """A gateway for asyncio: any number of tasks may share one, in one event loop.

    ``AsyncHttpx2Gateway()`` takes the credentials from the environment; ``Settings`` lists the options. Cancelling a task drops its
    exchange (the outcome is then unknown) and nothing else.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway; nothing is sent yet, and no event loop is needed. Raises ConfigurationError."""
        super().__init__(credentials, **options)
        self._client: Final = httpx2.AsyncClient(
            transport=AsyncTransport(self._pooling()), **self._common()
        )

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        outgoing = self._outgoing(request)
        self._stay()
        try:
            async with (
                asyncio.timeout(self._settings.timeout),
                self._client.stream(**outgoing) as response,
            ):
                reply = self._gather(response.status_code, response.headers.raw)
                async for piece in response.aiter_raw():
                    reply.add(piece)
                return reply.reply()
        except _FAILURES as error:
            raise self._failure(error) from error

    async def aclose(self) -> None:
        """Close every connection; an exchange under way ends with GatewayError. ClosableGateway twice is no error."""
        self._closed = True
        await self._client.aclose()
