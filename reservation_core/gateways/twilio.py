"""Gateways on a ``twilio`` client that the service already configured, one for threads and one for asyncio.

What is the client's stays the client's: its session with whatever proxies it has, its user agent, its closing. Beyond that:

1. The request is sent by the client's own ``http_client``, once: a client that repeats requests by itself is refused, for it would
   repeat an update after a 5xx. Redirects are not followed.
2. ``NotSent`` for threads (``requests``): no turn in time, name look-up, refused or unanswered connect, a certificate that does not
   hold. What else breaks a TLS handshake cannot be told from a break later on. For asyncio (aiohttp): no turn in time, any connect or
   handshake that fails. Every other failure is ``GatewayError``, outcome unknown.
3. ``timeout`` is passed with each call. For asyncio it bounds the whole exchange; for threads each wait, to connect and for each piece
   of the head, and then the body as a whole, but for the last wait. There is no time-out for connecting alone: ``connect_timeout`` is
   for waiting one's turn where ``max_connections`` requests are under way through this gateway.
4. For threads, a reply is read and unpacked here, so that ``max_reply_bytes`` holds while it streams: what stands for authentication
   with ``requests`` may also read replies. An ``http_client`` that is not made on requests, and every one for asyncio, hands out text it
   has read whole: there the limit is checked afterwards, and the body is that text in UTF-8, which JSON is to begin with. (Half a
   gzip, aiohttp reads as far as it can; what comes of it is no JSON.)
5. The requests go where ``client.taskrouter.base_url`` says, through the client's edge and region if it has any; these only fit
   hosts of twilio.com, and are refused with any other.

Not for use across ``fork()``; a gateway for asyncio belongs to the event loop of its client.
"""

import asyncio
import functools
import io
import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypedDict, Unpack, cast
from urllib.parse import urlsplit

from reservation_core.gateways.aiohttp import FAILURES, AiohttpFailures, verbatim
from reservation_core.gateways.base import (
    AsyncClosableGateway,
    BaseGateway,
    ClosableGateway,
    StreamingGateway,
    cause,
)
from reservation_core.gateways.settings import ConfigurationError, Credentials
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request

try:
    from aiohttp_retry import RetryClient
    from requests import PreparedRequest, Response, Session
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
    from requests.exceptions import ConnectTimeout, RequestException
    from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
    from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]
    from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError
except ImportError as _missing:
    raise ImportError(
        "this gateway needs twilio: pip install 'reservation-core[twilio]'"
    ) from _missing


_BODILESS: Final = frozenset((204, 304))
_PIECE: Final = 65_536


class TwilioOptions(TypedDict, total=False):
    """The settings that are not the client's; ``Settings`` has their meaning and their defaults."""

    connect_timeout: float
    max_connections: int
    timeout: float
    max_reply_bytes: int
    allow_plain_http: bool


class _Exchange(BaseGateway):
    """What both gateways are but for waiting."""

    def __init__(
        self, client: object, *, asynchronous: bool, **options: Unpack[TwilioOptions]
    ) -> None:
        if not isinstance(client, Client):
            raise ConfigurationError(
                "the client is no twilio.rest.Client; give the one that the service has configured"
            )
        self._client: Final[Any] = cast("Any", client)
        base_url = _base_url(self._client)
        if self._client.credential_provider:
            raise ConfigurationError(
                "the client asks a credential provider, with no bound on its time; give it a username and password"
            )
        if bool(self._client.http_client.is_async) is not asynchronous:
            raise ConfigurationError(
                "the client's http_client is of the other kind; TwilioGateway waits, AsyncTwilioGateway awaits"
            )
        super().__init__(
            Credentials(self._client.username, self._client.password), base_url=base_url, **options
        )
        session: Any = getattr(self._client.http_client, "session", None)
        if isinstance(session, RetryClient) or (
            isinstance(session, Session) and _repeats(session, base_url)
        ):
            raise ConfigurationError(
                "the client repeats requests by itself, updates too; build its http_client without max_retries"
            )
        if getattr(session, "verify", True) is False:
            raise ConfigurationError(
                "the client's session does not verify certificates; leave its verify as it was"
            )

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
        body: bytes = response.text.encode()
        if len(body) > self._settings.max_reply_bytes:
            raise self._overlong(response.status_code)
        return self._framed(
            Reply(
                response.status_code,
                [pair for pair in response.headers.items() if "".join(pair).isascii()],
                body,
            )
        )

    def _framed(self, reply: Reply) -> Reply:
        """Refuse what ``http.client`` takes for an empty reply: one that ends within its head."""
        if not (
            reply.body
            or reply.status in _BODILESS
            or "Content-Length" in reply.headers
            or "Transfer-Encoding" in reply.headers
        ):
            raise self._broken("the reply ends within its head")
        return reply


def _repeats(session: Session, url: str) -> bool:
    adapter = session.get_adapter(url)
    return isinstance(adapter, HTTPAdapter) and bool(adapter.max_retries.total)


def _base_url(client: Any) -> str:
    given: str = client.taskrouter.base_url
    rewritten: str = client.get_hostname(given)
    if rewritten != given and not (urlsplit(given).hostname or "").endswith(".twilio.com"):
        raise ConfigurationError(
            "the client's edge or region only fits hosts of twilio.com; leave it out, or the base_url"
        )
    return rewritten


