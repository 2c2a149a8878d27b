"""Workers as resources."""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings
from tests.emulator.resources.scene import Workplace


@pytest.fixture
def place() -> Workplace:
    place = Workplace()
    place.route(most=2)
    return place


def test_worker_begins_in_default_activity(place: Workplace) -> None:
    worker = place.create("/Workers", FriendlyName="ann")
    assert (worker["activity_name"], worker["available"]) == ("Offline", False)
    place.update("", DefaultActivitySid=place.activities["Available"])
    assert place.create("/Workers", FriendlyName="bob")["available"] is True
    assert place.fetch("")["default_activity_name"] == "Available"


def test_change_of_activity_is_dated(place: Workplace) -> None:
    (worker,) = place.add_workers("ann")
    place.platform.advance(60)
    version = int(str(place.ask("GET", worker).headers.get("ETag")))
    same = place.update(worker, ActivitySid=place.activities["Available"])
    assert same["date_status_changed"] == "2030-01-01T00:00:00Z"
    shown = place.update(worker, ActivitySid=place.activities["Offline"])
    assert shown["date_status_changed"] == shown["date_updated"] == "2030-01-01T00:01:00Z"
    assert place.ask("GET", worker).headers.get("ETag") == str(version + 1)
    renamed = place.update(worker, FriendlyName="anne", Attributes='{"a": 1}')
    assert (renamed["friendly_name"], renamed["attributes"]) == ("anne", '{"a": 1}')
    assert renamed["activity_name"] == "Offline"


def test_leaving_worker_rejects_its_pending_reservations_on_request(place: Workplace) -> None:
    worker, _ = place.add_workers("ann", "bob")
    task, offline = place.add_task(), place.activities["Offline"]
    place.update(worker, ActivitySid=offline, RejectPendingReservations="true")
    assert place.offers(task) == [("ann", "rejected"), ("bob", "pending")]


@pytest.mark.parametrize("activity", ["Available", None])
def test_pending_reservations_are_rejected_only_when_leaving(
    place: Workplace, activity: str | None
) -> None:
    (worker,) = place.add_workers("ann")
    task = place.add_task()
    form = {} if activity is None else {"ActivitySid": place.activities[activity]}
    assert place.refusal("POST", worker, RejectPendingReservations="true", **form) == (
        400,
        "RejectPendingReservations needs an ActivitySid that is not available",
    )
    assert place.offers(task) == [("ann", "pending")]


def test_worker_with_pending_reservation_may_change_its_activity(place: Workplace) -> None:
    (worker,) = place.add_workers("ann")
    task = place.add_task()
    lunch = place.create("/Activities", FriendlyName="Back office", Available="true")["sid"]
    place.update(worker, ActivitySid=lunch)
    place.update(worker, ActivitySid=place.activities["Offline"])
    assert place.offers(task) == [("ann", "pending")]


def test_worker_with_pending_reservation_cannot_leave_where_setting_says_so() -> None:
    place = Workplace(settings=Settings(can_leave_with_pending=False))
    place.route()
    (worker,) = place.add_workers("ann")
    task, offline = place.add_task(), place.activities["Offline"]
    status, message = place.refusal("POST", worker, ActivitySid=offline)
    assert status == 400
    assert message.endswith("has pending reservations. Set RejectPendingReservations")
    place.update(worker, ActivitySid=offline, RejectPendingReservations="true")
    assert place.offers(task) == [("ann", "rejected")]


def test_worker_with_live_reservation_is_not_deleted(place: Workplace) -> None:
    (worker,) = place.add_workers("ann")
    task = place.add_task()
    place.answer(task, "ann", "accepted")
    assert place.refusal("DELETE", worker)[1].endswith("it has live reservations")
    place.answer(task, "ann", "completed")
    assert place.ask("DELETE", worker).status == 204
    assert place.offers(task) == [("ann", "completed")]


def test_deleted_worker_is_offered_nothing(place: Workplace) -> None:
    ann, _ = place.add_workers("ann", "bob")
    place.ask("DELETE", ann)
    assert place.offers(place.add_task()) == [("bob", "pending")]


def test_worker_of_control_surface_is_fetched_and_becomes_available(place: Workplace) -> None:
    sid = place.platform.add_worker(place.sid, name="cy").sid
    shown = place.fetch(f"/Workers/{sid}")
    assert (shown["activity_sid"], shown["activity_name"], shown["available"]) == (
        None,
        None,
        False,
    )
    assert "activity" not in shown["links"]
    task = place.add_task()
    place.update(f"/Workers/{sid}", ActivitySid=place.activities["Available"])
    assert place.offers(task) == [("cy", "pending")]
