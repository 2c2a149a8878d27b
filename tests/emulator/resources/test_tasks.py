"""Tasks as resources."""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings
from reservation_core.emulator.platform.settings import AttributesWithStatus
from tests.emulator.resources.scene import Workplace
from tests.reference.oracle import rows

UPDATES = rows("task_updates")
CONFLICTS = {
    "canceled": "Cannot cancel task {} because it is not pending or reserved.",
    "wrapping": "Cannot wrap up a task {} because it's not currently assigned",
    "completed": "Cannot complete task {} because it is not currently assigned.",
}
"""Observed messages."""


@pytest.fixture
def place() -> Workplace:
    place = Workplace()
    place.route()
    return place


def bring(place: Workplace, status: str) -> str:
    """Create a task and bring it to a status."""
    task = place.add_task()
    if status == "canceled":
        place.update(task, AssignmentStatus="canceled", Reason="x")
    elif status != "pending":
        place.add_workers("ann")
        if status != "reserved":
            place.answer(task, "ann", "accepted")
        if status in ("wrapping", "completed"):
            place.update(task, AssignmentStatus=status, Reason="x")
    assert place.status(task) == status
    return task


@pytest.mark.parametrize("row", UPDATES, ids=lambda row: f"{row['status']}-{row['asked']}")
def test_status_update_is_allowed_where_the_table_says_so(
    place: Workplace, row: dict[str, str]
) -> None:
    task = bring(place, row["status"])
    before = place.fetch(task)
    if row["allowed"] == "yes":
        place.update(task, AssignmentStatus=row["asked"], Reason="why")
        assert place.status(task) == row["asked"]
        return
    status, message = place.refusal("POST", task, AssignmentStatus=row["asked"], Reason="why")
    named = f"{task[-34:]} in workspace {place.sid} for account AC{'0' * 32}"
    other = f"AssignmentStatus {row['asked']} is not a status that a client may set"
    assert (status, message) == (400, CONFLICTS.get(row["asked"], other).format(named))
    assert place.fetch(task) == before


def test_reservations_follow_the_status_of_their_task(place: Workplace) -> None:
    canceled = bring(place, "reserved")
    place.update(canceled, AssignmentStatus="canceled", Reason="gone")
    assert place.offers(canceled) == [("ann", "canceled")]
    assert place.fetch(canceled)["reason"] == "gone"
    task = place.add_task()
    place.answer(task, "ann", "accepted")
    place.update(task, AssignmentStatus="wrapping")
    assert place.offers(task) == [("ann", "wrapping")]
    place.update(task, AssignmentStatus="completed", Reason="done")
    assert place.offers(task) == [("ann", "completed")]
    assert place.fetch(task)["reason"] == "done"


def test_created_task_has_given_values(place: Workplace) -> None:
    task = place.create(
        "/Tasks",
        Attributes='{"a": "ä"}',
        Priority=7,
        Timeout=60,
        TaskChannel="voice",
        VirtualStartTime="2029-12-31T00:00:00Z",
        IgnoreCapacity="true",
    )
    channels = place.rows("/TaskChannels", "channels")
    voice = next(each["sid"] for each in channels if each["unique_name"] == "voice")
    expected = {
        "attributes": '{"a": "\\u00e4"}',
        "priority": 7,
        "timeout": 60,
        "task_channel_sid": voice,
        "task_channel_unique_name": "voice",
        "virtual_start_time": "2029-12-31T00:00:00Z",
        "ignore_capacity": True,
        "workflow_friendly_name": "W",
        "task_queue_friendly_name": "All",
        "age": 0,
        "addons": "{}",
    }
    assert {name: task[name] for name in expected} == expected
    place.platform.advance(5.9)
    assert place.fetch(f"/Tasks/{task['sid']}")["age"] == 5


def test_created_task_has_default_values(place: Workplace) -> None:
    task = place.create("/Tasks")
    assert (task["timeout"], task["priority"], task["attributes"]) == (86_400, 0, "{}")
    assert task["task_channel_unique_name"] == "default"
    assert task["virtual_start_time"] == task["date_created"] == task["task_queue_entered_date"]


