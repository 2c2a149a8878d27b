"""What comes back: every whole reply as the platform meant it, none that is too long, and no redirect followed."""

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.flavours import GatewayFlavour
from reservation_core.testing.contract.gateway.scene import failure, named, update_request
from reservation_core.testing.contract.loopback import Answer, Loopback, head, raw, reply

_LENGTH_50 = head(headers=[("Content-Length", "50")])

_WHOLE = named(
    plain=(reply(b'{"sid": "WR0"}'), b'{"sid": "WR0"}'),
    empty=(reply(b""), b""),
    no_content=(raw(head("204 No Content"), keep=True), b""),
    chunks=(loopback.chunked([b'{"sid"', b': "WR0"}']), b'{"sid": "WR0"}'),
    zipped=(loopback.zipped(b"z" * 100_000), b"z" * 100_000),
    beyond_ascii=(reply('{"n": "é"}'.encode()), '{"n": "é"}'.encode()),
    late=(reply(b"late", pause=0.1), b"late"),
    up_to_the_end=(
        raw(head(headers=[("Connection", "close")]), b"up to the end"),
        b"up to the end",
    ),
    slow=(raw(_LENGTH_50, b"x" * 25, b"y" * 25, keep=True, pause=0.02), b"x" * 25 + b"y" * 25),
)

_OVERLONG = named(
    plain=reply(b"x" * 1001),
    chunks=loopback.chunked([b"x" * 500] * 3),
    zipped=loopback.zipped(b"x" * 1001),
)
_AT_THE_LIMIT = named(
    plain=reply(b"x" * 1000),
    chunks=loopback.chunked([b"x" * 500] * 2),
    zipped=loopback.zipped(b"x" * 1000),
)

_FRAMED = named(
    by_length=head(headers=[("Content-Length", "2")]) + b"{}",
    in_chunks=head(headers=[("Transfer-Encoding", "chunked")]) + b"2\r\n{}\r\n0\r\n\r\n",
)

HINTED = raw(head("103 Early Hints"), head(headers=[("Content-Length", "4")]) + b"hint", keep=True)
"""A reply with early hints before it."""


