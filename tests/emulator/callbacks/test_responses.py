"""Responses to assignment callbacks."""

from __future__ import annotations

import json
from typing import Final

import pytest

from reservation_core import (
    ON_HOLD,
    Accept,
    Call,
    Command,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Status,
)
from reservation_core.emulator import CallbackQueue, ManualClock, Platform
from reservation_core.emulator.callbacks.model import CallbackKind
from reservation_core.rest.messages import Reply
from reservation_core.webhooks import answer
from tests.emulator.callbacks.scene import ALL_URLS, NUMBER, URL, CallbackScene, only_alert_code
from tests.emulator.worlds import ACTIVITY, CALL, TASK, WORKERS, people

INSTRUCTIONS: Final[list[tuple[Command, str]]] = [
    (Accept(), "accepted"),
    (Reject(worker_activity_sid=ACTIVITY), "rejected"),
    (
        Dequeue(
            to="client:somebody",
            status_callback_url=URL,
            status_callback_event=["answered", "completed"],
        ),
        ON_HOLD,
    ),
    (Call(from_=NUMBER, url=URL, accept=True), "accepted"),
    (Call(from_=NUMBER, url=URL), "pending"),
    (Redirect(call_sid=CALL, url=URL, accept=True), "accepted"),
    (Conference(from_=NUMBER, timeout=20, muted=True), ON_HOLD),
]


@pytest.mark.parametrize(
    ("command", "state"),
    INSTRUCTIONS,
    ids=lambda value: value.trigger if isinstance(value, Command) else value,
)
def test_instruction_is_carried_out(command: Command, state: str) -> None:
    scene = CallbackScene()
    assignment = scene.take_assignment()
    scene.queue.record_response(assignment, answer(command), 0.3)
    assert scene.platform.get(assignment.reservation_sid).state == state
    assert (scene.platform.journal[-1].trigger, scene.platform.journal[-1].by) == (
        command.trigger,
        "callback",
    )
    (sent,) = scene.queue.sent
    assert (sent.callback, sent.status, sent.outcome, sent.seconds) == (
        assignment,
        200,
        f"{command.trigger}: {state}",
        0.3,
    )
    assert not scene.queue.alerts
    if isinstance(command, Reject):
        assert scene.platform.worker(WORKERS[0]).activity_sid == ACTIVITY


def test_instruction_is_parsed_leniently() -> None:
    scene = CallbackScene()
    assignment = scene.take_assignment()
    content = {
        "instruction": "Call",
        "from": NUMBER,
        "url": URL,
        "accept": "TRUE",
        "timeout": "20",
        "room_name": "x",
    }
    scene.queue.record_response(
        assignment,
        Reply(
            200, {"content-type": "Application/JSON; charset=utf-8"}, json.dumps(content).encode()
        ),
    )
    assert scene.platform.get(assignment.reservation_sid).status is Status.ACCEPTED


@pytest.mark.parametrize(
    "reply",
    [
        answer(),
        Reply(200),
        Reply(200, {"Content-Type": "application/json"}, b" {} "),
        Reply(200, {}, b"\r\n"),
    ],
    ids=repr,
)
def test_empty_response_leaves_decision_for_later(reply: Reply) -> None:
    scene = CallbackScene()
    assignment = scene.take_assignment()
    scene.queue.record_response(assignment, reply)
    assert scene.platform.get(assignment.reservation_sid).state == "pending"
    assert scene.queue.sent[-1].outcome == "decided later"
    assert (list(scene.queue.alerts), scene.queue.take()) == ([], ())