class TwilioGateway(_Exchange, StreamingGateway, ClosableGateway):
    """A gateway for threads, on ``twilio.rest.Client(...)``; any number may share one, as they may share the client."""

    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap the client; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(client, asynchronous=False, **options)
        self._turns: Final = threading.BoundedSemaphore(self._settings.max_connections)
        self._on_requests: Final = isinstance(self._client.http_client, TwilioHttpClient)

    def send(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        if not self._turns.acquire(timeout=self._settings.connect_timeout):
            raise self._occupied()
        try:
            return self._exchange(request)
        except (RequestException, HTTPError, OSError) as error:
            raise self._failure(error) from error
        finally:
            self._turns.release()

    def _exchange(self, request: Request) -> Reply:
        outgoing, credentials, http_client = (
            self._outgoing(request),
            self._settings.credentials,
            self._client.http_client,
        )
        if not self._on_requests:
            return self._reply(
                http_client.request(auth=(credentials.username, credentials.password), **outgoing)
            )
        reading = _Reading(
            credentials.authorization,
            functools.partial(self._gathered, end=time.monotonic() + outgoing["timeout"]),
        )
        try:
            response = http_client.request(auth=reading, **outgoing)
        except (
            ValueError
        ):  # of a place to go to, say, which nobody goes to: the reply was read by then
            if reading.reply is None:
                raise
            return reading.reply
        return reading.reply or self._reply(response)

    def _gathered(self, response: Response, end: float) -> Reply:
        """Read a reply that has begun, until ``end`` by the monotonic clock. Raises GatewayError."""
        try:
            self._sound(response)
            return self._framed(self._streamed(response.raw, end))
        except BaseException:
            response.raw.close()  # and the connection, which is in the middle of something
            raise

    def _sound(self, response: Response) -> None:
        """Refuse a head that ``http.client`` reads another way than it is meant. Raises GatewayError."""
        if (
            response.status_code < HTTPStatus.OK
        ):  # early hints, taken for the reply that is still to come
            raise self._broken("early hints came where the reply was due")
        if not response.headers.get("Content-Length", "0").isdecimal():  # taken for no length
            raise self._broken("bad length")

    def _streamed(self, raw: Any, end: float) -> Reply:
        reply = self._gather(
            raw.status,
            [
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in raw.headers.items()
            ],
        )
        while piece := raw.read1(_PIECE, decode_content=False):
            reply.add(piece)
            if time.monotonic() > end:
                raise self._late()
        return reply.reply()

    def _failure(self, error: Exception) -> GatewayError:
        beneath = error.args[0] if error.args else None
        reason = getattr(beneath, "reason", None)
        refused = isinstance(getattr(reason, "args", (None,))[0], ssl.SSLCertVerificationError)
        if isinstance(error, ConnectTimeout):
            return self._unconnected(f"not in {self._settings.timeout:g} s")
        if refused or isinstance(reason, NewConnectionError):
            return self._unconnected(cause(error))
        late = isinstance(error, ReadTimeoutError) or isinstance(beneath, ReadTimeoutError)
        return self._late() if late else self._broken(cause(error))

    def close(self) -> None:
        """Refuse any further request; the client stays as it is, for it is the service's."""
        self._closed = True


class _Reading(AuthBase):
    """What authenticates one request and, as ``requests`` lets it, reads the reply before anyone else does."""

    def __init__(self, authorization: str, read: Callable[[Response], Reply]) -> None:
        self.reply: Reply | None = None
        self._authorization = authorization
        self._read = read

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers.update({"Authorization": self._authorization, "Accept-Encoding": "gzip"})
        request.register_hook("response", self._receive)
        return request

    def _receive(self, response: Response, **_: object) -> None:
        self.reply = self._read(response)
        response.raw = io.BytesIO(self.reply.body)  # for the client, which reads after us


class AsyncTwilioGateway(_Exchange, AiohttpFailures, AsyncClosableGateway):
    """A gateway for asyncio, on ``twilio.rest.Client(..., http_client=AsyncTwilioHttpClient())``, in that client's event loop."""

    def __init__(self, client: object, **options: Unpack[TwilioOptions]) -> None:
        """Wrap the client; nothing is sent yet. Raises ConfigurationError."""
        super().__init__(client, asynchronous=True, **options)
        self._turns: Final = asyncio.Semaphore(self._settings.max_connections)

    async def asend(self, request: Request) -> Reply:
        """Send the request, once, and hand back whatever was answered. Raises NotSent, GatewayError."""
        self._stay()
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await self._turns.acquire()
        except TimeoutError:
            raise self._occupied() from None
        try:
            return await self._exchange(request)
        except (*FAILURES, UnicodeError, LookupError) as error:
            failure = self._failure(error)
        finally:
            self._turns.release()
        raise failure

    async def _exchange(self, request: Request) -> Reply:
        outgoing, http_client = self._outgoing(request), self._client.http_client
        if getattr(getattr(http_client, "session", None), "closed", False):
            raise NotSent("the client is closed; open a new one")
        if isinstance(http_client, AsyncTwilioHttpClient):
            outgoing["url"] = verbatim(outgoing["url"])
        outgoing["headers"]["Authorization"] = (
            self._settings.credentials.authorization
        )  # its own way is deprecated by aiohttp
        return self._reply(await http_client.request(**outgoing))

    async def aclose(self) -> None:
        """Refuse any further request; the client stays as it is, for it is the service's."""
        self._closed = True
