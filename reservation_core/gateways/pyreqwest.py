"""The default gateways, on pyreqwest.

1. ``NotSent`` is raised only for failures before anything is sent: no free connection in time,
   name lookup, refused or unanswered connect, TLS handshake. Every other failure is
   ``GatewayError`` with an unknown outcome: timeout, reset, truncated, unreadable or oversized
   reply, or a gateway that is closed meanwhile.
2. One request is sent once: no retry, no redirect, no cookie. A kept-alive connection that was
   closed before a byte was written is replaced, and nothing is sent twice.
3. Certificates are always verified, against the system's store or the one in ``SSL_CERT_FILE``.
   Proxy variables and netrc are not read: the credentials go to ``base_url`` and nowhere else.
4. A reply header outside ASCII is dropped. The rest of the reply is kept.

Do not use a gateway across ``fork()``: the client's threads do not exist in the child. A gateway
that was opened before the fork raises ``NotSent`` there, and pyreqwest cannot open another one.
Open the first gateway after the fork (in a pre-forking server: in each worker).
"""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar, Unpack

from reservation_core._extras import extra
from reservation_core.domain.errors import hides_locals, without_frames
from reservation_core.gateways.base import (
    IDLE_TIMEOUT,
    AsyncioGatewayBase,
    BaseGateway,
    ThreadGatewayBase,
)
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewayOptions,
    user_agent,
)
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Headers, Reply, Request

with extra("http"):
    from pyreqwest.bytes import Bytes
    from pyreqwest.client import BaseClientBuilder, ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import PoolTimeoutError, RequestError, RequestTimeoutError
    from pyreqwest.http import HeaderMap
    from pyreqwest.request import BaseRequestBuilder
    from pyreqwest.response import BaseResponse

_CONNECT_FAILED: Final = "client error (Connect)"
"""The cause that hyper, below pyreqwest, names for every failure before a connection is made.

pyreqwest's own classes do not show if a request was sent. ``ConnectError`` is a refused connect, or
a reset after the request was read. ``ConnectTimeoutError`` is an unanswered connect, or a reply
that never arrived. Tested with pyreqwest 0.15.1. With a version that words the cause differently,
such a failure counts as an unknown outcome.
"""

_ClientBuilderT = TypeVar("_ClientBuilderT", bound=BaseClientBuilder)
_RequestBuilderT = TypeVar("_RequestBuilderT", bound=BaseRequestBuilder)


class _PyreqwestBase(BaseGateway):
    def _configure(self, builder: _ClientBuilderT) -> _ClientBuilderT:
        settings = self._settings
        connect_timeout = timedelta(seconds=settings.connect_timeout)
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
            .connect_timeout(connect_timeout)
            .pool_timeout(connect_timeout)
            .timeout(timedelta(seconds=settings.timeout))
            .max_connections(settings.max_connections)
            .pool_idle_timeout(timedelta(seconds=IDLE_TIMEOUT))
        )

    def _build_request(
        self, start: Callable[[str, str], _RequestBuilderT], request: Request
    ) -> _RequestBuilderT:
        # Up to this limit, the client reads the body before it hands over the response: the
        # thread that waits is woken once, not twice.
        builder = (
            start(request.method, self._url(request))
            .streamed_read_buffer_limit(self._read_limit)
            .headers(request.headers.pairs)
        )
        if request.method == "GET":
            return builder
        body = request.body  # its length is sent even when it is 0, as the official client does
        return builder.header("Content-Length", str(len(body))).body_bytes(body)

    @property
    def _read_limit(self) -> int:
        return self._settings.max_reply_bytes + 1  # one more, to see that it is too long

    def _read_reply(self, response: BaseResponse, body: Bytes | None) -> Reply:
        if body is not None and len(body) == self._read_limit:
            raise self._errors.reply_too_long(response.status)
        return Reply(
            response.status, _ascii_headers(response.headers), body.to_bytes() if body else b""
        )

    def _translate(self, error: RequestError | GatewayError) -> GatewayError:
        if isinstance(error, GatewayError):
            return without_frames(error)
        errors = self._errors
        causes = [cause["message"] for cause in error.details["causes"] or ()]
        # Only the innermost cause is shown: the outermost one holds the whole URL.
        reason = causes[-1] if len(causes) > 1 else error.message
        is_timeout = isinstance(error, RequestTimeoutError)
        if isinstance(error, PoolTimeoutError):
            return errors.no_free_connection()
        if _CONNECT_FAILED not in causes:
            return errors.exchange_timed_out() if is_timeout else errors.exchange_failed(reason)
        if is_timeout:
            return errors.connect_timed_out(self._settings.connect_timeout)
        return errors.connect_failed(reason)


def _ascii_headers(headers: HeaderMap) -> Headers:
    try:
        return Headers(tuple(headers.items()))
    except ValueError:  # a value is not ASCII: keep the others
        names = dict.fromkeys(headers)
    pairs: list[tuple[str, str]] = []
    for name in names:
        with contextlib.suppress(ValueError):
            pairs += [(name, value) for value in headers.getall(name)]
    return Headers(tuple(pairs))


class PyreqwestGateway(_PyreqwestBase, ThreadGatewayBase):
    """A gateway for threads. Any number of threads may share one, and with it its connections.

    ``PyreqwestGateway()`` takes the credentials from the environment. ``GatewaySettings`` lists the
    options. Ctrl-C takes effect when the exchange under way ends: after ``timeout`` seconds at the
    latest.
    """

    @hides_locals(ConfigurationError)
    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway without sending anything.

        :raises ConfigurationError: if the gateway cannot work with these settings.
        """
        super().__init__(credentials, **options)
        self._client: Final = self._configure(SyncClientBuilder()).build()

    def send(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        try:
            with self._build_request(self._client.request, request).build_streamed() as response:
                return self._read_reply(response, response.body_reader.read(self._read_limit))
        except (RequestError, GatewayError) as error:
            failure = self._translate(error)
        raise failure  # outside the except clause, so that pyreqwest's error is not its context

    def close(self) -> None:
        """Close every connection.

        An exchange under way ends with GatewayError. Closing twice is allowed.
        """
        super().close()
        if self._owns_connections:
            self._client.close()


class AsyncPyreqwestGateway(_PyreqwestBase, AsyncioGatewayBase):
    """A gateway for asyncio. Any number of asyncio tasks may share one.

    Any event loop may use it, also after another one was closed.
    ``AsyncPyreqwestGateway()`` takes the credentials from the environment. ``GatewaySettings``
    lists the options. Cancelling an asyncio task drops its exchange, whose outcome is then unknown.
    """

    @hides_locals(ConfigurationError)
    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway without sending anything.

        It needs no running event loop.

        :raises ConfigurationError: if the gateway cannot work with these settings.
        """
        super().__init__(credentials, **options)
        self._client: Final = self._configure(ClientBuilder()).build()

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        try:
            async with self._build_request(
                self._client.request, request
            ).build_streamed() as response:
                return self._read_reply(response, await response.body_reader.read(self._read_limit))
        except (RequestError, GatewayError) as error:
            failure = self._translate(error)
        raise failure  # outside the except clause, so that pyreqwest's error is not its context

    async def aclose(self) -> None:
        """Close every connection.

        An exchange under way ends with GatewayError. Closing twice is allowed.
        """
        await super().aclose()
        if self._owns_connections:
            await self._client.close()
