"""Gateways on httpx2, for threads and for asyncio.

1. ``NotSent`` is raised for the errors of httpx2 before a connection is made: ``ConnectError``
   (name lookup, refused connect, TLS handshake) and ``ConnectTimeout``. Every other failure is
   ``GatewayError`` with an unknown outcome.
2. httpx2 limits each wait, but not their sum. These gateways limit the whole exchange to
   ``timeout``. The gateway for threads does it in worker threads
   (:mod:`reservation_core.gateways.workers`).
3. One request is sent once: no retry, no redirect, no cookie.
4. The errors of httpx2 can hold the request with its credentials. They are never chained to ours.
5. Certificates are always verified, against the system's store or the one in ``SSL_CERT_FILE``.
   Proxy variables and netrc are not read.

A gateway for asyncio belongs to the event loop that first uses it. Close it there. Do not use a
gateway across ``fork()``.
"""

import asyncio
import contextlib
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Unpack

from reservation_core._extras import extra
from reservation_core.domain.errors import hides_locals, without_frames
from reservation_core.gateways.base import AsyncioGatewayBase, BaseGateway
from reservation_core.gateways.failures import describe_cause
from reservation_core.gateways.reply_builder import ReplyBuilder
from reservation_core.gateways.settings import ConfigurationError, Credentials, GatewayOptions
from reservation_core.gateways.workers import Result, WorkerGatewayBase
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

with extra("httpx2"):
    import httpx2

    from reservation_core.gateways.httpx2_transport import (
        AsyncTransport,
        DeadlineNetwork,
        Transport,
    )

_ERRORS: Final = (httpx2.TransportError, httpx2.StreamError, OSError, GatewayError)


class _Httpx2Base(BaseGateway):
    def _configure(self, client: httpx2.Client | httpx2.AsyncClient) -> None:
        client.headers = httpx2.Headers(self._default_headers())
        client.cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        timeout, connect_timeout = self._settings.timeout, self._settings.connect_timeout
        client.timeout = httpx2.Timeout(timeout, connect=connect_timeout)

    def _build_request(
        self, client: httpx2.Client | httpx2.AsyncClient, request: Request, url: str
    ) -> httpx2.Request:
        headers = [*request.headers.pairs]
        content = None if request.method == "GET" else request.body
        if content is not None:
            headers.append(("Content-Length", str(len(content))))
        return client.build_request(request.method, url, headers=headers, content=content)

    def _translate(self, error: Exception) -> GatewayError:
        if isinstance(error, GatewayError):
            return without_frames(error)
        if isinstance(error, httpx2.ConnectTimeout):
            return self._errors.connect_timed_out(self._settings.connect_timeout)
        if isinstance(error, httpx2.ConnectError):
            return self._errors.connect_failed(describe_cause(error))
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            return self._errors.exchange_timed_out()
        return self._errors.exchange_failed(describe_cause(error))


class Httpx2Gateway(_Httpx2Base, WorkerGatewayBase):
    """A gateway for threads. Any number of threads may share one, and with it its connections.

    ``Httpx2Gateway()`` takes the credentials from the environment. ``GatewaySettings`` lists the
    options.
    """

    @hides_locals(ConfigurationError)
    def __init__(
        self, credentials: Credentials | None = None, **options: Unpack[GatewayOptions]
    ) -> None:
        """Open the gateway without sending anything.

        :raises ConfigurationError: if the gateway cannot work with these settings.
        """
        super().__init__(credentials, **options)
        self._network: Final = DeadlineNetwork()
        transport = Transport(self._ssl_context(), self._network)
        self._client: Final = httpx2.Client(transport=transport, trust_env=False)
        self._configure(self._client)

    def _exchange(self, request: Request, url: str, deadline: float) -> Result:
        self._network.start_exchange(deadline)
        outgoing = self._build_request(self._client, request, url)
        try:
            with contextlib.closing(self._client.send(outgoing, stream=True)) as response:
                builder = ReplyBuilder(response.status_code, response.headers.raw, self._errors)
                for piece in response.iter_raw():
                    builder.add(piece)
                return builder.finish()
        except _ERRORS as error:
            return self._translate(error)

    def close(self) -> None:
        """Close every connection.

        An exchange under way ends with GatewayError. Closing twice is allowed.
        """
        super().close()
        if self._owns_connections:
            self._client.close()


class AsyncHttpx2Gateway(_Httpx2Base, AsyncioGatewayBase):
    """A gateway for asyncio. Any number of asyncio tasks may share one, in one event loop.

    ``AsyncHttpx2Gateway()`` takes the credentials from the environment. ``GatewaySettings`` lists
    the options. Cancelling an asyncio task drops its exchange, whose outcome is then unknown.
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
        transport = AsyncTransport(self._ssl_context())
        self._client: Final = httpx2.AsyncClient(transport=transport, trust_env=False)
        self._configure(self._client)

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        self._check_event_loop()
        try:
            async with asyncio.timeout(self._settings.timeout), self._slot():
                return await self._exchange(request)
        except _ERRORS as error:
            failure = self._translate(error)
        raise failure  # outside the except clause, so that httpx2's error is not its context

    async def _exchange(self, request: Request) -> Reply:
        outgoing = self._build_request(self._client, request, self._url(request))
        async with contextlib.aclosing(await self._client.send(outgoing, stream=True)) as response:
            builder = ReplyBuilder(response.status_code, response.headers.raw, self._errors)
            async for piece in response.aiter_raw():
                builder.add(piece)
            return builder.finish()

    async def aclose(self) -> None:
        """Close every connection.

        An exchange under way ends with GatewayError. Closing twice is allowed.
        """
        await super().aclose()
        if self._owns_connections:
            await self._client.aclose()
