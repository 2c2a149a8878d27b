"""Tests of reading the replies of ``requests``."""

import threading
from collections.abc import Callable
from typing import Any, Final, cast

import pytest
import requests
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.gateways.twilio import TwilioGateway
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.failures import NEEDS_UNRESPONSIVE_PORT
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import (
    MAX_WAIT,
    Connection,
    LoopbackServer,
    Responder,
    gzip_response,
    json_response,
    no_response,
    raw_response,
    response_head,
    unresponsive_port,
)
from tests.gateways.twilio_clients import OwningGateway, ProxyRecipe, make_client


def test_response_hooks_of_the_service_get_the_complete_reply() -> None:
    seen: list[bytes] = []

    def look(response: requests.Response, **_: object) -> None:
        seen.append(response.content)

    http_client = TwilioHttpClient(request_hooks={"response": look})
    redirect = json_response(b"", "302 Found", [("Location", "/elsewhere")])
    with (
        LoopbackServer(gzip_response(b'{"n": 1}'), redirect) as server,
        OwningGateway(make_client(server.origin, http_client=http_client)) as gateway,
    ):
        assert [gateway.send(update_request()).status for _ in range(2)] == [200, 302]
    assert seen == [b'{"n": 1}', b""]


def test_only_gzip_is_accepted() -> None:
    with LoopbackServer() as server, OwningGateway(make_client(server.origin)) as gateway:
        gateway.send(update_request())
    assert server.requests[0].all("Accept-Encoding") == ["gzip"]


def test_connection_of_an_oversized_reply_is_closed_at_once() -> None:
    hung_up = threading.Event()

    def long_response(connection: Connection) -> bool:
        connection.receive()
        connection.write(response_head(headers=[("Content-Length", "50")]) + b"x" * 11)
        if not connection.has_request():
            hung_up.set()
        return False

    with (
        LoopbackServer(long_response) as server,
        OwningGateway(make_client(server.origin), max_reply_bytes=10) as gateway,
    ):
        with pytest.raises(GatewayError) as caught:
            gateway.send(update_request())
        assert hung_up.wait(MAX_WAIT - 1)
    # The error, and with it every object that it refers to, was kept alive until here.
    assert "10" in caught.value.reason


@pytest.mark.parametrize(
    "responder",
    [
        no_response(),
        raw_response(response_head(headers=[("Content-Length", "9")]), *[b""] * 3, pause=0.15),
    ],
)
def test_late_reply_is_a_timeout(responder: Responder) -> None:
    with (
        LoopbackServer(responder) as server,
        OwningGateway(make_client(server.origin), timeout=0.2) as gateway,
        pytest.raises(GatewayError, match=r"no complete reply from .* within 0\.2 s"),
    ):
        gateway.send(update_request())


@NEEDS_UNRESPONSIVE_PORT
def test_unanswered_connection_is_not_sent() -> None:
    with (
        unresponsive_port() as origin,
        OwningGateway(make_client(origin), timeout=0.2) as gateway,
        pytest.raises(NotSent, match=r"timed out after 0\.2 s"),
    ):
        gateway.send(update_request())


def test_client_without_a_session_is_read_within_the_limit() -> None:
    http_client = TwilioHttpClient(pool_connections=False)
    with LoopbackServer(json_response(), json_response(b"x" * 11)) as server:
        gateway = TwilioGateway(
            make_client(server.origin, http_client=http_client), max_reply_bytes=10
        )
        assert gateway.send(update_request()).body == b"{}"
        with pytest.raises(GatewayError, match="exceeds max_reply_bytes: 10"):
            gateway.send(update_request())
    assert server.connections == 2


def test_reply_is_taken_from_the_client_where_the_hook_does_not_run() -> None:
    def respond_without_hook(*_: Any, **__: Any) -> Response:
        return Response(200, '{"n": 1}', {"ETag": "7"})

    http_client: Any = TwilioHttpClient()
    http_client.request = respond_without_hook
    client = make_client(http_client=http_client)
    with OwningGateway(client) as gateway:
        assert gateway.send(update_request()).body == b'{"n": 1}'
    with (
        OwningGateway(client, max_reply_bytes=7) as gateway,
        pytest.raises(GatewayError, match="exceeds max_reply_bytes: 7"),
    ):
        gateway.send(update_request())


def test_refusal_of_the_client_is_not_taken_for_a_reply() -> None:
    def refuse(*_: Any, **__: Any) -> Response:
        raise ValueError("refused by the service's client")

    http_client: Any = TwilioHttpClient()
    http_client.request = refuse
    with (
        OwningGateway(make_client(http_client=http_client)) as gateway,
        pytest.raises(GatewayError, match="failed: ValueError"),
    ):
        gateway.send(update_request())


class SelfMade:
    """A service's client for any HTTP library."""

    is_async = False

    def __init__(self, take: Callable[[Any], object], response: object = None) -> None:
        self.take = take
        self.taken: object = None
        self.response = response or Response(200, "{}", headers={"ETag": "7"})

    def request(self, *_: object, auth: Any, **__: object) -> object:
        self.taken = self.take(auth)
        return self.response


class Other:
    """A request of another library."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}


TAKES: Final[dict[str, Callable[[Any], object]]] = {
    "unpacked": tuple,
    "listed": list,
    "by index": lambda auth: (auth[0], auth[1]),
    "by slice": lambda auth: tuple(auth[:2]),
    "compared": lambda auth: auth,
}


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_client_takes_the_credentials_as_a_pair(take: Callable[[Any], object]) -> None:
    http_client = SelfMade(take)
    reply = TwilioGateway(make_client(http_client=http_client)).send(update_request())
    pair = (CREDENTIALS.username, CREDENTIALS.password)
    assert http_client.taken in (pair, list(pair))
    assert (reply.etag, reply.body) == ("7", b"{}")


def test_request_of_another_library_is_authenticated() -> None:
    http_client = SelfMade(lambda auth: auth(Other()).headers)
    TwilioGateway(make_client(http_client=http_client)).send(update_request())
    assert http_client.taken == {"Authorization": CREDENTIALS.authorization}


def test_credentials_are_hashable_and_not_shown() -> None:
    http_client = SelfMade(lambda auth: (hash(auth) == hash(auth), len(auth), repr(auth)))
    TwilioGateway(make_client(http_client=http_client)).send(update_request())
    hashes, length, shown = cast("tuple[bool, int, str]", http_client.taken)
    assert (hashes, length) == (True, 2)
    assert CREDENTIALS.password not in shown


def test_recipe_keeps_the_headers_that_its_response_drops() -> None:
    response = json_response(b"{}", headers=[("ETag", '"7"'), ("Retry-After", "9")])
    with (
        LoopbackServer(response) as server,
        OwningGateway(make_client(server.origin, http_client=ProxyRecipe())) as gateway,
    ):
        reply = gateway.send(update_request())
    assert (reply.etag, reply.headers["Retry-After"]) == ('"7"', "9")


def test_response_of_another_status_than_received_is_taken_as_it_is() -> None:
    class Rewriting(ProxyRecipe):
        def request(self, *given: Any, **named: Any) -> Any:
            super().request(*given, **named)
            return Response(503, "the proxy is down")

    response = json_response(b"{}", headers=[("ETag", '"7"')])
    with (
        LoopbackServer(response) as server,
        OwningGateway(make_client(server.origin, http_client=Rewriting())) as gateway,
    ):
        reply = gateway.send(update_request())
    assert (reply.status, reply.etag, reply.body) == (503, None, b"the proxy is down")
