"""Workers as resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

import attrs

from reservation_core.domain.lifecycle import Status
from reservation_core.emulator.platform.model import Worker
from reservation_core.emulator.resources.kinds import show_date
from reservation_core.emulator.resources.refused import RefusedRequest
from reservation_core.emulator.resources.store import ResourceRow, ResourceStore, Values
from reservation_core.rest.bodies import Attributes


class WorkerStore(ResourceStore):
    """Workers of the platform."""

    def rows(self, workspace_sid: str) -> Iterable[ResourceRow]:
        """Return all workers of a workspace, oldest first."""
        workers = self.tables.workers.values()
        return [self._show(each) for each in workers if each.workspace_sid == workspace_sid]

    def find(self, workspace_sid: str, sid: str) -> ResourceRow | None:
        """Return a worker, ``None`` if it is not in the workspace."""
        worker = self.tables.workers.get(sid)
        is_here = worker is not None and worker.workspace_sid == workspace_sid
        return self._show(worker) if worker is not None and is_here else None

    def create(self, workspace_sid: str, values: Values, account_sid: str) -> ResourceRow:
        """Create a worker, by default in the workspace's default activity."""
        default = self.tables.records[workspace_sid].fields.get("default_activity_sid")
        worker = self.parts.creation.add_worker(
            workspace_sid,
            None,
            account_sid,
            cast("str", values["friendly_name"]),
            cast("Mapping[str, object] | None", values["attributes"]),
            cast("str | None", values["activity_sid"] or default),
        )
        return self._show(worker)

    def update(self, sid: str, values: Values) -> ResourceRow:
        """Update a worker, and reject its pending reservations on request."""
        worker = self.tables.workers[sid]
        activity_sid = cast("str | None", values.get("activity_sid"))
        rejects = values.get("reject_pending_reservations") is True
        self._check_activity(worker, activity_sid, rejects=rejects)
        kept = {name: values[name] for name in ("friendly_name", "attributes") if name in values}
        if kept:
            worker = attrs.evolve(
                worker,
                name=cast("str | None", kept.get("friendly_name", worker.name)),
                attributes=cast("Attributes", kept.get("attributes", worker.attributes)),
                version=worker.version + 1,
                date_updated=self.storage.date,
            )
            self.tables.workers.put(sid, worker)
        if activity_sid is not None and (rejects or activity_sid != worker.activity_sid):
            self.parts.actions.set_activity(sid, activity_sid, reject_pending=rejects)
        return self._show(self.tables.workers[sid])

    def _check_activity(self, worker: Worker, activity_sid: str | None, *, rejects: bool) -> None:
        if activity_sid is None or self.tables.is_available(activity_sid):
            if rejects:  # documented
                raise RefusedRequest(
                    "RejectPendingReservations needs an ActivitySid that is not available"
                )
            return
        children = self.tables.children(worker.sid)
        has_pending = any(each.reservation.status is Status.PENDING for each in children)
        if has_pending and not rejects and not self.settings.can_leave_with_pending:
            message = f"Worker {worker.sid} has pending reservations. Set RejectPendingReservations"
            raise RefusedRequest(message, is_conflict=True)

    def delete(self, sid: str) -> None:
        """Delete a worker. One with live reservations is refused (unknown)."""
        children = self.tables.children(sid)
        if any(not each.reservation.status.is_terminal for each in children):
            message = f"Cannot delete worker {sid}: it has live reservations"
            raise RefusedRequest(message, is_conflict=True)
        self.tables.workers.remove(sid)

    def _show(self, worker: Worker) -> ResourceRow:
        return ResourceRow(
            worker.sid,
            worker.workspace_sid,
            {
                "account_sid": worker.account_sid,
                "activity_name": self.tables.name_of(worker.activity_sid),
                "activity_sid": worker.activity_sid,
                "attributes": json.dumps(worker.attributes),
                "available": self.tables.is_available(worker.activity_sid),
                "date_created": show_date(worker.date_created),
                "date_status_changed": show_date(worker.date_status_changed),
                "date_updated": show_date(worker.date_updated),
                "friendly_name": worker.name,
            },
            str(worker.version),
        )
