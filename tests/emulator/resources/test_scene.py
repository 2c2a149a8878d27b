"""Contents of new workspaces, and their deletion."""

from __future__ import annotations

import json

import pytest

from reservation_core.emulator import ManualClock, Platform
from tests.emulator.resources.scene import Workplace

WS = "WS" + "7" * 32


@pytest.fixture
def place() -> Workplace:
    return Workplace()


def test_new_workspace_has_documented_activities_and_no_queue(place: Workplace) -> None:
    rows = place.rows("/Activities", "activities")
    assert {row["friendly_name"]: row["available"] for row in rows} == {
        "Offline": False,
        "Available": True,
        "Unavailable": False,
    }
    workspace = place.fetch("")
    assert workspace["default_activity_name"] == workspace["timeout_activity_name"] == "Offline"
    assert (workspace["multi_task_enabled"], workspace["prioritize_queue_order"]) == (True, "FIFO")
    assert place.rows("/TaskQueues", "task_queues") == place.rows("/Workflows", "workflows") == []
    assert len(place.rows("/TaskChannels", "channels")) == 5


def test_workspace_of_template_fifo_routes_tasks_to_its_queue(place: Workplace) -> None:
    place.sid = ""
    sid = place.create("", FriendlyName="F", Template="fifo")["sid"]
    other = Workplace(platform=place.platform)
    other.root, other.sid = f"/v1/Workspaces/{sid}", sid
    other.activities = {
        each["friendly_name"]: each["sid"] for each in other.rows("/Activities", "activities")
    }
    other.add_workers("ann")
    assert other.offers(other.add_task()) == [("ann", "pending")]


def test_workspaces_are_listed_by_name(place: Workplace) -> None:
    reply = place.gateway.receive("GET", "/v1/Workspaces?FriendlyName=Support", {}, b"")
    assert [each["sid"] for each in json.loads(reply.body)["workspaces"]] == [place.sid]


def test_deleted_workspace_takes_everything_with_it(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    place.add_task()
    other = Workplace(platform=place.platform)
    other.add_workers("bob")
    kept = other.platform.add_task(other.sid)
    assert place.ask("DELETE", "").status == 204
    assert place.refusal("GET", "")[0] == place.refusal("GET", "/Workers")[0] == 404
    snapshot = place.platform.snapshot()
    assert (snapshot.tasks, snapshot.reservations) == ((kept,), ())
    assert [worker.name for worker in snapshot.workers] == ["bob"]
    assert {record.workspace_sid for record in snapshot.records} == {other.sid}


def test_workspace_of_control_surface_is_there_once_it_is_asked_for() -> None:
    platform = Platform(ManualClock())
    place = Workplace(platform=platform)
    place.root = f"/v1/Workspaces/{WS}"
    assert place.refusal("GET", "")[0] == 404
    worker = platform.add_worker(WS, name="ann").sid
    newest = platform.records()[-1]
    assert newest.workspace_sid != WS
    assert platform.record(newest.sid) == newest
    assert place.fetch(f"/Workers/{worker}")["friendly_name"] == "ann"
    assert place.fetch("")["friendly_name"] == "Emulator"
    assert [row["friendly_name"] for row in place.rows("/Activities", "activities")] == [
        "Offline",
        "Available",
        "Unavailable",
    ]


def test_reservations_from_before_count_for_a_worker_of_the_control_surface() -> None:
    platform = Platform(ManualClock())
    place = Workplace(platform=platform)
    place.root = f"/v1/Workspaces/{WS}"
    worker = platform.add_worker(WS, name="ann").sid
    first = platform.add_task(WS).sid
    reservation = str(platform.reserve(first, worker).sid)
    place.activities = {
        each["friendly_name"]: each["sid"] for each in place.rows("/Activities", "activities")
    }
    place.update(f"/Workers/{worker}", ActivitySid=place.activities["Available"])
    place.route()
    task = place.add_task()
    assert place.offers(task) == []
    place.update(f"/Tasks/{first}/Reservations/{reservation}", ReservationStatus="rejected")
    assert place.offers(task) == [("ann", "pending")]


def test_deleted_workspaces_leave_nothing_in_the_index() -> None:
    place = Workplace()
    place.route()
    assert place.ask("DELETE", "").status == 204
    assert not place.platform.parts.storage.tables._records_in  # pyright: ignore[reportPrivateUsage]
