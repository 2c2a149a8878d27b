"""Every way of reporting an event is read into the same value, and nothing about it is guessed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeAlias
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import MalformedReply, PayloadFault, Reservation, Status
from reservation_core.webhooks import EVENT_STATUSES, EVENT_TYPES, Event, read_event, read_events

Body: TypeAlias = dict[str, object]

NO_SID: Final = "is missing; give a SID (WR and 32 hexadecimal digits)"
NOT_WHOLE: Final = "is not a whole number from 0 to 999999999999999999"

ZEROS: Final = "0" * 32
SIDS: Final = {
    "AccountSid": "AC" + ZEROS,
    "WorkspaceSid": "WS" + ZEROS,
    "TaskSid": "WT" + ZEROS,
    "WorkerSid": "WK" + ZEROS,
    "ReservationSid": "WR" + ZEROS,
}
FORM: Final = {
    "Sid": "EV" + ZEROS,
    "EventType": "reservation.accepted",
    **SIDS,
    "WorkspaceName": "Main",
    "EventDescription": "Reservation WR0 accepted by Zoë Quick",
    "ResourceType": "reservation",
    "ResourceSid": "WR" + ZEROS,
    "Timestamp": "1400000000",
    "TimestampMs": "1400000000123",
    "ReservationVersion": "3",
    "TaskAssignmentStatus": "assigned",
    "TaskAttributes": '{"from": "+15005550006"}',
    "WorkerName": "Zoë Quick",
    "OperatingUnitSid": "",
}
"""An event callback: what is documented, and what was seen besides."""

TIME: Final = datetime(2014, 5, 13, 16, 53, 20, 123000, UTC)
KINDS: Final = {  # by hand from the documentation, not from the code
    "reservation.created": "pending",
    "reservation.accepted": "accepted",
    "reservation.rejected": "rejected",
    "reservation.timeout": "timeout",
    "reservation.canceled": "canceled",
    "reservation.rescinded": "rescinded",
    "reservation.wrapup": "wrapping",
    "reservation.completed": "completed",
}


def cloud(**changes: object) -> Body:
    """Give a CloudEvent as Event Streams sends it, its payload changed; ``None`` takes a field away."""
    payload: Body = {
        "sid": "EV" + ZEROS,
        "eventtype": "reservation.created",  # the documented samples do not agree with their own envelope either
        "account_sid": "AC" + ZEROS,
        "workspace_sid": "WS" + ZEROS,
        "task_sid": "WT" + ZEROS,
        "worker_sid": "WK" + ZEROS,
        "reservation_sid": "WR" + ZEROS,
        "timestamp": "2014-05-13T16:53:20.123Z",
        "reservation_version": 3,
        "task_assignment_status": "assigned",
        "task_attributes": '{"from": "+15005550006"}',
        "worker_name": "Zoë Quick",
        "task_age": 31088,
    }
    payload = {name: value for name, value in (payload | changes).items() if value is not None}
    return {
        "specversion": "1.0",
        "type": "com.twilio.taskrouter.reservation.accepted",
        "source": "AB1",
        "id": "NO1",
        "dataschema": "https://events-schemas.twilio.com/TaskRouter.WDSEvent/4",
        "datacontenttype": "application/json",
        "time": "2014-05-13T16:53:21Z",
        "data": {
            "sid": "EV" + ZEROS,
            "name": "ReservationCreated",
            "timestamp": "2014-05-13T16:53:20Z",
            "payload": payload,
        },
    }


def faults(body: object) -> dict[str, str]:
    """Give what is wrong with a body, by path."""
    with pytest.raises(MalformedReply) as caught:
        read_events(body if isinstance(body, (str, bytes)) else json.dumps(body))
    return {fault.path: fault.problem for fault in caught.value.faults}


# --- one value -------------------------------------------------------------------------------------------------------------------


def test_a_callback_is_read_whole() -> None:
    """Every field of the value comes from the form, as it was sent or already parsed."""
    expected = Event(
        sid="EV" + ZEROS,
        type="reservation.accepted",
        status=Status.ACCEPTED,
        reservation=Reservation(
            sid="WR" + ZEROS,
            account_sid="AC" + ZEROS,
            workspace_sid="WS" + ZEROS,
            task_sid="WT" + ZEROS,
            worker_sid="WK" + ZEROS,
            worker_name="Zoë Quick",
            status=Status.ACCEPTED,
        ),
        version=3,
        time=TIME,
        reservation_sid="WR" + ZEROS,
        task_sid="WT" + ZEROS,
        worker_sid="WK" + ZEROS,
        workspace_sid="WS" + ZEROS,
        task_status="assigned",
        payload={},
    )
    text = urlencode(FORM)
    for payload in (FORM, text, text.encode(), {name: [value] for name, value in FORM.items()}):
        event = read_event(payload)
        assert event == expected
        assert read_events(payload) == (expected,)
        assert set(event.payload) == set(FORM)


def test_a_cloud_event_is_read_as_the_callback_is() -> None:
    """The same event by the two ways is the same value, so that one may stand in for the other."""
    callback = read_event(FORM)
    for payload in (cloud(), json.dumps(cloud()), json.dumps(cloud()).encode()):
        assert read_event(payload) == callback
    assert hash(read_event(cloud())) == hash(callback)
    assert pickle.loads(pickle.dumps(callback)) == callback


def test_a_batch_is_read_in_its_order() -> None:
    """Event Streams may send several at once."""
    batch = [cloud(reservation_version=number) for number in range(5)]
    assert [event.version for event in read_events(json.dumps(batch))] == [0, 1, 2, 3, 4]
    assert read_events("[]") == ()


@pytest.mark.parametrize(("type_", "status"), KINDS.items())
def test_each_type_reports_the_status_that_is_documented(type_: str, status: str) -> None:
    """The status comes from the type, by either way; wrap-up and creation are called otherwise than what they set."""
    for event in (
        read_event(FORM | {"EventType": type_}),
        read_event(cloud() | {"type": f"com.twilio.taskrouter.{type_}"}),
    ):
        assert event.type == type_
        assert event.status is not None
        assert event.status.value == status
        assert event.reservation is not None
        assert event.reservation.status is event.status


def test_the_types_are_all_of_them() -> None:
    """Each status has exactly one type that reports it."""
    assert {type_: status.value for type_, status in EVENT_STATUSES.items()} == KINDS
    assert {status: type_ for type_, status in EVENT_STATUSES.items()} == EVENT_TYPES


@pytest.mark.parametrize(
    "type_",
    ["reservation.failed", "reservation.teleported", "task.created", "worker.activity.update", "x"],
)
def test_a_type_that_reports_no_status_is_kept(type_: str) -> None:
    """A failed reservation, a task's event and a type of tomorrow are read for what they tell, and report no status."""
    form = {"EventType": type_, "Timestamp": "1400000000", "TaskSid": "WT" + ZEROS}
    for event in (
        read_event(form),
        read_event(cloud(timestamp=None) | {"type": f"com.twilio.taskrouter.{type_}"}),
    ):
        assert event.type == type_
        assert event.status is None
        assert event.reservation is None
        assert event.task_sid == "WT" + ZEROS
        assert event.time == TIME.replace(microsecond=0)


