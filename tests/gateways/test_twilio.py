"""The gateways on a service's own twilio client keep every promise of the contract, and refuse a client that would break them."""

import asyncio
import functools
import gzip
import os
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any, Unpack

import pytest
import requests
from aiohttp import ClientSession, TCPConnector
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.gateways.settings import ConfigurationError, GatewayOptions, GatewaySettings
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway, TwilioOptions
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    PATH,
    AsyncGatewayContract,
    GatewayContract,
    OwnClientContract,
    update_request,
)
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.loopback import (
    MAX_WAIT,
    Connection,
    LoopbackServer,
    Responder,
    json_response,
    raw_response,
    response_head,
)


def client_for(base_url: str, **settings: Any) -> Any:
    """Configure a client as a service would, but for where it sends."""
    client: Any = Client(
        CREDENTIALS.username, CREDENTIALS.password, environment={"": ""}, **settings
    )
    client.taskrouter.base_url = base_url
    return client


def place(options: GatewayOptions) -> str:
    """Give the place to send to."""
    return GatewaySettings(credentials=CREDENTIALS, **options).base_url


def own(options: GatewayOptions) -> TwilioOptions:
    """Give the options that are not the client's."""
    given = GatewaySettings(credentials=CREDENTIALS, **options)
    return {
        "connect_timeout": given.connect_timeout,
        "timeout": given.timeout,
        "max_reply_bytes": given.max_reply_bytes,
        "max_connections": given.max_connections,
    }


def asynchronous() -> AsyncTwilioHttpClient:
    """Configure a client for asyncio that trusts whom the environment names (its own session trusts whom it did on import)."""
    http_client: Any = AsyncTwilioHttpClient(pool_connections=False)
    http_client.session = ClientSession(connector=TCPConnector(ssl=trust()))
    return http_client


