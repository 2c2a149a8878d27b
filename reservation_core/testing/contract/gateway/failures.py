"""What goes wrong: whatever breaks ends in time, in the class that says whether anything was sent, and is never sent again."""

import functools
import ssl
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    expect_failure,
    expect_failures,
    named_cases,
    update_request,
)
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    json_response,
    raw_response,
    response_head,
)

if TYPE_CHECKING:
    import trustme

_LENGTH_50 = response_head(headers=[("Content-Length", "50")])
_CHUNKED = response_head(headers=[("Transfer-Encoding", "chunked")])

_BROKEN = named_cases(
    end_within_the_head=raw_response(b"HTTP/1.1 200 OK\r\nETa"),
    end_within_the_body=raw_response(_LENGTH_50 + b"half"),
    end_within_a_chunk=raw_response(_CHUNKED + b"9\r\nhalf"),
    end_between_chunks=raw_response(_CHUNKED + b"4\r\nhalf\r\n"),
    bad_chunk_length=raw_response(_CHUNKED + b"zz\r\nhalf\r\n"),
    bad_length=raw_response(response_head(headers=[("Content-Length", "two")]) + b"{}"),
    two_lengths=raw_response(
        response_head(headers=[("Content-Length", "2"), ("Content-Length", "3")]) + b"{}"
    ),
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

HANDSHAKES = named_cases(
    reset=loopback.reset_connection(),
    plain=loopback.unsolicited_response(b"HTTP/1.1 400 Bad\r\n\r\n"),
    end=loopback.unsolicited_response(b""),
)
"""How a server fails to shake hands."""

NEEDS_UNRESPONSIVE_PORT = pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux leaves a connection unanswered when the queue is full",
)


class FailureTests:
    """Time-outs, the two classes of failure, and TLS."""

    @pytest.mark.parametrize("answer", _BROKEN)
    def test_failure_after_sending_is_outcome_unknown(
        self, open_driver: DriverFactory, answer: Responder
    ) -> None:
        """Whatever breaks once the request may have left is GatewayError, not NotSent; it is not sent again, and the gateway goes on."""
        with (
            LoopbackServer(answer, json_response(b"next")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            error = expect_failure(driver, update_request())
            assert not isinstance(error, NotSent)
            assert len(server.requests) <= 1
            assert driver.send(update_request()).body == b"next"

    def test_missing_reply_is_outcome_unknown(self, open_driver: DriverFactory) -> None:
        """Where nothing comes in time the outcome is unknown; what comes late answers no later request."""
        answers = [
            loopback.no_response(),
            raw_response(b"HTTP/1.1 200 OK\r\nETa", b"", pause=0.2),
            json_response(b"late", pause=0.6),
        ]
        with (
            LoopbackServer(*answers, json_response(b"next")) as server,
            open_driver(base_url=server.origin, timeout=0.35) as driver,
        ):
            for error in expect_failures(driver, *[update_request()] * len(answers)):
                assert not isinstance(error, NotSent)
            assert len(server.requests) == len(answers)
            assert driver.send(update_request()).body == b"next"

    def test_timeout_covers_the_whole_body(self, open_driver: DriverFactory) -> None:
        """A body that comes a byte at a time does not stretch the time-out."""
        dripping = raw_response(
            response_head(headers=[("Content-Length", "10")]), *[b"a"] * 10, pause=0.06
        )
        with (
            LoopbackServer(dripping, json_response(b"next")) as server,
            open_driver(base_url=server.origin, timeout=0.25) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)
            assert driver.send(update_request()).body == b"next"

    def test_refused_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """Nobody listens: nothing was sent."""
        with loopback.closed_port() as origin, open_driver(base_url=origin) as driver:
            error = expect_failure(driver, update_request())
        assert isinstance(error, NotSent)

    @NEEDS_UNRESPONSIVE_PORT
    def test_unanswered_connection_fails_in_time(self, open_driver: DriverFactory) -> None:
        """Nobody answers: that is a failure, once the time is up."""
        with (
            loopback.unresponsive_port() as origin,
            open_driver(base_url=origin, connect_timeout=0.2, timeout=0.2) as driver,
        ):
            expect_failure(driver, update_request())

    def test_unknown_host_name_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A host name that is none: nothing was sent."""
        with open_driver(
            base_url="https://nothing.invalid", connect_timeout=2, timeout=60
        ) as driver:
            assert isinstance(expect_failure(driver, update_request()), NotSent)

    def test_waiting_for_a_free_connection_is_not_sent(self, open_driver: DriverFactory) -> None:
        """A request that gets no free connection within connect_timeout was not sent; the one under way is answered."""
        slow = json_response(b"slow", pause=0.3)
        with (
            LoopbackServer(slow) as server,
            open_driver(base_url=server.origin, max_connections=1, connect_timeout=0.1) as driver,
        ):
            outcomes = driver.send_all([update_request(), update_request()])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotSent", "Reply"]
        assert len(server.requests) == 1

    # --- TLS -----------------------------------------------------------------------------------------------------------------------

    @pytest.fixture
    def authority(self) -> "trustme.CA":
        """Give a certificate authority that nobody knows."""
        return _authority()

    @pytest.fixture
    def trusted(self, authority: "trustme.CA", monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
        """Make the authority known the way a user would."""
        with authority.cert_pem.tempfile() as file:
            monkeypatch.setenv("SSL_CERT_FILE", file)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", file)
            yield

    @pytest.mark.usefixtures("trusted")
    def test_trusted_certificate_is_accepted(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """An authority named by the environment is trusted, and the request goes through."""
        with (
            LoopbackServer(tls=_serving(authority, "127.0.0.1")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert driver.send(update_request()).status == 200

    def test_certificate_of_unknown_authority_is_refused(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """A certificate of an unknown authority ends the handshake: nothing was sent."""
        with (
            LoopbackServer(tls=_serving(authority, "127.0.0.1")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            error = expect_failure(driver, update_request())
        assert isinstance(error, NotSent)
        assert "certificate" in error.reason
        assert server.requests == []

    @pytest.mark.usefixtures("trusted")
    def test_certificate_for_another_name_is_refused(
        self, open_driver: DriverFactory, authority: "trustme.CA"
    ) -> None:
        """A trusted certificate of another host ends the handshake: nothing was sent."""
        with (
            LoopbackServer(tls=_serving(authority, "other.example")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert isinstance(expect_failure(driver, update_request()), NotSent)
        assert server.requests == []

    @pytest.mark.parametrize("answer", HANDSHAKES)
    def test_failed_tls_handshake_is_a_failure(
        self, open_driver: DriverFactory, answer: Responder
    ) -> None:
        """A server that breaks off, or does not speak TLS, is told as a failure, and was not sent the request."""
        with (
            LoopbackServer(answer) as server,
            open_driver(base_url=server.origin.replace("http", "https")) as driver,
        ):
            expect_failure(driver, update_request())
        assert server.requests == []


@functools.cache
def _authority() -> "trustme.CA":
    made: trustme.CA = pytest.importorskip("trustme").CA()
    return made


def _serving(authority: "trustme.CA", name: str) -> ssl.SSLContext:
    """Make what a server needs to show a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(name).private_key_and_cert_chain_pem.tempfile() as file:
        context.load_cert_chain(file)
    return context
