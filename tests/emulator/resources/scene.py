"""A workspace that was set up through the emulated API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.rest.messages import Reply

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Workplace:
    """A gateway with one workspace, and short calls of the emulated API."""

    def __init__(
        self, *, settings: Settings | None = None, platform: Platform | None = None
    ) -> None:
        self.platform = platform or Platform(ManualClock(), settings=settings)
        self.gateway = WorkspaceGateway(self.platform)
        self.sid = ""
        self.root = f"/v1/Workspaces/{self.create('', FriendlyName='Support')['sid']}"
        self.sid = self.root[-34:]
        self.activities = {
            each["friendly_name"]: each["sid"] for each in self.rows("/Activities", "activities")
        }

    def ask(self, method: str, path: str, **form: object) -> Reply:
        """Send a request for something in the workspace."""
        return self.send(method, path, form)

    def send(
        self,
        method: str,
        path: str,
        form: Mapping[str, object],
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request with headers."""
        root = self.root if self.sid else "/v1/Workspaces"
        body = urlencode(form, doseq=True).encode()
        return self.gateway.receive(method, root + path, {**FORM, **(headers or {})}, body)

    def create(self, path: str, **form: object) -> dict[str, Any]:
        """Create a resource."""
        reply = self.ask("POST", path, **form)
        assert reply.status == 201, reply.body
        return cast("dict[str, Any]", json.loads(reply.body))

    def fetch(self, path: str) -> dict[str, Any]:
        """Fetch a resource."""
        reply = self.ask("GET", path)
        assert reply.status == 200, reply.body
        return cast("dict[str, Any]", json.loads(reply.body))

    def update(self, path: str, **form: object) -> dict[str, Any]:
        """Update a resource."""
        reply = self.ask("POST", path, **form)
        assert reply.status == 200, reply.body
        return cast("dict[str, Any]", json.loads(reply.body))

    def rows(self, path: str, key: str) -> list[dict[str, Any]]:
        """Return the first page of a list."""
        return cast("list[dict[str, Any]]", self.fetch(path)[key])

    def refusal(self, method: str, path: str, **form: object) -> tuple[int, str]:
        """Return the status and the message of a refused request."""
        reply = self.ask(method, path, **form)
        assert reply.status >= 400, reply.body
        return reply.status, json.loads(reply.body)["message"]

    # --- routing ---------------------------------------------------------------------------------

    def route(self, most: int = 1, **workflow: object) -> str:
        """Create a queue, and a workflow that leads to it. Return the queue's SID."""
        queue = self.create("/TaskQueues", FriendlyName="All", MaxReservedWorkers=most)
        configuration = json.dumps({"task_routing": {"default_filter": {"queue": queue["sid"]}}})
        self.create("/Workflows", FriendlyName="W", Configuration=configuration, **workflow)
        return str(queue["sid"])

    def add_workers(self, *names: str, activity: str = "Available") -> list[str]:
        """Create workers in an activity. Return their paths."""
        sid = self.activities[activity]
        return [
            f"/Workers/{self.create('/Workers', FriendlyName=name, ActivitySid=sid)['sid']}"
            for name in names
        ]

    def add_task(self, **form: object) -> str:
        """Create a task. Return its path."""
        return f"/Tasks/{self.create('/Tasks', **form)['sid']}"

    def offers(self, task: str) -> list[tuple[str, str]]:
        """Return the worker and the status of each reservation."""
        rows = self.rows(f"{task}/Reservations", "reservations")
        return [(row["worker_name"], row["reservation_status"]) for row in rows]

    def answer(self, task: str, name: str, status: str) -> None:
        """Set the status of a worker's last reservation of a task."""
        rows = self.rows(f"{task}/Reservations", "reservations")
        sid = [row["sid"] for row in rows if row["worker_name"] == name][-1]
        self.update(f"{task}/Reservations/{sid}", ReservationStatus=status)

    def status(self, task: str) -> str:
        """Return the status of a task."""
        return str(self.fetch(task)["assignment_status"])