def json_reply(body: object) -> Reply:
    return Reply(
        200,
        {"Content-Type": "application/json"},
        body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


ACCEPT: Final = b'{"instruction": "accept"}'


# The response, the code of the alert, and whether the fallback URL is called
INVALID_RESPONSES: Final[dict[str, tuple[Reply, int | None, bool]]] = {
    "another status": (Reply(201, {"Content-Type": "application/json"}, ACCEPT), 11200, True),
    "a redirect": (Reply(302, {"Location": "https://example.com"}), 11200, True),
    "a failure": (Reply(500), 11200, True),
    "no type": (Reply(200, {}, ACCEPT), 40000, True),
    "text": (Reply(200, {"Content-Type": "text/html"}, ACCEPT), 40000, True),
    "not JSON": (json_reply(b"accept"), 40001, False),
    "not UTF-8": (json_reply(b"\xff{}"), 40001, False),
    "JSON encoded twice": (json_reply(json.dumps({"instruction": "accept"})), 40001, False),
    "a list": (json_reply([]), 40001, False),
    "depth": (json_reply(b"[" * 100_000), 40001, False),
    "is not an instruction": (json_reply({"to": "client:alice"}), 40005, False),
    "no instruction but null": (json_reply({"instruction": None}), 40005, False),
    "an unknown instruction": (json_reply({"instruction": "banana"}), 55555, False),
    "a number": (json_reply({"instruction": 7}), 55555, False),
    "an instruction of the REST API only": (json_reply({"instruction": "supervise"}), 55555, False),
    "a bad activity": (json_reply({"instruction": "reject", "activity_sid": "WA1"}), 40100, False),
    "a call without from": (json_reply({"instruction": "call", "url": URL}), 40111, False),
    "a call without url": (json_reply({"instruction": "call", "from": NUMBER}), 40112, False),
    "a redirect without call": (json_reply({"instruction": "redirect", "url": URL}), 40121, False),
    "a bad event": (
        json_reply({"instruction": "dequeue", "status_callback_events": "answered,banana"}),
        40134,
        False,
    ),
    "an object for a text": (json_reply({"instruction": "dequeue", "to": {}}), 40131, False),
    "an endless time-out": (
        json_reply({"instruction": "conference", "timeout": 100_000}),
        14233,
        False,
    ),
    "a task without a call": (json_reply({"instruction": "dequeue"}), 40140, False),
}


@pytest.mark.parametrize("case", INVALID_RESPONSES)
def test_invalid_response_adds_alert_and_changes_nothing(case: str) -> None:
    reply, code, goes_to_fallback = INVALID_RESPONSES[case]
    scene = CallbackScene()
    scene.platform.set_task_attributes(TASK, {"from": NUMBER})
    assignment = scene.take_assignment()
    scene.queue.record_response(assignment, reply)
    assert scene.platform.get(assignment.reservation_sid).state == "pending"
    (alert,) = scene.queue.alerts
    assert (alert.code, alert.callback, alert.reservation_sid) == (
        code,
        assignment.number,
        assignment.reservation_sid,
    )
    assert alert.is_warning is (code in (40001, 40005))
    assert NUMBER not in alert.text
    assert scene.queue.sent[-1].outcome.endswith(alert.text)
    assert [callback.kind for callback in scene.queue.take()] == (
        [CallbackKind.FALLBACK] if goes_to_fallback else []
    )


STATE_ERROR_CODES: Final = {
    "dequeue": 40135,
    "call": 40114,
    "redirect": 40123,
    "conference": 40136,
    "accept": None,
    "reject": None,
}


@pytest.mark.parametrize(
    ("command", "state"),
    INSTRUCTIONS,
    ids=lambda value: value.trigger if isinstance(value, Command) else value,
)
def test_late_instruction_adds_alert_with_its_own_code(command: Command, state: str) -> None:
    del state
    scene = CallbackScene()
    assignment = scene.take_assignment()
    scene.platform.execute(assignment.reservation_sid, Accept())
    scene.queue.record_response(assignment, answer(command))
    assert only_alert_code(scene) == STATE_ERROR_CODES[command.trigger]


def test_response_about_deleted_reservation_adds_alert() -> None:
    scene = CallbackScene()
    assignment = scene.take_assignment()
    scene.platform.reset()
    scene.queue.record_response(assignment, answer(Accept()))
    assert "no longer exists" in scene.queue.alerts[0].text


def test_change_that_cannot_be_stored_adds_alert() -> None:
    from reservation_core.emulator.state_file import StateFileError

    def keep(_: object) -> None:
        if broken:
            raise StateFileError("state.db", "the disk is full")

    broken: list[int] = []
    platform = people(Platform(ManualClock(), on_commit=keep)).platform
    queue = CallbackQueue(platform, ALL_URLS)
    sid = str(platform.reserve(TASK, WORKERS[0]).sid)
    broken.append(1)
    queue.record_response(queue.take()[0], answer(Accept()))
    assert platform.get(sid).status is Status.PENDING
    assert "the disk is full" in queue.alerts[0].text
