"""Lines of the request log."""

from __future__ import annotations

import re
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
from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http.request_log import make_callback_logger, make_exchange_logger
from reservation_core.emulator.server import running_emulator
from reservation_core.rest.messages import Reply
from tests.emulator import wire
from tests.emulator.resources.scene import Workplace
from tests.emulator.worlds import CALL, ZEROS, path, people, worker_path

NOW = datetime(2030, 1, 1, 12, 0, 3, 250_400, tzinfo=UTC)


def log_line(method: str, target: str, body: bytes, reply: Reply | None, fault: str = "") -> str:
    lines: list[str] = []
    make_exchange_logger(lines.append, lambda: NOW)(
        RawRequest(method, target, (), body), reply, 0.00033, fault
    )
    (only,) = lines
    return only


@pytest.fixture
def gateway() -> InMemoryGateway:
    platform = Platform(ManualClock())
    people(platform)
    return InMemoryGateway(platform)


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def test_update_is_one_line(gateway: InMemoryGateway) -> None:
    sid = str(
        gateway.platform.reserve(
            "WT" + "2" * 32, "WK" + "3" * 32, sid="WR" + "a" * 26 + "00000b"
        ).sid
    )
    body = b"Instruction=Conference&From=%2B15005550006&To=client%3Aalice"
    text = log_line("POST", path(sid), body, gateway.receive("POST", path(sid), FORM, body))
    assert text == (
        "12:00:03.250 POST …/Tasks/WT…222222/Reservations/WR…00000b Conference"
        " -> 200 pending, version 1 (0.3 ms)"
    )


def test_tolerated_update_has_a_line_of_its_own(gateway: InMemoryGateway) -> None:
    """Without a value. A refused request and a request without a form have none."""
    gateway.platform.reserve("WT" + "2" * 32, "WK" + "3" * 32, sid="WR" + "a" * 32)
    target = path("WR" + "a" * 32)
    lines: list[str] = []
    log = make_exchange_logger(lines.append, lambda: NOW, gateway.platform)
    for body in (b"Instruction=conference&To=", b"Instruction=conference&To="):
        request = RawRequest("POST", target, FORM, body)
        log(request, gateway.receive(*request), 0, "")
    request = RawRequest("GET", path(), (), b"")
    log(request, gateway.receive(*request), 0, "")
    log(RawRequest("POST", target, FORM, b"%"), Reply(200), 0, "200 with an unreadable body")
    assert [line.split(" ")[1] for line in lines] == ["POST", "tolerated:", "POST", "GET", "POST"]
    assert lines[1].startswith("12:00:03.250 tolerated: To: the official Node client sends a null ")
    assert lines[1].endswith("Applied here: read as not given (setting blank_values).")


def test_refusal_has_code_and_message(gateway: InMemoryGateway) -> None:
    target = worker_path("WR" + ZEROS)
    text = log_line("GET", target, b"", gateway.receive("GET", target, (), b""))
    assert text == (
        "12:00:03.250 GET …/Workers/WK…333333/Reservations/WR…000000"
        " -> 404 20404 The requested resource "
        "/v1/Workspaces/WS…111111/Workers/WK…333333/Reservations/WR…000000 was not found (0.3 ms)"
    )


def test_list_has_its_length(gateway: InMemoryGateway) -> None:
    text = log_line(
        "GET", path() + "?PageSize=2", b"", gateway.receive("GET", path() + "?PageSize=2", (), b"")
    )
    assert text == (
        "12:00:03.250 GET …/Tasks/WT…222222/Reservations?PageSize=… -> 200 0 reservations (0.3 ms)"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"ReservationStatus=wrapping", "wrapping"),
        (b"ReservationStatus=accepted&Instruction=call", "accepted and call"),
        (b"Instruction=my+secret&CallFrom=x", "neither status nor instruction"),
        (b"\xff\xfe", "not a form"),
    ],
)
def test_only_known_words_of_a_form_are_logged(body: bytes, words: str) -> None:
    text = log_line("POST", path(), body, Reply(200))
    assert text == (f"12:00:03.250 POST …/Tasks/WT…222222/Reservations {words} -> 200 (0.3 ms)")


