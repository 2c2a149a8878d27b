"""The request log says in one line what was asked and what was answered, and nothing that is anybody's own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core.emulator import (
    CallbackQueue,
    CallbackSettings,
    InMemoryGateway,
    ManualClock,
    Platform,
)
from reservation_core.emulator.api.exchange_log import ReceivedRequest
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http.request_log import make_callback_logger, make_exchange_logger
from reservation_core.emulator.server import running_emulator
from reservation_core.rest.messages import Reply
from tests.emulator import wire
from tests.emulator.worlds import CALL, NOBODY, path, people, worker_path

NOW = datetime(2030, 1, 1, 12, 0, 3, 250_400, tzinfo=UTC)


def line(method: str, target: str, body: bytes, reply: Reply | None, fault: str = "") -> str:
    """Give the line of one exchange that took a third of a millisecond."""
    lines: list[str] = []
    make_exchange_logger(lines.append, lambda: NOW)(
        ReceivedRequest(method, target, (), body), reply, 0.00033, fault
    )
    (only,) = lines
    return only


@pytest.fixture
def gateway() -> InMemoryGateway:
    """Make a gateway to the small world."""
    platform = Platform(ManualClock())
    people(platform)
    return InMemoryGateway(platform)


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def test_an_update_is_told(gateway: InMemoryGateway) -> None:
    """The line of an update has the time, what it is about, what was asked, what came of it, and how long it took."""
    sid = str(
        gateway.platform.reserve(
            "WT" + "2" * 32, "WK" + "3" * 32, sid="WR" + "a" * 26 + "00000b"
        ).sid
    )
    body = b"Instruction=Conference&From=%2B15005550006&To=client%3Aalice"
    said = line("POST", path(sid), body, gateway.receive("POST", path(sid), FORM, body))
    assert (
        said
        == "12:00:03.250 POST …/Tasks/WT…222222/Reservations/WR…00000b Conference -> 200 pending, version 1 (0.3 ms)"
    )


def test_a_refusal_is_told(gateway: InMemoryGateway) -> None:
    """The line of a refusal has its code and why."""
    target = worker_path("WR" + NOBODY)
    said = line("GET", target, b"", gateway.receive("GET", target, (), b""))
    assert said == (
        "12:00:03.250 GET …/Workers/WK…333333/Reservations/WR…000000 -> 404 20404 The requested resource "
        "/v1/Workspaces/WS…111111/Workers/WK…333333/Reservations/WR…000000 was not found (0.3 ms)"
    )


def test_a_list_is_told(gateway: InMemoryGateway) -> None:
    """The line of a list has how many there were."""
    said = line(
        "GET", path() + "?PageSize=2", b"", gateway.receive("GET", path() + "?PageSize=2", (), b"")
    )
    assert (
        said
        == "12:00:03.250 GET …/Tasks/WT…222222/Reservations?PageSize=2 -> 200 0 reservations (0.3 ms)"
    )


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (b"ReservationStatus=wrapping", "wrapping"),
        (b"ReservationStatus=accepted&Instruction=call", "accepted and call"),
        (b"Instruction=my+secret&CallFrom=x", "neither status nor instruction"),
        (b"\xff\xfe", "not a form"),
    ],
)
def test_what_was_asked_is_told(body: bytes, asked: str) -> None:
    """Of what was asked only what the platform knows is repeated."""
    assert line("POST", "/x", body, Reply(200)) == f"12:00:03.250 POST /x {asked} -> 200 (0.3 ms)"


def test_what_was_planned_is_told() -> None:
    """A fault is named, and that no reply was sent."""
    assert (
        line("GET", "/x", b"", None, FaultKind.RESET_BEFORE)
        == "12:00:03.250 GET /x -> no reply [reset before acting, by plan] (0.3 ms)"
    )
    assert (
        line("GET", "/x", b"", Reply(200, {}, b"<html>"), "y")
        == "12:00:03.250 GET /x -> 200, unreadable [y, by plan] (0.3 ms)"
    )


@given(text=st.text(max_size=60), number=st.from_regex(r"\+1[0-9]{10}", fullmatch=True))
def test_nothing_personal_is_told(text: str, number: str) -> None:
    """Whatever was sent, the line is one line, printable, and has no telephone number in it."""
    body = f"To={number}&Instruction={text}".encode(errors="replace")
    said = line(
        f"GET{text}",
        f"/{text}{number}?{text}",
        body,
        Reply(400, {}, f'{{"message": "{number}"}}'.encode()),
    )
    assert said.isprintable()
    assert number not in said


def test_the_server_notes_what_it_answers() -> None:
    """Every exchange of the emulated API is noted, with what befell it; the control surface's are not."""
    noted: list[str] = []
    platform = Platform(ManualClock())
    with running_emulator(
        platform, on_exchange=make_exchange_logger(noted.append, platform.now)
    ) as emulator:
        sid = people(platform).sid()
        wire.ask(
            emulator.url,
            "POST",
            path(sid),
            f"Instruction=redirect&RedirectCallSid={CALL}&RedirectUrl=https%3A%2F%2Fexample.com",
        )
        emulator.faults.add(Fault(kind=FaultKind.THROTTLED))
        wire.ask(emulator.url, "GET", path(sid))
        wire.ask(emulator.url, "GET", "/_emulator/state")
    assert [each.partition(" -> ")[2].rpartition(" (")[0] for each in noted] == [
        "200 pending, version 1",
        "429 20429 by plan [429, by plan]",
    ]


def test_a_notice_is_one_line() -> None:
    """What was sent, to whom it is about, and what came of it stand in one line, without anything of anybody's own."""
    platform = Platform(ManualClock(NOW))
    world = people(platform)
    notices = CallbackQueue(
        platform,
        CallbackSettings(
            assignment_url="https://example.com/a", event_url="https://example.com/e", duplicates=1
        ),
    )
    lines: list[str] = []
    notices.subscribe(make_callback_logger(lines.append))
    sid = world.sid()
    asked, _, _, again = notices.take()
    notices.record_response(asked, Reply(200, {}, b""), 0.0123)
    notices.record_failure(again, "no connection could be made to +15005550006", 11205)
    short = f"WR…{sid[-6:]}"
    assert lines == [
        f"12:00:03.250 assignment of {short} -> 200 decided later (12.3 ms)",
        f"12:00:03.250 event reservation.created again of {short} -> no answer: 11205: no connection could be made to <personal> (0.0 ms)",
    ]
