"""Replies are read leniently, and shown without personal values."""

from __future__ import annotations

import pytest

from reservation_core import Reply, Request
from reservation_core.parity.findings import CouldNotTell, show_value
from reservation_core.parity.wire import Wire, shorten_sids


class Fixed:
    """Gateway that always gives the same reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def send(self, request: Request) -> Reply:
        """Return the reply."""
        assert request.path
        return self.reply


@pytest.mark.parametrize("body", [b"", b"[1]", b"<html>", b"\xff", b"[" * 100_000, b"null"])
def test_body_that_is_no_object_is_empty(body: bytes) -> None:
    answer = Wire(Fixed(Reply(200, {}, body))).ask("GET", "/x")
    assert (answer.body, answer.code, answer.message, answer.etag) == ({}, None, "", None)
    with pytest.raises(CouldNotTell, match="the reply has no sid: 200"):
        answer.text("sid")


def test_record_hides_numbers_and_shortens_sids() -> None:
    message = b'{"code": 21211, "message": "+15005550006 is no number of AC' + b"0" * 32 + b'"}'
    wire = Wire(Fixed(Reply(400, {"ETag": "3"}, message)), hidden=("alice",))
    wire.ask("POST", "/v1/Workspaces/WS" + "1" * 32, (("To", "+15005550009"), ("N", "alice")))
    (exchange,) = wire.exchanges
    assert exchange.request == "POST /v1/Workspaces/WS…111111 To=<personal>&N=<personal>"
    assert exchange.reply == "400 21211 <personal> is no number of AC…000000 ETag 3"
    wire.ask("GET", "/x", headers={"If-Match": "7"})
    assert wire.exchanges[-1].request == "GET /x (If-Match: 7)"


def test_origin_is_not_shown() -> None:
    assert shorten_sids("see https://user:pw@host:1/a") == "see /a"


def test_wait_for_ends_at_its_time() -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    wire = Wire(Fixed(Reply(200)), sleep=sleep, now=lambda: now)
    assert not wire.wait_for(lambda: False, 2)
    assert wire.wait_for(lambda: now > 2.4, 2)
    wire.begin(1)
    with pytest.raises(CouldNotTell, match="the time limit is over"):
        wire.wait_for(lambda: False, 60)


def test_observed_value_is_shown_in_words() -> None:
    shown = [show_value(each) for each in (False, None, 3, 0.5, "x", {"a": "refused", "c": "d"})]
    assert shown == ["false", "none", "3", "0.5", "x", "c"]
