"""Tests of the connections of a gateway on ``requests``."""

import pickle
import time

import pytest
import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from urllib3 import PoolManager

from reservation_core.gateways.requests_connections import (
    DeadlineAdapter,
    TimedExchange,
    ending_at,
    use_own_connections,
)
from reservation_core.rest.errors import GatewayError
from reservation_core.testing.contract.gateway.bounds import dripping_response
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import LoopbackServer, json_response
from tests.gateways.twilio_clients import OwningGateway, make_client


class CountingAdapter(HTTPAdapter):
    """An adapter of the service's own."""


def test_other_requests_of_the_session_use_the_adapter_that_was_there() -> None:
    with LoopbackServer() as server, requests.Session() as session:
        session.get(server.origin)
        use_own_connections(session, server.origin, 3)
        session.get(server.origin)
        assert server.connections == 1
        with ending_at(TimedExchange(time.monotonic() + 5)):
            session.get(server.origin)
        assert server.connections == 2
        with ending_at(TimedExchange(time.monotonic() - 1)), pytest.raises(TimeoutError):
            session.get(server.origin)
    assert len(server.requests) == 3


def test_adapter_is_mounted_once_and_for_one_address() -> None:
    origin = "https://taskrouter.example"
    with requests.Session() as session:
        use_own_connections(session, origin, 3)
        own = session.get_adapter(f"{origin}/v1")
        use_own_connections(session, origin, 3)
        assert session.get_adapter(f"{origin}/v1") is own
        assert isinstance(own, DeadlineAdapter)
        assert type(session.get_adapter("https://taskrouter.example.org/")) is HTTPAdapter


def test_adapter_of_the_service_is_left_in_place() -> None:
    with requests.Session() as session:
        session.mount("https://", CountingAdapter())
        use_own_connections(session, "https://taskrouter.example", 3)
        assert type(session.get_adapter("https://taskrouter.example/")) is CountingAdapter


def test_session_can_be_pickled_as_before() -> None:
    with requests.Session() as session, LoopbackServer() as server:
        use_own_connections(session, server.origin, 3)
        with pickle.loads(pickle.dumps(session)) as copy:
            assert copy.get(server.origin).status_code == 200
            with ending_at(TimedExchange(time.monotonic() + 5)):
                assert copy.get(server.origin).status_code == 200


def test_deadline_is_kept_through_a_proxy() -> None:
    with LoopbackServer(json_response(), dripping_response(b"", b"\r\n")) as proxy:
        client = TwilioHttpClient(proxy={"http": proxy.origin})
        base_url = "http://taskrouter.example"
        with OwningGateway(
            make_client(base_url, http_client=client), timeout=0.3, allow_plain_http=True
        ) as gateway:
            assert gateway.send(update_request()).status == 200
            started = time.monotonic()
            with pytest.raises(GatewayError):
                gateway.send(update_request())
            assert time.monotonic() - started < 2
    assert proxy.requests[0].line.startswith(f"POST {base_url}/")


def test_proxy_of_another_kind_keeps_its_own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = PoolManager()

    def find(*_: object, **__: object) -> PoolManager:
        return manager

    monkeypatch.setattr(HTTPAdapter, "proxy_manager_for", find)
    classes = manager.pool_classes_by_scheme
    assert DeadlineAdapter(HTTPAdapter(), 3).proxy_manager_for("socks5://a") is manager
    assert manager.pool_classes_by_scheme is classes
