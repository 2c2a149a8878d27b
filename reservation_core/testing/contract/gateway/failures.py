"""What goes wrong: whatever breaks ends in time, in the class that says whether anything was sent, and is never sent again."""

import functools
import ssl
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.flavours import GatewayFlavour
from reservation_core.testing.contract.gateway.scene import failure, failures, named, update_request
from reservation_core.testing.contract.loopback import Answer, Loopback, head, raw, reply

if TYPE_CHECKING:
    import trustme

_LENGTH_50 = head(headers=[("Content-Length", "50")])
_CHUNKED = head(headers=[("Transfer-Encoding", "chunked")])

_BROKEN = named(
    end_within_the_head=raw(b"HTTP/1.1 200 OK\r\nETa"),
    end_within_the_body=raw(_LENGTH_50 + b"half"),
    end_within_a_chunk=raw(_CHUNKED + b"9\r\nhalf"),
    end_between_chunks=raw(_CHUNKED + b"4\r\nhalf\r\n"),
    bad_chunk_length=raw(_CHUNKED + b"zz\r\nhalf\r\n"),
    bad_length=raw(head(headers=[("Content-Length", "two")]) + b"{}"),
    two_lengths=raw(head(headers=[("Content-Length", "2"), ("Content-Length", "3")]) + b"{}"),
    reset_with_the_request_unread=loopback.reset(),
    reset_after_the_request=loopback.reset(after=b""),
    reset_within_the_head=loopback.reset(after=b"HTTP/1.1 200"),
    reset_within_the_body=loopback.reset(after=_LENGTH_50 + b"half"),
    end_at_once=raw(),
    garbage=raw(b"\x00\xff what is this?\r\n\r\n"),
    garbage_for_a_status=raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    a_body_without_a_head=raw(b"{}"),
    too_long_a_header=reply(headers=[("X-Long", "v" * 1_000_000)]),
    bad_gzip=reply(b"no gzip", headers=[("Content-Encoding", "gzip")]),
)

HANDSHAKES = named(
    reset=loopback.reset(),
    plain=loopback.blurt(b"HTTP/1.1 400 Bad\r\n\r\n"),
    end=loopback.blurt(b""),
)
"""How a server fails to shake hands."""

UNANSWERED = pytest.mark.skipif(
    sys.platform != "linux",
    reason="only Linux leaves a connection unanswered when the queue is full",
)


class FailurePromises:
    """Time-outs, the two classes of failure, and TLS."""

    @pytest.mark.parametrize("answer", _BROKEN)
    def test_once_sent_the_outcome_is_unknown(
        self, flavour: GatewayFlavour, answer: Answer
    ) -> None:
        """Whatever breaks once the request may have left is GatewayError, not NotSent; it is not sent again, and the gateway goes on."""
        with Loopback(answer, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
            error = failure(opened, update_request())
            assert not isinstance(error, NotSent)
            assert "whether the platform acted is unknown" in str(error)
            assert len(server.requests) <= 1
            assert opened.send(update_request()).body == b"next"

    def test_silence_leaves_the_outcome_unknown(self, flavour: GatewayFlavour) -> None:
        """Where nothing comes in time the outcome is unknown; what comes late answers no later request."""
        answers = [
            loopback.silence(),
            raw(b"HTTP/1.1 200 OK\r\nETa", b"", pause=0.2),
            reply(b"late", pause=0.6),
        ]
        with (
            Loopback(*answers, reply(b"next")) as server,
            flavour(base_url=server.origin, timeout=0.35) as opened,
        ):
            for error in failures(opened, *[update_request()] * len(answers)):
                assert not isinstance(error, NotSent)
            assert len(server.requests) == len(answers)
            assert opened.send(update_request()).body == b"next"

    def test_the_time_out_covers_the_whole_body(self, flavour: GatewayFlavour) -> None:
        """A body that comes a byte at a time does not stretch the time-out."""
        dripping = raw(head(headers=[("Content-Length", "10")]), *[b"a"] * 10, pause=0.06)
        with (
            Loopback(dripping, reply(b"next")) as server,
            flavour(base_url=server.origin, timeout=0.25) as opened,
        ):
            assert not isinstance(failure(opened, update_request()), NotSent)
            assert opened.send(update_request()).body == b"next"

    def test_a_refused_connection_was_not_sent(self, flavour: GatewayFlavour) -> None:
        """Nobody listens: nothing was sent."""
        with loopback.nobody() as origin, flavour(base_url=origin) as opened:
            error = failure(opened, update_request())
        assert isinstance(error, NotSent)
        assert "nothing was sent" in str(error)

    @UNANSWERED
    def test_an_unanswered_connection_ends_in_time(self, flavour: GatewayFlavour) -> None:
        """Nobody answers: that is a failure, once the time is up."""
        with (
            loopback.unreachable() as origin,
            flavour(base_url=origin, connect_timeout=0.2, timeout=0.2) as opened,
        ):
            failure(opened, update_request())

    def test_an_unknown_name_was_not_sent(self, flavour: GatewayFlavour) -> None:
        """A host name that is none: nothing was sent."""
        with flavour(base_url="https://nothing.invalid", connect_timeout=2, timeout=60) as opened:
            assert isinstance(failure(opened, update_request()), NotSent)

    def test_waiting_for_a_connection_was_not_sending(self, flavour: GatewayFlavour) -> None:
        """A request that gets no free connection within connect_timeout was not sent; the one under way is answered."""
        slow = reply(b"slow", pause=0.3)
        with (
            Loopback(slow) as server,
            flavour(base_url=server.origin, max_connections=1, connect_timeout=0.1) as opened,
        ):
            outcomes = opened.send_all([update_request(), update_request()])
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
    def test_a_trusted_certificate_is_accepted(
        self, flavour: GatewayFlavour, authority: "trustme.CA"
    ) -> None:
        """An authority named by the environment is trusted, and the request goes through."""
        with (
            Loopback(tls=_serving(authority, "127.0.0.1")) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert opened.send(update_request()).status == 200

    def test_an_unknown_authority_is_refused(
        self, flavour: GatewayFlavour, authority: "trustme.CA"
    ) -> None:
        """A certificate of an unknown authority ends the handshake: nothing was sent."""
        with (
            Loopback(tls=_serving(authority, "127.0.0.1")) as server,
            flavour(base_url=server.origin) as opened,
        ):
            error = failure(opened, update_request())
        assert isinstance(error, NotSent)
        assert "certificate" in error.reason
        assert server.requests == []

    @pytest.mark.usefixtures("trusted")
    def test_a_certificate_for_another_name_is_refused(
        self, flavour: GatewayFlavour, authority: "trustme.CA"
    ) -> None:
        """A trusted certificate of another host ends the handshake: nothing was sent."""
        with (
            Loopback(tls=_serving(authority, "other.example")) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert isinstance(failure(opened, update_request()), NotSent)
        assert server.requests == []

    @pytest.mark.parametrize("answer", HANDSHAKES)
    def test_a_broken_handshake_is_a_failure(self, flavour: GatewayFlavour, answer: Answer) -> None:
        """A server that breaks off, or does not speak TLS, is told as a failure, and was not sent the request."""
        with (
            Loopback(answer) as server,
            flavour(base_url=server.origin.replace("http", "https")) as opened,
        ):
            failure(opened, update_request())
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
