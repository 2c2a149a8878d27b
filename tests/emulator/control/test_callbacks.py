"""Callback settings, results and alerts on the control surface."""

from __future__ import annotations

from typing import Final

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.server import running_emulator
from reservation_core.rest.messages import Reply
from tests.emulator.callbacks.scene import TOKEN
from tests.emulator.control.conftest import Send
from tests.emulator.receiver import Receiver
from tests.emulator.wire import ask
from tests.emulator.worlds import TASK, WORKERS, World, people
from tests.webhooks.referee import verdict

CALLBACKS: Final = {
    "assignment_url": "https://example.com/assign",
    "fallback_url": "https://example.com/fallback",
    "event_url": "https://example.com/events",
    "auth_token": "a secret word",
    "event_types": ["reservation.wrapup"],
    "fields": {"WorkflowSid": "WW1"},
    "duplicates": 0.25,
    "reordered": 1,
    "seed": 7,
    "calls_resources": False,
}


def test_callback_settings_are_set_and_shown_without_the_token(
    control: Control, send: Send
) -> None:
    shown = send("POST", "/callbacks", CALLBACKS)
    assert shown.status == 200
    assert shown.json == send("GET", "/callbacks").json
    expected = {
        name: value for name, value in CALLBACKS.items() if name not in ("auth_token", "fields")
    }
    assert {
        name: value for name, value in shown.json.items() if name not in ("fields", "signed")
    } == expected
    assert (shown.json["signed"], shown.json["fields"]["WorkflowSid"]) == (True, "WW1")
    assert "a secret word" not in shown.body.decode()
    assert control.callback_queue.settings.auth_token == "a secret word"
    default = send("POST", "/callbacks", {"event_url": "https://example.com/"}).json
    assert (
        default["assignment_url"],
        default["signed"],
        len(default["event_types"]),
        default["duplicates"],
    ) == (None, False, 18, 0)
    assert send("DELETE", "/callbacks").json["event_url"] is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"assignment_url": "nowhere"}, "assignment_url must be an http or https URL"),
        ({"assignment_url": 7}, "assignment_url: is a JSON number, not a string"),
        (
            {"event_types": ["reservation.created", "task.nothing"]},
            "event_types: must hold only words of reservation.created",
        ),
        ({"fields": {"WorkflowSid": 7}}, "fields.WorkflowSid: is not a string"),
        ({"duplicates": 2}, "duplicates: is not a number from 0 to 1"),
        ({"seed": "x"}, "seed: is not a whole number"),
        ({"token": "x"}, "token: is not a known field"),
        ({"auth_token": " "}, "auth_token must not be empty"),
    ],
)
def test_invalid_callback_settings_change_nothing(
    send: Send, wrong: dict[str, object], message: str
) -> None:
    send("POST", "/callbacks", CALLBACKS)
    answer = send("POST", "/callbacks", wrong)
    assert answer.status == 400
    assert message in answer.json["error"]
    assert send("GET", "/callbacks").json["event_url"] == CALLBACKS["event_url"]


def test_reset_drops_waiting_callbacks_but_not_settings(send: Send, world: World) -> None:
    send("POST", "/callbacks", CALLBACKS)
    world.reserve()
    assert send("GET", "/callbacks/sent").json == {"waiting": 1, "sent": []}
    send("POST", "/reset")
    assert send("GET", "/callbacks/sent").json["waiting"] == 0
    assert send("GET", "/callbacks/alerts").json == []
    assert send("GET", "/callbacks").json["signed"]


def test_callbacks_are_set_and_shown_over_http(receiver: Receiver) -> None:
    receiver.answers["/assign?team=secret"] = lambda _: Reply(500)
    with running_emulator(Platform(ManualClock())) as emulator:
        people(emulator.platform)
        sent = {
            "assignment_url": f"{receiver.url}/assign?team=secret",
            "event_url": f"{receiver.url}/events",
            "auth_token": TOKEN,
        }
        shown = ask(emulator.url, "POST", "/_emulator/callbacks", sent)
        assert (shown.status, shown.json["signed"]) == (200, True)
        assert shown.json["assignment_url"] == f"{receiver.url}/assign?team=…"
        emulator.platform.reserve(TASK, WORKERS[0])
        emulator.settle()
        queue = ask(emulator.url, "GET", "/_emulator/callbacks/sent")
        assert queue.json["waiting"] == 0
        found = {one["kind"]: one for one in queue.json["sent"]}
        assert (found["assignment"]["status"], found["assignment"]["outcome"]) == (
            500,
            "11200: the response has status 500. Respond with 200",
        )
        assert (found["event"]["event"], found["event"]["outcome"]) == (
            "reservation.created",
            "taken",
        )
        assert found["event"]["form"]["TaskSid"] == TASK
        assert {one["number"] for one in queue.json["sent"]} == {1, 2}
        assert [
            one["number"]
            for one in ask(emulator.url, "GET", "/_emulator/callbacks/sent?since=1").json["sent"]
        ] == [2]
        alerts = ask(emulator.url, "GET", "/_emulator/callbacks/alerts")
        assert [(alert["code"], alert["warning"]) for alert in alerts.json] == [(11200, False)]
        looked_at = [
            ask(emulator.url, "GET", f"/_emulator/{name}")
            for name in ("callbacks", "state", "journal", "settings")
        ]
        everything = [shown, queue, alerts, *looked_at]
        assert not any(
            TOKEN in each.body.decode() or "secret" in each.body.decode() for each in everything
        )
        assert verdict(receiver.webhooks_at("/events")[0], TOKEN)
        assert ask(emulator.url, "DELETE", "/_emulator/callbacks").json["event_url"] is None
        emulator.platform.reserve(TASK, WORKERS[1])
        emulator.settle()
        assert len(receiver.received) == 2
