"""Assignment callbacks are read completely, or refused with all faults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlencode

import pytest

from reservation_core import (
    MalformedReply,
    Reservation,
    Status,
)
from reservation_core.webhooks import (
    read_assignment,
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
    "TaskAttributes": '{"from": "+15005550009", "vip": true, "weight": 1.5, '
    '"note": "a=b&c", "nested": {"n": 1}}',
    "TaskAge": "12",
    "TaskPriority": "0",
    "ReservationSid": "WR" + "6" * 32,
    "TaskChannelUniqueName": "voice",
}
"""The documented form, and one field that is not documented."""


def faults(payload: Mapping[str, object] | str | bytes) -> dict[str, str]:
    """Return the problem of each fault of a callback, by its path."""
    with pytest.raises(MalformedReply) as caught:
        read_assignment(payload)
    assert "15005550009" not in str(caught.value)
    return {fault.path: fault.problem for fault in caught.value.faults}


@pytest.mark.parametrize(
    "payload",
    [
        FORM,
        urlencode(FORM),
        urlencode(FORM).encode(),
        {name: [value] for name, value in FORM.items()},
    ],
)
def test_callback_is_read_completely(payload: Mapping[str, object] | str | bytes) -> None:
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


def test_callback_needs_only_the_reservation() -> None:
    assignment = read_assignment({"ReservationSid": "WR" + "6" * 32, "TaskAttributes": ""})
    assert assignment.reservation == Reservation(sid="WR" + "6" * 32, status=Status.PENDING)
    assert (
        assignment.task_attributes == assignment.worker_attributes == assignment.other_fields == {}
    )
    assert (assignment.task_age, assignment.workflow_sid) == (None, None)
    assert assignment.time is None


def test_unknown_field_keeps_all_its_values() -> None:
    assert read_assignment(urlencode(FORM) + "&Tag=a&Tag=b").other_fields["Tag"] == ["a", "b"]


def test_all_faults_are_reported_together() -> None:
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
        "EventType": "marks an event callback, which may report another status; use read_event",
        "WorkflowSid": "is given 2 times",
    }
    assert faults({**FORM, "TaskAttributes": 5}) == {
        "TaskAttributes": "is a JSON number, not an object"
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
def test_body_that_is_not_a_callback_is_refused(body: str | bytes, found: dict[str, str]) -> None:
    assert faults(body) == found


def test_repr_of_an_assignment_shows_nothing_personal() -> None:
    shown = repr(read_assignment(FORM))
    assert "task_attributes=<from, vip, weight, note, nested>" in shown
    for personal in ("Käthe", "15005550009", "15005550006", "a=b&c", "voice"):
        assert personal not in shown


def test_values_that_are_decoded_already_are_taken() -> None:
    """A framework may hand on objects instead of text."""
    decoded = {
        **FORM,
        "TaskAttributes": {"from": "+15005550009"},
        "WorkerAttributes": {},
        "TaskAge": 12,
        "Timestamp": datetime(2014, 5, 13, 18, 53, 20, tzinfo=timezone(timedelta(hours=2))),
    }
    assignment = read_assignment(decoded)
    assert assignment.task_attributes == {"from": "+15005550009"}
    assert assignment.worker_attributes == {}
    assert (assignment.task_age, assignment.time) == (12, datetime(2014, 5, 13, 16, 53, 20, 0, UTC))
    assert read_assignment({**FORM, "Timestamp": datetime(2014, 5, 13)}).time == datetime(  # noqa: DTZ001
        2014, 5, 13, tzinfo=UTC
    )