@pytest.mark.parametrize(
    ("method", "suffix", "body", "line"),
    [
        ("POST", "/Workers", b"FriendlyName=Ann&Attributes=x", "400 20001 Attributes must be a"),
        ("POST", "/Workers", b"FriendlyName=Ann&%2B15005550006=x", "201 version 0"),
        ("GET", "/Activities", b"", "200 3 activities"),
        ("POST", "/Tasks", b"RoutingTarget=WQ0", "400 20001 RoutingTarget must be a SID"),
    ],
)
def test_resource_is_logged_by_names_only(method: str, suffix: str, body: bytes, line: str) -> None:
    place = Workplace()
    reply = place.gateway.receive(method, place.root + suffix, FORM, body)
    text = log_line(method, place.root + suffix, body, reply)
    names = ", ".join(re.findall(r"(?:^|&)([A-Z]\w+)=", body.decode()))
    assert text.startswith(f"12:00:03.250 {method} …{suffix} {names}".rstrip() + f" -> {line}")
    assert "Ann" not in text


def test_status_of_a_task_is_logged() -> None:
    place = Workplace()
    place.route()
    task = place.add_task()
    body = b"AssignmentStatus=canceled&Reason=Ann"
    reply = place.gateway.receive("POST", place.root + task, FORM, body)
    text = log_line("POST", place.root + task, body, reply)
    assert " AssignmentStatus=canceled, Reason -> 200 canceled, version 1 (" in text


def test_event_of_a_task_is_logged_with_its_sid() -> None:
    lines: list[str] = []
    place = Workplace()
    queue = CallbackQueue(place.platform, CallbackSettings(event_url="https://example.com"))
    queue.subscribe(make_callback_logger(lines.append))
    place.route()
    task = place.add_task()
    (event,) = queue.take()
    queue.record_response(event, Reply(204))
    assert f"event task.created of WT…{task[-6:]} -> 204 taken" in lines[0]


def test_injected_fault_is_named() -> None:
    assert (
        log_line("GET", "/x", b"", None, FaultKind.RESET_BEFORE)
        == "12:00:03.250 GET /x -> no reply [reset before acting, by plan] (0.3 ms)"
    )
    assert (
        log_line("GET", "/x", b"", Reply(200, {}, b"<html>"), "y")
        == "12:00:03.250 GET /x -> 200, unreadable [y, by plan] (0.3 ms)"
    )


@given(text=st.text(max_size=60), number=st.from_regex(r"\+1[0-9]{10}", fullmatch=True))
def test_line_is_printable_and_not_personal(text: str, number: str) -> None:
    body = f"To={number}&Instruction={text}".encode(errors="replace")
    text = log_line(
        f"GET{text}",
        f"/{text}{number}?{text}",
        body,
        Reply(400, {}, f'{{"message": "{number}"}}'.encode()),
    )
    assert text.isprintable()
    assert number not in text


def test_only_exchanges_of_the_api_are_logged() -> None:
    lines: list[str] = []
    platform = Platform(ManualClock())
    with running_emulator(
        platform, on_exchange=make_exchange_logger(lines.append, platform.now)
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
    assert [each.partition(" -> ")[2].rpartition(" (")[0] for each in lines] == [
        "200 pending, version 1",
        "429 20429 by plan [429, by plan]",
    ]


def test_callback_is_one_line() -> None:
    platform = Platform(ManualClock(NOW))
    world = people(platform)
    queue = CallbackQueue(
        platform,
        CallbackSettings(
            assignment_url="https://example.com/a", event_url="https://example.com/e", duplicates=1
        ),
    )
    lines: list[str] = []
    queue.subscribe(make_callback_logger(lines.append))
    sid = world.sid()
    request, _, _, copy = queue.take()
    queue.record_response(request, Reply(200, {}, b""), 0.0123)
    queue.record_failure(copy, "no connection could be made to +15005550006", 11205)
    short = f"WR…{sid[-6:]}"
    assert lines == [
        f"12:00:03.250 assignment of {short} -> 200 decided later (12.3 ms)",
        (
            f"12:00:03.250 event reservation.created again of {short} -> no response: "
            "11205: no connection could be made to <personal> (0.0 ms)"
        ),
    ]
