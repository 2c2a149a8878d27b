"""An assignment callback is read whole, and answered in its own dialect and in time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import urlencode

import pytest

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    InvalidCommand,
    MalformedReply,
    PayloadFault,
    Redirect,
    Reject,
    Reservation,
    Status,
    Supervise,
    Wrap,
)
from reservation_core.webhooks import (
    ACKNOWLEDGEMENT,
    ANSWER_TIMEOUT,
    Deadline,
    Forged,
    answer,
    read_assignment,
    refuse_webhook,
)

NO_SID: Final = "is missing; give a SID (WR and 32 hexadecimal digits)"
NOT_WHOLE: Final = "is not a whole number from 0 to 999999999999999999"

FORM: Final = {
    "Timestamp": "1400000000",
    "AccountSid": "AC" + "0" * 32,
    "WorkspaceSid": "WS" + "1" * 32,
    "WorkflowSid": "WW" + "2" * 32,
    "TaskQueueSid": "WQ" + "3" * 32,
    "WorkerSid": "WK" + "4" * 32,
    "WorkerName": "Käthe Söhne",
    "WorkerAttributes": '{"contact_uri": "+15005550006", "languages": ["en", null]}',
    "TaskSid": "WT" + "5" * 32,
    "TaskAttributes": '{"from": "+15005550009", "vip": true, "weight": 1.5, "note": "a=b&c", "nested": {"n": 1}}',
    "TaskAge": "12",
    "TaskPriority": "0",
    "ReservationSid": "WR" + "6" * 32,
    "TaskChannelUniqueName": "voice",
}
"""The documented form, and one field that is not documented."""


def faults(payload: Mapping[str, object] | str | bytes) -> dict[str, str]:
    """Give what is wrong with a callback, by path."""
    with pytest.raises(MalformedReply) as caught:
        read_assignment(payload)
    assert "15005550009" not in str(caught.value)
    return {fault.path: fault.problem for fault in caught.value.faults}


# --- read ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        FORM,
        urlencode(FORM),
        urlencode(FORM).encode(),
        {name: [value] for name, value in FORM.items()},
    ],
)
def test_a_callback_is_read_whole(payload: Mapping[str, object] | str | bytes) -> None:
    """Every documented field is read for what it is, the others are kept, however the form is handed over."""
    assignment = read_assignment(payload)
    assert assignment.reservation == Reservation(
        sid="WR" + "6" * 32,
        account_sid="AC" + "0" * 32,
        workspace_sid="WS" + "1" * 32,
        task_sid="WT" + "5" * 32,
        worker_sid="WK" + "4" * 32,
        worker_name="Käthe Söhne",
        status=Status.PENDING,
    )
    assert assignment.task_attributes == {
        "from": "+15005550009",
        "vip": True,
        "weight": 1.5,
        "note": "a=b&c",
        "nested": {"n": 1},
    }
    assert assignment.worker_attributes == {
        "contact_uri": "+15005550006",
        "languages": ["en", None],
    }
    assert (assignment.workflow_sid, assignment.task_queue_sid) == (
        "WW" + "2" * 32,
        "WQ" + "3" * 32,
    )
    assert (assignment.task_age, assignment.task_priority) == (12, 0)
    assert assignment.time == datetime(2014, 5, 13, 16, 53, 20, tzinfo=UTC)
    assert assignment.other_fields == {"TaskChannelUniqueName": "voice"}


def test_only_the_reservation_must_be_named() -> None:
    """What is not told is unknown, and attributes that are not told are empty."""
    assignment = read_assignment({"ReservationSid": "WR" + "6" * 32, "TaskAttributes": ""})
    assert assignment.reservation == Reservation(sid="WR" + "6" * 32, status=Status.PENDING)
    assert (
        assignment.task_attributes == assignment.worker_attributes == assignment.other_fields == {}
    )
    assert (assignment.task_age, assignment.workflow_sid) == (None, None)
    assert assignment.time is None


def test_a_field_of_tomorrow_keeps_all_its_values() -> None:
    """An undocumented field given twice is kept as the list it is."""
    assert read_assignment(urlencode(FORM) + "&Tag=a&Tag=b").other_fields["Tag"] == ["a", "b"]


def test_all_faults_are_told_together() -> None:
    """Attributes, numbers, times and SIDs are all looked at before the callback is refused."""
    changes = {
        "ReservationSid": "",
        "TaskSid": "x",
        "TaskAttributes": "{from: +15005550009}",
        "WorkerAttributes": "[1]",
        "TaskAge": "old",
        "Timestamp": "noon",
        "EventType": "reservation.created",
    }
    assert faults(urlencode(FORM | changes) + "&WorkflowSid=x") == {
        "ReservationSid": NO_SID,
        "TaskSid": "is not a SID (WT and 32 hexadecimal digits)",
        "TaskAttributes": "is not JSON",
        "WorkerAttributes": "is a JSON array, not an object",
        "TaskAge": NOT_WHOLE,
        "Timestamp": "is neither an ISO 8601 date nor epoch seconds",
        "EventType": "makes this an event callback, whose status is not pending; read it as an event",
        "WorkflowSid": "is given 2 times",
    }
    assert faults({**FORM, "TaskAttributes": 5}) == {
        "TaskAttributes": "is a JSON number, not a text"
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", {"(body)": "is empty"}),
        ("[]", {"(body)": "is a JSON array, not an assignment callback"}),
        ("a=1", {"ReservationSid": NO_SID}),
        ("_tag=1&7=%5B", {"ReservationSid": NO_SID}),
        ("%41=1", {"ReservationSid": NO_SID}),
        ('"a=1"', {"(body)": "is a JSON string, not an assignment callback"}),
        (b"\xff", {"(body)": "is not UTF-8 text"}),
        ("ReservationSid=&" * 1001, {"(body)": "is a form of more than 1,000 fields"}),
    ],
)
def test_what_is_no_callback_is_refused(body: str | bytes, found: dict[str, str]) -> None:
    """It is said what it is instead."""
    assert faults(body) == found


def test_an_assignment_shows_nothing_personal() -> None:
    """The names of attributes are shown, their values and the worker's name are not."""
    shown = repr(read_assignment(FORM))
    assert "task_attributes=<from, vip, weight, note, nested>" in shown
    for personal in ("Käthe", "15005550009", "15005550006", "a=b&c", "voice"):
        assert personal not in shown