def test_another_product_s_event_is_kept_too() -> None:
    """What shares the sink with ours is read by its envelope."""
    told: Body = {
        "specversion": "1.0",
        "type": "com.twilio.messaging.message.sent",
        "id": "EZ1",
        "time": "2014-05-13T16:53:20Z",
        "data": {},
    }
    event = read_event(told)
    assert (event.type, event.status, event.sid, event.reservation_sid) == (
        "com.twilio.messaging.message.sent",
        None,
        "EZ1",
        None,
    )
    assert event.time == TIME.replace(microsecond=0)
    assert event.payload == told


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        [],
        {"payload": "text"},
        {"payload": None},
        {"sid": 7, "timestamp": 1400000000000},
        {"payload": {"reservation_version": "x", "task_sid": ["no", "sid"], "timestamp": "noon"}},
    ],
)
def test_of_a_type_that_reports_no_status_nothing_else_is_asked(data: object) -> None:
    """What its data are is its own affair; it spoils no batch."""
    told: Body = {
        "type": "com.twilio.messaging.message.sent",
        "id": "EZ1",
        "time": "2014-05-13T16:53:20Z",
        "data": data,
    }
    ours, other, without = read_events(
        json.dumps([cloud(), told, {name: told[name] for name in ("type", "id", "time")}])
    )
    assert ours.status is Status.ACCEPTED
    for event in (other, without):
        assert (event.type, event.status, event.reservation, event.sid) == (
            "com.twilio.messaging.message.sent",
            None,
            None,
            "EZ1",
        )
        assert event.time == TIME.replace(microsecond=0)


