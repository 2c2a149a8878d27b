"""A gateway on aiohttp, for asyncio.

1. ``NotSent`` for what aiohttp raises before a connection stands: ``ClientConnectorError`` (name look-up, refused connect, TLS
   handshake) and ``ConnectionTimeoutError`` (no connection made, or none free, in time). Every other failure is ``GatewayError``,
   outcome unknown.
2. One request, sent once: no redirect followed, no cookie kept, no POST repeated. (aiohttp itself repeats a GET, once, where a
   kept-alive connection proves closed.)
3. Certificates are always verified, against the system's store; ``SSL_CERT_FILE`` names another one. Proxy variables and netrc are
   not read.
4. Replies are read as they come and unpacked here, so that the limit holds while they stream.
5. aiohttp's own errors can hold the request with its credentials, so none is chained to ours.

A gateway belongs to the event loop that first uses it; close it there. Not for use across ``fork()``.
"""

import asyncio
from typing import Final, Unpack

from reservation_core.gateways.base import (
    IDLE_TIMEOUT,
    AsyncClosableGateway,
    BaseGateway,
    StreamingGateway,
    cause,
)
from reservation_core.gateways.settings import Credentials, GatewayOptions, user_agent
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

try:
    from aiohttp import (
        ClientConnectorError,
        ClientError,
        ClientSession,
        ClientTimeout,
        ConnectionTimeoutError,
        DummyCookieJar,
        TCPConnector,
    )
    from yarl import URL
except ImportError as _missing:
    raise ImportError(
        "this gateway needs aiohttp: pip install 'reservation-core[aiohttp]'"
    ) from _missing

FAILURES: Final = (ClientError, TimeoutError, OSError)


def verbatim(url: str) -> URL:
    """Give a URL that is sent as it is spelled."""
    return URL(url, encoded=True)


class AiohttpFailures(BaseGateway):
    """How aiohttp's failures are read, by whichever gateway it is beneath."""

    def _failure(self, error: BaseException) -> GatewayError:
        if isinstance(error, ClientConnectorError):
            return self._unconnected(cause(error))
        if isinstance(error, ConnectionTimeoutError):
            return self._unconnected()
        return self._late() if isinstance(error, TimeoutError) else self._broken(cause(error))


class AiohttpGateway(AiohttpFailures, StreamingGateway, AsyncClosableGateway):
    """A gateway for asyncio: any number of tasks may share one, in one event loop.

    ``AiohttpGateway()`` takes the credentials from the environment; ``Settings`` lists the options. Cancelling a task drops its
    exchange (the outcome is then unknown) and nothing else.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway; nothing is sent yet, and no event loop is needed. Raises ConfigurationError."""
        super().__init__(credentials, **options)
        self._session: ClientSession | None = None

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        url = verbatim(self._address(request))
        self._stay()
        self._session = session = self._session or self._open()
        body = None if request.method == "GET" else request.body
        try:
            async with session.request(
                request.method, url, data=body, headers=request.headers.pairs, allow_redirects=False
            ) as response:
                reply = self._gather(response.status, response.raw_headers)
                async for piece in response.content.iter_any():
                    reply.add(piece)
                return reply.reply()
        except FAILURES as error:
            failure = self._failure(error)
        except (
            asyncio.CancelledError
        ):  # aiohttp's way to let those go who wait for a connection when it is closed
            task = asyncio.current_task()
            if not self._closed or task is None or task.cancelling():
                raise
            failure = self._unconnected("the gateway was closed")
        raise failure

    def _open(self) -> ClientSession:
        """Open the session, which aiohttp binds to the running event loop."""
        settings = self._settings
        return ClientSession(
            connector=TCPConnector(
                limit=settings.max_connections, ssl=self._tls(), keepalive_timeout=IDLE_TIMEOUT
            ),
            headers={
                "Authorization": settings.credentials.authorization,
                "User-Agent": user_agent(),
                "Accept-Encoding": "gzip",
            },
            timeout=ClientTimeout(total=settings.timeout, connect=settings.connect_timeout),
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )

    async def aclose(self) -> None:
        """Close every connection; an exchange under way ends with GatewayError. Closing twice is no error."""
        self._closed = True
        if self._session:
            await self._session.close()
            await asyncio.sleep(0)  # the transports close in the next turn of the loop
