"""Offers of routed tasks. The expected offers follow from the rules of the room's docstring."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.offers.router import Router
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.resources.gateway import WorkspaceGateway
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


def test_expired_task_is_deleted_at_once_where_setting_says_so() -> None:
    """Then both timers are due at the same time."""
    place = Workplace(settings=Settings(delete_after=0))
    place.route()
    place.add_task(Timeout=60)
    place.platform.advance(60)
    assert place.platform.tasks() == ()


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


# --- the lines follow from the tables ------------------------------------------------------------


def test_platform_has_one_router(place: Workplace) -> None:
    router = Router.attach(place.platform)
    assert Router.attach(place.platform) is router
    assert Router.attach(Platform(ManualClock())) is not router


def test_failed_transaction_leaves_no_trace_in_the_lines(place: Workplace) -> None:
    place.route()
    ann, _ = place.add_workers("ann", "bob")

    def fail() -> None:
        with place.platform.transaction():
            place.update(ann, ActivitySid=place.activities["Offline"])
            task = place.add_task()
            place.platform.reserve(task[-34:], ann[-34:])
            raise OSError

    with pytest.raises(OSError):
        fail()
    assert place.rows("/Tasks", "tasks") == []
    assert place.offers(place.add_task()) == [("ann", "pending")]


def test_failed_timeout_does_not_move_the_worker(place: Workplace) -> None:
    place.route()
    (ann,) = place.add_workers("ann")
    task = place.add_task()
    sid = place.rows(f"{task}/Reservations", "reservations")[0]["sid"]

    def fail() -> None:
        with place.platform.transaction():
            place.platform.set_status(sid, Status.TIMEOUT)
            raise OSError

    with pytest.raises(OSError):
        fail()
    place.update(ann, FriendlyName="anne")
    assert place.fetch(ann)["activity_name"] == "Available"


def test_timed_out_worker_that_is_deleted_at_once_is_not_moved(place: Workplace) -> None:
    place.route()
    (ann,) = place.add_workers("ann")
    task = place.add_task()
    sid = place.rows(f"{task}/Reservations", "reservations")[0]["sid"]
    with place.platform.transaction():
        place.platform.set_status(sid, Status.TIMEOUT)
        place.ask("DELETE", ann)
    assert place.offers(task) == [("ann", "timeout")]


def test_timeout_activity_of_the_worker_is_no_change(place: Workplace) -> None:
    place.route()
    place.update("", TimeoutActivitySid=place.activities["Available"])
    (ann,) = place.add_workers("ann")
    task = place.add_task()
    version = place.ask("GET", ann).headers.get("ETag")
    place.platform.advance(120)
    assert place.offers(task) == [("ann", "timeout"), ("ann", "pending")]
    assert place.ask("GET", ann).headers.get("ETag") == str(int(str(version)) + 1)


def test_restored_platform_goes_on_with_longest_idle_worker(place: Workplace) -> None:
    place.route()
    place.add_workers("ann", "bob", "cy")
    task = place.add_task()
    place.platform.advance(10)
    place.answer(task, "ann", "accepted")
    place.platform.advance(10)
    place.answer(task, "ann", "completed")
    snapshot = place.platform.snapshot()
    place.platform.reset()
    assert place.refusal("GET", "/Tasks")[0] == 404
    place.platform.restore(snapshot)
    assert [place.offers(place.add_task()) for _ in range(4)] == [
        [("bob", "pending")],
        [("cy", "pending")],
        [("ann", "pending")],
        [],
    ]


def test_waiting_tasks_are_offered_when_a_router_is_attached() -> None:
    place = Workplace()
    place.route()
    place.add_workers("ann", activity="Offline")
    task = place.add_task()
    other = Platform(ManualClock())
    snapshot = place.platform.snapshot()
    (worker,) = snapshot.workers
    available = attrs.evolve(worker, activity_sid=place.activities["Available"])
    other.restore(attrs.evolve(snapshot, workers=(available,)))
    Router.attach(other)
    other.run_due_timers()
    assert [each.status for each in other.all(task[-34:])] == [Status.PENDING]


def test_settings_of_capacity_count_every_live_reservation() -> None:
    place = Workplace(settings=Settings(worker_capacity=3))
    place.route()
    place.add_workers("ann")
    tasks = [place.add_task() for _ in range(4)]
    place.answer(tasks[0], "ann", "rejected")
    assert [len(place.offers(task)) for task in tasks] == [2, 1, 1, 0]  # the oldest goes first
    place.answer(tasks[1], "ann", "accepted")
    place.answer(tasks[1], "ann", "completed")
    assert [len(place.offers(task)) for task in tasks] == [2, 1, 1, 1]


def test_expired_task_that_comes_back_is_canceled_and_not_offered(place: Workplace) -> None:
    """Its timer would be due in the past."""
    place.route()
    place.add_workers("Ann", "Bob")
    task = place.add_task(Timeout=60)
    place.answer(task, "Ann", "accepted")
    first = place.rows(f"{task}/Reservations", "reservations")[0]["sid"]
    place.platform.advance(100)
    bob = next(each.sid for each in place.platform.workers() if each.name == "Bob")
    place.platform.transfer(first, bob)
    place.answer(task, "Ann", "completed")
    place.answer(task, "Bob", "rejected")
    assert place.offers(task) == [("Ann", "completed"), ("Bob", "rejected")]
    shown = place.fetch(task)
    assert (shown["assignment_status"], shown["reason"]) == ("canceled", "Task TTL Exceeded")
    assert shown["date_updated"] == "2030-01-01T00:01:40Z"
    times = [entry.at for entry in place.platform.journal]
    assert times == sorted(times)


def test_transfer_is_not_offered_to_others(place: Workplace) -> None:
    place.route(most=2)
    place.add_workers("ann")
    task = place.add_task()
    place.answer(task, "ann", "accepted")
    (bob,) = place.add_workers("bob", activity="Offline")
    first = place.rows(f"{task}/Reservations", "reservations")[0]["sid"]
    place.platform.transfer(first, bob[-34:])
    place.add_workers("cy")
    assert place.status(task) == "reserved"
    assert place.offers(task) == [("ann", "accepted"), ("bob", "pending")]
    place.platform.advance(100_000)
    assert place.offers(task) == [("ann", "accepted"), ("bob", "timeout")]


def test_deleted_activity_makes_no_worker_available(place: Workplace) -> None:
    lunch = place.create("/Activities", FriendlyName="Lunch", Available="true")["sid"]
    place.route()
    (ann,) = place.add_workers("ann")
    place.update(ann, ActivitySid=lunch)
    with place.platform.transaction():
        place.platform.parts.storage.tables.remove_record(lunch)
    assert place.offers(place.add_task()) == []


def test_new_priority_moves_a_waiting_task(place: Workplace) -> None:
    place.route()
    first, second = place.add_task(), place.add_task()
    place.update(second, Priority=1)
    place.add_workers("ann")
    assert [len(place.offers(task)) for task in (first, second)] == [0, 1]


def test_task_reserved_in_vain_too_often_is_canceled() -> None:
    place = Workplace(settings=Settings(max_rounds=2))
    place.route()
    place.add_workers("ann")
    task = place.add_task()
    place.answer(task, "ann", "rejected")
    place.answer(task, "ann", "rejected")
    assert place.offers(task) == [("ann", "rejected"), ("ann", "rejected")]
    assert place.fetch(task)["reason"] == "reserved 2 times in vain"


def test_worker_of_another_workspace_keeps_its_activity_after_a_timeout(place: Workplace) -> None:
    place.route()
    task = place.add_task()
    other = place.platform.add_worker("WS" + "9" * 32)
    place.platform.reserve(task[-34:], other.sid)
    place.platform.advance(120)
    assert place.platform.worker(other.sid).activity_sid is None
    assert place.status(task) == "pending"


def test_time_that_passed_before_the_router_is_caught_up(place: Workplace) -> None:
    """As after a restart: what was due meanwhile happens at its own time."""
    place.route(TaskReservationTimeout=30)
    ann, _ = place.add_workers("ann", "bob")
    task = place.add_task()
    clock = ManualClock()
    clock.advance(45)
    other = Platform(clock)
    other.restore(place.platform.snapshot())
    WorkspaceGateway(other)
    offers = [(each.worker_name, each.status, each.date_created) for each in other.all(task[-34:])]
    assert offers == [
        ("ann", Status.TIMEOUT, DEFAULT_START),
        ("bob", Status.PENDING, DEFAULT_START + timedelta(seconds=30)),
    ]
    assert other.worker(ann[-34:]).activity_sid == place.activities["Offline"]