def test_a_number_without_end_is_a_fault() -> None:
    """Also where it is a number already."""
    with pytest.raises(MalformedReply) as caught:
        read_event(FORM | {"ReservationVersion": 10**5000})
    (fault,) = caught.value.faults
    assert (fault.path, fault.problem) == ("ReservationVersion", NOT_WHOLE)


# --- what repeats, and when it was -----------------------------------------------------------------------------------------------


def test_a_repetition_has_the_same_key() -> None:
    """The key is the event's SID; without one, what it says, when, and of what."""
    assert read_event(FORM).key == read_event(cloud()).key == "EV" + ZEROS
    bare = {name: value for name, value in FORM.items() if name != "Sid"}
    keys = {
        read_event(bare).key,
        read_event(dict(bare)).key,
        read_event(bare | {"TimestampMs": "1400000000124"}).key,
        read_event(bare | {"EventType": "reservation.rejected"}).key,
        read_event(bare | {"ReservationSid": "WR" + "1" * 32}).key,
        read_event(bare | {"EventType": "task.created", "ReservationSid": ""}).key,
        read_event(bare | {"EventType": "task.created", "ReservationSid": "", "TaskSid": ""}).key,
    }
    assert len(keys) == 6


@given(st.integers(0, 4_102_444_800_000))
@settings(max_examples=60)
def test_no_millisecond_is_lost(milliseconds: int) -> None:
    """A time in milliseconds is exactly that time."""
    event = read_event(FORM | {"TimestampMs": str(milliseconds)})
    assert (event.time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    ) == milliseconds
    assert event.time.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "time"),
    [
        ({"TimestampMs": ""}, TIME.replace(microsecond=0)),
        ({"TimestampMs": "", "Timestamp": "2014-05-13T16:53:20.123Z"}, TIME),
        (
            {"TimestampMs": "", "Timestamp": "2014-05-13T18:53:20+02:00"},
            TIME.replace(microsecond=0),
        ),
    ],
)
def test_a_time_is_read_however_it_is_told(changes: dict[str, str], time: datetime) -> None:
    """Milliseconds come first; else epoch seconds or ISO 8601."""
    assert read_event(FORM | changes).time == time


def test_the_innermost_time_is_taken() -> None:
    """A CloudEvent's own time is that of sending; the payload's comes first, then its wrapping's."""
    data: Mapping[str, object] = {
        "timestamp": "2014-05-13T16:53:22Z",
        "payload": {"reservation_sid": "WR" + ZEROS},
    }
    assert read_event(cloud(timestamp_ms=1400000000125)).time == TIME + timedelta(milliseconds=2)
    assert read_event(cloud() | {"data": data}).time.second == 22
    assert read_event(cloud() | {"data": {"reservation_sid": "WR" + ZEROS}}).time.second == 21
    assert read_event(cloud(timestamp="2014-05-13T16:53:20.123+05:00")).time == TIME.replace(
        tzinfo=timezone(timedelta(hours=5))
    )


def test_the_type_and_the_sid_come_from_inside_when_the_envelope_has_none() -> None:
    """A payload that was taken out of its envelope still says what it is."""
    event = read_event(
        {
            "data": {
                "eventtype": "reservation.rejected",
                "timestamp": 1400000000,
                "sid": "EV1",
                "reservation_sid": "WR" + ZEROS,
            }
        }
    )
    assert (event.status, event.sid) == (Status.REJECTED, "EV1")


