"""Tests of the pyreqwest gateways: the whole contract, and more."""

import asyncio
import functools

import pytest

from reservation_core.gateways import pyreqwest
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import user_agent
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncOwnClientContract,
    OwnClientContract,
)
from reservation_core.testing.contract.gateway.checks import expect_failure
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.failures import NEEDS_UNRESPONSIVE_PORT
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    closed_port,
    json_response,
    unresponsive_port,
)


class _BeyondTheContract:
    def test_post_has_no_further_headers(self, open_driver: DriverFactory) -> None:
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request(if_match="7"))
        (received,) = server.requests
        lines = received.head.decode().split("\r\n")[1:]
        assert {line.partition(":")[0].lower() for line in lines} == {
            "accept",
            "accept-encoding",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "if-match",
            "user-agent",
        }
        assert received.all("User-Agent") == [user_agent()]
        assert received.all("Accept-Encoding") == ["gzip"]

    def test_header_of_100_kb_is_returned(self, open_driver: DriverFactory) -> None:
        with (
            LoopbackServer(json_response(headers=[("X-Long", "v" * 100_000)])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert len(driver.send(update_request()).headers["X-Long"]) == 100_000

    def test_more_than_100_headers_are_outcome_unknown(self, open_driver: DriverFactory) -> None:
        many = json_response(headers=[(f"X-{number}", "v" * 1000) for number in range(101)])
        with LoopbackServer(many) as server, open_driver(base_url=server.origin) as driver:
            assert not isinstance(expect_failure(driver, update_request()), NotSent)

    @NEEDS_UNRESPONSIVE_PORT
    def test_timeout_while_connecting_is_outcome_unknown(self, open_driver: DriverFactory) -> None:
        """A connection that was never made looks like a lost reply."""
        with (
            unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=60, timeout=0.2) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)


class TestPyreqwest(_BeyondTheContract, OwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[PyreqwestGateway]:
        return functools.partial(PyreqwestGateway, CREDENTIALS)


class TestAsyncPyreqwest(_BeyondTheContract, AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AsyncPyreqwestGateway]:
        return functools.partial(AsyncPyreqwestGateway, CREDENTIALS)


def test_async_gateway_serves_one_event_loop_after_another() -> None:
    with LoopbackServer() as server:
        gateway = AsyncPyreqwestGateway(CREDENTIALS, base_url=server.origin)
        for _ in range(3):
            assert asyncio.run(gateway.asend(update_request())).status == 200
        asyncio.run(gateway.aclose())
    assert server.connections == 1


def test_failed_connect_worded_otherwise_is_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another version of pyreqwest may word its causes otherwise."""
    monkeypatch.setattr(pyreqwest, "_CONNECT_FAILED", "worded otherwise")
    with closed_port() as origin, PyreqwestGateway(CREDENTIALS, base_url=origin) as gateway:
        with pytest.raises(GatewayError) as caught:
            gateway.send(update_request())
        assert not isinstance(caught.value, NotSent)
