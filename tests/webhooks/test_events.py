"""Events of every source, read into the same value."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeAlias
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import MalformedReply, PayloadFault, Reservation, Status
from reservation_core.webhooks import (
    EVENT_STATUSES,
    EVENT_TYPES,
    Event,
    EventShape,
    read_event,
    read_events,
)

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
"""An event callback, with the documented and the observed fields."""

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
    """Return a CloudEvent with a changed payload. ``None`` removes a field."""
    payload: Body = {
        "sid": "EV" + ZEROS,
        # The documented samples do not agree with their own envelope either.
        "eventtype": "reservation.created",
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


def resource(**changes: object) -> Body:
    """Return an event resource with changed fields. ``None`` removes a field."""
    body: Body = {
        "account_sid": "AC" + ZEROS,
        "actor_sid": "WK" + ZEROS,
        "actor_type": "worker",
        "description": "Reservation WR0 accepted by Zoë Quick",
        "event_data": {
            "reservation_sid": "WR" + ZEROS,
            "task_sid": "WT" + ZEROS,
            "worker_sid": "WK" + ZEROS,
            "worker_name": "Zoë Quick",
            "reservation_version": "3",
            "task_assignment_status": "assigned",
            "workspace_name": "",
        },
        "event_date": "2014-05-13T16:53:20Z",
        "event_date_ms": 1400000000123,
        "event_type": "reservation.accepted",
        "resource_sid": "WR" + ZEROS,
        "resource_type": "reservation",
        "sid": "EV" + ZEROS,
        "source": "twilio",
        "workspace_sid": "WS" + ZEROS,
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def faults(body: object) -> dict[str, str]:
    """Return the problem of each fault of a body, by its path."""
    with pytest.raises(MalformedReply) as caught:
        read_events(body if isinstance(body, (str, bytes)) else json.dumps(body))
    return {fault.path: fault.problem for fault in caught.value.faults}


# --- one value of all sources --------------------------------------------------------------------


def test_callback_is_read_completely() -> None:
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


def test_cloud_event_equals_the_callback_of_the_same_event() -> None:
    callback = read_event(FORM)
    for payload in (cloud(), json.dumps(cloud()), json.dumps(cloud()).encode()):
        assert read_event(payload) == callback
    assert hash(read_event(cloud())) == hash(callback)
    assert pickle.loads(pickle.dumps(callback)) == callback


def test_resource_equals_the_callback_of_the_same_event() -> None:
    """Its data may be an object or text, in either spelling."""
    named: Body = {
        "ReservationSid": "WR" + ZEROS,
        "TaskSid": "WT" + ZEROS,
        "WorkerSid": "WK" + ZEROS,
        "WorkerName": "Zoë Quick",
        "ReservationVersion": 3,
        "TaskAssignmentStatus": "assigned",
    }
    for body in (
        resource(),
        json.dumps(resource()),
        resource(event_data=named),
        resource(event_data=json.dumps(named)),
        resource(resource_sid=None),
        resource(event_date_ms=None, event_date="2014-05-13T16:53:20.123Z"),
        resource(event_date_ms=None, event_date=TIME),
    ):
        event = read_event(body)
        assert event == read_event(FORM)
        assert event.shape is EventShape.RESOURCE
    assert read_event(FORM).shape is EventShape.CALLBACK
    assert read_event(cloud()).shape is EventShape.STREAM


def test_resource_without_data_is_read_by_its_own_fields() -> None:
    event = read_event(resource(event_data=None))
    assert event.reservation == Reservation(
        sid="WR" + ZEROS,
        account_sid="AC" + ZEROS,
        workspace_sid="WS" + ZEROS,
        status=Status.ACCEPTED,
    )
    assert (event.sid, event.time) == ("EV" + ZEROS, TIME)


@pytest.mark.parametrize(("prefix", "field"), [("WT", "task_sid"), ("WK", "worker_sid")])
def test_resource_of_another_kind_is_kept(prefix: str, field: str) -> None:
    body = resource(event_type="task.updated", event_data=[], resource_sid=prefix + ZEROS)
    event = read_event(body)
    assert (event.type, event.status, event.reservation_sid) == ("task.updated", None, None)
    assert getattr(event, field) == prefix + ZEROS
    assert (
        read_event(resource(event_type="x", event_data=None, resource_sid="WW1")).task_sid is None
    )


def test_page_of_resources_is_read_in_its_order() -> None:
    page = {"events": [resource(), resource(sid="EV1")], "meta": {"key": "events"}}
    assert [event.sid for event in read_events(json.dumps(page))] == ["EV" + ZEROS, "EV1"]
    assert read_events({"events": []}) == ()
    broken = resource(resource_sid=None, event_data=None)
    assert faults({"events": [resource(), broken]}) == {
        "events[1].event_data.reservation_sid": NO_SID
    }


def test_batch_is_read_in_its_order() -> None:
    batch = [cloud(reservation_version=number) for number in range(5)]
    assert [event.version for event in read_events(json.dumps(batch))] == [0, 1, 2, 3, 4]
    assert read_events("[]") == ()


@pytest.mark.parametrize(("type_", "status"), KINDS.items())
def test_each_type_reports_its_documented_status(type_: str, status: str) -> None:
    for event in (
        read_event(FORM | {"EventType": type_}),
        read_event(cloud() | {"type": f"com.twilio.taskrouter.{type_}"}),
    ):
        assert event.type == type_
        assert event.status is not None
        assert event.status.value == status
        assert event.reservation is not None
        assert event.reservation.status is event.status


def test_each_status_has_exactly_one_type() -> None:
    assert {type_: status.value for type_, status in EVENT_STATUSES.items()} == KINDS
    assert {status: type_ for type_, status in EVENT_STATUSES.items()} == EVENT_TYPES


@pytest.mark.parametrize(
    "type_",
    ["reservation.failed", "reservation.teleported", "task.created", "worker.activity.update", "x"],
)
def test_type_without_a_status_is_kept(type_: str) -> None:
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


def test_event_of_another_product_is_kept() -> None:
    """It may share the sink, and is read by its envelope."""
    event_body: Body = {
        "specversion": "1.0",
        "type": "com.twilio.messaging.message.sent",
        "id": "EZ1",
        "time": "2014-05-13T16:53:20Z",
        "data": {},
    }
    event = read_event(event_body)
    assert (event.type, event.status, event.sid, event.reservation_sid) == (
        "com.twilio.messaging.message.sent",
        None,
        "EZ1",
        None,
    )
    assert event.time == TIME.replace(microsecond=0)
    assert event.payload == event_body


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
def test_type_without_a_status_needs_only_type_and_time(data: object) -> None:
    """Its data do not make a batch unreadable."""
    event_body: Body = {
        "type": "com.twilio.messaging.message.sent",
        "id": "EZ1",
        "time": "2014-05-13T16:53:20Z",
        "data": data,
    }
    ours, other, without = read_events(
        json.dumps(
            [cloud(), event_body, {name: event_body[name] for name in ("type", "id", "time")}]
        )
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


def test_huge_number_is_a_fault() -> None:
    with pytest.raises(MalformedReply) as caught:
        read_event(FORM | {"ReservationVersion": 10**5000})
    (fault,) = caught.value.faults
    assert (fault.path, fault.problem) == ("ReservationVersion", NOT_WHOLE)


# --- repetitions and times -----------------------------------------------------------------------


def test_repetition_has_the_same_key() -> None:
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
def test_time_keeps_every_millisecond(milliseconds: int) -> None:
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
def test_time_is_read_in_any_format(changes: dict[str, str], time: datetime) -> None:
    """Milliseconds win over epoch seconds and ISO 8601."""
    assert read_event(FORM | changes).time == time


def test_innermost_time_wins() -> None:
    """The time of a CloudEvent is that of its sending."""
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


def test_type_and_sid_are_read_from_the_payload_without_an_envelope() -> None:
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


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (
            FORM | {"ReservationSid": "x"},
            "an event callback",
            {"ReservationSid": "is not a SID (WR and 32 hexadecimal digits)"},
        ),
        (FORM | {"EventType": ""}, "an event callback", {"EventType": "is missing"}),
        (
            cloud(reservation_sid=None),
            "a CloudEvent of Event Streams",
            {"data.payload.reservation_sid": NO_SID},
        ),
        ({"data": {}}, "a CloudEvent of Event Streams", {"data.eventtype": "is missing"}),
        (
            resource(event_data=None, resource_sid=None),
            "an event resource of the REST API",
            {"event_data.reservation_sid": NO_SID},
        ),
        (
            resource(event_data="{"),
            "an event resource of the REST API",
            {"event_data": "is not JSON"},
        ),
        (
            resource(event_type=5),
            "an event resource of the REST API",
            {"event_type": "is a JSON number, not a string"},
        ),
    ],
)
def test_error_names_the_shape_that_was_read(body: Body, kind: str, found: dict[str, str]) -> None:
    with pytest.raises(MalformedReply, match=f"cannot be read as {kind}") as caught:
        read_event(body)
    assert found.items() <= {fault.path: fault.problem for fault in caught.value.faults}.items()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ReservationSid": "WR" + ZEROS, "Timestamp": "1400000000"},  # an assignment callback
        {"sid": "WR" + ZEROS, "reservation_status": "accepted"},  # a reservation
    ],
)
def test_body_without_the_key_of_a_shape_is_not_read_as_one(body: Body) -> None:
    problem = "is not an event: it has none of EventType, event_type, type and data"
    assert faults(body) == {"(body)": problem}
    assert faults([cloud(), body]) == {"[1]": problem}


def test_placeholder_of_the_documented_sample_is_recognised() -> None:
    """Its SIDs have 31 digits."""
    sample = "WR" + "0" * 30 + "1"
    assert faults(cloud(reservation_sid=sample)) == {
        "data.payload.reservation_sid": "is not a SID (WR and 32 hexadecimal digits); it has 31, "
        "as the placeholders in the platform's samples of events do"
    }


# --- faults --------------------------------------------------------------------------------------


def test_all_faults_of_a_callback_are_reported_together() -> None:
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
def test_single_fault_of_a_callback_is_reported(
    changes: dict[str, str], found: dict[str, str]
) -> None:
    assert faults(urlencode(FORM | changes)) == found


def test_all_faults_of_a_batch_are_reported_together() -> None:
    """Each event has its place, and the stream's field name."""
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
        "[0].data.payload.worker_name": "is a JSON number, not a string",
        "[2]": "is a JSON number, not an event",
        "[3].data": "is missing",
        "[4].data.payload": "is a JSON array, not an object",
        "[5].type": "is a JSON number, not a string",
        "[5].data.payload.sid": "is a JSON number, not a string",
        "[5].data.payload.reservation_sid": NO_SID,
    }


