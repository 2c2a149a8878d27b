"""Callback fields and URLs that the resources of a workspace determine."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from reservation_core.emulator.platform.model import Task, Worker
from reservation_core.emulator.platform.tables import Tables
from reservation_core.rest.bodies import Json


def task_fields(tables: Tables, task: Task) -> dict[str, str]:
    """Return the fields of a routed task that follow from its resources."""
    order = task.order
    if order is None:
        return {}
    queue = tables.records.get(str(order.task_queue_sid))
    fields: dict[str, Json] = {
        "WorkflowSid": order.workflow_sid,
        "WorkflowName": tables.name_of(order.workflow_sid),
        "TaskQueueSid": order.task_queue_sid,
        "TaskQueueName": tables.name_of(order.task_queue_sid),
        "TaskQueueTargetExpression": None if queue is None else queue.fields["target_workers"],
        "TaskPriority": str(order.priority),
        "TaskChannelSid": order.fields.get("task_channel_sid"),
        "TaskChannelUniqueName": order.fields.get("task_channel_unique_name"),
        "TaskIgnoreCapacity": "true" if order.fields.get("ignore_capacity") else "false",
    }
    return {**_workspace_fields(tables, task.workspace_sid), **_present(fields)}


def worker_fields(tables: Tables, worker: Worker) -> dict[str, str]:
    """Return the fields of a worker that follow from its resources."""
    fields: dict[str, Json] = {"WorkerActivityName": tables.name_of(worker.activity_sid)}
    return {**_workspace_fields(tables, worker.workspace_sid), **_present(fields)}


def _workspace_fields(tables: Tables, sid: str) -> dict[str, str]:
    return _present({"WorkspaceName": tables.name_of(sid)})


def _present(fields: Mapping[str, Json]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value is not None}


@attrs.frozen
class EventTarget:
    """URL of a workspace's events, and their types."""

    url: str
    types: frozenset[str] | None

    def takes(self, type_: str) -> bool:
        """Return true if events of a type are sent."""
        return self.types is None or type_ in self.types


def event_target(tables: Tables, workspace_sid: str) -> EventTarget | None:
    """Return the target of a workspace's events, ``None`` without one."""
    workspace = tables.records.get(workspace_sid)
    url = None if workspace is None else workspace.fields["event_callback_url"]
    if workspace is None or not isinstance(url, str):
        return None
    words = re.findall(r"[^,\s]+", str(workspace.fields["events_filter"] or ""))
    return EventTarget(url, frozenset(words) if words else None)


def assignment_urls(tables: Tables, task: Task) -> tuple[str, str | None] | None:
    """Return the assignment and the fallback URL of a task's workflow.

    ``None`` if the workflow has no assignment URL.
    """
    workflow = tables.records.get(str(task.order.workflow_sid)) if task.order is not None else None
    url = None if workflow is None else workflow.fields["assignment_callback_url"]
    if workflow is None or not isinstance(url, str):
        return None
    fallback = workflow.fields["fallback_assignment_callback_url"]
    return url, fallback if isinstance(fallback, str) else None
