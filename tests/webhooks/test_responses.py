"""Commands become the documented responses to a callback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final, cast

import pytest

from reservation_core import (
    Accept,
    Call,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Dequeue,
    InvalidCommand,
    MalformedReply,
    PayloadFault,
    Redirect,
    Reject,
    Reservation,
    Supervise,
    Wrap,
)
from reservation_core.webhooks import (
    ACKNOWLEDGEMENT,
    CallbackAnswer,
    Forged,
    answer,
    refuse_webhook,
)

URL: Final = "https://example.com/"


INSTRUCTIONS: Final[
    list[tuple[Command, dict[str, object]]]
] = [  # by hand from the documentation of the dialect
    (Accept(), {"instruction": "accept"}),
    (Reject(), {"instruction": "reject"}),
    (
        Reject(worker_activity_sid="WA" + "1" * 32),
        {"instruction": "reject", "activity_sid": "WA" + "1" * 32},
    ),
    (
        Dequeue(
            from_="+15005550006",
            status_callback_url=URL,
            status_callback_event=("initiated", "completed"),
            timeout=30,
        ),
        {
            "instruction": "dequeue",
            "from": "+15005550006",
            "timeout": 30,
            "status_callback_url": URL,
            "status_callback_events": "initiated,completed",
        },
    ),
    (
        Call(from_="+15005550006", url=URL, accept=True),
        {"instruction": "call", "from": "+15005550006", "url": URL, "accept": True},
    ),
    (
        Redirect(call_sid="CA" + "1" * 32, url=URL, accept=False),
        {"instruction": "redirect", "call_sid": "CA" + "1" * 32, "url": URL, "accept": False},
    ),
    (
        Conference(
            from_="+15005550006",
            beep="true",
            conference_record="true",
            conference_status_callback_event=("start", "end"),
        ),
        {
            "instruction": "conference",
            "from": "+15005550006",
            "beep": "true",  # words there, not booleans
            "conference_status_callback_event": "start,end",
            "conference_record": "true",
        },
    ),
]


@pytest.mark.parametrize(
    ("command", "instruction"), INSTRUCTIONS, ids=lambda value: type(value).__name__
)
def test_command_becomes_its_documented_instruction(
    command: Command, instruction: dict[str, object]
) -> None:
    reply = answer(command)
    assert (reply.status, dict(reply.headers)) == (200, {"Content-Type": "application/json"})
    body = cast("dict[str, object]", json.loads(reply.body))
    assert body == instruction
    assert {name: type(value) for name, value in body.items()} == {
        name: type(value) for name, value in instruction.items()
    }


def test_response_without_a_command_is_empty_json() -> None:
    """Without the content type the platform warns."""
    reply = answer()
    assert (reply.status, reply.body, dict(reply.headers)) == (
        200,
        b"",
        {"Content-Type": "application/json"},
    )


@pytest.mark.parametrize(
    "command",
    [Wrap(), Complete(), Supervise(supervisor_mode="monitor", supervisor="WK" + "1" * 32)],
)
def test_command_without_an_instruction_is_refused_with_a_remedy(command: Command) -> None:
    with pytest.raises(
        InvalidCommand, match=r"Answer the callback empty and send the command with perform\(\)"
    ):
        answer(command)


@pytest.mark.parametrize("command", [Accept(), Reject(), Conference(), Dequeue()])
def test_answer_with_a_reservation_returns_both(command: Command) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    pending = Reservation(status="pending", etag="3")
    response, held = answer(command, pending, at=at)
    assert response == answer(command)
    assert held == pending.after(command)
    assert held.on_hold_since == (at if held.on_hold else None)


def test_answer_refuses_a_command_that_is_not_allowed() -> None:
    held = answer(Conference(), Reservation(status="pending")).reservation
    assert held.on_hold_since is not None
    with pytest.raises(CommandNotAllowed):
        answer(Accept(), held)
    with pytest.raises(CommandNotAllowed):
        answer(Reject(), held)
    assert answer(Reject(), held, strict=False).reservation.status == "rejected"
    assert answer(None, held) == CallbackAnswer(answer(), held)


def test_event_is_acknowledged_and_bad_webhooks_are_refused() -> None:
    assert (ACKNOWLEDGEMENT.status, dict(ACKNOWLEDGEMENT.headers), ACKNOWLEDGEMENT.body) == (
        204,
        {"Content-Type": "application/json"},
        b"",
    )
    forged, unread = (
        refuse_webhook(Forged("x", "y", "z")),
        refuse_webhook(MalformedReply((PayloadFault("a", "b"),))),
    )
    assert (forged.status, forged.body, unread.status, unread.body) == (403, b"", 400, b"")