# --- answer ----------------------------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(("command", "said"), INSTRUCTIONS, ids=lambda value: type(value).__name__)
def test_a_command_is_answered_in_the_callback_s_dialect(
    command: Command, said: dict[str, object]
) -> None:
    """Status 200, JSON by its content type, and exactly the documented names and kinds of values."""
    reply = answer(command)
    assert (reply.status, dict(reply.headers)) == (200, {"Content-Type": "application/json"})
    body = cast("dict[str, object]", json.loads(reply.body))
    assert body == said
    assert {name: type(value) for name, value in body.items()} == {
        name: type(value) for name, value in said.items()
    }


def test_to_decide_later_the_answer_is_empty() -> None:
    """It is JSON by its content type all the same, or the platform would warn."""
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
def test_what_cannot_be_said_is_refused_with_the_way_out(command: Command) -> None:
    """The three commands that this dialect lacks can be sent over the API."""
    with pytest.raises(
        InvalidCommand, match=r"Answer the callback empty and send the command with perform\(\)"
    ):
        answer(command)


def test_other_answers() -> None:
    """An event is acknowledged as documented; what is not believed or not read is turned away without a word."""
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


# --- in time ---------------------------------------------------------------------------------------------------------------------


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def deciding(
    clock: Clock, takes: float, command: Command | None = None
) -> Callable[[Deadline], Command | None]:
    """Make a decider that takes so long."""

    def decide(_: Deadline) -> Command | None:
        clock.now += takes
        return command or Accept()

    return decide


def test_a_budget_runs_down() -> None:
    """It begins with the five seconds less the way back, and ends at nothing."""
    clock = Clock()
    budget = Deadline(clock=clock)
    assert budget.remaining == pytest.approx(ANSWER_TIMEOUT - 0.5)
    clock.now += 4.0
    assert budget.remaining == pytest.approx(0.5)
    assert not budget.is_expired
    clock.now += 4.0
    assert budget.remaining == 0.0
    assert budget.is_expired


def test_a_decision_in_time_counts_and_one_too_late_does_not() -> None:
    """Late is as undecided; nobody is asked when it is late already."""
    clock = Clock()
    budget = Deadline(3.0, clock)
    assert budget.decide(deciding(clock, 2.0)) == Accept()
    assert budget.decide(deciding(clock, 2.0)) is None
    assert budget.decide(lambda _: pytest.fail("asked too late")) is None


def test_a_decision_is_awaited_until_the_budget_is_expired() -> None:
    """A decider that does not end is cancelled; one that ends in time is heard, and so are its own errors."""
    cancelled: list[str] = []

    async def forever() -> Command | None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append("yes")
        return Accept()

    async def at_once() -> Command | None:
        await asyncio.sleep(0)
        return Accept()

    async def failing() -> Command | None:
        raise TimeoutError("its own")

    async def scene() -> None:
        clock = Clock()
        budget = Deadline(3.0, clock)
        assert await budget.adecide(at_once()) == Accept()
        with pytest.raises(TimeoutError, match="its own"):
            await budget.adecide(failing())
        clock.now += 3.0
        assert await budget.adecide(forever()) is None
        assert await Deadline(0.01).adecide(forever()) is None
        assert await Deadline(3.0, clock).adecide(never_giving_way(clock)) is None
        await asyncio.sleep(0)

    async def never_giving_way(clock: Clock) -> Command | None:
        clock.now += 3.0
        return Accept()

    asyncio.run(scene())
    assert cancelled == ["yes"]  # where the time was spent before, it is not begun
