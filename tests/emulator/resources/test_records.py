"""Workspaces, activities, queues and workflows."""

from __future__ import annotations

import json

import pytest

from reservation_core.emulator.resources.records import read_default_queue
from tests.emulator.resources.scene import Workplace

FIRST, SECOND = "WQ" + "1" * 32, "WQ" + "2" * 32


@pytest.fixture
def place() -> Workplace:
    return Workplace()


@pytest.mark.parametrize(
    ("routing", "queue"),
    [
        ({"default_filter": {"queue": FIRST}}, FIRST),
        ({"filters": [{"targets": [{"queue": FIRST}, {"queue": SECOND}]}]}, FIRST),
        (
            {"filters": [{"targets": [{"queue": FIRST}]}], "default_filter": {"queue": SECOND}},
            SECOND,
        ),
        ({"filters": [{}, {"targets": [{}, {"queue": SECOND}]}]}, SECOND),
        ({"default_filter": {"queue": 1}}, None),
        ({"filters": {"targets": 1}, "default_filter": []}, None),
        ([], None),
    ],
)
def test_default_queue_is_that_of_the_default_filter_or_the_first(
    routing: object, queue: str | None
) -> None:
    assert read_default_queue(json.dumps({"task_routing": routing})) == queue


def test_workflow_keeps_its_configuration_as_text(place: Workplace) -> None:
    text = '{ "task_routing":\n {"filters": []} }'
    workflow = place.create("/Workflows", FriendlyName="W", Configuration=text)
    assert (workflow["configuration"], workflow["document_content_type"]) == (
        text,
        "application/json",
    )
    assert workflow["task_reservation_timeout"] == 120
    path = f"/Workflows/{workflow['sid']}"
    assert (
        place.update(path, TaskReservationTimeout=9, ReEvaluateTasks="true")[
            "task_reservation_timeout"
        ]
        == 9
    )


def test_queue_shows_names_of_its_activities(place: Workplace) -> None:
    sid = place.activities["Unavailable"]
    queue = place.create("/TaskQueues", FriendlyName="a", ReservationActivitySid=sid)
    assert queue["reservation_activity_name"] == "Unavailable"
    assert queue["assignment_activity_name"] is None
    assert set(queue["links"]) >= {"reservation_activity", "statistics"}
    assert "assignment_activity" not in queue["links"]


def test_availability_of_activity_never_changes(place: Workplace) -> None:
    path = f"/Activities/{place.activities['Offline']}"
    assert place.update(path, Available="true")["available"] is False


def test_used_activity_is_not_deleted(place: Workplace) -> None:
    default = place.refusal("DELETE", f"/Activities/{place.activities['Offline']}")[1]
    assert default.endswith("it is the default or the timeout activity of its workspace")
    place.add_workers("ann")
    worn = place.refusal("DELETE", f"/Activities/{place.activities['Available']}")[1]
    assert worn.endswith("a worker has it")
    assert place.ask("DELETE", f"/Activities/{place.activities['Unavailable']}").status == 204


def test_used_queue_is_not_deleted(place: Workplace) -> None:
    queue = place.route()
    path = f"/TaskQueues/{queue}"
    assert place.refusal("DELETE", path)[1].endswith("a workflow's configuration names it")
    task = place.add_task()
    workflow = place.rows("/Workflows", "workflows")[0]["sid"]
    assert place.ask("DELETE", f"/Workflows/{workflow}").status == 204
    assert place.refusal("DELETE", path) == (
        400,
        f"Cannot delete task queue {queue}: a task is in it",
    )
    place.ask("DELETE", task)
    assert place.ask("DELETE", path).status == 204