class ReplyPromises:
    """ReplyPromises, the limit of their size, and what is no reply to the request."""

    @pytest.mark.parametrize("case", _WHOLE)
    def test_a_whole_reply_is_handed_back(
        self, flavour: GatewayFlavour, case: tuple[Answer, bytes]
    ) -> None:
        """However a whole reply is framed, its body comes back as the platform meant it."""
        answer, body = case
        with Loopback(answer) as server, flavour(base_url=server.origin) as opened:
            assert opened.send(update_request()).body == body

    @pytest.mark.parametrize(
        "status",
        ["201 Created", "400 Bad", "401 Who", "412 Stale", "429 Slow", "500 Oh", "503 No", "599 X"],
    )
    def test_every_status_is_a_reply(self, flavour: GatewayFlavour, status: str) -> None:
        """A status is never an error of the gateway, and never a reason to send again."""
        with (
            Loopback(reply(b'{"code": 1}', status)) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert (opened.send(update_request()).status, len(server.requests)) == (
                int(status[:3]),
                1,
            )

    def test_headers_come_back(self, flavour: GatewayFlavour) -> None:
        """The headers of a reply are looked up in any case."""
        with (
            Loopback(reply(headers=[("ETag", '"7"'), ("Retry-After", "3")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            answered = opened.send(update_request())
        assert (answered.headers["etag"], answered.etag, answered.headers["RETRY-AFTER"]) == (
            '"7"',
            '"7"',
            "3",
        )

    def test_an_odd_header_does_not_cost_the_reply(self, flavour: GatewayFlavour) -> None:
        """A header outside ASCII costs neither the reply nor any other header."""
        with (
            Loopback(reply(headers=[("X-Name", "caf\xe9"), ("ETag", "7")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            answered = opened.send(update_request())
        assert (answered.etag, answered.body) == ("7", b"{}")

    def test_a_long_header_comes_back(self, flavour: GatewayFlavour) -> None:
        """A header of 5 kB is read."""
        with (
            Loopback(reply(headers=[("X-Long", "v" * 5_000)])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert len(opened.send(update_request()).headers["X-Long"]) == 5_000

    @pytest.mark.parametrize(
        "status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]
    )
    def test_a_redirect_is_handed_back(self, flavour: GatewayFlavour, status: str) -> None:
        """A redirect is a reply like any other: nothing, and no credentials, go to the other place, nor to the same one again."""
        with (
            Loopback() as other,
            Loopback(reply(b"", status, [("Location", f"{other.origin}/")])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            answered = opened.send(update_request())
        assert (answered.status, answered.headers["Location"]) == (
            int(status[:3]),
            f"{other.origin}/",
        )
        assert (len(server.requests), other.connections) == (1, 0)

    @pytest.mark.parametrize("place", ["http://[::bad", "http://h\xe9llo/", ":", "//"])
    def test_a_redirect_to_nowhere_is_handed_back(
        self, flavour: GatewayFlavour, place: str
    ) -> None:
        """Where a redirect leads is nobody's concern here, not even when it is no place."""
        with (
            Loopback(reply(b"", "302 Found", [("Location", place)])) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert opened.send(update_request()).status == 302

    def test_early_hints_are_no_reply(self, flavour: GatewayFlavour) -> None:
        """Early hints are never taken for the reply, nor the reply after them for a later one's."""
        with Loopback(HINTED, reply(b"next")) as server, flavour(base_url=server.origin) as opened:
            (outcome,) = opened.send_all([update_request()])
            assert (
                outcome.body == b"hint"
                if isinstance(outcome, Reply)
                else not isinstance(outcome, NotSent)
            )
            assert opened.send(update_request()).body == b"next"

    @pytest.mark.parametrize("answer", _OVERLONG)
    def test_an_over_long_reply_is_refused(self, flavour: GatewayFlavour, answer: Answer) -> None:
        """A reply longer than the limit, after decompression, is refused, naming the limit; the gateway goes on."""
        with (
            Loopback(answer, reply(b"next")) as server,
            flavour(base_url=server.origin, max_reply_bytes=1000) as opened,
        ):
            error = failure(opened, update_request())
            assert not isinstance(error, NotSent)
            assert "1000" in error.reason
            assert opened.send(update_request()).body == b"next"

    def test_a_gzip_bomb_is_refused(self, flavour: GatewayFlavour) -> None:
        """A small reply that unpacks to 50 MB is refused at the default limit of 1 MiB."""
        with (
            Loopback(loopback.zipped(b"\0" * 50_000_000)) as server,
            flavour(base_url=server.origin) as opened,
        ):
            assert not isinstance(failure(opened, update_request()), NotSent)

    @pytest.mark.parametrize("answer", _AT_THE_LIMIT)
    def test_a_reply_at_the_limit_is_read(self, flavour: GatewayFlavour, answer: Answer) -> None:
        """A reply just as long as the limit comes back whole."""
        with (
            Loopback(answer) as server,
            flavour(base_url=server.origin, max_reply_bytes=1000) as opened,
        ):
            assert opened.send(update_request()).body == b"x" * 1000

    @pytest.mark.parametrize("whole", _FRAMED)
    def test_left_over_bytes_answer_nothing(self, flavour: GatewayFlavour, whole: bytes) -> None:
        """What a server writes beyond the end of a reply is never taken for the next one."""
        stray = head(headers=[("Content-Length", "5")]) + b"stray"
        with (
            Loopback(raw(whole + stray, keep=True), reply(b"next")) as server,
            flavour(base_url=server.origin) as opened,
        ):
            bodies = [
                outcome.body
                for _ in range(3)
                for outcome in opened.send_all([update_request()])
                if isinstance(outcome, Reply)
            ]
        assert b"next" in bodies
        assert set(bodies) <= {b"{}", b"next"}
