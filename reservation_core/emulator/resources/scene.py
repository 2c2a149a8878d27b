"""Contents of a new workspace, and the deletion of one."""

from __future__ import annotations

import json
from typing import Final

from reservation_core.emulator.platform.model import DEFAULT_ACCOUNT_SID, Record
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.resources.declarations import (
    ACTIVITY,
    TASK_CHANNEL,
    TASK_QUEUE,
    WORKFLOW,
    WORKSPACE,
    Resource,
    default_values,
)
from reservation_core.emulator.resources.store import Values
from reservation_core.rest.addresses import is_sid

DEFAULT_ACTIVITIES: Final = {"Offline": False, "Available": True, "Unavailable": False}
"""Activities of a new workspace, and whether workers are available then (documented)."""

DEFAULT_CHANNELS: Final = ("default", "voice", "chat", "sms", "video")
"""Channels of a new workspace (observed)."""

_ASSUMED_NAME: Final = "Emulator"


class Scene:
    """Contents of workspaces. Every method is called inside a transaction."""

    def __init__(self, platform: Platform) -> None:
        self._parts = platform.parts
        self._settings = platform.settings
        self._storage = platform.parts.storage
        self._tables = platform.parts.storage.tables

    def add(
        self,
        resource: Resource,
        workspace_sid: str | None,
        account_sid: str | None,
        fields: Values,
        *,
        sid: str | None = None,
    ) -> Record:
        """Add a record, by default with a new SID. A workspace has its own SID as its workspace.

        :param fields: properties other than the defaults.
        """
        sid = sid or self._parts.routing.make_sid(resource.prefix)
        date = self._storage.date
        fields = {**default_values(resource), **fields}
        if resource is WORKFLOW and fields["task_reservation_timeout"] is None:
            fields["task_reservation_timeout"] = self._settings.reservation_timeout
        record = Record(
            sid=sid,
            kind=resource.kind,
            workspace_sid=workspace_sid or sid,
            account_sid=account_sid,
            fields=fields,
            date_created=date,
            date_updated=date,
        )
        self._tables.put_record(record)
        return record

    def create(
        self,
        fields: Values,
        account_sid: str | None,
        *,
        has_queue: bool = False,
        sid: str | None = None,
    ) -> Record:
        """Create a workspace with its activities and channels.

        :param has_queue: also add a queue, and a workflow that leads to it, as the template FIFO
            does (documented; their names are not).
        :param sid: its SID; a new one by default.
        """
        sid = sid or self._parts.routing.make_sid(WORKSPACE.prefix)
        offline, *_ = [
            self.add(ACTIVITY, sid, account_sid, {"friendly_name": name, "available": is_available})
            for name, is_available in DEFAULT_ACTIVITIES.items()
        ]
        for name in DEFAULT_CHANNELS:
            channel = {"friendly_name": name.capitalize(), "unique_name": name}
            self.add(TASK_CHANNEL, sid, account_sid, channel)
        if has_queue:
            named = {"friendly_name": "Default Fifo Queue"}
            queue = self.add(TASK_QUEUE, sid, account_sid, named)
            routing = {"task_routing": {"default_filter": {"queue": queue.sid}}}
            workflow = {
                "friendly_name": "Default Fifo Workflow",
                "configuration": json.dumps(routing),
            }
            self.add(WORKFLOW, sid, account_sid, workflow)
        usual = {"default_activity_sid": offline.sid, "timeout_activity_sid": offline.sid}
        return self.add(WORKSPACE, sid, account_sid, {**fields, **usual}, sid=sid)

    def find(self, workspace_sid: str) -> Record | None:
        """Return a workspace.

        One in which only the control surface has added workers or tasks is created now, with its
        activities and channels.
        """
        found = self._tables.records.get(workspace_sid)
        if found is not None:
            return found if found.kind == WORKSPACE.kind else None
        tables = (self._tables.tasks, self._tables.workers)
        is_used = is_sid(workspace_sid, "workspace_sid") and any(
            each.workspace_sid == workspace_sid for table in tables for each in table.values()
        )
        if not is_used:
            return None
        return self.create({"friendly_name": _ASSUMED_NAME}, DEFAULT_ACCOUNT_SID, sid=workspace_sid)

    def delete(self, workspace_sid: str) -> None:
        """Delete a workspace with everything in it."""
        tables = self._tables
        for task in tuple(tables.tasks.values()):
            if task.workspace_sid == workspace_sid:
                self._parts.actions.delete_task(task.sid)
        for worker in tuple(tables.workers.values()):
            if worker.workspace_sid == workspace_sid:
                tables.workers.remove(worker.sid)
        for record in tuple(tables.records.values()):
            if record.workspace_sid == workspace_sid and record.sid != workspace_sid:
                tables.remove_record(record.sid)
        tables.remove_record(workspace_sid)
