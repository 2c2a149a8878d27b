"""Tests of the gateways on a twilio client."""

import asyncio
import contextlib
import functools
import gzip
import os
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Unpack
from unittest.mock import AsyncMock, MagicMock

import pytest
import requests
from aiohttp import ClientConnectorError, ConnectionTimeoutError
from twilio.base.exceptions import TwilioException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from urllib3.exceptions import MaxRetryError, NewConnectionError

from reservation_core import Accept, OutcomeUnknown, Policy, aperform, perform
from reservation_core.gateways.settings import ConfigurationError, GatewayOptions
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncGatewayContract,
    AsyncGivenClientContract,
    GatewayContract,
    GivenClientContract,
    OwnClientContract,
)
from reservation_core.testing.contract.gateway.drivers import DriverFactory, ThreadDriver
from reservation_core.testing.contract.gateway.failures import NEEDS_UNRESPONSIVE_PORT
from reservation_core.testing.contract.gateway.given_client import ResponseMaker
from reservation_core.testing.contract.gateway.support import (
    PATH,
    fetch_request,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    closed_port,
    json_response,
    raw_response,
    response_head,
    unresponsive_port,
)
from tests.delivery.scripted import PENDING
from tests.gateways.twilio_clients import (
    PLATFORM,
    AsyncOwningGateway,
    AsyncProxyRecipe,
    OwningGateway,
    ProxyRecipe,
    make_async_http_client,
    make_client,
    make_validation_client,
    split_options,
)


class Minimal:
    """The least that the package calls, with its own names."""

    is_async = False

    def __init__(self, respond: Callable[[], object]) -> None:
        self.respond = respond
        self.calls: list[dict[str, Any]] = []

    def request(
        self,
        method: str,
        uri: str,
        params: object,
        data: object,
        headers: dict[str, str],
        auth: object,
        timeout: float,
        allow_redirects: bool,
    ) -> object:
        self.calls.append(
            {"method": method, "uri": uri, "params": params, "data": data, "headers": headers}
            | {"auth": auth, "timeout": timeout, "allow_redirects": allow_redirects}
        )
        return self.respond()


class AsyncMinimal(Minimal):
    is_async = True

    async def request(self, *given: Any, **more: Any) -> object:
        return super().request(*given, **more)


class _BeyondTheContract:
    def test_headers_of_the_client_are_sent(self, open_driver: DriverFactory) -> None:
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request())
        (received,) = server.requests
        assert received.all("User-Agent")[0].startswith("twilio-python/")
        assert received.all("X-Twilio-Client")


class _OwnConnections:
    test_memory_of_a_reply_is_bounded = OwnClientContract.test_memory_of_a_reply_is_bounded
    test_endless_reply_is_aborted = OwnClientContract.test_endless_reply_is_aborted
    test_timeout_covers_the_head = OwnClientContract.test_timeout_covers_the_head
    test_timeout_covers_the_whole_exchange = (
        OwnClientContract.test_timeout_covers_the_whole_exchange
    )
    test_timeout_covers_the_tls_handshake = OwnClientContract.test_timeout_covers_the_tls_handshake
    test_connection_with_bytes_at_rest_is_dropped = (
        OwnClientContract.test_connection_with_bytes_at_rest_is_dropped
    )
    test_connection_with_bytes_behind_a_reply_is_dropped = (
        OwnClientContract.test_connection_with_bytes_behind_a_reply_is_dropped
    )


class TestTwilio(_BeyondTheContract, _OwnConnections, GatewayContract):
    test_body_is_returned_as_bytes = OwnClientContract.test_body_is_returned_as_bytes
    test_truncated_gzip_is_not_a_reply = OwnClientContract.test_truncated_gzip_is_not_a_reply
    test_cookies_are_not_kept = OwnClientContract.test_cookies_are_not_kept

    @pytest.fixture
    def open_gateway(self) -> Callable[..., TwilioGateway]:
        def open_gateway(**options: Unpack[GatewayOptions]) -> TwilioGateway:
            base_url, twilio_options = split_options(options)
            return OwningGateway(make_client(base_url), **twilio_options)

        return open_gateway


class TestAsyncTwilio(_BeyondTheContract, _OwnConnections, AsyncGatewayContract):
    test_early_hints_are_skipped = OwnClientContract.test_early_hints_are_skipped
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


