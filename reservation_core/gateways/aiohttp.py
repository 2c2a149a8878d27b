"""A gateway on aiohttp, for asyncio.

1. ``NotSent`` is raised for the errors of aiohttp before a connection is made:
   ``ClientConnectorError`` (name lookup, refused connect, TLS handshake) and
   ``ConnectionTimeoutError`` (no connection made, or none free, in time). Every other failure is
   ``GatewayError`` with an unknown outcome.
2. One request is sent once: no redirect, no cookie, no repeated POST. (aiohttp itself repeats a
   GET, once, when a kept-alive connection was closed.)
3. Certificates are always verified, against the system's store or the one in ``SSL_CERT_FILE``.
   Proxy variables and netrc are not read.
4. aiohttp's errors can hold the request with its credentials. They are never chained to ours.

A gateway belongs to the event loop that first uses it. Close it there. Do not use a gateway across
``fork()``.
"""

import asyncio
from typing import Final

from reservation_core._extras import extra
from reservation_core.domain.errors import without_frames
from reservation_core.gateways.base import IDLE_TIMEOUT, AsyncioGatewayBase
from reservation_core.gateways.failures import ErrorFactory, describe_cause
from reservation_core.gateways.reply_builder import ReplyBuilder
from reservation_core.rest.errors import GatewayError
from reservation_core.rest.messages import Reply, Request

with extra("aiohttp"):
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

    from reservation_core.gateways.aiohttp_connections import UnaskedReplyError, guard_connector

AIOHTTP_ERRORS: Final = (ClientError, TimeoutError, OSError)
"""The errors with which an exchange of aiohttp can fail."""


def encoded_url(url: str) -> URL:
    """Return a URL that aiohttp sends unchanged, without quoting it again."""
    return URL(url, encoded=True)


def translate_aiohttp_error(error: Exception, errors: ErrorFactory) -> GatewayError:
    """Return the gateway error for an error of aiohttp."""
    if isinstance(error, UnaskedReplyError):
        return errors.connect_failed("the server did not wait for the request")
    if isinstance(error, ClientConnectorError):
        return errors.connect_failed(describe_cause(error))
    if isinstance(error, ConnectionTimeoutError):
        return errors.connect_timed_out(errors.settings.connect_timeout)
    if isinstance(error, TimeoutError):
        return errors.exchange_timed_out()
    return errors.exchange_failed(describe_cause(error))


class AiohttpGateway(AsyncioGatewayBase):
    """A gateway for asyncio. Any number of asyncio tasks may share one, in one event loop.

    ``AiohttpGateway()`` takes the credentials from the environment. ``GatewaySettings`` lists the
    options. Cancelling an asyncio task drops its exchange, whose outcome is then unknown.
    """

    _session: ClientSession | None = None

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        self._check_event_loop()
        try:
            async with asyncio.timeout(self._settings.timeout), self._slot():
                return await self._exchange(request)
        except AIOHTTP_ERRORS as error:
            failure = translate_aiohttp_error(error, self._errors)
        except GatewayError as error:
            failure = without_frames(error)
        except asyncio.CancelledError:
            # When a session is closed, aiohttp cancels its requests that wait for a name lookup.
            task = asyncio.current_task()
            if not self._closed or task is None or task.cancelling():
                raise
            failure = self._errors.connect_failed("the gateway was closed")
        raise failure  # outside the except clauses, so that aiohttp's error is not its context

    async def _exchange(self, request: Request) -> Reply:
        url = encoded_url(self._url(request))
        self._session = session = self._session or self._open_session()
        async with session.request(
            request.method,
            url,
            data=None if request.method == "GET" else request.body,
            headers=request.headers.pairs,
            allow_redirects=False,
        ) as response:
            reply = ReplyBuilder(response.status, response.raw_headers, self._errors)
            async for piece in response.content.iter_any():
                reply.add(piece)
            return reply.finish()

    def _open_session(self) -> ClientSession:
        # aiohttp binds the session to the running event loop. The slots bound its connections.
        connector = TCPConnector(limit=0, ssl=self._ssl_context(), keepalive_timeout=IDLE_TIMEOUT)
        guard_connector(connector)
        return ClientSession(
            connector=connector,
            headers=self._default_headers(),
            timeout=ClientTimeout(total=None, connect=self._settings.connect_timeout),
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,  # replies are decompressed while they arrive, within the limit
        )

    async def aclose(self) -> None:
        """Close every connection.

        An exchange under way ends with GatewayError. Closing twice is allowed.
        """
        await super().aclose()
        if self._session and self._owns_connections:
            await self._session.close()
            await asyncio.sleep(0)  # the transports close in the next turn of the loop
