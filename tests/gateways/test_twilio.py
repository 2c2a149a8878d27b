"""The gateways on a service's own twilio client keep the promises that are theirs to keep, and refuse a client that would break them."""

import asyncio
import gzip
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Unpack
from urllib.parse import parse_qsl

import pytest
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.errors import GatewayError, NotSent
from reservation_core.gateways.settings import ConfigurationError, Options, Settings
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway, TwilioOptions
from reservation_core.messages import Reply
from reservation_core.testing import loopback
from reservation_core.testing.bridges import Flavour
from reservation_core.testing.contract import CREDENTIALS, PATH, AsyncGatewayContract, GatewayContract, fetch, update
from reservation_core.testing.loopback import Answer, Loopback, head, raw, reply

THE_CLIENTS = "the session is the service's own, and so is what it keeps"
EXEMPT = {
    "test_no_cookie_is_kept": THE_CLIENTS,
    "test_waiting_for_a_connection_was_not_sending": "how many connections there are is for the client to say",
    "test_an_unanswered_connection_was_not_sent": "the client takes one time-out, for connecting and all the rest",
    "test_a_whole_reply_is_handed_back[bytes]": "the client hands out text, not bytes",
    "test_once_sent_the_outcome_is_unknown[half gzip]": "urllib3 and aiohttp take half a gzip for the whole",
    "test_an_over_long_reply_is_refused[endless]": "the client reads a reply whole before the limit is looked at",
}


def client_for(base_url: str, **settings: Any) -> Any:
    """Configure a client as a service would, but for where it sends."""
    client: Any = Client(CREDENTIALS.username, CREDENTIALS.password, environment={"": ""}, **settings)
    client.taskrouter.base_url = base_url
    return client


def place(options: Options) -> str:
    """Give the place to send to."""
    return Settings(credentials=CREDENTIALS, **options).base_url


def own(options: Options) -> TwilioOptions:
    """Give the options that are not the client's."""
    defaults = Settings(credentials=CREDENTIALS)
    return {
        "timeout": options.get("timeout", defaults.timeout),
        "max_reply_bytes": options.get("max_reply_bytes", defaults.max_reply_bytes),
    }


class Both:
    """What goes beyond the contract."""

    def test_the_client_signs_its_requests(self, flavour: Flavour) -> None:
        """The user agent and the other headers of the client are sent, beside ours."""
        with Loopback() as server, flavour(base_url=server.origin) as opened:
            opened.send(update())
        (received,) = server.requests
        assert received.all("User-Agent")[0].startswith("twilio-python/")
        assert received.all("X-Twilio-Client")


class TestTwilio(Both, GatewayContract):
    exempt: ClassVar = {
        **EXEMPT,
        "test_no_proxy_is_asked": THE_CLIENTS,
        "test_the_time_out_covers_the_whole_exchange": "requests bounds each wait, not their sum",
        "test_a_broken_handshake_was_not_sent": "requests tells a broken handshake from a later break by the certificate only",
        "test_closing_ends_what_is_under_way": "requests cannot be interrupted",
        "test_once_sent_the_outcome_is_unknown[bad length]": "http.client takes a length that is none for no length",
        "test_a_whole_reply_is_handed_back[hints first]": "http.client takes early hints for the reply",
    }

    @pytest.fixture
    def open_gateway(self) -> Callable[..., TwilioGateway]:
        """Wrap a client that keeps its connections."""

        def opening(**options: Unpack[Options]) -> TwilioGateway:
            return Owning(client_for(place(options)), **own(options))

        return opening


class TestAsyncTwilio(Both, AsyncGatewayContract):
    exempt: ClassVar = {
        **EXEMPT,
        "test_a_get_on_the_wire": "aiohttp spells a query its own way, when given text",
        "test_a_trusted_certificate_is_accepted": "aiohttp reads the certificates it trusts when it is imported",
    }

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncTwilioGateway]:
        """Wrap a client that keeps its connections, in the running event loop."""

        def opening(**options: Unpack[Options]) -> AsyncTwilioGateway:
            return AsyncOwning(client_for(place(options), http_client=AsyncTwilioHttpClient()), **own(options))

        return opening


class Owning(TwilioGateway):
    """Closes the client too, as the service would."""

    def close(self) -> None:
        super().close()
        self._client.http_client.session.close()


class AsyncOwning(AsyncTwilioGateway):
    """Closes the client too, as the service would."""

    async def aclose(self) -> None:
        await super().aclose()
        await self._client.http_client.close()


# --- what is read all the same ----------------------------------------------------------------------------------------------------


def test_a_query_means_the_same() -> None:
    """The library beneath may write an escape in a query another way, but the server reads the same of it."""

    async def scene(origin: str) -> None:
        async with AsyncOwning(client_for(origin, http_client=AsyncTwilioHttpClient())) as gateway:
            await gateway.asend(fetch(f"{PATH}?PageToken=a%2Fb+c%26%2B%3D%C3%A9&PageSize=50"))

    with Loopback() as server:
        asyncio.run(scene(server.origin))
    query = server.requests[0].line.split(" ")[1].partition("?")[2]
    assert parse_qsl(query) == [("PageToken", "a/b c&+=\u00e9"), ("PageSize", "50")]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (raw(head(headers=[("Content-Length", "two")]) + b"{}"), b"{}"),
        (reply(gzip.compress(b"{}")[:-9], headers=[("Content-Encoding", "gzip")]), b"{}"),
        (raw(head("204 No Content")), b""),
    ],
)
def test_a_lenient_library_yields_no_more_than_came(answer: Answer, body: bytes) -> None:
    """Where requests reads a broken reply on, what comes out is what came in, or less; never anything else."""
    with Loopback(answer) as server, Owning(client_for(server.origin)) as gateway:
        assert gateway.send(update()).body == body