# --- faults ----------------------------------------------------------------------------------------------------------------------


def test_all_faults_of_a_callback_are_told_together() -> None:
    """Each has the form's own name for the field; no contact is in them."""
    form = {
        "EventType": "reservation.accepted",
        "ReservationSid": "+15005550006",
        "TaskSid": "x",
        "ReservationVersion": "v3",
        "TimestampMs": "9" * 18,
    }
    text = urlencode([*form.items(), ("WorkerName", "a"), ("WorkerName", "b")])
    assert faults(text) == {
        "TimestampMs": "is beyond all dates",
        "ReservationVersion": NOT_WHOLE,
        "ReservationSid": "is not a SID (WR and 32 hexadecimal digits)",
        "TaskSid": "is not a SID (WT and 32 hexadecimal digits)",
        "WorkerName": "is given 2 times",
    }
    with pytest.raises(MalformedReply) as caught:
        read_event(text)
    assert "15005550006" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"ReservationSid": ""}, {"ReservationSid": NO_SID}),
        (
            {"EventType": "", "Timestamp": "", "TimestampMs": ""},
            {"EventType": "is missing", "Timestamp": "is missing"},
        ),
        (
            {"Timestamp": "noon", "TimestampMs": ""},
            {"Timestamp": "is neither an ISO 8601 date nor epoch seconds"},
        ),
        ({"ReservationVersion": "-1"}, {"ReservationVersion": NOT_WHOLE}),
        ({"ReservationVersion": "1" * 19}, {"ReservationVersion": NOT_WHOLE}),
    ],
)
def test_a_fault_of_a_callback_is_told(changes: dict[str, str], found: dict[str, str]) -> None:
    """Each is found alone, too."""
    assert faults(urlencode(FORM | changes)) == found


def test_all_faults_of_a_batch_are_told_together() -> None:
    """Each has its place in the batch and the stream's own name for the field."""
    batch: list[object] = [
        cloud(reservation_version=True, worker_name=5),
        cloud(),
        7,
        cloud() | {"data": None},
        cloud() | {"data": {"payload": []}},
        cloud(sid=3, reservation_sid=None) | {"type": 1},
    ]
    assert faults(batch) == {
        "[0].data.payload.reservation_version": NOT_WHOLE,
        "[0].data.payload.worker_name": "is a JSON number, not a text",
        "[2]": "is a JSON number, not an event",
        "[3].data": "is missing",
        "[4].data.payload": "is a JSON array, not an object",
        "[5].type": "is a JSON number, not a text",
        "[5].data.payload.sid": "is a JSON number, not a text",
        "[5].data.payload.reservation_sid": NO_SID,
    }


def test_one_unreadable_event_need_not_spoil_a_batch() -> None:
    """Who asks to be told of it gets all the others."""
    told: list[MalformedReply] = []
    events = read_events(
        json.dumps([cloud(), 7, cloud(reservation_version=4)]), on_unreadable=told.append
    )
    assert [event.version for event in events] == [3, 4]
    assert told == [MalformedReply((PayloadFault("[1]", "is a JSON number, not an event"),))]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "is empty"),
        ("7", "is a JSON number, not an event"),
        ("[", "is neither JSON nor a form: line 1, column 2"),
        (b"\xff", "is not UTF-8 text"),
        ("EventType=&" * 1001, "is a form of more than 1,000 fields"),
        ("EventType=%ff", "is a form with escapes that are not UTF-8"),
    ],
)
def test_a_body_that_is_no_event_is_refused(body: str | bytes, problem: str) -> None:
    """It is said what it is instead; nobody asked for a single event is given a batch."""
    assert faults(body) == {"(body)": problem}
    with pytest.raises(MalformedReply, match="is a JSON array, not an event"):
        read_event("[]")


def test_an_event_shows_nothing_personal() -> None:
    """No name and no attribute of a task or a worker is in its repr."""
    shown = repr(read_event(FORM))
    assert "Zoë" not in shown
    assert "15005550006" not in shown
    assert "<personal>" in shown
