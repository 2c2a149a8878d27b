"""What comes back: every whole reply as the platform meant it, none that is too long, and no redirect followed."""

import pytest

from reservation_core.rest.errors import NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    expect_failure,
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

_LENGTH_50 = response_head(headers=[("Content-Length", "50")])

_WHOLE = named_cases(
    plain=(json_response(b'{"sid": "WR0"}'), b'{"sid": "WR0"}'),
    empty=(json_response(b""), b""),
    no_content=(raw_response(response_head("204 No Content"), keep=True), b""),
    chunks=(loopback.chunked_response([b'{"sid"', b': "WR0"}']), b'{"sid": "WR0"}'),
    zipped=(loopback.gzip_response(b"z" * 100_000), b"z" * 100_000),
    beyond_ascii=(json_response('{"n": "é"}'.encode()), '{"n": "é"}'.encode()),
    late=(json_response(b"late", pause=0.1), b"late"),
    up_to_the_end=(
        raw_response(response_head(headers=[("Connection", "close")]), b"up to the end"),
        b"up to the end",
    ),
    slow=(
        raw_response(_LENGTH_50, b"x" * 25, b"y" * 25, keep=True, pause=0.02),
        b"x" * 25 + b"y" * 25,
    ),
)

_OVERLONG = named_cases(
    plain=json_response(b"x" * 1001),
    chunks=loopback.chunked_response([b"x" * 500] * 3),
    zipped=loopback.gzip_response(b"x" * 1001),
)
_AT_THE_LIMIT = named_cases(
    plain=json_response(b"x" * 1000),
    chunks=loopback.chunked_response([b"x" * 500] * 2),
    zipped=loopback.gzip_response(b"x" * 1000),
)

_FRAMED = named_cases(
    by_length=response_head(headers=[("Content-Length", "2")]) + b"{}",
    in_chunks=response_head(headers=[("Transfer-Encoding", "chunked")]) + b"2\r\n{}\r\n0\r\n\r\n",
)

HINTED = raw_response(
    response_head("103 Early Hints"),
    response_head(headers=[("Content-Length", "4")]) + b"hint",
    keep=True,
)
"""A reply with early hints before it."""


