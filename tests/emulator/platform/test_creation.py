"""Workers, tasks and reservations are added as given."""

from __future__ import annotations

import attrs
import pytest

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.platform.model import DEFAULT_ACCOUNT_SID
from tests.emulator.platform.stage import ACTIVITY, HEX, WORKSPACE, Stage


def test_workers_and_tasks_are_added_as_given() -> None:
    """With a copy of the attributes, and a default account."""
    platform = Platform(ManualClock())
    attributes: dict[str, object] = {"contact_uri": "client:a", "skills": ["de"]}
    worker = platform.add_worker(
        WORKSPACE,
        sid=f"WK{HEX}",
        account_sid=f"AC{HEX}",
        name="Käthe",
        attributes=attributes,
        activity_sid=ACTIVITY,
    )
    task = platform.add_task(WORKSPACE, sid=f"WT{HEX}", attributes={"a": 1}, reservation_timeout=7)
    attributes.clear()
    assert platform.worker(worker.sid).attributes == {"contact_uri": "client:a", "skills": ["de"]}
    assert (worker.sid, worker.account_sid, worker.name, worker.activity_sid) == (
        f"WK{HEX}",
        f"AC{HEX}",
        "Käthe",
        ACTIVITY,
    )
    assert (task.sid, task.account_sid, task.reservation_timeout, task.status) == (
        f"WT{HEX}",
        DEFAULT_ACCOUNT_SID,
        7,
        "pending",
    )
    assert (platform.workers(), platform.tasks()) == ((worker,), (task,))
    assert "Käthe" not in repr(worker)
    assert "client:a" not in repr(worker)
    reserved = platform.reserve(task.sid, worker.sid, sid=f"WR{HEX}")
    assert (reserved.sid, reserved.worker_name, reserved.account_sid, reserved.etag) == (
        f"WR{HEX}",
        "Käthe",
        DEFAULT_ACCOUNT_SID,
        "0",
    )


@pytest.mark.parametrize(
    ("status", "task"),
    [
        (Status.PENDING, "reserved"),
        (Status.ACCEPTED, "assigned"),
        (Status.WRAPPING, "wrapping"),
        (Status.COMPLETED, "completed"),
        (Status.CANCELED, "canceled"),
        (Status.REJECTED, "pending"),
        (Status.TIMEOUT, "pending"),
        (Status.RESCINDED, "pending"),
    ],
)
def test_assumed_task_follows_its_reservation(status: Status, task: str) -> None:
    """Also when the reservation is added twice. An ended one is deleted later."""
    platform = Platform(ManualClock())
    reservation = attrs.evolve(Stage(1).platform.all()[0], status=status)
    for _ in range(2):
        platform.add(reservation)
        assert [one.status.value for one in platform.tasks()] == [task]
    platform.advance(300)
    assert len(platform.all()) == (task not in ("completed", "canceled"))
