"""Tests of the replies that a gateway returns."""

import functools

import pytest

from reservation_core.rest.messages import Reply
from reservation_core.testing.contract import loopback
from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import (
    named_cases,
    serving,
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

_COMPLETE = named_cases(
    plain=(json_response(b'{"sid": "WR0"}'), b'{"sid": "WR0"}'),
    empty=(json_response(b""), b""),
    no_content=(raw_response(response_head("204 No Content"), keep=True), b""),
    chunks=(loopback.chunked_response([b'{"sid"', b': "WR0"}']), b'{"sid": "WR0"}'),
    gzip=(loopback.gzip_response(b"z" * 100_000), b"z" * 100_000),
    utf_8=(json_response('{"n": "é"}'.encode()), '{"n": "é"}'.encode()),
    late=(json_response(b"late", pause=0.1), b"late"),
    until_close=(
        raw_response(response_head(headers=[("Connection", "close")]), b"until close"),
        b"until close",
    ),
    slow=(
        raw_response(_LENGTH_50, b"x" * 25, b"y" * 25, keep=True, pause=0.02),
        b"x" * 25 + b"y" * 25,
    ),
)

_OVERSIZED = named_cases(
    plain=json_response(b"x" * 1001),
    chunks=loopback.chunked_response([b"x" * 500] * 3),
    gzip=loopback.gzip_response(b"x" * 1001),
)
_AT_THE_LIMIT = named_cases(
    plain=json_response(b"x" * 1000),
    chunks=loopback.chunked_response([b"x" * 500] * 2),
    gzip=loopback.gzip_response(b"x" * 1000),
)


@functools.cache
def _gzip_bomb() -> Responder:
    return loopback.gzip_response(b"\0" * 50_000_000)


_FRAMED = named_cases(
    by_length=response_head(headers=[("Content-Length", "2")]) + b"{}",
    in_chunks=response_head(headers=[("Transfer-Encoding", "chunked")]) + b"2\r\n{}\r\n0\r\n\r\n",
)

EARLY_HINTS = raw_response(
    response_head("103 Early Hints"),
    response_head(headers=[("Content-Length", "4")]) + b"hint",
    keep=True,
)
"""A reply after early hints."""


class ReplyTests:
    """Complete replies, their size limit, and redirects."""

    @pytest.mark.parametrize("case", _COMPLETE)
    def test_complete_reply_is_returned(
        self, open_driver: DriverFactory, case: tuple[Responder, bytes]
    ) -> None:
        """A complete reply is returned with its body, in any framing."""
        responder, body = case
        with serving(open_driver, responder) as driver:
            assert driver.send(update_request()).body == body, "return the body as it was meant"

    @pytest.mark.parametrize(
        "status",
        ["201 Created", "400 Bad", "401 Who", "412 Stale", "429 Slow", "500 Oh", "503 No", "599 X"],
    )
    def test_every_status_is_returned_as_reply(
        self, open_driver: DriverFactory, status: str
    ) -> None:
        """Every status is a reply. Nothing is sent again."""
        with serving(open_driver, json_response(b'{"code": 1}', status)) as driver:
            reply = driver.send(update_request())
        assert reply.status == int(status[:3]), "return every status, and raise nothing"
        checks.only_request(driver)

    def test_reply_headers_are_case_insensitive(self, open_driver: DriverFactory) -> None:
        """The headers of a reply are found in any case."""
        responder = json_response(headers=[("ETag", '"7"'), ("Retry-After", "3")])
        with serving(open_driver, responder) as driver:
            reply = driver.send(update_request())
        assert reply.headers["etag"] == reply.etag == '"7"', "return the headers of the reply"
        assert reply.headers["RETRY-AFTER"] == "3", "return the headers of the reply"

    def test_non_ascii_header_does_not_lose_the_reply(self, open_driver: DriverFactory) -> None:
        """A header outside ASCII loses neither the reply nor any other header."""
        with serving(
            open_driver, json_response(headers=[("X-Name", "caf\xe9"), ("ETag", "7")])
        ) as driver:
            reply = driver.send(update_request())
        assert (reply.etag, reply.body) == ("7", b"{}"), "skip a header that is not ASCII"

    def test_long_header_is_returned(self, open_driver: DriverFactory) -> None:
        """A header of 5 kB is returned."""
        with serving(open_driver, json_response(headers=[("X-Long", "v" * 5_000)])) as driver:
            long = driver.send(update_request()).headers["X-Long"]
        assert len(long) == 5_000, "return long headers whole"

    @pytest.mark.parametrize(
        "status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]
    )
    def test_redirect_is_returned_not_followed(
        self, open_driver: DriverFactory, status: str
    ) -> None:
        """A redirect is a reply. It is not followed, and nothing is repeated."""
        with LoopbackServer() as other:
            location = f"{other.origin}/"
            redirect = json_response(b"", status, [("Location", location)])
            with serving(open_driver, redirect) as driver:
                reply = driver.send(update_request())
        assert other.connections == 0, "follow no redirect: it would take the credentials along"
        assert (reply.status, reply.headers["Location"]) == (int(status[:3]), location), (
            "return a redirect as the reply"
        )
        checks.only_request(driver)

    @pytest.mark.parametrize("location", ["http://[::bad", "http://h\xe9llo/", ":", "//"])
    def test_redirect_to_invalid_location_is_returned(
        self, open_driver: DriverFactory, location: str
    ) -> None:
        """A redirect is returned even when its location is not a URL."""
        with serving(
            open_driver, json_response(b"", "302 Found", [("Location", location)])
        ) as driver:
            assert driver.send(update_request()).status == 302, "return a redirect as the reply"

    def test_early_hints_are_not_taken_for_the_reply(self, open_driver: DriverFactory) -> None:
        """Early hints are not a reply. The next reply answers no other request."""
        with serving(open_driver, EARLY_HINTS, json_response(b"next")) as driver:
            (result,) = driver.send_all([update_request()])
            if isinstance(result, Reply):
                assert result.body == b"hint", "return the reply after the early hints"
            else:
                checks.check_outcome_unknown(result)
            checks.check_still_works(driver)

    @pytest.mark.parametrize("responder", _OVERSIZED)
    def test_oversized_reply_is_refused(
        self, open_driver: DriverFactory, responder: Responder
    ) -> None:
        """A reply beyond max_reply_bytes (decompressed) is refused. The error names the limit."""
        with serving(
            open_driver, responder, json_response(b"next"), max_reply_bytes=1000
        ) as driver:
            error = checks.expect_outcome_unknown(driver, update_request())
            checks.check_word(error, "1000")  # max_reply_bytes
            checks.check_still_works(driver)

    def test_gzip_bomb_is_refused(self, open_driver: DriverFactory) -> None:
        """A small reply that decompresses to 50 MB is refused by default."""
        with serving(open_driver, _gzip_bomb()) as driver:
            checks.expect_outcome_unknown(driver, update_request())

    @pytest.mark.parametrize("responder", _AT_THE_LIMIT)
    def test_reply_at_size_limit_is_returned(
        self, open_driver: DriverFactory, responder: Responder
    ) -> None:
        """A reply of exactly max_reply_bytes is returned."""
        with serving(open_driver, responder, max_reply_bytes=1000) as driver:
            body = driver.send(update_request()).body
        assert body == b"x" * 1000, "return a reply of max_reply_bytes"

    @pytest.mark.parametrize("complete", _FRAMED)
    def test_surplus_bytes_are_not_taken_for_the_next_reply(
        self, open_driver: DriverFactory, complete: bytes
    ) -> None:
        """Bytes beyond the end of a reply are not the next reply."""
        stray = response_head(headers=[("Content-Length", "5")]) + b"stray"
        with serving(
            open_driver, raw_response(complete + stray, keep=True), json_response(b"next")
        ) as driver:
            results = [driver.send_all([update_request()])[0] for _ in range(3)]
        bodies = {result.body for result in results if isinstance(result, Reply)}
        assert b"next" in bodies, "open a new connection after one with surplus bytes"
        assert bodies <= {b"{}", b"next"}, "drop a connection with bytes beyond a reply"
