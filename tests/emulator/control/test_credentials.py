"""Credentials in what the control surface shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reservation_core import Reservation, Status
from reservation_core.emulator.control.credentials import hide_credentials
from tests.emulator.control.conftest import Send
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, World


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://user:word@a.example/x?token=1&b#c", "https://<secret>@a.example/x?token=…&b=…#c"),
        (
            "see http://a.example?q=1, or https://b.example/",
            "see http://a.example?q=… or https://b.example/",
        ),
        ("sip:alice:word@a.example", "sip:alice:<secret>@a.example"),
        ("sip:alice@a.example", "sip:alice@a.example"),
        ("client:alice", "client:alice"),
        ("alice@example.com", "alice@example.com"),
        ('{"u": "https://user@a.example/"}', '{"u": "https://<secret>@a.example/"}'),
        (
            {"Auth_Token": "abc", "password": "", "tokens": 7},
            {"Auth_Token": "<secret>", "password": "<secret>", "tokens": 7},
        ),
        (
            {"a": [{"apiKey": "abc"}, None, 1.5, True]},
            {"a": [{"apiKey": "<secret>"}, None, 1.5, True]},
        ),
        (
            {"secret": {"url": "https://u@a.example"}},
            {"secret": {"url": "https://<secret>@a.example"}},
        ),
    ],
)
def test_credentials_are_masked(given: Any, shown: Any) -> None:
    assert hide_credentials(given) == shown


def test_state_journal_and_overview_mask_credentials(world: World, send: Send) -> None:
    address = "https://user:canary@a.example/hook?key=canary"
    world.platform.set_task_attributes(TASK, {"hook": address, "auth_token": "canary"})
    world.platform.add_worker(WORKSPACE, name=address, attributes={"contact_uri": "sip:a:canary@b"})
    added = Reservation(
        sid="WR" + "1" * 32,
        workspace_sid=WORKSPACE,
        task_sid=TASK,
        worker_sid=WORKERS[0],
        worker_name=address,
        status=Status.PENDING,
        url=address,
    )
    world.platform.add(added)
    world.platform.set_status(str(added.sid), Status.ACCEPTED)
    for path in ("/state", "/journal", "/overview"):
        text = send("GET", path).body.decode()
        assert "canary" not in text
        assert "a.example/hook?key=" in repr(json.loads(text))
        assert '"_task"' not in text
        assert '"_worker"' not in text
    assert send("GET", f"/tasks/{TASK}").json["attributes"]["hook"] == address
