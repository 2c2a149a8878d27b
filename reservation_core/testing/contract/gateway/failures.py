"""Tests of timeouts, broken exchanges and TLS."""

import sys
from typing import TYPE_CHECKING

import pytest

from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    named_cases,
    server_tls,
    serving,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    json_response,
    no_response,
    raw_response,
    response_head,
)

if TYPE_CHECKING:
    import trustme

_LENGTH_50 = response_head(headers=[("Content-Length", "50")])
_CHUNKED = response_head(headers=[("Transfer-Encoding", "chunked")])
_TWO_LENGTHS = response_head(headers=[("Content-Length", "2"), ("Content-Length", "3")])

_BROKEN = named_cases(
    end_within_the_head=raw_response(b"HTTP/1.1 200 OK\r\nETa"),
    end_within_the_body=raw_response(_LENGTH_50 + b"half"),
    end_within_a_chunk=raw_response(_CHUNKED + b"9\r\nhalf"),
    end_between_chunks=raw_response(_CHUNKED + b"4\r\nhalf\r\n"),
    bad_chunk_length=raw_response(_CHUNKED + b"zz\r\nhalf\r\n"),
    bad_length=raw_response(response_head(headers=[("Content-Length", "two")]) + b"{}"),
    two_lengths=raw_response(_TWO_LENGTHS + b"{}"),
    reset_with_the_request_unread=loopback.reset_connection(),
    reset_after_the_request=loopback.reset_connection(after=b""),
    reset_within_the_head=loopback.reset_connection(after=b"HTTP/1.1 200"),
    reset_within_the_body=loopback.reset_connection(after=_LENGTH_50 + b"half"),
    end_at_once=raw_response(),
    garbage=raw_response(b"\x00\xff what is this?\r\n\r\n"),
    garbage_for_a_status=raw_response(b"HTTP/1.1 abc OK\r\n\r\n"),
    a_body_without_a_head=raw_response(b"{}"),
    too_long_a_header=json_response(headers=[("X-Long", "v" * 1_000_000)]),
    bad_gzip=json_response(b"no gzip", headers=[("Content-Encoding", "gzip")]),
)

FAILED_HANDSHAKES = named_cases(
    reset=loopback.reset_connection(),
    plain=loopback.unsolicited_response(b"HTTP/1.1 400 Bad\r\n\r\n"),
    end=loopback.unsolicited_response(b""),
)
"""Servers that fail the TLS handshake."""

NEEDS_UNRESPONSIVE_PORT = pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux leaves a connection unanswered when the queue is full",
)


class FailureTests:
    """Timeouts, the two classes of failure, and TLS."""

    @pytest.mark.parametrize("responder", _BROKEN)
    def test_failure_after_sending_is_outcome_unknown(
        self, open_driver: DriverFactory, responder: Responder
    ) -> None:
        """A failure after sending is GatewayError. Nothing is sent again."""
        with serving(open_driver, responder, json_response(b"next")) as driver:
            checks.expect_outcome_unknown(driver, update_request())
            assert len(driver.server.requests) <= 1, "send nothing again after a failure"
            checks.check_still_works(driver)

    def test_missing_reply_is_outcome_unknown(self, open_driver: DriverFactory) -> None:
        """A late reply has an unknown outcome. It answers no later request."""
        responders = [
            no_response(),
            raw_response(b"HTTP/1.1 200 OK\r\nETa", b"", pause=0.2),
            json_response(b"late", pause=0.6),
        ]
        with serving(open_driver, *responders, json_response(b"next"), timeout=0.35) as driver:
            for error in checks.expect_failures(driver, *[update_request()] * len(responders)):
                checks.check_outcome_unknown(error)
            assert len(driver.server.requests) == len(responders), "send each request once"
            checks.check_still_works(driver)

    def test_timeout_covers_the_whole_body(self, open_driver: DriverFactory) -> None:
        """A body that arrives byte by byte does not extend the timeout."""
        head = response_head(headers=[("Content-Length", "10")])
        dripping = raw_response(head, *[b"a"] * 10, pause=0.06)
        with serving(open_driver, dripping, json_response(b"next"), timeout=0.25) as driver:
            checks.expect_outcome_unknown(driver, update_request())
            checks.check_still_works(driver)

    def test_refused_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A refused connection means that nothing was sent."""
        with loopback.closed_port() as origin, open_driver(base_url=origin) as driver:
            checks.expect_not_sent(driver, update_request(), "the connection was refused")

    @NEEDS_UNRESPONSIVE_PORT
    def test_unanswered_connection_fails_in_time(self, open_driver: DriverFactory) -> None:
        """A connection that is never answered fails within the timeout."""
        with (
            loopback.unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=0.2, timeout=0.2) as driver,
        ):
            checks.expect_failure(driver, update_request())

    def test_unknown_host_name_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A host name that does not exist means that nothing was sent."""
        unknown = "https://nothing.invalid"
        with open_driver(base_url=unknown, connect_timeout=2, timeout=60) as driver:
            checks.expect_not_sent(driver, update_request(), "the host name does not exist")

    def test_waiting_for_a_free_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A request without a free connection within connect_timeout is not sent."""
        slow = json_response(b"slow", pause=0.3)
        with serving(open_driver, slow, max_connections=1, connect_timeout=0.1) as driver:
            results = driver.send_all([update_request(), update_request()])
        kinds = sorted(type(result).__name__ for result in results)
        assert kinds == ["NotSent", "Reply"], (
            "with one connection, answer one request and raise NotSent for the other"
        )
        assert len(driver.server.requests) == 1, "bound the connections by max_connections"

    # --- TLS -------------------------------------------------------------------------------------

    @pytest.mark.usefixtures("trusted")
    def test_trusted_certificate_is_accepted(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """An authority named by the environment is trusted."""
        with serving(open_driver, tls=server_tls(authority, "127.0.0.1")) as driver:
            reply = driver.send(update_request())
        assert reply.status == 200, "return the reply of a server with a trusted certificate"

    def test_certificate_of_unknown_authority_is_refused(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """A certificate of an unknown authority is refused before sending."""
        with serving(open_driver, tls=server_tls(authority, "127.0.0.1")) as driver:
            error = checks.expect_not_sent(driver, update_request(), "the certificate is wrong")
        checks.check_word(error, "certificate")
        assert driver.server.requests == [], "verify certificates"

    @pytest.mark.usefixtures("trusted")
    def test_certificate_for_another_name_is_refused(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """A trusted certificate of another host is refused before sending."""
        with serving(open_driver, tls=server_tls(authority, "other.example")) as driver:
            checks.expect_not_sent(driver, update_request(), "the certificate is wrong")
        assert driver.server.requests == [], "verify host names"

    @pytest.mark.parametrize("responder", FAILED_HANDSHAKES)
    def test_failed_tls_handshake_is_a_failure(
        self, open_driver: DriverFactory, responder: Responder
    ) -> None:
        """A server that fails the TLS handshake gets no request."""
        with (
            LoopbackServer(responder) as server,
            open_driver(base_url=server.origin.replace("http", "https")) as driver,
        ):
            checks.expect_failure(driver, update_request())
        assert server.requests == [], "send nothing without TLS"