def test_on_unreadable_keeps_the_rest_of_a_batch() -> None:
    errors: list[MalformedReply] = []
    events = read_events(
        json.dumps([cloud(), 7, cloud(reservation_version=4)]), on_unreadable=errors.append
    )
    assert [event.version for event in events] == [3, 4]
    assert errors == [MalformedReply((PayloadFault("[1]", "is a JSON number, not an event"),))]


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
def test_body_that_is_not_an_event_is_refused(body: str | bytes, problem: str) -> None:
    assert faults(body) == {"(body)": problem}
    with pytest.raises(MalformedReply, match="is a JSON array, not an event"):
        read_event("[]")


def test_repr_of_an_event_shows_nothing_personal() -> None:
    shown = repr(read_event(FORM))
    assert "Zoë" not in shown
    assert "15005550006" not in shown
    assert "<personal>" in shown


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", ["{}", '{{"events": {}}}'])
@pytest.mark.parametrize("on_unreadable", [None, list[object]().append])
def test_batch_of_too_many_events_is_refused_and_none_is_read(
    wrap: str, on_unreadable: Callable[[object], None] | None
) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_events(wrap.format("[" + "{}," * 1000 + "{}]"), on_unreadable=on_unreadable)
    place = "events" if "events" in wrap else "(body)"
    assert [str(fault) for fault in caught.value.faults] == [
        f"{place}: has 1001 events, more than the limit of 1000"
    ]


def test_limit_of_the_events_can_be_set() -> None:
    batch: list[Body] = [{"type": "a", "time": "2020-01-01", "data": {}}] * 1001
    assert len(read_events(json.dumps(batch), max_events=1001)) == 1001
    assert len(read_events(json.dumps(batch[1:]))) == 1000
    with pytest.raises(MalformedReply, match="has 2 events, more than the limit of 1"):
        read_events(json.dumps(batch[:2]), max_events=1)


def test_faults_of_a_batch_are_bounded_and_counted() -> None:
    """Each empty event lacks data, type and time."""
    with pytest.raises(MalformedReply) as caught:
        read_events("[" + "{}," * 999 + "{}]")
    error = caught.value
    one = len(_faults_of("{}"))
    assert (len(error.faults), error.omitted) == (100, 1000 * one - 100)
    assert len(str(error).splitlines()) == 102


def _faults_of(body: str) -> tuple[object, ...]:
    with pytest.raises(MalformedReply) as caught:
        read_events(body)
    return caught.value.faults