class TestValidationClient(_BeyondTheContract):
    """The package's client that signs each request, which takes much processor time."""

    test_post_is_sent_as_prepared = GatewayContract.test_post_is_sent_as_prepared
    test_get_is_sent_without_body = GatewayContract.test_get_is_sent_without_body
    test_bytes_at_rest_do_not_shift_the_replies = (
        GatewayContract.test_bytes_at_rest_do_not_shift_the_replies
    )
    test_early_hints_are_not_taken_for_the_reply = (
        GatewayContract.test_early_hints_are_not_taken_for_the_reply
    )
    test_gzip_bomb_is_refused = GatewayContract.test_gzip_bomb_is_refused
    test_trusted_certificate_is_accepted = GatewayContract.test_trusted_certificate_is_accepted
    test_truncated_gzip_is_not_a_reply = OwnClientContract.test_truncated_gzip_is_not_a_reply
    test_cookies_are_not_kept = OwnClientContract.test_cookies_are_not_kept
    authority = GatewayContract.authority
    trusted = GatewayContract.trusted

    @pytest.fixture
    def open_driver(self) -> DriverFactory:
        def open_gateway(**options: Unpack[GatewayOptions]) -> TwilioGateway:
            base_url, twilio_options = split_options(options)
            http_client: Any = make_validation_client()
            http_client.session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            return OwningGateway(make_client(base_url, http_client=http_client), **twilio_options)

        return functools.partial(ThreadDriver, open_gateway)

    def test_requests_are_signed(self, open_driver: DriverFactory) -> None:
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request())
        assert len(server.requests[0].all("Twilio-Client-Validation")) == 1


class TestProxyRecipe(GatewayContract):
    """The documented client for a proxy."""

    @pytest.fixture
    def open_gateway(self) -> Callable[..., TwilioGateway]:
        def open_gateway(**options: Unpack[GatewayOptions]) -> TwilioGateway:
            base_url, twilio_options = split_options(options)
            session = requests.Session()
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            client = make_client(base_url, http_client=ProxyRecipe(session))
            return OwningGateway(client, **twilio_options)

        return open_gateway


class TestAsyncProxyRecipe(AsyncGatewayContract):
    """The same for asyncio."""

    test_memory_of_a_reply_is_bounded = OwnClientContract.test_memory_of_a_reply_is_bounded
    test_timeout_covers_the_whole_exchange = (
        OwnClientContract.test_timeout_covers_the_whole_exchange
    )

    @pytest.fixture
    def open_gateway(self) -> Callable[..., AsyncTwilioGateway]:
        def open_gateway(**options: Unpack[GatewayOptions]) -> AsyncTwilioGateway:
            base_url, twilio_options = split_options(options)
            http_client = AsyncProxyRecipe(make_async_http_client().session)
            client = make_client(base_url, http_client=http_client)
            return AsyncOwningGateway(client, **twilio_options)

        return open_gateway


class TestGivenClient(GivenClientContract):
    """A mock that returns or raises anything."""

    @pytest.fixture
    def open_gateway_on(self) -> Callable[..., TwilioGateway]:
        def open_gateway_on(
            respond: Callable[[], object], **options: Unpack[GatewayOptions]
        ) -> TwilioGateway:
            _, twilio_options = split_options(options)
            return TwilioGateway(make_client(http_client=Minimal(respond)), **twilio_options)

        return open_gateway_on

    @pytest.fixture
    def make_response(self) -> ResponseMaker:
        def make_response(status: int, text: str) -> object:
            return Response(status, text)

        return make_response


class TestAsyncGivenClient(AsyncGivenClientContract):
    """The same for asyncio."""

    @pytest.fixture
    def open_gateway_on(self) -> Callable[..., AsyncTwilioGateway]:
        def open_gateway_on(
            respond: Callable[[], object], **options: Unpack[GatewayOptions]
        ) -> AsyncTwilioGateway:
            _, twilio_options = split_options(options)
            client = make_client(http_client=AsyncMinimal(respond))
            return AsyncTwilioGateway(client, **twilio_options)

        return open_gateway_on

    @pytest.fixture
    def make_response(self) -> ResponseMaker:
        def make_response(status: int, text: str) -> object:
            return Response(status, text)

        return make_response


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


def test_http_client_of_the_service_is_called_as_the_package_calls_it() -> None:
    http_client = Minimal(lambda: Response(200, "{}", {}))
    gateway = TwilioGateway(make_client(http_client=http_client), timeout=3)
    form = [("Instruction", "conference"), ("Event", "a"), ("Event", "b")]
    assert gateway.send(update_request(form)) == Reply(200, (), b"{}")
    gateway.send(fetch_request())
    update, fetch = http_client.calls
    assert update.pop("headers")["X-Twilio-Client"]
    assert update == {
        "method": "POST",
        "uri": PLATFORM + PATH,
        "params": None,
        "data": {"Instruction": "conference", "Event": ["a", "b"]},
        "auth": (CREDENTIALS.username, CREDENTIALS.password),
        "timeout": 3,
        "allow_redirects": False,
    }
    assert fetch["data"] is None


