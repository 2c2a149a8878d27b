"""Forms of assignment and event callbacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import attrs
import pytest

from reservation_core import Accept, Reject, Status
from reservation_core.emulator import CallbackQueue, CallbackSettings, ManualClock, Platform
from reservation_core.emulator.callbacks.model import CallbackKind
from reservation_core.webhooks import EVENT_TYPES, read_assignment, read_event
from tests.emulator.callbacks.scene import (
    ALL_URLS,
    ASSIGNMENT_URL,
    EVENT_URL,
    NUMBER,
    CallbackScene,
)
from tests.emulator.worlds import ACTIVITY, CALL, TASK, WORKERS, WORKSPACE, ZEROS


def test_assignment_form_is_read_by_read_assignment() -> None:
    scene = CallbackScene()
    scene.platform.advance(7)
    assignment = scene.take_assignment()
    read = read_assignment(assignment.body)
    held = scene.platform.get(assignment.reservation_sid)
    assert read.reservation == type(held)(
        sid=held.sid,
        account_sid=held.account_sid,
        workspace_sid=WORKSPACE,
        task_sid=TASK,
        worker_sid=WORKERS[0],
        status=Status.PENDING,
    )
    assert read.task_attributes == {"call_sid": CALL, "from": NUMBER}
    assert read.worker_attributes == {"contact_uri": "client:worker0"}
    assert (read.task_age, read.task_priority, read.time) == (7, 0, scene.platform.now())
    assert (read.workflow_sid, read.task_queue_sid, read.other_fields) == (
        f"WW{ZEROS}",
        f"WQ{ZEROS}",
        {},
    )
    assert len(assignment.form) == 12


# How a reservation reaches each status, and the events that report it
EVENTS: Final[dict[Status, tuple[Callable[[Platform, str], object], list[str]]]] = {
    Status.PENDING: (lambda platform, sid: platform.get(sid), ["created"]),
    Status.ACCEPTED: (
        lambda platform, sid: platform.execute(sid, Accept()),
        ["created", "accepted"],
    ),
    Status.REJECTED: (
        lambda platform, sid: platform.execute(sid, Reject()),
        ["created", "rejected"],
    ),
    Status.TIMEOUT: (lambda platform, _: platform.advance(120), ["created", "timeout"]),
    Status.CANCELED: (lambda platform, sid: platform.hang_up(sid), ["created", "canceled"]),
    Status.RESCINDED: (
        lambda platform, _: platform.execute(str(platform.reserve(TASK, WORKERS[1]).sid), Accept()),
        [],
    ),
    Status.WRAPPING: (
        lambda platform, sid: (
            platform.set_status(sid, Status.ACCEPTED),
            platform.set_status(sid, Status.WRAPPING),
        ),
        ["created", "accepted", "wrapup"],
    ),
    Status.COMPLETED: (
        lambda platform, sid: (
            platform.set_status(sid, Status.ACCEPTED),
            platform.set_status(sid, Status.COMPLETED),
        ),
        ["created", "accepted", "completed"],
    ),
}


@pytest.mark.parametrize("status", Status)
def test_event_form_of_each_status_is_read_by_read_event(status: Status) -> None:
    scene = CallbackScene()
    sid = scene.sid()
    reach, names = EVENTS[status]
    reach(scene.platform, sid)
    event_callbacks = [
        callback
        for callback in scene.queue.take()
        if callback.kind is CallbackKind.EVENT and callback.reservation_sid == sid
    ]
    if names:
        assert [callback.event for callback in event_callbacks] == [
            f"reservation.{name}" for name in names
        ]
    event = read_event(event_callbacks[-1].body)
    held = scene.platform.get(sid)
    assert (event.status, event.type, event.version) == (
        status,
        EVENT_TYPES[status],
        int(held.etag or -1),
    )
    assert event.reservation is not None
    assert (event.reservation.sid, event.reservation.status, event.reservation.worker_name) == (
        sid,
        status,
        "Worker 0",
    )
    assert (event.task_sid, event.worker_sid, event.workspace_sid) == (TASK, WORKERS[0], WORKSPACE)
    assert (event.time, event.task_status) == (
        scene.platform.now(),
        scene.platform.task(TASK).status,
    )
    assert len({read_event(each.body).sid for each in event_callbacks}) == len(event_callbacks)


# Fields that a public service requires of an event callback, without its two optional ones
OBSERVED_FIELDS: Final = """
    Sid EventType EventDescription ResourceType ResourceSid Timestamp TimestampMs AccountSid
    WorkspaceSid WorkspaceName OperatingUnitSid ReservationSid ReservationVersion TaskSid
    TaskVersion TaskAttributes TaskAssignmentStatus TaskAge TaskPriority TaskChannelSid
    TaskChannelUniqueName TaskDateCreated TaskQueueEnteredDate TaskQueueSid TaskQueueName
    TaskQueueTargetExpression TaskVirtualStartTime TaskIgnoreCapacity WorkerSid WorkerName
    WorkerVersion WorkerAttributes WorkerActivitySid WorkerActivityName WorkflowSid WorkflowName
