"""Gateways on a ``twilio`` client that the service has configured.

The client's session, proxies and user agent are used. Closing the gateway does not close the
client. Beyond that:

1. A request is sent once, by the client's own ``http_client``. A client that repeats requests by
   itself is refused: it would repeat an update after a 5xx. Redirects are not followed.
2. ``NotSent`` is raised if no connection slot becomes free in time. For threads (``requests``) also
   for a failed name lookup, a refused or unanswered connect and an untrusted certificate. Other
   TLS failures cannot be told apart from a failure after sending. For asyncio (aiohttp) also for
   any failed connect or TLS handshake. Every other failure is ``GatewayError`` with an unknown
   outcome. So is each of these of an ``http_client`` of the service's own, unless it was seen to be
   that of its only request.
3. ``timeout`` limits the whole exchange. For threads, the client works in a worker thread
   (:mod:`reservation_core.gateways.workers`), and the caller is released in time. A client on a
   session of ``requests`` gets connections of its own that end then too
   (:mod:`reservation_core.gateways.requests_connections`). With any other client for threads,
   ``pool_connections=False`` included, the thread and its place are taken until the client ends.
   No timeout is for connecting alone: ``connect_timeout`` limits the wait for a slot while
   ``max_connections`` requests are under way through this gateway.
4. With ``TwilioHttpClient`` and ``ValidationClient``, a reply is read and decompressed here, so
   ``max_reply_bytes`` is enforced while it arrives. On a session of aiohttp it is enforced on the
   text while aiohttp decompresses it (:mod:`reservation_core.gateways.aiohttp_connections`). Any
   other ``http_client`` returns text that it has read completely. Then the limit is checked
   afterwards. The body is that text in UTF-8, the encoding of JSON. (aiohttp reads truncated gzip
   as far as it can. The result is not JSON.)
5. Requests go to ``client.taskrouter.base_url``, with the client's edge and region in the host. A
   client with an edge or region and a host outside twilio.com is refused.
6. An ``http_client`` of the service's own is called as the ``twilio`` package calls it. Its
   response may lack headers, as the package's own class does by default: then no ETag is known.
   Whatever else it returns or raises is a ``GatewayError`` with an unknown outcome
   (:mod:`reservation_core.gateways.given_clients`).
7. A connection of ``requests`` or aiohttp on which bytes arrive unasked is not used again.

Tested with twilio 9.10.1 and 9.13.0, and aiohttp-retry 2.9.1. Do not use a gateway across
``fork()``. A gateway for asyncio belongs to the event loop of its client.
"""

import asyncio
import inspect
from typing import Any, ClassVar, Final, TypedDict, Unpack, cast
from urllib.parse import urlsplit

from reservation_core._extras import extra
from reservation_core.domain.errors import hides_locals, without_frames
from reservation_core.gateways.base import AsyncioGatewayBase, BaseGateway
from reservation_core.gateways.settings import ConfigurationError, Credentials
from reservation_core.gateways.workers import Result, WorkerGatewayBase
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request

with extra("twilio"):
    from aiohttp_retry import RetryClient
    from requests import Session
    from requests.adapters import HTTPAdapter
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.http.validation_client import ValidationClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

    from reservation_core.gateways.aiohttp import encoded_url
    from reservation_core.gateways.aiohttp_connections import (
        BoundedExchange,
        bounded_replies,
        guard_session,
    )
    from reservation_core.gateways.given_clients import (
        find_session,
        is_async_client,
        read_headers,
        read_response,
        translate_client_error,
    )
    from reservation_core.gateways.requests_connections import (
        TimedExchange,
        ending_at,
        use_own_connections,
    )
    from reservation_core.gateways.requests_support import ReplyReadingAuth

_OFFICIAL_CLIENTS: Final = (TwilioHttpClient, ValidationClient, AsyncTwilioHttpClient)


class TwilioOptions(TypedDict, total=False):
    """Keyword arguments of a gateway on a client, as ``GatewaySettings`` describes them."""

    connect_timeout: float
    max_connections: int
    timeout: float
    max_reply_bytes: int
    allow_plain_http: bool


class _TwilioBase(BaseGateway):
    _is_async: ClassVar[bool]

    @hides_locals(ConfigurationError)
    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap a client without sending anything.

        :param client: a ``twilio.rest.Client`` with a username and password. Its ``http_client``
            may be one of the service's own. Without an attribute ``is_async`` it is for threads,
            unless its ``request`` is a coroutine function.
        :param options: see :class:`~reservation_core.gateways.settings.GatewaySettings`.
        :raises ConfigurationError: if the gateway cannot work with this client.
        """
        if not isinstance(client, Client):
            raise ConfigurationError("the client must be a twilio.rest.Client")
        self._client: Final[Any] = cast("Any", client)
        base_url = _base_url(self._client)
        if self._client.credential_provider:
            raise ConfigurationError(
                "the client has a credential provider, which has no time limit. Build the client "
                "with a username and password"
            )
        if is_async_client(self._client.http_client) is not self._is_async:
            kind = "an async" if self._is_async else "a blocking"
            raise ConfigurationError(f"this gateway needs {kind} http_client")
        super().__init__(
            Credentials(self._client.username, self._client.password), base_url=base_url, **options
        )
        session = find_session(self._client.http_client)
        if _repeats_requests(session, base_url):
            raise ConfigurationError(
                "the client repeats requests, updates included. Build it without max_retries"
            )
        if getattr(session, "verify", True) is False:
            raise ConfigurationError(
                "the client's session does not verify certificates. Do not set its verify to False"
            )

    def _request_options(self, request: Request) -> dict[str, Any]:
        """Return the keyword arguments of the client's ``request`` method."""
        return {
            "params": None,
            "data": self._encode_form(request),
            "headers": self._client.get_headers(request.method, dict(request.headers.pairs)),
            "auth": (self._settings.credentials.username, self._settings.credentials.password),
            "timeout": self._settings.timeout,
            "allow_redirects": False,
        }

    def _encode_form(self, request: Request) -> bytes | dict[str, str | list[str]] | None:
        """Return the form as the client takes it.

        The clients of the ``twilio`` package take bytes. Any other may want the mapping that the
        package would give it.
        """
        if request.method == "GET":
            return None
        if isinstance(self._client.http_client, _OFFICIAL_CLIENTS):
            return request.body
        values: dict[str, list[str]] = {}
        for name, value in request.form:
            values.setdefault(name, []).append(value)
        return {name: each if len(each) > 1 else each[0] for name, each in values.items()}

    def _translate(self, error: BaseException, *, is_only_request: bool) -> GatewayError:
        """Return the gateway error for an error of the client.

        :param is_only_request: True if it was seen to be that of the only request. The clients of
            the ``twilio`` package make one.
        """
        is_only_request = is_only_request or type(self._client.http_client) in _OFFICIAL_CLIENTS
        return translate_client_error(error, self._errors, is_only_request=is_only_request)