def test_async_http_client_of_the_service_is_called_as_the_package_calls_it() -> None:
    http_client = AsyncMinimal(lambda: Response(200, "{}", {}))

    async def run() -> None:
        async with AsyncTwilioGateway(make_client(http_client=http_client)) as gateway:
            assert await gateway.asend(update_request()) == Reply(200, (), b"{}")

    asyncio.run(run())
    (call,) = http_client.calls
    assert call["uri"] == PLATFORM + PATH
    assert call["auth"] == (CREDENTIALS.username, CREDENTIALS.password)
    assert "Authorization" not in call["headers"]


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


def test_closed_client_is_not_sent() -> None:
    async def run() -> None:
        client = make_client(http_client=AsyncTwilioHttpClient())
        await client.http_client.close()
        with pytest.raises(NotSent, match="the client is closed"):
            await AsyncTwilioGateway(client).asend(update_request())

    asyncio.run(run())


# --- kind of the HTTP client ---------------------------------------------------------------------


def test_client_without_is_async_is_for_threads() -> None:
    http_client = ProxyRecipe()
    assert not hasattr(http_client, "is_async")
    TwilioGateway(make_client(http_client=http_client))
    with pytest.raises(ConfigurationError, match="needs an async http_client"):
        AsyncTwilioGateway(make_client(http_client=http_client))


def test_coroutine_function_without_is_async_is_for_asyncio() -> None:
    http_client = AsyncProxyRecipe(object())
    AsyncTwilioGateway(make_client(http_client=http_client))
    with pytest.raises(ConfigurationError, match="needs a blocking http_client"):
        TwilioGateway(make_client(http_client=http_client))


def test_mock_without_an_own_is_async_is_of_the_kind_of_its_method() -> None:
    for_threads, for_asyncio = MagicMock(), AsyncMock()
    for mock in (for_threads, for_asyncio):
        mock.request.return_value = Response(200, "{}")

    async def run() -> Reply:
        return await AsyncTwilioGateway(make_client(http_client=for_asyncio)).asend(
            update_request()
        )

    assert TwilioGateway(make_client(http_client=for_threads)).send(update_request()).status == 200
    assert asyncio.run(run()).status == 200


class LazySession(Minimal):
    """It opens its session in the event loop, as aiohttp demands."""

    @property
    def session(self) -> object:
        raise RuntimeError("no running event loop")


class AsyncLazySession(LazySession, AsyncMinimal):
    pass


def test_client_may_open_its_session_later() -> None:
    async def run() -> Reply:
        client = make_client(http_client=AsyncLazySession(lambda: Response(200, "{}")))
        return await AsyncTwilioGateway(client).asend(update_request())

    client = make_client(http_client=LazySession(lambda: Response(200, "{}")))
    assert TwilioGateway(client).send(update_request()).status == 200
    assert asyncio.run(run()).status == 200


def test_cancellation_inside_the_client_is_outcome_unknown() -> None:
    def cancel() -> object:
        raise asyncio.CancelledError

    async def run() -> None:
        gateway = AsyncTwilioGateway(make_client(http_client=AsyncMinimal(cancel)))
        with pytest.raises(GatewayError, match="failed: CancelledError"):
            await gateway.asend(update_request())

    with pytest.raises(GatewayError, match="failed: CancelledError"):
        TwilioGateway(make_client(http_client=Minimal(cancel))).send(update_request())
    asyncio.run(run())


NOBODY: Any = SimpleNamespace(host="example.com", port=443, ssl=None, is_ssl=True)
NOT_CONNECTED: list[Exception] = [
    requests.ConnectTimeout(),
    requests.ConnectionError(MaxRetryError(NOBODY, "/", NewConnectionError(NOBODY, "refused"))),
    ClientConnectorError(NOBODY, OSError(111, "Connection refused")),
    ConnectionTimeoutError(),
]


@pytest.mark.parametrize("error", NOT_CONNECTED, ids=lambda error: type(error).__name__)
def test_unseen_failure_to_connect_is_outcome_unknown(error: Exception) -> None:
    """The client may have made another request before, which acted."""

    def fail() -> object:
        raise error

    async def run() -> None:
        http_client = AsyncMinimal(fail)
        gateway = AsyncTwilioGateway(make_client(http_client=http_client))
        with pytest.raises(OutcomeUnknown):
            await aperform(PENDING, Accept(), gateway, policy=Policy(attempts=1))
        assert [call["method"] for call in http_client.calls] == ["POST", "GET"]

    http_client = Minimal(fail)
    with (
        TwilioGateway(make_client(http_client=http_client)) as gateway,
        pytest.raises(OutcomeUnknown),
    ):
        perform(PENDING, Accept(), gateway, policy=Policy(attempts=1))
    assert [call["method"] for call in http_client.calls] == ["POST", "GET"]
    asyncio.run(run())


