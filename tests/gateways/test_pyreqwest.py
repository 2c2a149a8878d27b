"""The pyreqwest gateways keep every promise of the contract, those of a client of their own, and a few more."""

import asyncio
import functools
import sys

import pytest

from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import user_agent
from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncOwnClientContract,
    OwnClientContract,
    expect_failure,
    update_request,
)
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.loopback import LoopbackServer, json_response


class More:
    """What goes beyond the contract."""

    def test_no_header_more(self, open_driver: DriverFactory) -> None:
        """A POST has the headers it was given and those that HTTP asks for, and no other."""
        with LoopbackServer() as server, open_driver(base_url=server.origin) as driver:
            driver.send(update_request(if_match="7"))
        (received,) = server.requests
        names = {
            line.partition(":")[0].lower() for line in received.head.decode().split("\r\n")[1:]
        }
        given = {"accept", "content-type", "if-match"}
        assert names == given | {
            "authorization",
            "content-length",
            "user-agent",
            "accept-encoding",
            "host",
        }
        assert (received.all("User-Agent"), received.all("Accept-Encoding")) == (
            [user_agent()],
            ["gzip"],
        )

    def test_a_very_long_header_comes_back(self, open_driver: DriverFactory) -> None:
        """A header of 100 kB is read."""
        with (
            LoopbackServer(json_response(headers=[("X-Long", "v" * 100_000)])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert len(driver.send(update_request()).headers["X-Long"]) == 100_000

    def test_too_many_headers_are_refused(self, open_driver: DriverFactory) -> None:
        """A reply with more than 100 headers is not read: its outcome is unknown."""
        many = json_response(headers=[(f"X-{number}", "v" * 1000) for number in range(101)])
        with LoopbackServer(many) as server, open_driver(base_url=server.origin) as driver:
            assert not isinstance(expect_failure(driver, update_request()), NotSent)

    @pytest.mark.skipif(
        sys.platform != "linux",
        reason="only Linux leaves a connection unanswered when the queue is full",
    )
    def test_a_total_time_out_counts_as_unknown(self, open_driver: DriverFactory) -> None:
        """Where the whole time-out runs out first, a connection never made cannot be told from a lost reply: outcome unknown."""
        with (
            loopback.unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=60, timeout=0.2) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)


class TestPyreqwest(More, OwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[PyreqwestGateway]:
        """Open the gateway for threads."""
        return functools.partial(PyreqwestGateway, CREDENTIALS)


class TestAsyncPyreqwest(More, AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AsyncPyreqwestGateway]:
        """Open the gateway for asyncio."""
        return functools.partial(AsyncPyreqwestGateway, CREDENTIALS)


def test_a_gateway_outlives_its_event_loop() -> None:
    """A gateway opened outside any event loop serves one after the other, and keeps its connection."""
    with LoopbackServer() as server:
        gateway = AsyncPyreqwestGateway(CREDENTIALS, base_url=server.origin)
        assert [asyncio.run(gateway.asend(update_request())).status for _ in range(3)] == [
            200,
            200,
            200,
        ]
        asyncio.run(gateway.aclose())
    assert server.connections == 1
