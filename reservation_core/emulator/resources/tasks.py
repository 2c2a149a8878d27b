"""Tasks as resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, cast

import attrs

from reservation_core.emulator.platform.errors import TaskConflict
from reservation_core.emulator.platform.model import Record, Task, TaskOrder, TaskStatus
from reservation_core.emulator.platform.settings import AttributesWithStatus
from reservation_core.emulator.resources.declarations import (
    TASK,
    TASK_CHANNEL,
    TASK_QUEUE,
    WORKER,
    WORKFLOW,
    default_values,
)
from reservation_core.emulator.resources.kinds import show_date
from reservation_core.emulator.resources.records import read_default_queue
from reservation_core.emulator.resources.refused import RefusedRequest
from reservation_core.emulator.resources.store import ResourceRow, ResourceStore, Values
from reservation_core.rest.bodies import Attributes, Json

_CONFLICTS: Final = {
    "cancel": "Cannot cancel {task} because it is not pending or reserved.",
    "wrap up": "Cannot wrap up {task} because it's not currently assigned",
    "complete": "Cannot complete {task} because it is not currently assigned.",
}
"""Message for each action that does not fit the status of the task (observed)."""

_ENDS: Final = (TaskStatus.CANCELED, TaskStatus.COMPLETED)
_DEFAULT_TIMEOUT: Final = default_values(TASK)["timeout"]


class TaskStore(ResourceStore):
    """Tasks of the platform."""

    def rows(self, workspace_sid: str) -> Iterable[ResourceRow]:
        """Return all tasks of a workspace, oldest first."""
        tasks = self.tables.tasks.values()
        return [self._show(each) for each in tasks if each.workspace_sid == workspace_sid]

    def find(self, workspace_sid: str, sid: str) -> ResourceRow | None:
        """Return a task, ``None`` if it is not in the workspace."""
        task = self.tables.tasks.get(sid)
        is_here = task is not None and task.workspace_sid == workspace_sid
        return self._show(task) if task is not None and is_here else None

    # --- creation --------------------------------------------------------------------------------

    def create(self, workspace_sid: str, values: Values, account_sid: str) -> ResourceRow:
        """Create a task. It is routed at the end of the transaction."""
        self._check_start(values)
        target = self._find_target(workspace_sid, values)
        workflow = self._find_workflow(workspace_sid, values, target)
        queue_sid = values["task_queue_sid"]
        if queue_sid is None and target is not None and target.kind == TASK_QUEUE.kind:
            queue_sid = target.sid
        if queue_sid is None and workflow is not None:
            queue_sid = read_default_queue(str(workflow.fields["configuration"]))
        date, seconds = self.storage.date, cast("int", values["timeout"])
        is_worker = str(values["routing_target"]).startswith(WORKER.prefix)
        order = TaskOrder(
            workflow_sid=None if workflow is None else workflow.sid,
            task_queue_sid=cast("str | None", queue_sid),
            worker_sid=cast("str", values["routing_target"]) if is_worker else None,
            priority=cast("int", values["priority"]),
            expires=self.storage.time + timedelta(seconds=seconds),
            fields={
                "timeout": seconds,
                "virtual_start_time": values["virtual_start_time"] or show_date(date),
                "task_queue_entered_date": show_date(date),
                "routing_target": values["routing_target"],
                "ignore_capacity": values["ignore_capacity"],
                **self._read_channel(workspace_sid, values),
            },
        )
        timeout = None if workflow is None else workflow.fields["task_reservation_timeout"]
        task = self.parts.creation.add_task(
            workspace_sid,
            None,
            account_sid,
            cast("Mapping[str, object] | None", values["attributes"]),
            cast("int | None", timeout),
            None,
            order,
        )
        return self._show(task)

    def _check_start(self, values: Values) -> None:
        start = values.get("virtual_start_time")
        if start is not None and str(start) > str(show_date(self.storage.time)):  # documented
            raise RefusedRequest("VirtualStartTime must not be in the future")

    def _find_target(self, workspace_sid: str, values: Values) -> Record | None:
        """Return the queue or the workflow that is the routing target."""
        sid = values["routing_target"]
        if sid is None:
            return None
        found = self.tables.records.get(str(sid)) or self.tables.workers.get(str(sid))
        if found is None or found.workspace_sid != workspace_sid:
            raise RefusedRequest(f"RoutingTarget {sid} is not in workspace {workspace_sid}")
        return found if isinstance(found, Record) else None

    def _find_workflow(
        self, workspace_sid: str, values: Values, target: Record | None
    ) -> Record | None:
        if values["workflow_sid"] is not None:
            return self.tables.records[str(values["workflow_sid"])]
        if target is not None and target.kind == WORKFLOW.kind:
            return target
        workflows = self.tables.records_in(workspace_sid, WORKFLOW.kind)
        if len(workflows) == 1:  # documented
            return workflows[0]
        if values["task_queue_sid"] is None and values["routing_target"] is None:
            raise RefusedRequest(
                f"WorkflowSid is required: workspace {workspace_sid} has {len(workflows)} workflows"
            )
        return None

    def _read_channel(self, workspace_sid: str, values: Values) -> dict[str, Json]:
        given = values["task_channel"]
        for channel in self.tables.records_in(workspace_sid, TASK_CHANNEL.kind):
            name = channel.fields["unique_name"]
            if given in (channel.sid, name):
                return {"task_channel_sid": channel.sid, "task_channel_unique_name": name}
        raise RefusedRequest(f"TaskChannel {given} is not in workspace {workspace_sid}")

    # --- updates ---------------------------------------------------------------------------------

    def update(self, sid: str, values: Values) -> ResourceRow:
        """Update a task. Its status is set last."""
        self._check_start(values)
        status = values.get("assignment_status")
        reason = cast("str | None", values.get("reason"))
        with_status = self.settings.attributes_with_status
        is_split = "attributes" in values and status in (TaskStatus.WRAPPING, TaskStatus.COMPLETED)
        if is_split and with_status is AttributesWithStatus.REFUSED:
            raise RefusedRequest("Attributes and AssignmentStatus need two requests")
        if status in _ENDS and self.settings.task_end_needs_reason and not reason:
            raise RefusedRequest("Missing required parameter Reason in the post body")
        ignored = {"attributes"} if is_split and with_status is AttributesWithStatus.IGNORED else ()
        self._change(sid, {name: values[name] for name in values if name not in ignored})
        if status is not None:
            self._set_status(self.tables.tasks[sid], TaskStatus(str(status)), reason)
        return self._show(self.tables.tasks[sid])

    def _change(self, sid: str, values: Values) -> None:
        task = self.tables.tasks[sid]
        changed = attrs.evolve(
            task,
            attributes=cast("Attributes", values.get("attributes", task.attributes)),
            order=self._change_order(task, values),
        )
        if "reason" in values and "assignment_status" not in values:
            changed = attrs.evolve(changed, reason=cast("str", values["reason"]))
        if attrs.astuple(changed, recurse=False) != attrs.astuple(task, recurse=False):
            date = self.storage.date
            changed = attrs.evolve(changed, version=task.version + 1, date_updated=date)
            self.tables.put_task(changed)

    def _change_order(self, task: Task, values: Values) -> TaskOrder | None:
        fields: dict[str, Json] = {}
        if "virtual_start_time" in values:
            fields["virtual_start_time"] = values["virtual_start_time"]
        if "task_channel" in values:
            fields |= self._read_channel(task.workspace_sid, values)
        if task.order is None or not (fields or "priority" in values):
            return task.order
        priority = cast("int", values.get("priority", task.order.priority))
        return attrs.evolve(task.order, priority=priority, fields={**task.order.fields, **fields})

    def _set_status(self, task: Task, status: TaskStatus, reason: str | None) -> None:
        actions = self.parts.actions
        try:
            if status is TaskStatus.CANCELED:
                actions.cancel_task(task.sid, reason)
            elif status is TaskStatus.WRAPPING:
                actions.wrap_task(task.sid)
            elif status is TaskStatus.COMPLETED:
                actions.complete_task(task.sid, reason)
            else:
                raise RefusedRequest(
                    f"AssignmentStatus {status} is not a status that a client may set"
                )
        except TaskConflict as conflict:
            named = (
                f"a task {task.sid} in workspace {task.workspace_sid} for account"
                f" {task.account_sid}"
            )
            message = _CONFLICTS[conflict.action]
            named = named if "up" in conflict.action else named.removeprefix("a ")
            raise RefusedRequest(message.format(task=named), is_conflict=True) from None

    def delete(self, sid: str) -> None:
        """Delete a task with its reservations."""
        self.parts.actions.delete_task(sid)

    # --- showing ---------------------------------------------------------------------------------

    def _show(self, task: Task) -> ResourceRow:
        order = task.order
        fields: Values = {} if order is None else order.fields
        workflow_sid = None if order is None else order.workflow_sid
        queue_sid = None if order is None else order.task_queue_sid
        created = show_date(task.date_created)
        return ResourceRow(
            task.sid,
            task.workspace_sid,
            {
                "account_sid": task.account_sid,
                "addons": "{}",
                "age": int((self.storage.time - task.date_created).total_seconds()),
                "assignment_status": task.status.value,
                "attributes": json.dumps(task.attributes),
                "date_created": created,
                "date_updated": show_date(task.date_updated),
                "ignore_capacity": fields.get("ignore_capacity", False),
                "priority": 0 if order is None else order.priority,
                "reason": task.reason,
                "routing_target": fields.get("routing_target"),
                "task_channel_sid": fields.get("task_channel_sid"),
                "task_channel_unique_name": fields.get("task_channel_unique_name"),
                "task_queue_entered_date": fields.get("task_queue_entered_date", created),
                "task_queue_friendly_name": self.tables.name_of(queue_sid),
                "task_queue_sid": queue_sid,
                "timeout": fields.get("timeout", _DEFAULT_TIMEOUT),
                "virtual_start_time": fields.get("virtual_start_time", created),
                "workflow_friendly_name": self.tables.name_of(workflow_sid),
                "workflow_sid": workflow_sid,
            },
            str(task.version),
        )
