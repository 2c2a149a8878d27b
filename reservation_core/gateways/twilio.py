"""Gateways on a ``twilio`` client that the service has configured.

The client's session, proxies and user agent are used. Closing the gateway does not close the
client. Beyond that:

1. A request is sent once, by the client's own ``http_client``. A client that repeats requests by
   itself is refused: it would repeat an update after a 5xx. Redirects are not followed.
2. ``NotSent`` is raised if no connection slot becomes free in time. For threads (``requests``) also
   for a failed name lookup, a refused or unanswered connect and an untrusted certificate. Other
   TLS failures cannot be told apart from a failure after sending. For asyncio (aiohttp) also for
   any failed connect or TLS handshake. Every other failure is ``GatewayError`` with an unknown
   outcome.
3. ``timeout`` is passed with each call. For asyncio it limits the whole exchange. For threads it
   limits each wait (to connect, and for each piece of the head), and then the body as a whole,
   except for the last wait. No timeout is for connecting alone: ``connect_timeout`` limits the
   wait for a slot while ``max_connections`` requests are under way through this gateway.
4. For threads, a reply is read and decompressed here, so ``max_reply_bytes`` is enforced while it
   arrives. An ``http_client`` that is not based on requests, and every one for asyncio, returns
   text that it has read completely. Then the limit is checked afterwards, and the body is that text
   in UTF-8, the encoding of JSON. (aiohttp reads truncated gzip as far as it can. The result is not
   JSON.)
5. Requests go to ``client.taskrouter.base_url``, with the client's edge and region in the host. A
   client with an edge or region and a host outside twilio.com is refused.

Tested with twilio 9.13.0 and aiohttp-retry 2.9.1. Do not use a gateway across ``fork()``. A gateway
for asyncio belongs to the event loop of its client.
"""

from typing import Any, ClassVar, Final, TypedDict, Unpack, cast
from urllib.parse import urlsplit

from reservation_core.gateways.aiohttp import (
    AIOHTTP_ERRORS,
    encoded_url,
    translate_aiohttp_error,
)
from reservation_core.gateways.base import AsyncioGatewayBase, BaseGateway, ThreadGatewayBase
from reservation_core.gateways.settings import ConfigurationError, Credentials
from reservation_core.rest.errors import NotSent
from reservation_core.rest.messages import Reply, Request

try:
    from aiohttp_retry import RetryClient
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.exceptions import RequestException
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]
    from urllib3.exceptions import HTTPError

    from reservation_core.gateways.requests_support import (
        ReplyReadingAuth,
        translate_requests_error,
    )
except ImportError as _missing:
    raise ImportError(
        "this gateway needs twilio: pip install 'reservation-core[twilio]'"
    ) from _missing

_BODILESS: Final = frozenset((204, 304))


class TwilioOptions(TypedDict, total=False):
    """Keyword arguments of a gateway on a client, as ``GatewaySettings`` describes them."""

    connect_timeout: float
    max_connections: int
    timeout: float
    max_reply_bytes: int
    allow_plain_http: bool


class _TwilioBase(BaseGateway):
    _is_async: ClassVar[bool]

    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap a client without sending anything.

        :param client: a ``twilio.rest.Client`` with a username and password.
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
        if bool(self._client.http_client.is_async) is not self._is_async:
            kind = "an async" if self._is_async else "a blocking"
            raise ConfigurationError(f"this gateway needs {kind} http_client")
        super().__init__(
            Credentials(self._client.username, self._client.password), base_url=base_url, **options
        )
        session: Any = getattr(self._client.http_client, "session", None)
        if _repeats_requests(session, base_url):
            raise ConfigurationError(
                "the client repeats requests, updates included. Build it without max_retries"
            )
        if getattr(session, "verify", True) is False:
            raise ConfigurationError(
                "the client's session does not verify certificates. Do not set its verify to False"
            )

    def _request_options(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "url": self._url(request),
            "data": None if request.method == "GET" else request.body,
            "headers": self._client.get_headers(request.method, dict(request.headers.pairs)),
            "timeout": self._settings.timeout,
            "allow_redirects": False,
        }

    def _convert_response(self, response: Any) -> Reply:
        """Convert a response that the client has read completely."""
        body: bytes = response.text.encode()
        if len(body) > self._settings.max_reply_bytes:
            raise self._errors.reply_too_long(response.status_code)
        headers = [pair for pair in response.headers.items() if "".join(pair).isascii()]
        return self._check_framing(Reply(response.status_code, headers, body))

    def _check_framing(self, reply: Reply) -> Reply:
        """Refuse a truncated head, which ``http.client`` reads as an empty reply."""
        has_frame = "Content-Length" in reply.headers or "Transfer-Encoding" in reply.headers
        if not (reply.body or reply.status in _BODILESS or has_frame):
            raise self._errors.exchange_failed("the reply ended within its head")
        return reply


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


class TwilioGateway(_TwilioBase, ThreadGatewayBase):
    """A gateway for threads on ``twilio.rest.Client(...)``.

    Any number of threads may share one, as they may share the client. Closing the gateway leaves
    the client open: it belongs to the service.
    """

    _is_async = False

    def send(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        try:
            with self._slot():
                return self._exchange(request)
        except (RequestException, HTTPError, OSError) as error:
            raise translate_requests_error(error, self._errors) from error

    def _exchange(self, request: Request) -> Reply:
        options, credentials = self._request_options(request), self._settings.credentials
        http_client: Any = self._client.http_client
        if not isinstance(self._client.http_client, TwilioHttpClient):
            pair = (credentials.username, credentials.password)
            return self._convert_response(http_client.request(auth=pair, **options))
        auth = ReplyReadingAuth(self._errors)
        try:
            response = http_client.request(auth=auth, **options)
        except ValueError:  # such as an invalid redirect, which requests parses after our hook
            if auth.reply is None:
                raise
        else:
            if auth.reply is None:  # this version or client does not run the hook
                return self._convert_response(response)
        return self._check_framing(auth.reply)


class AsyncTwilioGateway(_TwilioBase, AsyncioGatewayBase):
    """A gateway for asyncio on a ``twilio.rest.Client`` with an ``AsyncTwilioHttpClient``.

    Use it in the event loop of that client. Closing the gateway leaves the client open: it belongs
    to the service.
    """

    _is_async = True

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and return the reply. Raises NotSent, GatewayError."""
        self._check_event_loop()
        try:
            async with self._slot():
                return await self._exchange(request)
        except (*AIOHTTP_ERRORS, UnicodeError, LookupError) as error:
            failure = translate_aiohttp_error(error, self._errors)
        raise failure  # outside the except clause, so that aiohttp's error is not its context

    async def _exchange(self, request: Request) -> Reply:
        options, http_client = self._request_options(request), self._client.http_client
        if getattr(getattr(http_client, "session", None), "closed", False):
            raise NotSent("the client is closed: open a new one")
        if isinstance(http_client, AsyncTwilioHttpClient):
            options["url"] = encoded_url(options["url"])
        # As a header, because aiohttp deprecates the way the client would authenticate.
        options["headers"]["Authorization"] = self._settings.credentials.authorization
        return self._convert_response(await http_client.request(**options))
