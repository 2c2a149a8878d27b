"""Tests of a gateway with its own HTTP client."""

import gzip
import time

import pytest

from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.bounds import BoundsTests
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.failures import (
    FAILED_HANDSHAKES,
    NEEDS_UNRESPONSIVE_PORT,
)
from reservation_core.testing.contract.gateway.replies import EARLY_HINTS
from reservation_core.testing.contract.gateway.support import (
    serving,
    update_request,
)
from reservation_core.testing.contract.gateway.unasked import DroppedConnectionTests
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    json_response,
    no_response,
    raw_response,
)

_PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")


class OwnClientTests(BoundsTests, DroppedConnectionTests):
    """Promises about each wait, connection, byte and cookie."""

    def test_body_is_returned_as_bytes(self, open_driver: DriverFactory) -> None:
        """A binary body, or one in another encoding, is returned unchanged."""
        encoded = json_response(b"\x00\xff", headers=[("Content-Encoding", "br")])
        with serving(open_driver, encoded) as driver:
            assert driver.send(update_request()).body == b"\x00\xff", "return the bytes unchanged"

    def test_early_hints_are_skipped(self, open_driver: DriverFactory) -> None:
        """The reply after early hints is returned."""
        with serving(open_driver, EARLY_HINTS) as driver:
            assert driver.send(update_request()).body == b"hint", "skip the early hints"

    def test_truncated_gzip_is_not_a_reply(self, open_driver: DriverFactory) -> None:
        """A truncated gzip body is not a reply, whatever its length."""
        truncated = gzip.compress(b"{}" * 999)[:-9]
        responder = json_response(truncated, headers=[("Content-Encoding", "gzip")])
        with serving(open_driver, responder, json_response(b"next")) as driver:
            checks.expect_outcome_unknown(driver, update_request())
            checks.check_still_works(driver)

    def test_endless_reply_is_aborted(self, open_driver: DriverFactory) -> None:
        """A reply is refused as soon as it exceeds max_reply_bytes."""
        responders = [loopback.endless_response(), json_response(b"next")]
        with serving(open_driver, *responders, max_reply_bytes=1000) as driver:
            error = checks.expect_outcome_unknown(driver, update_request())
            assert "1000" in error.reason, "name max_reply_bytes in the error"
            checks.check_still_works(driver)

    def test_timeout_covers_the_head(self, open_driver: DriverFactory) -> None:
        """A head that arrives byte by byte does not extend the timeout."""
        head_end = b": a\r\nContent-Length: 2\r\n\r\n{}"
        dripping = raw_response(b"HTTP/1.1 200 OK\r\nX-", *[b"a"] * 9, head_end, pause=0.06)
        with serving(open_driver, dripping, json_response(b"next"), timeout=0.25) as driver:
            checks.expect_outcome_unknown(driver, update_request())
            checks.check_still_works(driver)

    @NEEDS_UNRESPONSIVE_PORT
    def test_unanswered_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A connection not answered within connect_timeout means that nothing was sent."""
        with (
            loopback.unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=0.2, timeout=5) as driver,
        ):
            checks.expect_not_sent(driver, update_request(), "the connection was never made")

    @pytest.mark.parametrize("responder", FAILED_HANDSHAKES)
    def test_failed_tls_handshake_is_not_sent(
        self, open_driver: DriverFactory, responder: Responder
    ) -> None:
        """A failed TLS handshake means that nothing was sent."""
        with (
            LoopbackServer(responder) as server,
            open_driver(base_url=server.origin.replace("http", "https")) as driver,
        ):
            checks.expect_not_sent(driver, update_request(), "the TLS handshake failed")

    def test_cookies_are_not_kept(self, open_driver: DriverFactory) -> None:
        """A cookie that the server sets is not sent back."""
        with serving(open_driver, json_response(headers=[("Set-Cookie", "a=b; Path=/")])) as driver:
            driver.send(update_request())
            driver.send(update_request())
        cookies = [received.all("Cookie") for received in driver.server.requests]
        assert cookies == [[], []], "keep no cookie"

    def test_proxy_variables_are_ignored(
        self, open_driver: DriverFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Proxy variables are ignored: the credentials go to the base URL only."""
        with LoopbackServer() as proxy:
            for name in _PROXY_VARIABLES:
                monkeypatch.setenv(name, proxy.origin)
            with serving(open_driver) as driver:
                driver.send(update_request())
        assert proxy.connections == 0, "ignore proxy variables"
        checks.only_request(driver)

    def test_close_aborts_exchange_under_way(self, open_driver: DriverFactory) -> None:
        """Closing ends an exchange under way at once, with an unknown outcome."""
        started = time.monotonic()
        with serving(open_driver, no_response(), timeout=60) as driver:
            (result,) = driver.send_and_close([update_request()], 0.2)
            assert time.monotonic() - started < loopback.MAX_WAIT - 1, "end the exchange at once"
        checks.check_outcome_unknown(result)
        checks.only_request(driver)

    def test_close_refuses_requests_waiting_for_a_connection(
        self, open_driver: DriverFactory
    ) -> None:
        """Closing fails a request that waits for a connection, without cancelling it."""
        with serving(open_driver, no_response(), max_connections=1, connect_timeout=5) as driver:
            results = driver.send_and_close([update_request()] * 3, 0.2)
        for result in results:
            assert isinstance(result, GatewayError), "raise GatewayError or NotSent"
        assert not all(isinstance(result, NotSent) for result in results), (
            "one request was already written: raise GatewayError for it, not NotSent"
        )
        checks.only_request(driver)
