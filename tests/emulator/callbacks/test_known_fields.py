"""Callbacks of routed tasks, and of workers of a workspace."""

from __future__ import annotations

import pytest

from reservation_core.emulator import CallbackQueue, CallbackSettings, Task
from reservation_core.emulator.callbacks.model import Callback, CallbackKind
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.platform.model import TaskOrder
from reservation_core.rest.messages import Reply
from tests.emulator.resources.scene import Workplace

ASSIGN, FALLBACK = "https://example.com/assign", "https://example.com/fallback"
EVENTS, COMMON = "https://example.com/events", "https://example.com/common"


class Listening(Workplace):
    """A workspace whose callbacks are collected."""

    def __init__(self, settings: CallbackSettings | None = None) -> None:
        super().__init__()
        self.queue = CallbackQueue(self.platform, settings)

    def events(self) -> list[str]:
        """Return the types of the events since the last call."""
        return [str(each.event) for each in self.take() if each.kind is CallbackKind.EVENT]

    def take(self) -> list[Callback]:
        """Return the callbacks since the last call."""
        return [*self.queue.take()]


@pytest.fixture
def place() -> Listening:
    place = Listening()
    place.update("", EventCallbackUrl=EVENTS)
    place.route()
    return place


def test_life_of_a_task_is_reported_in_order(place: Listening) -> None:
    (ann,) = place.add_workers("ann")
    assert place.events() == ["worker.created"]
    task = place.add_task(Attributes='{"a": 1}')
    assert place.events() == ["task.created", "reservation.created"]
    place.answer(task, "ann", "accepted")
    place.update(task, Attributes='{"a": 2}')
    assert place.events() == ["reservation.accepted", "task.updated"]
    place.update(task, AssignmentStatus="wrapping")
    assert sorted(place.events()) == ["reservation.wrapup", "task.wrapup"]
    place.update(task, AssignmentStatus="completed", Reason="done")
    assert sorted(place.events()) == ["reservation.completed", "task.completed"]
    place.platform.advance(300)
    assert place.events() == []  # the platform deletes it by itself
    place.update(ann, ActivitySid=place.activities["Offline"], Attributes='{"b": 1}')
    assert place.events() == ["worker.attributes.update", "worker.activity.update"]
    place.ask("DELETE", ann)
    assert place.events() == ["worker.deleted"]


def test_end_of_a_task_without_acceptance_is_reported(place: Listening) -> None:
    place.add_workers("ann")
    expired, deleted = place.add_task(Timeout=60), place.add_task(Timeout=90)
    place.take()
    place.platform.advance(60)
    forms = [dict(each.form) for each in place.take()]
    canceled = next(form for form in forms if form["EventType"] == "task.canceled")
    assert canceled["EventDescription"] == canceled["TaskCanceledReason"] == "Task TTL Exceeded"
    assert canceled["TaskSid"] == expired[-34:]
    place.ask("DELETE", deleted)
    assert place.events()[-1] == "task.deleted"
    place.ask("DELETE", expired)
    assert place.events() == ["task.deleted"]


def test_timeout_of_a_reservation_moves_its_worker(place: Listening) -> None:
    place.add_workers("ann")
    place.add_task()
    place.take()
    place.platform.advance(120)
    callbacks = place.take()
    assert [each.event for each in callbacks] == ["reservation.timeout", "worker.activity.update"]
    form = dict(callbacks[-1].form)
    expected = {
        "ResourceType": "worker",
        "WorkerActivityName": "Offline",
        "WorkerActivitySid": place.activities["Offline"],
        "WorkerPreviousActivitySid": place.activities["Available"],
        "WorkerTimeInPreviousActivity": "120",
        "WorkerName": "ann",
        "WorkspaceName": "Support",
    }
    assert {name: form[name] for name in expected} == expected
    assert not [name for name in form if name.startswith(("Task", "Workflow"))]


def test_event_has_fields_of_its_task(place: Listening) -> None:
    task = place.create("/Tasks", Attributes='{"a": 1}', Priority=5, TaskChannel="chat")
    form = dict(place.take()[-1].form)
    expected = {
        "EventType": "task.created",
        "EventDescription": f"Task {task['sid']} created",
        "ResourceType": "task",
        "ResourceSid": task["sid"],
        "TaskSid": task["sid"],
        "WorkspaceSid": place.sid,
        "WorkspaceName": "Support",
        "AccountSid": task["account_sid"],
        "WorkflowSid": task["workflow_sid"],
        "WorkflowName": "W",
        "TaskQueueSid": task["task_queue_sid"],
        "TaskQueueName": "All",
        "TaskQueueTargetExpression": "1==1",
        "TaskPriority": "5",
        "TaskChannelSid": task["task_channel_sid"],
        "TaskChannelUniqueName": "chat",
        "TaskIgnoreCapacity": "false",
        "TaskAssignmentStatus": "pending",
        "TaskAttributes": '{"a": 1}',
        "TaskVersion": "0",
        "Timestamp": "1893456000",
    }
    assert {name: form[name] for name in expected} == expected
    assert not [name for name in form if name.startswith("Worker")]


