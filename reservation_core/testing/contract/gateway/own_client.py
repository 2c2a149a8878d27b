"""What only a gateway can keep that has an HTTP client of its own: each wait, connection, byte and cookie is then its to decide on."""

import gzip
import time

import pytest

from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.failures import HANDSHAKES, NEEDS_UNRESPONSIVE_PORT
from reservation_core.testing.contract.gateway.replies import HINTED
from reservation_core.testing.contract.gateway.support import expect_failure, update_request
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    json_response,
    raw_response,
)


class OwnClientTests:
    """Promises beyond those of every gateway."""

    def test_body_is_returned_as_bytes(self, open_driver: DriverFactory) -> None:
        """A body that is no text, or packed in a way nobody asked for, comes back byte for byte."""
        with (
            LoopbackServer(
                json_response(b"\x00\xff", headers=[("Content-Encoding", "br")])
            ) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert driver.send(update_request()).body == b"\x00\xff"

    def test_early_hints_are_skipped(self, open_driver: DriverFactory) -> None:
        """The reply that follows early hints is handed back."""
        with LoopbackServer(HINTED) as server, open_driver(base_url=server.origin) as driver:
            assert driver.send(update_request()).body == b"hint"

    def test_truncated_gzip_is_not_a_reply(self, open_driver: DriverFactory) -> None:
        """A packed body that ends early is not taken for the whole, even where its length is as named."""
        half = json_response(
            gzip.compress(b"{}" * 999)[:-9], headers=[("Content-Encoding", "gzip")]
        )
        with (
            LoopbackServer(half, json_response(b"next")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)
            assert driver.send(update_request()).body == b"next"

    def test_endless_reply_is_aborted(self, open_driver: DriverFactory) -> None:
        """A reply is seen to be too long while it comes, not when it has ended."""
        with (
            LoopbackServer(loopback.endless_response(), json_response(b"next")) as server,
            open_driver(base_url=server.origin, max_reply_bytes=1000) as driver,
        ):
            error = expect_failure(driver, update_request())
            assert not isinstance(error, NotSent)
            assert "1000" in error.reason
            assert driver.send(update_request()).body == b"next"

    def test_timeout_covers_the_head(self, open_driver: DriverFactory) -> None:
        """A head that comes a byte at a time does not stretch the time-out."""
        dripping = raw_response(
            b"HTTP/1.1 200 OK\r\nX-", *[b"a"] * 9, b": a\r\nContent-Length: 2\r\n\r\n{}", pause=0.06
        )
        with (
            LoopbackServer(dripping, json_response(b"next")) as server,
            open_driver(base_url=server.origin, timeout=0.25) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)
            assert driver.send(update_request()).body == b"next"

    @NEEDS_UNRESPONSIVE_PORT
    def test_unanswered_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """Nobody answers within connect_timeout: nothing was sent, and it does not take the whole time-out."""
        with (
            loopback.unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=0.2, timeout=5) as driver,
        ):
            assert isinstance(expect_failure(driver, update_request()), NotSent)

    @pytest.mark.parametrize("answer", HANDSHAKES)
    def test_failed_tls_handshake_is_not_sent(
        self, open_driver: DriverFactory, answer: Responder
    ) -> None:
        """A server that breaks off, or does not speak TLS: nothing was sent."""
        with (
            LoopbackServer(answer) as server,
            open_driver(base_url=server.origin.replace("http", "https")) as driver,
        ):
            assert isinstance(expect_failure(driver, update_request()), NotSent)

    def test_cookies_are_not_kept(self, open_driver: DriverFactory) -> None:
        """A cookie that is set is not sent back."""
        with (
            LoopbackServer(json_response(headers=[("Set-Cookie", "a=b; Path=/")])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            driver.send(update_request())
            driver.send(update_request())
        assert [received.all("Cookie") for received in server.requests] == [[], []]

    def test_proxy_variables_are_ignored(
        self, open_driver: DriverFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Proxy variables are not read: the credentials go to the base URL and nowhere else."""
        with LoopbackServer() as proxy, LoopbackServer() as server:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.origin)
            with open_driver(base_url=server.origin) as driver:
                driver.send(update_request())
        assert (proxy.connections, len(server.requests)) == (0, 1)

    def test_close_aborts_exchange_under_way(self, open_driver: DriverFactory) -> None:
        """An exchange under way when the gateway is closed has an unknown outcome, and does not wait for its time-out."""
        started = time.monotonic()
        with (
            LoopbackServer(loopback.no_response()) as server,
            open_driver(base_url=server.origin, timeout=60) as driver,
        ):
            (outcome,) = driver.send_and_close([update_request()], 0.2)
            assert time.monotonic() - started < loopback.MAX_WAIT - 1
        assert isinstance(outcome, GatewayError)
        assert not isinstance(outcome, NotSent)
        assert len(server.requests) == 1

    def test_close_refuses_requests_waiting_for_a_connection(
        self, open_driver: DriverFactory
    ) -> None:
        """What had no connection yet when the gateway is closed gets none any more, and ends as what failed, not as cancelled."""
        with (
            LoopbackServer(loopback.no_response()) as server,
            open_driver(base_url=server.origin, max_connections=1, connect_timeout=5) as driver,
        ):
            outcomes = driver.send_and_close([update_request() for _ in range(3)], 0.2)
        assert [isinstance(outcome, GatewayError) for outcome in outcomes] == [True] * 3
        assert not all(isinstance(outcome, NotSent) for outcome in outcomes)
        assert len(server.requests) == 1
