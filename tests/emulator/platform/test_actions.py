"""Calls, tasks and workers, and what happens to their reservations."""

from __future__ import annotations

import pytest

from reservation_core import Accept, Dequeue, Status
from reservation_core.emulator import (
    ManualClock,
    Platform,
    StateConflict,
)
from tests.emulator.platform.stage import WORKSPACE, Stage


@pytest.mark.parametrize("event", ["answer_call", "miss_call", "fail_call"])
def test_call_events_need_a_reservation_on_hold(event: str) -> None:
    stage = Stage(1)
    arguments = (13223,) if event == "fail_call" else ()
    with pytest.raises(StateConflict):
        getattr(stage.platform, event)(stage.sids[0], *arguments)
    stage.platform.execute(stage.sids[0], Dequeue(from_="+15005550006"))
    getattr(stage.platform, event)(stage.sids[0], *arguments)
    assert stage.published[-1].reason


def test_hang_up_cancels_a_transfer_and_wraps_the_work() -> None:
    """There is nothing to hang up from after that."""
    stage = Stage(1)
    (sid,) = stage.sids
    stage.platform.execute(sid, Accept())
    second = str(stage.platform.transfer(sid, stage.workers[0]).sid)
    assert stage.platform.hang_up(second).status is Status.CANCELED
    assert stage.platform.get(sid).status is Status.WRAPPING
    for ended in (sid, second):
        with pytest.raises(StateConflict):
            stage.platform.hang_up(ended)


def test_task_without_reservations_can_be_canceled_and_deleted() -> None:
    """The journal has no entry of it."""
    platform = Platform(ManualClock())
    first, second = (platform.add_task(WORKSPACE).sid for _ in range(2))
    assert (platform.cancel_task(first, reason="gone").status, platform.task(first).reason) == (
        "canceled",
        "gone",
    )
    platform.delete_task(second)
    assert [task.sid for task in platform.tasks()] == [first]
    assert not platform.journal