def test_event_has_the_virtual_start_of_its_task(place: Listening) -> None:
    place.create("/Tasks", VirtualStartTime="2029-12-31T23:00:00Z")
    place.create("/Tasks")
    starts = [dict(each.form)["TaskVirtualStartTime"] for each in place.take()]
    assert starts == ["1893452400", "1893456000"]


def test_reservation_event_has_fields_of_its_task_and_worker(place: Listening) -> None:
    place.add_workers("ann")
    place.add_task(Priority=5)
    form = dict(place.take()[-1].form)
    assert (form["EventType"], form["TaskPriority"]) == ("reservation.created", "5")
    assert (form["WorkerActivityName"], form["WorkflowName"]) == ("Available", "W")


def test_events_filter_of_workspace_chooses_the_types(place: Listening) -> None:
    place.update("", EventsFilter="task.created, reservation.created")
    place.add_workers("ann")
    place.add_task()
    assert place.events() == ["task.created", "reservation.created"]


def test_workspace_without_url_uses_the_emulators() -> None:
    place = Listening(CallbackSettings(event_url=COMMON, event_types=["task.created"]))
    place.route()
    place.add_workers("ann")
    place.add_task()
    assert [(each.event, each.url) for each in place.take()] == [("task.created", COMMON)]


def test_workflow_url_is_called_for_its_reservations() -> None:
    place = Listening(CallbackSettings(assignment_url=COMMON, auth_token="secret"))
    place.route(AssignmentCallbackUrl=ASSIGN, FallbackAssignmentCallbackUrl=FALLBACK)
    place.add_workers("ann", "bob")
    task = place.create("/Tasks", Priority=3)
    (assignment,) = place.take()
    form = dict(assignment.form)
    assert (assignment.kind, assignment.url) == (CallbackKind.ASSIGNMENT, ASSIGN)
    assert (form["WorkflowSid"], form["TaskPriority"]) == (task["workflow_sid"], "3")
    assert "X-Twilio-Signature" in dict(assignment.headers.pairs)
    place.queue.record_failure(assignment, "no response")
    (fallback,) = place.take()
    assert (fallback.kind, fallback.url) == (CallbackKind.FALLBACK, FALLBACK)
    reject = Reply(200, {"Content-Type": "application/json"}, b'{"instruction": "reject"}')
    place.queue.record_response(fallback, reply=reject)
    assert place.offers(f"/Tasks/{task['sid']}")[1:] == [("bob", "pending")]
    assert [each.url for each in place.take()] == [ASSIGN]


def test_workflow_without_url_uses_the_emulators() -> None:
    place = Listening(CallbackSettings(assignment_url=COMMON, fallback_url=FALLBACK))
    place.route()
    place.add_workers("ann")
    place.add_task()
    (assignment,) = place.take()
    assert (assignment.url, assignment.fallback_url) == (COMMON, FALLBACK)


def test_urls_of_resources_are_not_called_where_setting_says_so() -> None:
    place = Listening(CallbackSettings(calls_resources=False))
    place.update("", EventCallbackUrl=EVENTS)
    place.route(AssignmentCallbackUrl=ASSIGN)
    place.add_workers("ann")
    place.add_task()
    assert place.take() == []


def test_url_that_cannot_be_called_is_an_alert() -> None:
    place = Listening()
    place.route(AssignmentCallbackUrl="https://user:secret@example.com/")
    place.add_workers("ann")
    place.add_task()
    assert place.take() == []
    (alert,) = place.queue.alerts
    assert alert.text.startswith("the emulator cannot call the URL")
    assert "secret" not in str(alert)


def test_closed_queue_makes_no_callbacks(place: Listening) -> None:
    place.queue.close()
    place.add_workers("ann")
    place.add_task()
    assert place.take() == []


def test_task_of_control_surface_has_the_fields_of_the_settings(place: Listening) -> None:
    worker = place.platform.add_worker(place.sid, name="ann")
    place.platform.reserve(place.platform.add_task(place.sid).sid, worker.sid)
    created, reserved = (dict(each.form) for each in place.take())
    assert (created["EventType"], created["WorkerName"]) == ("worker.created", "ann")
    assert (reserved["EventType"], reserved["WorkflowName"]) == ("reservation.created", "Emulator")


def test_order_without_other_properties_has_the_fields_of_the_settings(place: Listening) -> None:
    order = TaskOrder(expires=DEFAULT_START)
    task = Task(
        sid=f"WT{'0' * 32}",
        workspace_sid=place.sid,
        reservation_timeout=1,
        date_created=DEFAULT_START,
        date_updated=DEFAULT_START,
        order=order,
    )
    with place.platform.transaction():
        place.platform.parts.storage.tables.put_task(task)
    (created,) = (dict(each.form) for each in place.take())
    assert (created["TaskChannelUniqueName"], created["TaskIgnoreCapacity"]) == ("default", "false")
