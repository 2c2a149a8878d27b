"""Gateways on a ``twilio`` client that the service already configured, one for threads and one for asyncio.

What is the client's stays the client's: its session with whatever proxies and cookies it has, its user agent, its closing. Beyond that:

1. The request is sent by the client's own ``http_client``, once: a client that repeats requests by itself is refused, for it would
   repeat an update after a 5xx. Redirects are not followed.
2. ``NotSent`` for threads (``requests``): name look-up, refused or unanswered connect, a certificate that does not hold. What else
   breaks a TLS handshake cannot be told from a break later on. For asyncio (aiohttp): any connect or handshake that fails. Every other
   failure is ``GatewayError``, outcome unknown.
3. ``timeout`` is passed with each call. For threads it bounds each wait (to connect, and for each piece of the reply); for asyncio
   the whole exchange, connecting included. There is no time-out for connecting alone.
4. The client reads a reply whole before anyone sees it, so ``max_reply_bytes`` is checked afterwards; and it hands it out as text, so
   the body is that text in UTF-8, which JSON is to begin with. (Half a gzip, and for threads a length that is no number, it reads as far
   as it can; what comes of it is no JSON.)
5. The requests go where ``client.taskrouter.base_url`` says, through the client's edge and region if it has any; these only fit
   hosts of twilio.com, and are refused with any other.

Not for use across ``fork()``; a gateway for asyncio belongs to the event loop of its client.
"""

import ssl
from collections.abc import Mapping
from typing import Any, Final, TypedDict, Unpack, cast
from urllib.parse import urlsplit

from reservation_core.errors import GatewayError, NotSent
from reservation_core.gateways.aiohttp import FAILURES, AiohttpFailures
from reservation_core.gateways.base import AsyncClosing, Closing, Exchange, cause
from reservation_core.gateways.settings import ConfigurationError, Credentials
from reservation_core.messages import Reply, Request

try:
    from aiohttp_retry import RetryClient
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ConnectTimeout, RequestException, Timeout
    from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]
    from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
except ImportError as _missing:
    raise ImportError("this gateway needs twilio: pip install 'reservation-core[twilio]'") from _missing


_BODILESS: Final = frozenset((204, 304))
_LENGTHS: Final = frozenset(("content-length", "transfer-encoding"))


class TwilioOptions(TypedDict, total=False):
    """The settings that are not the client's; ``Settings`` has their meaning and their defaults."""

    timeout: float
    max_reply_bytes: int
    allow_plain_http: bool


class _Exchange(Exchange):
    """What both gateways are but for waiting."""

    def __init__(self, client: object, *, asynchronous: bool, **options: Unpack[TwilioOptions]) -> None:
        if not isinstance(client, Client):
            raise ConfigurationError("the client is no twilio.rest.Client; give the one that the service has configured")
        self._client: Final[Any] = cast("Any", client)
        base_url = _base_url(self._client)
        if self._client.credential_provider:
            raise ConfigurationError("the client asks a credential provider, with no bound on its time; give it a username and password")
        if bool(self._client.http_client.is_async) is not asynchronous:
            raise ConfigurationError("the client's http_client is of the other kind; TwilioGateway waits, AsyncTwilioGateway awaits")
        super().__init__(Credentials(self._client.username, self._client.password), base_url=base_url, **options)
        session: Any = getattr(self._client.http_client, "session", None)
        if isinstance(session, RetryClient) or (isinstance(session, Session) and _repeats(session, base_url)):
            raise ConfigurationError("the client repeats requests by itself, updates too; build its http_client without max_retries")
        if getattr(session, "verify", True) is False:
            raise ConfigurationError("the client's session does not verify certificates; leave its verify as it was")

    def _outgoing(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "url": self._address(request),
            "data": None if request.method == "GET" else request.body,
            "headers": self._client.get_headers(request.method, dict(request.headers.pairs)),
            "timeout": self._settings.timeout,
            "allow_redirects": False,
        }

    def _reply(self, response: Any) -> Reply:
        headers: Mapping[str, str] = response.headers
        body: bytes = response.text.encode()
        if not body and response.status_code not in _BODILESS and not _LENGTHS & {name.lower() for name in headers}:
            raise self._broken("the reply ends within its head")  # which http.client takes for an empty reply
        if len(body) > self._settings.max_reply_bytes:
            raise self._overlong(response.status_code)
        return Reply(response.status_code, [pair for pair in headers.items() if "".join(pair).isascii()], body)


def _repeats(session: Session, url: str) -> bool:
    adapter = session.get_adapter(url)
    return isinstance(adapter, HTTPAdapter) and bool(adapter.max_retries.total)


def _base_url(client: Any) -> str:
    given: str = client.taskrouter.base_url
    rewritten: str = client.get_hostname(given)
    if rewritten != given and not (urlsplit(given).hostname or "").endswith(".twilio.com"):
        raise ConfigurationError("the client's edge or region only fits hosts of twilio.com; leave it out, or the base_url")
    return rewritten


class TwilioGateway(_Exchange, Closing):
    """A gateway for threads, on ``twilio.rest.Client(...)``; any number may share one, as they may share the client."""

    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap the client; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(client, asynchronous=False, **options)

    def send(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        outgoing = self._outgoing(request)
        credentials = self._settings.credentials
        try:
            return self._reply(self._client.http_client.request(auth=(credentials.username, credentials.password), **outgoing))
        except (RequestException, HTTPError, OSError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> GatewayError:
        beneath = error.args[0] if error.args else None
        reason = getattr(beneath, "reason", None)
        refused = isinstance(getattr(reason, "args", (None,))[0], ssl.SSLCertVerificationError)
        if isinstance(error, ConnectTimeout):
            return self._unconnected(f"not in {self._settings.timeout:g} s")
        if refused or isinstance(reason, NewConnectionError):
            return self._unconnected(cause(error))
        late = isinstance(error, Timeout) or isinstance(beneath, ReadTimeoutError)
        return self._late() if late else self._broken(cause(error))

    def close(self) -> None:
        """Refuse any further request; the client stays as it is, for it is the service's."""
        self._closed = True


class AsyncTwilioGateway(_Exchange, AiohttpFailures, AsyncClosing):
    """A gateway for asyncio, on ``twilio.rest.Client(..., http_client=AsyncTwilioHttpClient())``, in that client's event loop."""

    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap the client; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(client, asynchronous=True, **options)

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        outgoing = self._outgoing(request)
        self._stay()
        if getattr(self._client.http_client.session, "closed", False):
            raise NotSent("the client is closed; open a new one")
        outgoing["headers"]["Authorization"] = self._settings.credentials.authorization  # its own way is deprecated by aiohttp
        try:
            return self._reply(await self._client.http_client.request(**outgoing))
        except (*FAILURES, UnicodeError, LookupError) as error:
            failure = self._failure(error)
        raise failure

    async def aclose(self) -> None:
        """Refuse any further request; the client stays as it is, for it is the service's."""
        self._closed = True