def test_workflow_is_required_unless_there_is_one(place: Workplace) -> None:
    second = place.create("/Workflows", FriendlyName="V", Configuration="{}")
    status, message = place.refusal("POST", "/Tasks")
    assert (status, message) == (
        400,
        f"WorkflowSid is required: workspace {place.sid} has 2 workflows",
    )
    assert place.create("/Tasks", WorkflowSid=second["sid"])["workflow_friendly_name"] == "V"
    assert place.create("/Tasks", RoutingTarget=second["sid"])["workflow_friendly_name"] == "V"


def test_queue_may_be_given_in_place_of_a_workflow() -> None:
    place = Workplace()
    queue = place.create("/TaskQueues", FriendlyName="All")["sid"]
    given, target = (
        place.create("/Tasks", **{name: queue}) for name in ("TaskQueueSid", "RoutingTarget")
    )
    assert given["task_queue_sid"] == target["task_queue_sid"] == queue
    assert (given["workflow_sid"], target["routing_target"]) == (None, queue)
    assert "workflow" not in given["links"]


@pytest.mark.parametrize(
    "form",
    [
        {"RoutingTarget": "WK" + "0" * 32},
        {"TaskChannel": "fax"},
        {"WorkflowSid": "WW" + "0" * 32},
        {"Timeout": 1_209_601},
        {"Priority": -1},
        {"VirtualStartTime": "2030-01-01T00:00:01Z"},
        {"Attributes": "[]"},
    ],
)
def test_wrong_task_is_refused(place: Workplace, form: dict[str, object]) -> None:
    assert place.refusal("POST", "/Tasks", **form)[0] == 400
    assert place.rows("/Tasks", "tasks") == []


def test_update_changes_given_values_only(place: Workplace) -> None:
    task = place.add_task(Attributes='{"a": 1}', Priority=1)
    version = place.ask("GET", task).headers.get("ETag")
    place.update(task)
    assert place.ask("GET", task).headers.get("ETag") == version
    shown = place.update(
        task, Priority=2, TaskChannel="chat", VirtualStartTime="2029-01-01T00:00:00Z", Reason="r"
    )
    assert (shown["priority"], shown["task_channel_unique_name"]) == (2, "chat")
    assert (shown["attributes"], shown["reason"]) == ('{"a": 1}', "r")
    assert shown["virtual_start_time"] == "2029-01-01T00:00:00Z"
    assert place.ask("GET", task).headers.get("ETag") == str(int(str(version)) + 1)


@pytest.mark.parametrize(
    ("setting", "status", "attributes"),
    [
        (AttributesWithStatus.IGNORED, 200, "{}"),
        (AttributesWithStatus.APPLIED, 200, '{"a": 1}'),
        (AttributesWithStatus.REFUSED, 400, "{}"),
    ],
)
def test_attributes_with_status_follow_the_setting(
    setting: AttributesWithStatus, status: int, attributes: str
) -> None:
    place = Workplace(settings=Settings(attributes_with_status=setting))
    place.route()
    task = bring(place, "assigned")
    reply = place.ask("POST", task, AssignmentStatus="wrapping", Attributes='{"a": 1}')
    assert reply.status == status
    assert place.fetch(task)["attributes"] == attributes


def test_reason_is_required_where_setting_says_so() -> None:
    place = Workplace(settings=Settings(task_end_needs_reason=True))
    place.route()
    task = place.add_task()
    assert place.refusal("POST", task, AssignmentStatus="canceled") == (
        400,
        "Missing required parameter Reason in the post body",
    )
    place.update(task, AssignmentStatus="canceled", Reason="x")


def test_deleted_task_ends_its_reservations(place: Workplace) -> None:
    task = bring(place, "assigned")
    path = f"{task}/Reservations"
    sid = place.rows(path, "reservations")[0]["sid"]
    assert place.ask("DELETE", task).status == 204
    assert [entry.reservation.status for entry in place.platform.journal][-1] == "completed"
    assert place.refusal("GET", f"{path}/{sid}")[0] == 404


def test_task_of_control_surface_is_fetched_and_updated(place: Workplace) -> None:
    sid = place.platform.add_task(place.sid, attributes={"a": 1}).sid
    shown = place.fetch(f"/Tasks/{sid}")
    assert (shown["workflow_sid"], shown["task_queue_sid"], shown["priority"]) == (None, None, 0)
    assert (shown["timeout"], shown["task_channel_sid"]) == (86_400, None)
    assert place.update(f"/Tasks/{sid}", Priority=3, Attributes="{}")["attributes"] == "{}"
    assert place.update(f"/Tasks/{sid}", AssignmentStatus="canceled")["reason"] is None
