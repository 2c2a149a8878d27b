"""Tests of the gateways on a twilio client."""

import asyncio
import gzip
from collections.abc import Callable
from typing import Any, Unpack

import pytest
import requests
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.gateways.settings import ConfigurationError, GatewayOptions
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncGatewayContract,
    GatewayContract,
    OwnClientContract,
)
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.failures import NEEDS_UNRESPONSIVE_PORT
from reservation_core.testing.contract.gateway.support import PATH, update_request
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    json_response,
    raw_response,
    response_head,
    unresponsive_port,
)
from tests.gateways.twilio_clients import (
    PLATFORM,
    AsyncOwningGateway,
    OwningGateway,
    make_async_http_client,
    make_client,
    split_options,
)


class _BeyondTheContract:
    def test_headers_of_the_client_are_sent(self, open_driver: DriverFactory) -> None:
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request())
        (received,) = server.requests
        assert received.all("User-Agent")[0].startswith("twilio-python/")
        assert received.all("X-Twilio-Client")


class TestTwilio(_BeyondTheContract, GatewayContract):
    test_body_is_returned_as_bytes = OwnClientContract.test_body_is_returned_as_bytes
    test_truncated_gzip_is_not_a_reply = OwnClientContract.test_truncated_gzip_is_not_a_reply
    test_endless_reply_is_aborted = OwnClientContract.test_endless_reply_is_aborted
    test_cookies_are_not_kept = OwnClientContract.test_cookies_are_not_kept

    @pytest.fixture
    def open_gateway(self) -> Callable[..., TwilioGateway]:
        def open_gateway(**options: Unpack[GatewayOptions]) -> TwilioGateway:
            base_url, twilio_options = split_options(options)
            return OwningGateway(make_client(base_url), **twilio_options)

        return open_gateway


class TestAsyncTwilio(_BeyondTheContract, AsyncGatewayContract):
    test_early_hints_are_skipped = OwnClientContract.test_early_hints_are_skipped
    test_timeout_covers_the_head = OwnClientContract.test_timeout_covers_the_head
    test_failed_tls_handshake_is_not_sent = OwnClientContract.test_failed_tls_handshake_is_not_sent
    test_proxy_variables_are_ignored = OwnClientContract.test_proxy_variables_are_ignored
    test_closing_the_client_aborts_exchange_under_way = (
        OwnClientContract.test_close_aborts_exchange_under_way
    )

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncTwilioGateway]:
        def open_gateway(**options: Unpack[GatewayOptions]) -> AsyncTwilioGateway:
            base_url, twilio_options = split_options(options)
            client = make_client(base_url, http_client=make_async_http_client())
            return AsyncOwningGateway(client, **twilio_options)

        return open_gateway


def test_async_client_reads_truncated_gzip_as_far_as_it_came() -> None:
    async def run(origin: str) -> Reply:
        client = make_client(origin, http_client=AsyncTwilioHttpClient())
        async with AsyncOwningGateway(client) as gateway:
            return await gateway.asend(update_request())

    truncated = json_response(gzip.compress(b"{}")[:-9], headers=[("Content-Encoding", "gzip")])
    with LoopbackServer(truncated) as server:
        assert asyncio.run(run(server.origin)).body == b"{}"


def test_client_stays_open_when_the_gateway_closes() -> None:
    with LoopbackServer() as server:
        client = make_client(server.origin)
        with TwilioGateway(client) as first:
            first.send(update_request())
        with OwningGateway(client) as second:
            assert second.send(update_request()).status == 200
    assert server.connections == 1


def test_async_client_stays_open_when_the_gateway_closes() -> None:
    async def run(origin: str) -> None:
        client = make_client(origin, http_client=AsyncTwilioHttpClient())
        async with AsyncTwilioGateway(client) as first:
            await first.asend(update_request())
        async with AsyncOwningGateway(client) as second:
            assert (await second.asend(update_request())).status == 200

    with LoopbackServer() as server:
        asyncio.run(run(server.origin))
    assert server.connections == 1


@NEEDS_UNRESPONSIVE_PORT
def test_unanswered_async_connection_is_outcome_unknown() -> None:
    """The client has one timeout, for connecting and for the reply."""

    async def run(origin: str) -> None:
        client = make_client(origin, http_client=AsyncTwilioHttpClient())
        async with AsyncOwningGateway(client, timeout=0.2) as gateway:
            with pytest.raises(GatewayError) as caught:
                await gateway.asend(update_request())
        assert not isinstance(caught.value, NotSent)

    with unresponsive_port() as origin:
        asyncio.run(run(origin))


# --- clients that are refused --------------------------------------------------------------------