@functools.cache
def _trust(file: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


def trust() -> ssl.SSLContext:
    """Trust whom the environment names, reading it once."""
    return _trust(os.environ.get("SSL_CERT_FILE"))


class Both:
    """What goes beyond the contract."""

    def test_the_client_signs_its_requests(self, open_driver: DriverFactory) -> None:
        """The user agent and the other headers of the client are sent, beside ours."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request())
        (received,) = server.requests
        assert received.all("User-Agent")[0].startswith("twilio-python/")
        assert received.all("X-Twilio-Client")


class TestTwilio(Both, GatewayContract):
    test_body_is_returned_as_bytes = OwnClientContract.test_body_is_returned_as_bytes
    test_truncated_gzip_is_not_a_reply = OwnClientContract.test_truncated_gzip_is_not_a_reply
    test_endless_reply_is_aborted = OwnClientContract.test_endless_reply_is_aborted
    test_cookies_are_not_kept = OwnClientContract.test_cookies_are_not_kept

    @pytest.fixture
    def open_gateway(self) -> Callable[..., TwilioGateway]:
        """Wrap a client that keeps its connections."""

        def opening(**options: Unpack[GatewayOptions]) -> TwilioGateway:
            return Owning(client_for(place(options)), **own(options))

        return opening


class TestAsyncTwilio(Both, AsyncGatewayContract):
    test_early_hints_are_skipped = OwnClientContract.test_early_hints_are_skipped
    test_timeout_covers_the_head = OwnClientContract.test_timeout_covers_the_head
    test_failed_tls_handshake_is_not_sent = OwnClientContract.test_failed_tls_handshake_is_not_sent
    test_proxy_variables_are_ignored = OwnClientContract.test_proxy_variables_are_ignored
    test_closing_the_client_aborts_exchange_under_way = (
        OwnClientContract.test_close_aborts_exchange_under_way
    )

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncTwilioGateway]:
        """Wrap a client that keeps its connections, in the running event loop."""

        def opening(**options: Unpack[GatewayOptions]) -> AsyncTwilioGateway:
            return AsyncOwning(
                client_for(place(options), http_client=asynchronous()), **own(options)
            )

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


def test_half_a_gzip_yields_no_more_than_came() -> None:
    """Where aiohttp takes half a gzip for the whole, what comes out is what came in, or less; never anything else."""

    async def scene(origin: str) -> Reply:
        async with AsyncOwning(client_for(origin, http_client=AsyncTwilioHttpClient())) as gateway:
            return await gateway.asend(update_request())

    with LoopbackServer(
        json_response(gzip.compress(b"{}")[:-9], headers=[("Content-Encoding", "gzip")])
    ) as server:
        assert asyncio.run(scene(server.origin)).body == b"{}"


def test_the_client_sees_the_reply_too() -> None:
    """What the service hooked into its client is shown each reply whole, though the gateway read it first."""
    seen: list[bytes] = []

    def look(response: requests.Response, **_: object) -> None:
        seen.append(response.content)

    http_client = TwilioHttpClient(request_hooks={"response": look})
    answers = [
        loopback.gzip_response(b'{"n": 1}'),
        json_response(b"", "302 Found", [("Location", "/elsewhere")]),
    ]
    with (
        LoopbackServer(*answers) as server,
        Owning(client_for(server.origin, http_client=http_client)) as gateway,
    ):
        assert [gateway.send(update_request()).status for _ in answers] == [200, 302]
    assert seen == [b'{"n": 1}', b""]


def test_only_what_is_unpacked_is_asked_for() -> None:
    """The client would offer more ways of packing than the gateway unpacks; it does not."""
    with LoopbackServer() as server, Owning(client_for(server.origin)) as gateway:
        gateway.send(update_request())
    assert server.requests[0].all("Accept-Encoding") == ["gzip"]


def test_a_reply_that_is_too_long_is_hung_up_on() -> None:
    """The connection of a reply that is not read to its end is closed at once, not when somebody collects it."""
    gone = threading.Event()

    def long(connection: Connection) -> bool:
        connection.receive()
        connection.write(response_head(headers=[("Content-Length", "50")]) + b"x" * 11)
        if not connection.begins():
            gone.set()
        return False

    with (
        LoopbackServer(long) as server,
        Owning(client_for(server.origin), max_reply_bytes=10) as gateway,
    ):
        with pytest.raises(GatewayError) as caught:
            gateway.send(update_request())
        assert gone.wait(MAX_WAIT - 1)
    assert "10" in caught.value.reason  # and with it, all that led to it was kept until here


@pytest.mark.parametrize(
    "answer",
    [
        loopback.no_response(),
        raw_response(response_head(headers=[("Content-Length", "9")]), *[b""] * 3, pause=0.15),
    ],
)
def test_a_late_reply_is_called_late(answer: Responder) -> None:
    """Where the time ran out, before the reply or within it, the failure says how long it was waited for."""
    late = pytest.raises(GatewayError, match=r"no whole reply from .* in 0\.2 s")
    with (
        LoopbackServer(answer) as server,
        Owning(client_for(server.origin), timeout=0.2) as gateway,
        late,
    ):
        gateway.send(update_request())


def test_the_client_outlives_the_gateway() -> None:
    """Closing the gateway leaves the client open, for threads and for asyncio: another gateway on it goes on."""

    async def scene(origin: str) -> None:
        client = client_for(origin, http_client=AsyncTwilioHttpClient())
        async with AsyncTwilioGateway(client) as first:
            await first.asend(update_request())
        async with AsyncOwning(client) as second:
            assert (await second.asend(update_request())).status == 200

    with LoopbackServer() as server:
        client = client_for(server.origin)
        with TwilioGateway(client) as first:
            first.send(update_request())
        with Owning(client) as second:
            assert second.send(update_request()).status == 200
        asyncio.run(scene(server.origin))
    assert server.connections == 2


def test_a_client_that_keeps_no_connection_will_do() -> None:
    """A client without a session of its own opens one each time, and the gateway still measures what comes."""
    http_client = TwilioHttpClient(pool_connections=False)
    with LoopbackServer(json_response(), json_response(b"x" * 11)) as server:
        gateway = TwilioGateway(
            client_for(server.origin, http_client=http_client), max_reply_bytes=10
        )
        assert gateway.send(update_request()).body == b"{}"
        with pytest.raises(GatewayError, match="longer than max_reply_bytes, 10"):
            gateway.send(update_request())
    assert server.connections == 2


# --- clients that are refused -----------------------------------------------------------------------------------------------------


def refusal(client: Any) -> str:
    """Give what a gateway says to this client."""
    with pytest.raises(ConfigurationError) as caught:
        TwilioGateway(client)
    assert "hush" not in str(caught.value)
    return str(caught.value)


def test_a_client_that_repeats_is_refused() -> None:
    """max_retries would send an update again, so the gateway does not start; it says how to build the client."""
    repeating = client_for(
        "https://taskrouter.twilio.com", http_client=TwilioHttpClient(max_retries=2)
    )
    assert "without max_retries" in refusal(repeating)

    async def scene() -> None:
        http_client = AsyncTwilioHttpClient(max_retries=2)
        try:
            with pytest.raises(ConfigurationError, match="without max_retries"):
                AsyncTwilioGateway(
                    client_for("https://taskrouter.twilio.com", http_client=http_client)
                )
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
    assert "does not verify" in refusal(
        client_for("https://taskrouter.twilio.com", http_client=http_client)
    )


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

    gateway = TwilioGateway(
        client_for("https://taskrouter.twilio.com", http_client=Own()), timeout=3
    )
    assert gateway.send(update_request()) == Reply(200, (), b"{}")


class Plain:
    """A client of the service's own making, on plain requests."""

    is_async = False

    def request(
        self, method: str, url: str, auth: tuple[str, str], timeout: float, **given: Any
    ) -> Response:
        with requests.request(
            method, url, auth=auth, timeout=timeout, data=given["data"], headers=given["headers"]
        ) as response:
            return Response(response.status_code, response.text, response.headers)


def test_a_client_of_the_services_own_is_told_who_asks() -> None:
    """A client of the service's own making gets the credentials as a pair; what it reads is measured, and its failures are told apart."""
    halting = raw_response(
        response_head(headers=[("Content-Length", "9")]) + b"half", b"", b"", b"", pause=0.15
    )
    with LoopbackServer(json_response(), json_response(b"x" * 11), halting) as server:
        gateway = TwilioGateway(
            client_for(server.origin, http_client=Plain()), timeout=0.2, max_reply_bytes=10
        )
        assert gateway.send(update_request()).body == b"{}"
        with pytest.raises(GatewayError, match="longer than max_reply_bytes, 10"):
            gateway.send(update_request())
        with pytest.raises(GatewayError, match=r"no whole reply from .* in 0\.2 s"):
            gateway.send(update_request())
    assert server.requests[0].all("Authorization") == [CREDENTIALS.authorization]


def test_an_awaited_client_of_the_services_own_will_do() -> None:
    """A client of the service's own making is awaited and given the address as text, and needs no session."""

    class Awaited:
        is_async = True

        async def request(self, **given: Any) -> Response:
            assert given["url"] == f"https://taskrouter.twilio.com{PATH}"
            assert given["headers"]["Authorization"] == CREDENTIALS.authorization
            return Response(200, "{}", {})

    async def scene() -> None:
        async with AsyncTwilioGateway(
            client_for("https://taskrouter.twilio.com", http_client=Awaited())
        ) as gateway:
            assert await gateway.asend(update_request()) == Reply(200, (), b"{}")

    asyncio.run(scene())


def test_a_closed_client_sends_nothing() -> None:
    """Where the service closed its client, nothing was sent."""

    async def scene() -> None:
        client = client_for("https://taskrouter.twilio.com", http_client=AsyncTwilioHttpClient())
        gateway = AsyncTwilioGateway(client)
        await client.http_client.close()
        with pytest.raises(NotSent, match="the client is closed"):
            await gateway.asend(update_request())

    asyncio.run(scene())


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux leaves a connection unanswered when the queue is full",
)
def test_an_unanswered_connection() -> None:
    """Nobody answers: for threads, nothing was sent; for asyncio, that cannot be told, for there is one time-out for all."""

    async def scene(origin: str) -> None:
        async with AsyncOwning(
            client_for(origin, http_client=AsyncTwilioHttpClient()), timeout=0.2
        ) as gateway:
            with pytest.raises(GatewayError) as caught:
                await gateway.asend(update_request())
            assert not isinstance(caught.value, NotSent)

    with loopback.unresponsive_port() as origin, Owning(client_for(origin), timeout=0.2) as gateway:
        with pytest.raises(NotSent, match=r"not in 0\.2 s"):
            gateway.send(update_request())
        asyncio.run(scene(origin))


@pytest.mark.parametrize("kind", [TwilioGateway, AsyncTwilioGateway])
def test_only_a_twilio_client_is_wrapped(kind: type[TwilioGateway | AsyncTwilioGateway]) -> None:
    """What is no client of the twilio library is refused, saying what to give."""
    with pytest.raises(ConfigurationError, match="give the one that the service has configured"):
        kind("client")
