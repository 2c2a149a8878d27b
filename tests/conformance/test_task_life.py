"""A task's whole life with the official Python client: from the workspace to the last delete."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.emulator.server import Emulator
from tests.conformance.test_official_client import Async, Official, Sync, open_client

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of the client's use of aiohttp


class Office:
    """Workspace with a queue, a workflow and two workers."""

    def __init__(self, official: Official, emulator: Emulator) -> None:
        self.official, self.emulator = official, emulator
        workspaces = official.client.taskrouter.v1.workspaces
        created = self.call(workspaces, "create", friendly_name="Office")
        self.workspace = workspaces(created.sid)
        self.activities = {
            each.friendly_name: each.sid for each in self.call(self.workspace.activities, "list")
        }
        self.queue = self.call(
            self.workspace.task_queues, "create", friendly_name="Everybody", max_reserved_workers=1
        )
        routing = {"task_routing": {"default_filter": {"queue": self.queue.sid}}}
        self.workflow = self.call(
            self.workspace.workflows,
            "create",
            friendly_name="Calls",
            configuration=json.dumps(routing),
            task_reservation_timeout=30,
        )
        self.ann, self.bob = (
            self.call(
                self.workspace.workers,
                "create",
                friendly_name=name,
                activity_sid=self.activities["Available"],
                attributes=json.dumps({"contact_uri": f"client:{name}"}),
            ).sid
            for name in ("ann", "bob")
        )

    def call(self, thing: Any, name: str, *given: Any, **named: Any) -> Any:
        """Call an operation of the client."""
        return self.official.call(thing, name, *given, **named)

    def add_task(self, **named: Any) -> Any:
        """Create a task."""
        return self.call(self.workspace.tasks, "create", workflow_sid=self.workflow.sid, **named)

    def status(self, task_sid: str) -> str:
        """Return a task's status."""
        return str(self.call(self.workspace.tasks(task_sid), "fetch").assignment_status)

    def offers(self, task_sid: str) -> list[tuple[str, str]]:
        """Return the worker and status of a task's reservations, oldest first."""
        found = self.call(self.workspace.tasks(task_sid).reservations, "list")
        return [(each.worker_name, each.reservation_status) for each in found]

    def answer(self, task_sid: str, name: str, **named: Any) -> Any:
        """Update a worker's latest reservation of a task."""
        reservations = self.workspace.tasks(task_sid).reservations
        found = [each for each in self.call(reservations, "list") if each.worker_name == name]
        return self.call(reservations(found[-1].sid), "update", **named)

    def pass_seconds(self, seconds: float) -> None:
        """Let the platform's time pass."""
        self.emulator.platform.advance(seconds)

    def refusal(self, thing: Any, name: str, **named: Any) -> tuple[int, int | None]:
        """Return the status and code of a refused operation."""
        with pytest.raises(TwilioRestException) as caught:
            self.call(thing, name, **named)
        return caught.value.status, caught.value.code


@pytest.fixture(params=[Sync, Async])
def office(request: pytest.FixtureRequest, emulator: Emulator) -> Generator[Office]:
    with open_client(request.param, emulator) as official:
        yield Office(official, emulator)


def test_task_goes_from_creation_to_deletion(office: Office) -> None:
    task = office.add_task(attributes='{"call_sid": "CA1"}', priority=3)
    assert (task.assignment_status, task.priority, task.task_queue_sid) == (
        "pending",
        3,
        office.queue.sid,
    )
    assert office.status(task.sid) == "reserved"
    assert office.offers(task.sid) == [("ann", "pending")]
    accepted = office.answer(task.sid, "ann", reservation_status="accepted")
    assert (accepted.reservation_status, office.status(task.sid)) == ("accepted", "assigned")
    office.answer(task.sid, "ann", reservation_status="wrapping")
    assert office.status(task.sid) == "wrapping"
    office.answer(task.sid, "ann", reservation_status="completed")
    assert office.status(task.sid) == "completed"
    office.pass_seconds(301)
    assert office.refusal(office.workspace.tasks(task.sid), "fetch") == (404, 20404)


def test_task_is_offered_to_the_next_worker_after_a_reject(office: Office) -> None:
    task = office.add_task()
    office.answer(task.sid, "ann", reservation_status="rejected")
    assert office.offers(task.sid) == [("ann", "rejected"), ("bob", "pending")]
    office.answer(task.sid, "bob", reservation_status="accepted")
    completed = office.call(
        office.workspace.tasks(task.sid), "update", assignment_status="completed", reason="done"
    )
    assert (completed.assignment_status, completed.reason) == ("completed", "done")
    assert office.offers(task.sid) == [("ann", "rejected"), ("bob", "completed")]


def test_worker_that_lets_a_reservation_time_out_is_offline(office: Office) -> None:
    task = office.add_task()
    office.pass_seconds(31)
    assert office.offers(task.sid) == [("ann", "timeout"), ("bob", "pending")]
    ann = office.call(office.workspace.workers(office.ann), "fetch")
    assert (ann.activity_name, ann.available) == ("Offline", False)
    office.pass_seconds(31)
    assert office.status(task.sid) == "pending"
    # Ann is back, and asked again.
    office.call(
        office.workspace.workers(office.ann),
        "update",
        activity_sid=office.activities["Available"],
    )
    assert office.offers(task.sid)[2:] == [("ann", "pending")]


def test_task_is_canceled_at_its_own_timeout(office: Office) -> None:
    task = office.add_task(timeout=20)
    office.pass_seconds(21)
    assert office.status(task.sid) == "canceled"
    assert office.offers(task.sid) == [("ann", "canceled")]


def test_worker_leaves_with_its_pending_reservations_rejected(office: Office) -> None:
    task = office.add_task()
    office.call(
        office.workspace.workers(office.ann),
        "update",
        activity_sid=office.activities["Unavailable"],
        reject_pending_reservations=True,
    )
    assert office.offers(task.sid) == [("ann", "rejected"), ("bob", "pending")]


def test_transferred_task_is_completed_by_the_second_worker(office: Office) -> None:
    task = office.add_task()
    first = office.answer(task.sid, "ann", reservation_status="accepted")
    office.emulator.platform.transfer(first.sid, office.bob)
    office.answer(task.sid, "bob", reservation_status="accepted")
    office.answer(task.sid, "ann", reservation_status="completed")
    assert office.status(task.sid) == "assigned"
    office.answer(task.sid, "bob", reservation_status="completed")
    assert office.status(task.sid) == "completed"


def test_update_of_a_task_with_an_old_version_is_refused(office: Office) -> None:
    task = office.workspace.tasks(office.add_task().sid)
    assert office.refusal(task, "update", if_match="0", attributes="{}") == (412, 20412)
    assert office.call(task, "update", attributes='{"a": 1}').attributes == '{"a": 1}'


def test_everything_is_deleted_with_the_workspace(office: Office) -> None:
    task = office.add_task()
    office.call(office.workspace.tasks(task.sid), "delete")
    assert office.refusal(office.workspace.tasks(task.sid), "fetch") == (404, 20404)
    office.call(office.workspace.workers(office.ann), "delete")
    assert [each.sid for each in office.call(office.workspace.workers, "list")] == [office.bob]
    office.call(office.workspace, "delete")
    assert office.refusal(office.workspace, "fetch") == (404, 20404)
    assert office.refusal(office.workspace.workers(office.bob), "fetch") == (404, 20404)