def refusal(client: object) -> str:
    """Return the message of a gateway that refuses a client."""
    with pytest.raises(ConfigurationError) as caught:
        TwilioGateway(client)
    assert "hush" not in str(caught.value)
    return str(caught.value)


def test_client_that_repeats_requests_is_refused() -> None:
    client = make_client(http_client=TwilioHttpClient(max_retries=2))
    assert "without max_retries" in refusal(client)


def test_async_client_that_repeats_requests_is_refused() -> None:
    async def run() -> None:
        http_client = AsyncTwilioHttpClient(max_retries=2)
        try:
            with pytest.raises(ConfigurationError, match="without max_retries"):
                AsyncTwilioGateway(make_client(http_client=http_client))
        finally:
            await http_client.close()

    asyncio.run(run())


def test_blocking_client_is_refused_by_the_async_gateway() -> None:
    with pytest.raises(ConfigurationError, match="needs an async http_client"):
        AsyncTwilioGateway(make_client())


def test_client_that_verifies_no_certificate_is_refused() -> None:
    http_client: Any = TwilioHttpClient()
    http_client.session.verify = False
    assert "does not verify" in refusal(make_client(http_client=http_client))


def test_client_with_a_credential_provider_is_refused() -> None:
    client = make_client()
    client.credential_provider = object()
    assert "credential provider" in refusal(client)


def test_plain_http_to_another_machine_needs_permission() -> None:
    client = make_client("http://10.0.0.1")
    assert "allow_plain_http=True" in refusal(client)
    assert TwilioGateway(client, allow_plain_http=True).origin == "http://10.0.0.1"


def test_edge_and_region_are_part_of_the_origin() -> None:
    client = make_client(region="ie1", edge="dublin")
    assert TwilioGateway(client).origin == "https://taskrouter.dublin.ie1.twilio.com"


def test_region_on_another_host_is_refused() -> None:
    assert "edge or region" in refusal(make_client("http://127.0.0.1:8080", region="ie1"))


@pytest.mark.parametrize("gateway_class", [TwilioGateway, AsyncTwilioGateway])
def test_object_that_is_not_a_twilio_client_is_refused(
    gateway_class: type[TwilioGateway | AsyncTwilioGateway],
) -> None:
    with pytest.raises(ConfigurationError, match=r"must be a twilio\.rest\.Client"):
        gateway_class("client")


# --- HTTP clients of the service's own -----------------------------------------------------------


def test_http_client_without_a_session_is_used() -> None:
    class Minimal:
        is_async = False

        def request(self, **given: object) -> Response:
            assert given["timeout"] == 3
            return Response(200, "{}", {})

    gateway = TwilioGateway(make_client(http_client=Minimal()), timeout=3)
    assert gateway.send(update_request()) == Reply(200, (), b"{}")


def test_http_client_of_the_service_gets_the_credentials_as_a_pair() -> None:
    class OnRequests:
        is_async = False

        def request(
            self, method: str, url: str, auth: tuple[str, str], timeout: float, **given: Any
        ) -> Response:
            data, headers = given["data"], given["headers"]
            with requests.request(
                method, url, auth=auth, timeout=timeout, data=data, headers=headers
            ) as response:
                return Response(response.status_code, response.text, response.headers)

    halting = raw_response(
        response_head(headers=[("Content-Length", "9")]) + b"half", *[b""] * 3, pause=0.15
    )
    with LoopbackServer(json_response(), json_response(b"x" * 11), halting) as server:
        client = make_client(server.origin, http_client=OnRequests())
        gateway = TwilioGateway(client, timeout=0.2, max_reply_bytes=10)
        assert gateway.send(update_request()).body == b"{}"
        with pytest.raises(GatewayError, match="exceeds max_reply_bytes: 10"):
            gateway.send(update_request())
        with pytest.raises(GatewayError, match=r"no complete reply from .* within 0\.2 s"):
            gateway.send(update_request())
    assert server.requests[0].all("Authorization") == [CREDENTIALS.authorization]


def test_async_http_client_of_the_service_gets_the_url_as_text() -> None:
    class Minimal:
        is_async = True

        async def request(self, **given: Any) -> Response:
            assert given["url"] == PLATFORM + PATH
            assert given["headers"]["Authorization"] == CREDENTIALS.authorization
            return Response(200, "{}", {})

    async def run() -> None:
        async with AsyncTwilioGateway(make_client(http_client=Minimal())) as gateway:
            assert await gateway.asend(update_request()) == Reply(200, (), b"{}")

    asyncio.run(run())


def test_closed_client_is_not_sent() -> None:
    async def run() -> None:
        client = make_client(http_client=AsyncTwilioHttpClient())
        await client.http_client.close()
        with pytest.raises(NotSent, match="the client is closed"):
            await AsyncTwilioGateway(client).asend(update_request())

    asyncio.run(run())