""".split()  # noqa: SIM905 - a table


def test_event_form_has_each_observed_field_and_no_other() -> None:
    scene = CallbackScene()
    scene.reserve()
    (_, event_callback) = scene.queue.take()
    assert sorted(name for name, _ in event_callback.form) == sorted(OBSERVED_FIELDS)
    content = dict(event_callback.form)
    assert (content["TaskVersion"], content["WorkerVersion"]) == (
        str(scene.platform.task(TASK).version),
        "1",
    )
    assert (content["Timestamp"], content["TimestampMs"]) == ("1893456000", "1893456000000")
    assert (content["ResourceType"], content["ResourceSid"]) == (
        "reservation",
        event_callback.reservation_sid,
    )


def test_fields_setting_replaces_values_that_the_emulator_does_not_know() -> None:
    scene = CallbackScene(
        CallbackSettings(
            assignment_url=ASSIGNMENT_URL,
            event_url=EVENT_URL,
            fields={"WorkflowSid": "WW1", "TaskPriority": "5", "Tier": "gold", "Sid": "EV1"},
        )
    )
    scene.platform.set_worker_activity(WORKERS[0], ACTIVITY)
    scene.reserve()
    assignment, event_callback = (dict(callback.form) for callback in scene.queue.take())
    assert (assignment["WorkflowSid"], assignment["TaskPriority"], "Tier" in assignment) == (
        "WW1",
        "5",
        False,
    )
    assert event_callback["Sid"] != "EV1"
    assert (
        event_callback["WorkflowSid"],
        event_callback["Tier"],
        event_callback["WorkerActivitySid"],
        event_callback["TaskQueueSid"],
    ) == ("WW1", "gold", ACTIVITY, f"WQ{ZEROS}")


def test_event_form_truncates_its_time_to_milliseconds() -> None:
    for micro in (0, 999, 1_000, 1_999, 57_000, 999_999):
        scene = CallbackScene()
        scene.platform.advance(1.0)
        scene.platform.advance(micro / 1e6)
        at = scene.platform.now()
        scene.reserve()
        _, event_callback = scene.queue.take()
        assert (
            dict(event_callback.form)["Timestamp"],
            dict(event_callback.form)["TimestampMs"],
        ) == ("1893456001", f"1893456001{micro // 1000:03}")
        assert read_event(event_callback.body).time == at.replace(microsecond=micro // 1000 * 1000)


def test_event_form_has_the_reason_of_an_ended_task() -> None:
    scene = CallbackScene()
    scene.reserve()
    scene.platform.cancel_task(TASK, reason="hangup")
    assert dict(scene.queue.take()[-1].form)["TaskCanceledReason"] == "hangup"
    task = scene.platform.add_task(WORKSPACE)
    sid = scene.sid(task=task.sid)
    scene.platform.execute(sid, Accept())
    scene.platform.complete_task(task.sid, reason="sold")
    assert dict(scene.queue.take()[-1].form)["TaskCompletedReason"] == "sold"


def test_event_form_of_deleted_task_has_its_fields() -> None:
    scene = CallbackScene()
    scene.reserve()
    scene.platform.delete_task(TASK)
    last = scene.queue.take()[-1]
    assert (last.event, dict(last.form)["TaskAssignmentStatus"]) == (
        "reservation.canceled",
        "canceled",
    )
    assert json.loads(dict(last.form)["TaskAttributes"]) == {"call_sid": CALL, "from": NUMBER}


def test_event_form_omits_an_unknown_worker() -> None:
    scene = CallbackScene()
    sid = scene.sid()
    platform = Platform(ManualClock())
    platform.restore(attrs.evolve(scene.platform.snapshot(), workers=()))
    queue = CallbackQueue(platform, ALL_URLS)
    platform.execute(sid, Accept())
    (event_callback,) = queue.take()
    assert {name for name, _ in event_callback.form if name.startswith("Worker")} == {
        "WorkerSid",
        "WorkerActivitySid",
        "WorkerActivityName",
    }
    assert read_event(event_callback.body).worker_sid == WORKERS[0]