def _repeats_requests(session: object, url: str) -> bool:
    if isinstance(session, Session):
        adapter = session.get_adapter(url)
        return isinstance(adapter, HTTPAdapter) and bool(adapter.max_retries.total)
    return isinstance(session, RetryClient)


def _base_url(client: Any) -> str:
    given: str = client.taskrouter.base_url
    rewritten: str = client.get_hostname(given)
    if rewritten != given and not (urlsplit(given).hostname or "").endswith(".twilio.com"):
        raise ConfigurationError(
            "the client's edge or region works only with hosts of twilio.com. Build the client "
            "without them"
        )
    return rewritten


class TwilioGateway(_TwilioBase, WorkerGatewayBase):
    """A gateway for threads on ``twilio.rest.Client(...)``.

    Any number of threads may share one, as they may share the client. Closing the gateway leaves
    the client open: it belongs to the service.
    """

    _is_async = False

    def _exchange(self, request: Request, url: str, deadline: float) -> Result:
        http_client: Any = self._client.http_client
        options = self._request_options(request)
        use_own_connections(find_session(http_client), self.origin, self._settings.max_connections)
        auth = ReplyReadingAuth(self._errors, deadline)
        options["auth"] = auth
        exchange = TimedExchange(deadline)
        try:
            with ending_at(exchange):
                response = http_client.request(request.method, url, **options)
            return self._read(response, auth.reply)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - any object's error
            # It may fail after the hook has read the reply: requests parses the redirects in it.
            is_only_request = exchange.sends == 1 and exchange.failure is error
            return auth.reply or self._translate(error, is_only_request=is_only_request)

    def _read(self, response: object, received: Reply | None) -> Reply:
        """Return the reply of a response.

        :param received: the reply as ``requests`` received it. The client of the documented recipe
            for a proxy drops its headers.
        """
        if isinstance(self._client.http_client, TwilioHttpClient | ValidationClient) and received:
            return received
        reply = read_response(response, self._errors)
        is_bare = not reply.headers and received is not None and received.status == reply.status
        return received if received is not None and is_bare else reply


class AsyncTwilioGateway(_TwilioBase, AsyncioGatewayBase):
    """A gateway for asyncio on a ``twilio.rest.Client`` with an ``AsyncTwilioHttpClient``.

    Use it in the event loop of that client. Closing the gateway leaves the client open: it belongs
    to the service.
    """

    _is_async = True

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        self._check_event_loop()
        url = self._url(request)
        if getattr(find_session(self._client.http_client), "closed", None) is True:
            raise NotSent("the client is closed: open a new one")
        async with self._slot():
            result = await self._exchange(request, url)
        if isinstance(result, GatewayError):
            raise without_frames(result)  # here, so that the client's error is not its context
        return result

    async def _exchange(self, request: Request, url: str) -> Reply | GatewayError:
        http_client: Any = self._client.http_client
        is_official = isinstance(self._client.http_client, AsyncTwilioHttpClient)
        guard_session(find_session(http_client))
        exchange = BoundedExchange(self._errors)
        try:
            with bounded_replies(exchange):
                async with asyncio.timeout(self._settings.timeout):
                    response = await _await_response(
                        http_client.request(
                            request.method,
                            encoded_url(url) if is_official else url,
                            **self._request_options(request),
                        )
                    )
            return self._read(response, exchange)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
                raise  # it is the caller's task that is cancelled
            is_only_request = exchange.connects == 1 and exchange.failure is error
            return self._translate(error, is_only_request=is_only_request)

    def _request_options(self, request: Request) -> dict[str, Any]:
        options = super()._request_options(request)
        if isinstance(self._client.http_client, AsyncTwilioHttpClient):
            # As a header, because aiohttp deprecates the way the client would authenticate.
            options["headers"]["Authorization"] = self._settings.credentials.authorization
            options["auth"] = None
        return options

    def _read(self, response: object, exchange: BoundedExchange) -> Reply:
        """Return the reply of a response.

        :param exchange: has the heads of the replies as ``aiohttp`` received them. A client like
            that of the documented recipe for a proxy drops them.
        """
        reply = read_response(response, self._errors)
        status, headers = exchange.heads[-1] if exchange.heads else (0, [])
        is_bare = not reply.headers and status == reply.status
        return Reply(reply.status, read_headers(headers), reply.body) if is_bare else reply


async def _await_response(response: object) -> object:
    """Return the response, also of a client that need not be awaited."""
    return await response if inspect.isawaitable(response) else response