class Repeating(ProxyRecipe):
    """It sends a request that failed again."""

    def __init__(self, find_url: Callable[[str], str]) -> None:
        super().__init__()
        self.find_url = find_url

    def request(self, method: str, url: str, **given: Any) -> Any:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            return super().request(method, url, **given)
        except requests.ConnectionError:
            return super().request(method, self.find_url(url), **given)


@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_failure_to_connect_again_is_outcome_unknown(*, is_elsewhere: bool) -> None:
    def find_url(url: str) -> str:
        stack.close()
        return closed + PATH if is_elsewhere else url

    with closed_port() as closed, contextlib.ExitStack() as stack:
        server = stack.enter_context(LoopbackServer(raw_response()))
        gateway = TwilioGateway(make_client(server.origin, http_client=Repeating(find_url)))
        with pytest.raises(GatewayError) as caught:
            gateway.send(update_request())
    assert len(server.requests) == 1
    assert not isinstance(caught.value, NotSent)


def test_coroutine_of_a_client_for_threads_is_an_unusable_response() -> None:
    http_client = AsyncMinimal(lambda: Response(200, "{}"))
    http_client.is_async = False
    with pytest.raises(GatewayError, match="unusable coroutine"):
        TwilioGateway(make_client(http_client=http_client)).send(update_request())


def test_async_client_may_answer_without_awaiting() -> None:
    http_client = Minimal(lambda: Response(200, "{}"))
    http_client.is_async = True

    async def run() -> Reply:
        return await AsyncTwilioGateway(make_client(http_client=http_client)).asend(
            update_request()
        )

    assert asyncio.run(run()).body == b"{}"


def test_async_client_that_ignores_the_timeout_is_cancelled() -> None:
    class Endless:
        is_async = True

        async def request(self, *_: object, **__: object) -> None:
            await asyncio.Event().wait()

    async def run() -> None:
        gateway = AsyncTwilioGateway(make_client(http_client=Endless()), timeout=0.05)
        with pytest.raises(GatewayError, match="no complete reply"):
            await gateway.asend(update_request())

    asyncio.run(run())


def test_caller_of_a_client_that_ignores_the_timeout_is_released() -> None:
    is_over = threading.Event()
    http_client = Minimal(lambda: is_over.wait(5))
    gateway = TwilioGateway(make_client(http_client=http_client), timeout=0.05, max_connections=1)
    try:
        with pytest.raises(GatewayError, match="no complete reply"):
            gateway.send(update_request())
    finally:
        is_over.set()
    http_client.respond = lambda: Response(200, "{}")
    assert gateway.send(update_request()).status == 200


class Raw:
    """A response of another library."""

    status_code = 200
    text = b"{}"

    def __init__(self, headers: object) -> None:
        self.headers = headers


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, ()),
        ({"ETag": "7", "X": "é", "Y": 5, b"Z": "z"}, (("ETag", "7"),)),
        ([("ETag", "7"), ("etag", "8")], (("ETag", "7"), ("etag", "8"))),
    ],
)
def test_headers_of_any_shape_are_read(headers: object, expected: object) -> None:
    gateway = TwilioGateway(make_client(http_client=Minimal(lambda: Raw(headers))))
    reply = gateway.send(update_request())
    assert (reply.headers.pairs, reply.body) == (expected, b"{}")


def test_reply_that_was_read_is_returned_though_the_client_fails_afterwards() -> None:
    class Strict(TwilioHttpClient):  # type: ignore[misc]
        def request(self, *given: Any, **more: Any) -> Any:
            super().request(*given, **more)
            raise TwilioException("the service wants no 404")

    with LoopbackServer(json_response(b'{"code": 20404}', "404 Not Found")) as server:
        gateway = TwilioGateway(make_client(server.origin, http_client=Strict()))
        assert gateway.send(update_request()).status == 404


def test_command_whose_client_fails_has_an_unknown_outcome() -> None:
    def fail() -> object:
        raise TwilioException("lost")

    http_client = Minimal(fail)
    gateway = TwilioGateway(make_client(http_client=http_client))
    with pytest.raises(OutcomeUnknown):
        perform(PENDING, Accept(), gateway, policy=Policy(attempts=1))
    assert [call["method"] for call in http_client.calls] == ["POST", "GET"]
