"""Index and timers follow the tables and do not grow."""

from __future__ import annotations

import pickle
from datetime import timedelta

import attrs

from reservation_core import (
    Accept,
    Complete,
    Status,
)
from reservation_core.emulator import (
    ManualClock,
    Platform,
    Settings,
    Snapshot,
)
from reservation_core.emulator.platform.clock import DEFAULT_START
from tests.emulator.platform.stage import ACTIVITY, DEQUEUE, HEX, WORKSPACE, Stage


def test_tables_do_not_grow_over_many_reservations() -> None:
    """Neither do the index, the timers and the journal."""
    platform = Platform(ManualClock(), settings=Settings(journal_length=10))
    tables = platform._tables  # pyright: ignore[reportPrivateUsage]
    worker = platform.add_worker(WORKSPACE).sid
    for number in range(500):
        task = platform.add_task(WORKSPACE).sid
        sid = str(platform.reserve(task, worker).sid)
        if number % 2:
            platform.execute(sid, Accept())
            platform.execute(sid, Complete())
        else:
            platform.cancel_task(task)
        platform.advance(300 if number % 5 == 0 else 0)
        assert len(tables.timers) <= 2 * (len(tables.reservations) + len(tables.tasks)) + 64
    platform.advance(300)
    assert (platform.all(), platform.tasks(), len(platform.journal)) == ((), (), 10)
    assert not tables._children  # pyright: ignore[reportPrivateUsage]
    assert not tables.timers


def test_stale_timers_are_removed() -> None:
    platform = Platform(ManualClock())
    worker, task = platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid
    sid = str(platform.reserve(task, worker).sid)
    for _ in range(500):
        platform.add(platform.get(sid))
        platform.advance(0.01)
    assert len(platform._tables.timers) < 70  # pyright: ignore[reportPrivateUsage]
    platform.advance(119.98)
    assert platform.get(sid).status is Status.PENDING
    platform.advance(0.02)
    assert platform.get(sid).status is Status.TIMEOUT


def test_reservation_can_be_added_again_for_another_task() -> None:
    """The index follows and the order stays."""
    stage = Stage(2)
    first, second = stage.sids
    moved = attrs.evolve(stage.platform.get(first), task_sid=f"WT{HEX}", worker_sid=f"WK{HEX}")
    added = stage.platform.add(moved)
    assert stage.platform.all(f"WT{HEX}") == stage.platform.all(f"WK{HEX}") == (added,)
    assert [one.sid for one in stage.platform.all(stage.task)] == [second]
    stage.platform.add(attrs.evolve(stage.platform.get(second), task_sid=f"WT{HEX}"))
    assert [(task.sid, task.status.value) for task in stage.platform.tasks()] == [
        (stage.task, "pending"),
        (f"WT{HEX}", "reserved"),
    ]
    assert stage.platform.all(stage.workers[0]) == ()
    assert [one.sid for one in stage.platform.all()] == [first, second]


def test_restored_snapshot_continues_as_the_original() -> None:
    """With timers, holds and numbers."""
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], DEQUEUE)
    snapshot = pickle.loads(pickle.dumps(stage.platform.snapshot()))
    assert isinstance(snapshot, Snapshot)
    other = Platform(ManualClock(DEFAULT_START + timedelta(seconds=119)))
    other.add_task(WORKSPACE)
    other.restore(snapshot)
    assert other.all() == stage.platform.all()
    assert [task.sid for task in other.tasks()] == [stage.task]
    other.advance(1)
    assert [one.state for one in other.all()] == ["onHold", "timeout"]
    other.answer_call(stage.sids[0])
    other.execute(stage.sids[0], Complete())
    assert other.worker(stage.workers[0]).activity_sid == ACTIVITY
    number = other.stored(
        str(other.reserve(other.add_task(WORKSPACE).sid, stage.workers[0]).sid)
    ).number
    assert number == 2


def test_reset_removes_everything() -> None:
    stage = Stage(2)
    stage.platform.execute(stage.sids[0], Accept())
    stage.platform.reset()
    assert (stage.platform.snapshot(), list(stage.platform.journal)) == (Snapshot(), [])
    assert set(stage.committed[-1].removed) == {*stage.sids, stage.task, *stage.workers}