# --- clients that are refused -----------------------------------------------------------------------------------------------------


def refusal(client: Any) -> str:
    """Give what a gateway says to this client."""
    with pytest.raises(ConfigurationError) as caught:
        TwilioGateway(client)
    assert "hush" not in str(caught.value)
    return str(caught.value)


def test_a_client_that_repeats_is_refused() -> None:
    """max_retries would send an update again, so the gateway does not start; it says how to build the client."""
    repeating = client_for("https://taskrouter.twilio.com", http_client=TwilioHttpClient(max_retries=2))
    assert "without max_retries" in refusal(repeating)

    async def scene() -> None:
        http_client = AsyncTwilioHttpClient(max_retries=2)
        try:
            with pytest.raises(ConfigurationError, match="without max_retries"):
                AsyncTwilioGateway(client_for("https://taskrouter.twilio.com", http_client=http_client))
        finally:
            await http_client.close()

    asyncio.run(scene())


def test_a_client_of_the_other_kind_is_refused() -> None:
    """A client for threads is not awaited."""
    with pytest.raises(ConfigurationError, match="of the other kind"):
        AsyncTwilioGateway(client_for("https://taskrouter.twilio.com"))


def test_a_client_that_trusts_everyone_is_refused() -> None:
    """A session that verifies no certificate is refused."""
    http_client: Any = TwilioHttpClient()
    http_client.session.verify = False
    assert "does not verify" in refusal(client_for("https://taskrouter.twilio.com", http_client=http_client))


def test_a_credential_provider_is_refused() -> None:
    """A client that fetches tokens is refused: nothing bounds the fetching."""
    client = client_for("https://taskrouter.twilio.com")
    client.credential_provider = object()
    assert "credential provider" in refusal(client)


def test_plain_http_is_refused() -> None:
    """A base_url in clear beyond this machine is refused, unless it is allowed by name."""
    client = client_for("http://10.0.0.1")
    assert "allow_plain_http=True" in refusal(client)
    assert TwilioGateway(client, allow_plain_http=True).origin == "http://10.0.0.1"


def test_an_edge_or_region_is_kept() -> None:
    """A client's edge and region are part of where its requests go."""
    client = client_for("https://taskrouter.twilio.com", region="ie1", edge="dublin")
    assert TwilioGateway(client).origin == "https://taskrouter.dublin.ie1.twilio.com"


def test_an_edge_on_another_host_is_refused() -> None:
    """An edge or region would spoil a host that is not the platform's, so both together are refused."""
    assert "edge or region" in refusal(client_for("http://127.0.0.1:8080", region="ie1"))


def test_a_client_without_a_session_will_do() -> None:
    """A client of the service's own making is used as it is."""

    class Own:
        is_async = False

        def request(self, **given: object) -> Response:
            assert given["timeout"] == 3
            return Response(200, "{}", {})

    gateway = TwilioGateway(client_for("https://taskrouter.twilio.com", http_client=Own()), timeout=3)
    assert gateway.send(update()) == Reply(200, (), b"{}")


def test_a_closed_client_sends_nothing() -> None:
    """Where the service closed its client, nothing was sent."""

    async def scene() -> None:
        client = client_for("https://taskrouter.twilio.com", http_client=AsyncTwilioHttpClient())
        gateway = AsyncTwilioGateway(client)
        await client.http_client.close()
        with pytest.raises(NotSent, match="the client is closed"):
            await gateway.asend(update())

    asyncio.run(scene())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves a connection unanswered when the queue is full")
def test_an_unanswered_connection() -> None:
    """Nobody answers: for threads, nothing was sent; for asyncio, that cannot be told, for there is one time-out for all."""

    async def scene(origin: str) -> None:
        async with AsyncOwning(client_for(origin, http_client=AsyncTwilioHttpClient()), timeout=0.2) as gateway:
            with pytest.raises(GatewayError) as caught:
                await gateway.asend(update())
            assert not isinstance(caught.value, NotSent)

    with loopback.unreachable() as origin, Owning(client_for(origin), timeout=0.2) as gateway:
        with pytest.raises(NotSent, match=r"not in 0\.2 s"):
            gateway.send(update())
        asyncio.run(scene(origin))


@pytest.mark.parametrize("kind", [TwilioGateway, AsyncTwilioGateway])
def test_only_a_twilio_client_is_wrapped(kind: type[TwilioGateway | AsyncTwilioGateway]) -> None:
    """What is no client of the twilio library is refused, saying what to give."""
    with pytest.raises(ConfigurationError, match="give the one that the service has configured"):
        kind("client")