class ReplyTests:
    """ReplyTests, the limit of their size, and what is no reply to the request."""

    @pytest.mark.parametrize("case", _WHOLE)
    def test_complete_reply_is_returned(
        self, open_driver: DriverFactory, case: tuple[Responder, bytes]
    ) -> None:
        """However a whole reply is framed, its body comes back as the platform meant it."""
        answer, body = case
        with LoopbackServer(answer) as server, open_driver(base_url=server.origin) as driver:
            assert driver.send(update_request()).body == body

    @pytest.mark.parametrize(
        "status",
        ["201 Created", "400 Bad", "401 Who", "412 Stale", "429 Slow", "500 Oh", "503 No", "599 X"],
    )
    def test_every_status_is_returned_as_reply(
        self, open_driver: DriverFactory, status: str
    ) -> None:
        """A status is never an error of the gateway, and never a reason to send again."""
        with (
            LoopbackServer(json_response(b'{"code": 1}', status)) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert (driver.send(update_request()).status, len(server.requests)) == (
                int(status[:3]),
                1,
            )

    def test_reply_headers_are_case_insensitive(self, open_driver: DriverFactory) -> None:
        """The headers of a reply are looked up in any case."""
        with (
            LoopbackServer(
                json_response(headers=[("ETag", '"7"'), ("Retry-After", "3")])
            ) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            answered = driver.send(update_request())
        assert (answered.headers["etag"], answered.etag, answered.headers["RETRY-AFTER"]) == (
            '"7"',
            '"7"',
            "3",
        )

    def test_non_ascii_header_does_not_lose_the_reply(self, open_driver: DriverFactory) -> None:
        """A header outside ASCII costs neither the reply nor any other header."""
        with (
            LoopbackServer(json_response(headers=[("X-Name", "caf\xe9"), ("ETag", "7")])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            answered = driver.send(update_request())
        assert (answered.etag, answered.body) == ("7", b"{}")

    def test_long_header_is_returned(self, open_driver: DriverFactory) -> None:
        """A header of 5 kB is read."""
        with (
            LoopbackServer(json_response(headers=[("X-Long", "v" * 5_000)])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert len(driver.send(update_request()).headers["X-Long"]) == 5_000

    @pytest.mark.parametrize(
        "status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]
    )
    def test_redirect_is_returned_not_followed(
        self, open_driver: DriverFactory, status: str
    ) -> None:
        """A redirect is a reply like any other: nothing, and no credentials, go to the other place, nor to the same one again."""
        with (
            LoopbackServer() as other,
            LoopbackServer(
                json_response(b"", status, [("Location", f"{other.origin}/")])
            ) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            answered = driver.send(update_request())
        assert (answered.status, answered.headers["Location"]) == (
            int(status[:3]),
            f"{other.origin}/",
        )
        assert (len(server.requests), other.connections) == (1, 0)

    @pytest.mark.parametrize("place", ["http://[::bad", "http://h\xe9llo/", ":", "//"])
    def test_redirect_to_invalid_location_is_returned(
        self, open_driver: DriverFactory, place: str
    ) -> None:
        """Where a redirect leads is nobody's concern here, not even when it is no place."""
        with (
            LoopbackServer(json_response(b"", "302 Found", [("Location", place)])) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert driver.send(update_request()).status == 302

    def test_early_hints_are_not_taken_for_the_reply(self, open_driver: DriverFactory) -> None:
        """Early hints are never taken for the reply, nor the reply after them for a later one's."""
        with (
            LoopbackServer(HINTED, json_response(b"next")) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            (outcome,) = driver.send_all([update_request()])
            assert (
                outcome.body == b"hint"
                if isinstance(outcome, Reply)
                else not isinstance(outcome, NotSent)
            )
            assert driver.send(update_request()).body == b"next"

    @pytest.mark.parametrize("answer", _OVERLONG)
    def test_oversized_reply_is_refused(
        self, open_driver: DriverFactory, answer: Responder
    ) -> None:
        """A reply longer than the limit, after decompression, is refused, naming the limit; the gateway goes on."""
        with (
            LoopbackServer(answer, json_response(b"next")) as server,
            open_driver(base_url=server.origin, max_reply_bytes=1000) as driver,
        ):
            error = expect_failure(driver, update_request())
            assert not isinstance(error, NotSent)
            assert "1000" in error.reason
            assert driver.send(update_request()).body == b"next"

    def test_gzip_bomb_is_refused(self, open_driver: DriverFactory) -> None:
        """A small reply that unpacks to 50 MB is refused at the default limit of 1 MiB."""
        with (
            LoopbackServer(loopback.gzip_response(b"\0" * 50_000_000)) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            assert not isinstance(expect_failure(driver, update_request()), NotSent)

    @pytest.mark.parametrize("answer", _AT_THE_LIMIT)
    def test_reply_at_size_limit_is_returned(
        self, open_driver: DriverFactory, answer: Responder
    ) -> None:
        """A reply just as long as the limit comes back whole."""
        with (
            LoopbackServer(answer) as server,
            open_driver(base_url=server.origin, max_reply_bytes=1000) as driver,
        ):
            assert driver.send(update_request()).body == b"x" * 1000

    @pytest.mark.parametrize("whole", _FRAMED)
    def test_surplus_bytes_are_not_taken_for_the_next_reply(
        self, open_driver: DriverFactory, whole: bytes
    ) -> None:
        """What a server writes beyond the end of a reply is never taken for the next one."""
        stray = response_head(headers=[("Content-Length", "5")]) + b"stray"
        with (
            LoopbackServer(
                raw_response(whole + stray, keep=True), json_response(b"next")
            ) as server,
            open_driver(base_url=server.origin) as driver,
        ):
            bodies = [
                outcome.body
                for _ in range(3)
                for outcome in driver.send_all([update_request()])
                if isinstance(outcome, Reply)
            ]
        assert b"next" in bodies
        assert set(bodies) <= {b"{}", b"next"}
