"""What only a gateway can keep that has an HTTP client of its own: each wait, connection, byte and cookie is then its to decide on."""

import gzip
import time

import pytest

from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.flavours import GatewayFlavour
from reservation_core.testing.contract.gateway.failures import HANDSHAKES, UNANSWERED
from reservation_core.testing.contract.gateway.replies import HINTED
from reservation_core.testing.contract.gateway.scene import failure, update_request
from reservation_core.testing.contract.loopback import Answer, Loopback, raw, reply


class OwnClientPromises:
    """Promises beyond those of every gateway."""

    def test_a_body_comes_back_as_bytes(self, flavour: GatewayFlavour) -> None:
        """A body that is no text, or packed in a way nobody asked for, comes back byte for byte."""
        with (
            Loopback(reply(b"\x00\xff", headers=[("Content-Encoding", "br")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert opened.send(update_request()).body == b"\x00\xff"

    def test_early_hints_are_passed_over(self, flavour: GatewayFlavour) -> None:
        """The reply that follows early hints is handed back."""
        with Loopback(HINTED) as server, flavour(base_url=server.origin) as opened:
            assert opened.send(update_request()).body == b"hint"

    def test_half_a_gzip_is_no_reply(self, flavour: GatewayFlavour) -> None:
        """A packed body that ends early is not taken for the whole, even where its length is as named."""
        half = reply(gzip.compress(b"{}" * 999)[:-9], headers=[("Content-Encoding", "gzip")])
        with Loopback(half, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
            assert not isinstance(failure(opened, update_request()), NotSent)
            assert opened.send(update_request()).body == b"next"

    def test_an_endless_reply_is_cut_short(self, flavour: GatewayFlavour) -> None:
        """A reply is seen to be too long while it comes, not when it has ended."""
        with (
            Loopback(loopback.endless(), reply(b"next")) as server,
            flavour(base_url=server.origin, max_reply_bytes=1000) as opened,
        ):
            error = failure(opened, update_request())
            assert not isinstance(error, NotSent)
            assert "1000" in error.reason
            assert opened.send(update_request()).body == b"next"

    def test_the_time_out_covers_the_head(self, flavour: GatewayFlavour) -> None:
        """A head that comes a byte at a time does not stretch the time-out."""
        dripping = raw(
            b"HTTP/1.1 200 OK\r\nX-", *[b"a"] * 9, b": a\r\nContent-Length: 2\r\n\r\n{}", pause=0.06
        )
        with (
            Loopback(dripping, reply(b"next")) as server,
            flavour(base_url=server.origin, timeout=0.25) as opened,
        ):
            assert not isinstance(failure(opened, update_request()), NotSent)
            assert opened.send(update_request()).body == b"next"

    @UNANSWERED
    def test_an_unanswered_connection_was_not_sent(self, flavour: GatewayFlavour) -> None:
        """Nobody answers within connect_timeout: nothing was sent, and it does not take the whole time-out."""
        with (
            loopback.unreachable() as origin,
            flavour(base_url=origin, connect_timeout=0.2, timeout=5) as opened,
        ):
            assert isinstance(failure(opened, update_request()), NotSent)

    @pytest.mark.parametrize("answer", HANDSHAKES)
    def test_a_broken_handshake_was_not_sent(self, flavour: GatewayFlavour, answer: Answer) -> None:
        """A server that breaks off, or does not speak TLS: nothing was sent."""
        with (
            Loopback(answer) as server,
            flavour(base_url=server.origin.replace("http", "https")) as opened,
        ):
            assert isinstance(failure(opened, update_request()), NotSent)

    def test_no_cookie_is_kept(self, flavour: GatewayFlavour) -> None:
        """A cookie that is set is not sent back."""
        with (
            Loopback(reply(headers=[("Set-Cookie", "a=b; Path=/")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            opened.send(update_request())
            opened.send(update_request())
        assert [received.all("Cookie") for received in server.requests] == [[], []]

    def test_no_proxy_is_asked(
        self, flavour: GatewayFlavour, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Proxy variables are not read: the credentials go to the base URL and nowhere else."""
        with Loopback() as proxy, Loopback() as server:
            for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.origin)
            with flavour(base_url=server.origin) as opened:
                opened.send(update_request())
        assert (proxy.connections, len(server.requests)) == (0, 1)

    def test_closing_ends_what_is_under_way(self, flavour: GatewayFlavour) -> None:
        """An exchange under way when the gateway is closed has an unknown outcome, and does not wait for its time-out."""
        started = time.monotonic()
        with (
            Loopback(loopback.silence()) as server,
            flavour(base_url=server.origin, timeout=60) as opened,
        ):
            (outcome,) = opened.send_and_close([update_request()], 0.2)
            assert time.monotonic() - started < loopback.WAIT - 1
        assert isinstance(outcome, GatewayError)
        assert not isinstance(outcome, NotSent)
        assert len(server.requests) == 1

    def test_who_waits_for_a_connection_when_it_closes_sends_nothing(
        self, flavour: GatewayFlavour
    ) -> None:
        """What had no connection yet when the gateway is closed gets none any more, and ends as what failed, not as cancelled."""
        with (
            Loopback(loopback.silence()) as server,
            flavour(base_url=server.origin, max_connections=1, connect_timeout=5) as opened,
        ):
            outcomes = opened.send_and_close([update_request() for _ in range(3)], 0.2)
        assert [isinstance(outcome, GatewayError) for outcome in outcomes] == [True] * 3
        assert not all(isinstance(outcome, NotSent) for outcome in outcomes)
        assert len(server.requests) == 1
