"""The default gateway, on pyreqwest: one client for threads, one for asyncio, and everything but the waiting shared between them.

1. ``NotSent`` only where it is certain that nothing left: no free connection in time, name look-up, refused or unanswered connect,
   TLS handshake. Every other failure is ``GatewayError``, outcome unknown: time-out, reset, an end within the reply, an unreadable or
   over-long reply, a gateway closed meanwhile.
2. pyreqwest's own classes do not tell the two apart: it says ``ConnectError`` for a refused connect and for a reset after the request
   was read, ``ConnectTimeoutError`` for an unanswered connect and for a reply that never came. One of its causes does, and is what
   we go by; should a later version word it otherwise, the failure counts as outcome unknown.
3. One request, sent once: no retry, no redirect followed, no cookie kept. (A kept-alive connection that proves closed before a byte was
   written is replaced; nothing is sent twice.)
4. Certificates are always verified, against the system's store; ``SSL_CERT_FILE`` names another one. Proxy variables and netrc are
   not read: the credentials go where ``base_url`` says, and nowhere else.
5. A header value outside ASCII is dropped rather than the whole reply.

Not for use across ``fork()``: the client's threads stay behind, so a gateway opened before it refuses in the child, and pyreqwest
refuses to open another one there. Open it after the fork only (in a pre-forking server: in each worker).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar, Unpack

from reservation_core.gateways.base import (
    IDLE_TIMEOUT,
    AsyncClosableGateway,
    BaseGateway,
    ClosableGateway,
)
from reservation_core.gateways.settings import Credentials, GatewayOptions, user_agent
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

try:
    from pyreqwest.bytes import Bytes
    from pyreqwest.client import BaseClientBuilder, ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import PoolTimeoutError, RequestError, RequestTimeoutError
    from pyreqwest.http import HeaderMap
    from pyreqwest.request import BaseRequestBuilder
    from pyreqwest.response import BaseResponse
except ImportError as _missing:
    raise ImportError(
        "this gateway needs pyreqwest: pip install 'reservation-core[http]'"
    ) from _missing

_BEFORE_SENDING: Final = "client error (Connect)"
"""The cause that hyper, beneath pyreqwest, gives to whatever fails before a connection stands, and to nothing else."""

C = TypeVar("C", bound=BaseClientBuilder)
R = TypeVar("R", bound=BaseRequestBuilder)


class _Exchange(BaseGateway):
    """What both gateways are but for waiting: how a client is set up, a request put on the wire, a reply and a failure read."""

    def _equip(self, builder: C) -> C:
        settings = self._settings
        connect = timedelta(seconds=settings.connect_timeout)
        headers = HeaderMap()
        headers.insert("Authorization", settings.credentials.authorization, is_sensitive=True)
        return (
            builder.default_headers(headers)
            .user_agent(user_agent())
            .follow_redirects(False)
            .no_proxy()
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .connect_timeout(connect)
            .pool_timeout(connect)
            .timeout(timedelta(seconds=settings.timeout))
            .max_connections(settings.max_connections)
            .pool_idle_timeout(timedelta(seconds=IDLE_TIMEOUT))
        )

    def _outgoing(self, start: Callable[[str, str], R], request: Request) -> R:
        # The reply is read while the client still waits, up to one byte more than the limit: no second hop between threads.
        builder = start(request.method, self._address(request)).streamed_read_buffer_limit(
            self._enough
        )
        builder = builder.headers(request.headers.pairs)
        if request.method == "GET":
            return builder
        body = request.body
        return builder.header("Content-Length", str(len(body))).body_bytes(
            body
        )  # said also when it is 0, as the official client does

    @property
    def _enough(self) -> int:
        return self._settings.max_reply_bytes + 1

    def _reply(self, response: BaseResponse, body: Bytes | None) -> Reply:
        if body is not None and len(body) == self._enough:
            raise self._overlong(response.status)
        return Reply(
            status=response.status,
            headers=_readable(response.headers),
            body=body.to_bytes() if body is not None else b"",
        )

    def _failure(self, error: RequestError) -> GatewayError:
        causes = [cause["message"] for cause in error.details["causes"] or ()]
        why = (
            causes[-1] if len(causes) > 1 else error.message
        )  # the outermost cause holds the whole address
        late = isinstance(error, RequestTimeoutError)
        if isinstance(error, PoolTimeoutError):
            return self._occupied()
        if _BEFORE_SENDING in causes:
            return self._unconnected(None if late else why)
        return self._late() if late else self._broken(why)


def _readable(headers: HeaderMap) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name in dict.fromkeys(headers):
        try:
            pairs += [(name, value) for value in headers.getall(name)]
        except ValueError:  # not ASCII
            continue
    return pairs


class PyreqwestGateway(_Exchange, ClosableGateway):
    """A gateway for threads: any number may share one, and with it its connections.

    ``PyreqwestGateway()`` takes the credentials from the environment; ``Settings`` lists the options. Ctrl-C is noticed when the
    exchange under way ends, so after ``timeout`` seconds at the latest.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(credentials, **options)
        self._client: Final = self._equip(SyncClientBuilder()).build()

    def send(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        try:
            with self._outgoing(self._client.request, request).build_streamed() as response:
                return self._reply(response, response.body_reader.read(self._enough))
        except RequestError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close every connection; an exchange under way ends with GatewayError. ClosableGateway twice is no error."""
        self._closed = True
        self._client.close()


class AsyncPyreqwestGateway(_Exchange, AsyncClosableGateway):
    """A gateway for asyncio: any number of tasks may share one, and any event loop may use it, also after another one was closed.

    ``AsyncPyreqwestGateway()`` takes the credentials from the environment; ``Settings`` lists the options. Cancelling a task drops
    its exchange (the outcome is then unknown) and nothing else.
    """

    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway; nothing is sent yet, and no event loop is needed. Raises ConfigurationError."""
        super().__init__(credentials, **options)
        self._client: Final = self._equip(ClientBuilder()).build()

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        try:
            async with self._outgoing(self._client.request, request).build_streamed() as response:
                return self._reply(response, await response.body_reader.read(self._enough))
        except RequestError as error:
            raise self._failure(error) from error

    async def aclose(self) -> None:
        """Close every connection; an exchange under way ends with GatewayError. ClosableGateway twice is no error."""
        self._closed = True
        await self._client.close()
