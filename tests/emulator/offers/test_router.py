"""Offers of routed tasks. The expected offers follow from the rules of the room's docstring."""

from __future__ import annotations

import pytest

from reservation_core.emulator import Settings
from tests.emulator.resources.scene import Workplace


@pytest.fixture
def place() -> Workplace:
    return Workplace()


def test_created_task_is_offered_to_longest_idle_worker(place: Workplace) -> None:
    place.route()
    first, _ = place.add_workers("ann", "bob")
    place.update(first, ActivitySid=place.activities["Offline"])
    place.update(first, ActivitySid=place.activities["Available"])
    assert place.offers(place.add_task()) == [("bob", "pending")]


def test_created_task_is_shown_as_pending_and_reserved_afterwards(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    task = place.create("/Tasks")
    assert (task["assignment_status"], task["reason"]) == ("pending", None)
    assert place.status(f"/Tasks/{task['sid']}") == "reserved"


def test_unavailable_worker_is_offered_nothing_until_available(place: Workplace) -> None:
    place.route()
    (worker,) = place.add_workers("ann", activity="Offline")
    task = place.add_task()
    assert place.offers(task) == []
    place.update(worker, ActivitySid=place.activities["Available"])
    assert place.offers(task) == [("ann", "pending")]


def test_worker_with_live_reservation_is_offered_nothing_more(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    first, second = place.add_task(), place.add_task()
    place.answer(first, "ann", "accepted")
    assert place.offers(second) == []
    place.answer(first, "ann", "completed")
    assert place.offers(second) == [("ann", "pending")]


def test_worker_capacity_setting_allows_several_live_reservations() -> None:
    place = Workplace(settings=Settings(worker_capacity=2))
    place.route()
    place.add_workers("ann")
    tasks = [place.add_task() for _ in range(3)]
    assert [len(place.offers(task)) for task in tasks] == [1, 1, 0]


def test_tasks_go_by_priority_and_then_by_age(place: Workplace) -> None:
    place.route()
    low, old, new = (place.add_task(Priority=priority) for priority in (0, 5, 5))
    place.add_workers("ann")
    assert [len(place.offers(task)) for task in (low, old, new)] == [0, 1, 0]
    place.answer(old, "ann", "accepted")
    place.add_workers("bob")
    assert [len(place.offers(task)) for task in (low, old, new)] == [0, 1, 1]


def test_task_is_reserved_up_to_max_reserved_workers(place: Workplace) -> None:
    place.route(most=2)
    place.add_workers("ann", "bob", "cy")
    task = place.add_task()
    assert place.offers(task) == [("ann", "pending"), ("bob", "pending")]
    place.answer(task, "bob", "accepted")
    assert place.offers(task) == [("ann", "rescinded"), ("bob", "accepted")]


def test_rejected_task_goes_to_next_worker_before_the_same_one(place: Workplace) -> None:
    place.route()
    place.add_workers("ann", "bob")
    task = place.add_task()
    place.answer(task, "ann", "rejected")
    assert place.offers(task) == [("ann", "rejected"), ("bob", "pending")]
    place.answer(task, "bob", "rejected")
    assert place.offers(task)[2:] == [("ann", "pending")]


def test_rejection_refills_reservations_with_workers_not_asked(place: Workplace) -> None:
    place.route(most=2)
    place.add_workers("ann", "bob", "cy")
    task = place.add_task()
    place.answer(task, "ann", "rejected")
    assert place.offers(task)[2:] == [("cy", "pending")]
    place.answer(task, "cy", "rejected")
    assert len(place.offers(task)) == 3  # all were asked; bob may still accept
    place.answer(task, "bob", "rejected")
    assert place.offers(task)[3:] == [("ann", "pending"), ("cy", "pending")]


def test_reservations_are_not_refilled_without_setting() -> None:
    place = Workplace(settings=Settings(refills_reservations=False))
    place.route(most=2)
    place.add_workers("ann", "bob", "cy")
    task = place.add_task()
    place.answer(task, "ann", "rejected")
    assert len(place.offers(task)) == 2
    place.answer(task, "bob", "rejected")
    assert place.offers(task)[2:] == [("cy", "pending"), ("ann", "pending")]


def test_task_on_hold_is_not_offered_to_more_workers(place: Workplace) -> None:
    place.route(most=2)
    place.add_workers("ann")
    task = place.add_task(Attributes='{"call_sid": "CA1", "from": "+15005550006"}')
    sid = place.rows(f"{task}/Reservations", "reservations")[0]["sid"]
    form = {"Instruction": "conference", "To": "client:ann", "From": "+15005550006"}
    place.update(f"{task}/Reservations/{sid}", **form)
    place.add_workers("bob")
    assert place.offers(task) == [("ann", "pending")]


def test_timed_out_worker_gets_timeout_activity_and_next_one_the_task(place: Workplace) -> None:
    place.route(TaskReservationTimeout=30)
    ann, _ = place.add_workers("ann", "bob")
    task = place.add_task()
    place.platform.advance(29)
    assert place.offers(task) == [("ann", "pending")]
    place.platform.advance(1)
    assert place.offers(task) == [("ann", "timeout"), ("bob", "pending")]
    assert place.fetch(ann)["activity_name"] == "Offline"
    place.platform.advance(30)
    assert place.offers(task)[1:] == [("bob", "timeout")]
    assert place.status(task) == "pending"


def test_offers_of_a_long_time_happen_when_they_are_due(place: Workplace) -> None:
    place.route(TaskReservationTimeout=30)
    place.add_workers("ann", "bob")
    task = place.add_task()
    place.platform.advance(3600)
    dates = [row["date_updated"] for row in place.rows(f"{task}/Reservations", "reservations")]
    assert dates == ["2030-01-01T00:00:30Z", "2030-01-01T00:01:00Z"]


def test_task_is_canceled_after_its_own_timeout(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    task = place.add_task(Timeout=60)
    place.platform.advance(60)
    shown = place.fetch(task)
    assert (shown["assignment_status"], shown["reason"]) == ("canceled", "Task TTL Exceeded")
    assert place.offers(task) == [("ann", "canceled")]
    place.platform.advance(300)
    assert place.refusal("GET", task)[0] == 404


def test_assigned_task_outlives_its_timeout(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    task = place.add_task(Timeout=60)
    place.answer(task, "ann", "accepted")
    place.platform.advance(10_000)
    assert place.status(task) == "assigned"


def test_routing_target_is_the_only_worker(place: Workplace) -> None:
    place.route(most=3)
    _, bob = place.add_workers("ann", "bob")
    task = place.add_task(RoutingTarget=bob[-34:])
    assert place.offers(task) == [("bob", "pending")]
    place.answer(task, "bob", "rejected")
    assert place.offers(task)[1:] == [("bob", "pending")]


def test_task_without_queue_is_not_offered(place: Workplace) -> None:
    place.create("/Workflows", FriendlyName="W", Configuration="{}")
    place.add_workers("ann")
    task = place.add_task()
    assert place.fetch(task)["task_queue_sid"] is None
    assert place.offers(task) == []


def test_larger_max_reserved_workers_leads_to_more_offers(place: Workplace) -> None:
    queue = place.route()
    place.add_workers("ann", "bob")
    task = place.add_task()
    place.update(f"/TaskQueues/{queue}", MaxReservedWorkers=2)
    assert place.offers(task) == [("ann", "pending"), ("bob", "pending")]


def test_task_of_control_surface_is_not_routed(place: Workplace) -> None:
    place.route()
    place.add_workers("ann")
    assert place.offers(f"/Tasks/{place.platform.add_task(place.sid).sid}") == []
