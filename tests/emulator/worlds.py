"""A workspace with three workers and a task with a live call."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core import Reservation
from reservation_core.emulator import Platform

WORKSPACE: Final = "WS" + "1" * 32
TASK: Final = "WT" + "2" * 32
WORKERS: Final = tuple("WK" + digit * 32 for digit in "345")
CALL: Final = "CA" + "6" * 32
ACTIVITY: Final = "WA" + "7" * 32
ZEROS: Final = "0" * 32


@attrs.frozen
class World:
    """A platform with three workers and one task."""

    platform: Platform

    def reserve(self, worker: str = WORKERS[0], task: str = TASK) -> Reservation:
        """Reserve a worker for the task."""
        return self.platform.reserve(task, worker)

    def sid(self, worker: str = WORKERS[0], task: str = TASK) -> str:
        """Reserve a worker for the task and return the reservation's SID."""
        return str(self.reserve(worker, task).sid)


def people(platform: Platform) -> World:
    """Add the world to a platform."""
    for number, sid in enumerate(WORKERS):
        platform.add_worker(
            WORKSPACE,
            sid=sid,
            name=f"Worker {number}",
            attributes={"contact_uri": f"client:worker{number}"},
        )
    platform.add_task(WORKSPACE, sid=TASK, attributes={"call_sid": CALL, "from": "+15005550006"})
    return World(platform)


def path(sid: str | None = None, task: str = TASK) -> str:
    """Return the path of the task's reservations, or of one."""
    return f"/v1/Workspaces/{WORKSPACE}/Tasks/{task}/Reservations" + (f"/{sid}" if sid else "")


def worker_path(sid: str | None = None, worker: str = WORKERS[0]) -> str:
    """Return the path of a worker's reservations, or of one."""
    return f"/v1/Workspaces/{WORKSPACE}/Workers/{worker}/Reservations" + (f"/{sid}" if sid else "")
