"""Records of the platform: workspaces, activities, queues, workflows and channels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, cast

import attrs

from reservation_core.emulator.platform.model import Record
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.resources.declarations import (
    ACTIVITY,
    TASK_QUEUE,
    WORKFLOW,
    WORKSPACE,
    Resource,
    default_values,
)
from reservation_core.emulator.resources.kinds import show_date
from reservation_core.emulator.resources.refused import RefusedRequest
from reservation_core.emulator.resources.scene import Scene
from reservation_core.emulator.resources.store import ResourceRow, ResourceStore, Values
from reservation_core.rest.bodies import Json

_NAMES_OF: Final = {
    WORKSPACE: {
        "default_activity_name": "default_activity_sid",
        "timeout_activity_name": "timeout_activity_sid",
    },
    TASK_QUEUE: {
        "reservation_activity_name": "reservation_activity_sid",
        "assignment_activity_name": "assignment_activity_sid",
    },
}
"""Properties that show the name of a record, and the property with its SID."""


@lru_cache(maxsize=256)
def read_default_queue(configuration: str) -> str | None:
    """Return the queue that a workflow's configuration names for every task.

    It is the queue of the default filter, or else that of the first target. Filters are not
    evaluated.
    """
    routing = _object(json.loads(configuration)).get("task_routing")
    found = _object(_object(routing).get("default_filter")).get("queue")
    filters = _object(routing).get("filters")
    for each in cast("list[object]", filters) if isinstance(filters, list) else ():
        targets = _object(each).get("targets")
        for target in cast("list[object]", targets) if isinstance(targets, list) else ():
            found = found or _object(target).get("queue")
    return found if isinstance(found, str) else None


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


class RecordStore(ResourceStore):
    """Records of one kind."""

    def __init__(self, platform: Platform, resource: Resource, scene: Scene) -> None:
        super().__init__(platform, resource)
        self._scene = scene

    def rows(self, workspace_sid: str) -> Iterable[ResourceRow]:
        """Return all resources of a workspace, or all workspaces."""
        if self.resource is WORKSPACE:
            found = [each for each in self.tables.records.values() if each.kind == "workspace"]
        else:
            found = self.tables.records_in(workspace_sid, self.resource.kind)
        return [self._show(record) for record in found]

    def find(self, workspace_sid: str, sid: str) -> ResourceRow | None:
        """Return a resource, ``None`` if it is not in the workspace."""
        record = self.tables.records.get(sid)
        is_here = record is not None and (record.kind, record.workspace_sid) == (
            self.resource.kind,
            workspace_sid,
        )
        return self._show(record) if record is not None and is_here else None

    def create(self, workspace_sid: str, values: Values, account_sid: str) -> ResourceRow:
        """Create a resource."""
        fields = self._shown(values)
        if self.resource is WORKSPACE:
            has_queue = values.get("template") == "FIFO"
            return self._show(self._scene.create(fields, account_sid, has_queue=has_queue))
        return self._show(self._scene.add(self.resource, workspace_sid, account_sid, fields))

    def update(self, sid: str, values: Values) -> ResourceRow:
        """Update a resource."""
        record = self.tables.records[sid]
        fields = {**record.fields, **self._shown(values)}
        record = attrs.evolve(record, fields=fields, date_updated=self.storage.date)
        self.tables.put_record(record)
        return self._show(record)

    def delete(self, sid: str) -> None:
        """Delete a resource. Something that is still used is refused."""
        record = self.tables.records[sid]
        use = self._find_use(record)
        if use is not None:
            kind = record.kind.replace("_", " ")
            raise RefusedRequest(f"Cannot delete {kind} {sid}: {use}", is_conflict=True)
        if self.resource is WORKSPACE:
            self._scene.delete(sid)
        else:
            self.tables.remove_record(sid)

    def _shown(self, values: Values) -> dict[str, Json]:
        names = default_values(self.resource)
        return {name: value for name, value in values.items() if name in names}

    def _find_use(self, record: Record) -> str | None:
        if self.resource is ACTIVITY:
            workspace = self.tables.records[record.workspace_sid]
            if record.sid in workspace.fields.values():
                return "it is the default or the timeout activity of its workspace"
            workers = self.tables.workers.values()
            if any(worker.activity_sid == record.sid for worker in workers):
                return "a worker has it"
        if self.resource is TASK_QUEUE:
            workflows = self.tables.records_in(record.workspace_sid, WORKFLOW.kind)
            if any(record.sid in str(each.fields["configuration"]) for each in workflows):
                return "a workflow's configuration names it"
            orders = (task.order for task in self.tables.tasks.values())
            if any(order is not None and order.task_queue_sid == record.sid for order in orders):
                return "a task is in it"
        return None

    def _show(self, record: Record) -> ResourceRow:
        properties: dict[str, Json] = {
            **record.fields,
            "account_sid": record.account_sid,
            "date_created": show_date(record.date_created),
            "date_updated": show_date(record.date_updated),
        }
        for name, source in _NAMES_OF.get(self.resource, {}).items():
            properties[name] = self.tables.name_of(cast("str | None", record.fields.get(source)))
        if self.resource is WORKFLOW:
            properties["document_content_type"] = "application/json"
        return ResourceRow(record.sid, record.workspace_sid, properties)
