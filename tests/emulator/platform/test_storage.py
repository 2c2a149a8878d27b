"""Transactions are atomic, and timers run when they are due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest

from reservation_core import (
    Accept,
    Complete,
    Redirect,
    Reject,
    Status,
    Wrap,
)
from reservation_core.emulator import (
    JournalEntry,
    StateConflict,
    TaskStatus,
)
from reservation_core.emulator.platform.clock import DEFAULT_START
from tests.emulator.platform.stage import (
    ACTIVITY,
    CONFERENCE,
    DEQUEUE,
    HEX,
    WORKSPACE,
    Stage,
    steps,
)


def test_transaction_commits_all_changes_at_once() -> None:
    """They are committed before an entry is published."""
    stage = Stage(3)
    first, *others = stage.sids
    stage.platform.execute(first, Accept())
    (changes,) = stage.committed
    assert {
        sid: stored.reservation.status.value for sid, stored in changes.reservations.items()
    } == {
        first: "accepted",
        **dict.fromkeys(others, "rescinded"),
    }
    assert {sid: task.status for sid, task in changes.tasks.items()} == {
        stage.task: TaskStatus.ASSIGNED
    }
    assert (changes.workers, changes.removed) == ({}, ())
    assert list(changes.entries) == stage.published == list(stage.platform.journal)
    assert steps(stage.published) == [(first, "accept"), *((sid, "rescinded") for sid in others)]


def test_nested_transaction_is_part_of_the_outer_one() -> None:
    stage = Stage()
    with stage.platform.transaction():
        stage.platform.execute(stage.sids[0], Accept())
        with stage.platform.transaction():
            stage.platform.execute(stage.sids[0], Wrap())
        stage.platform.execute(stage.sids[0], Complete())
        assert (stage.committed, stage.published, list(stage.platform.journal)) == ([], [], [])
        assert stage.platform.get(stage.sids[0]).status is Status.COMPLETED
    assert len(stage.committed) == 1
    assert [entry.version for entry in stage.published if entry.sid == stage.sids[0]] == [
        "1",
        "2",
        "3",
    ]


def test_transaction_without_changes_commits_nothing() -> None:
    """Neither do reads, refusals and stale timers."""
    stage = Stage()
    stage.platform.get(stage.sids[0])
    stage.platform.advance(1)
    with pytest.raises(StateConflict):
        stage.platform.execute(stage.sids[0], Wrap())
    assert (stage.committed, stage.published) == ([], [])
    for sid in stage.sids:
        stage.platform.execute(sid, DEQUEUE)  # whose timers are left behind
    stage.committed.clear()
    stage.platform.advance(1000)
    assert stage.committed == []


CHANGES: Final[dict[str, Callable[[Stage], object]]] = {
    "accept": lambda stage: stage.platform.execute(stage.sids[0], Accept()),
    "hold": lambda stage: stage.platform.execute(stage.sids[0], CONFERENCE),
    "reject": lambda stage: stage.platform.execute(
        stage.sids[0], Reject(worker_activity_sid=ACTIVITY)
    ),
    "reserve": lambda stage: stage.platform.reserve(stage.task, stage.workers[0]),
    "add": lambda stage: stage.platform.add(stage.platform.get(stage.sids[1])),
    "worker": lambda stage: stage.platform.add_worker(WORKSPACE),
    "task": lambda stage: stage.platform.add_task(WORKSPACE),
    "cancel": lambda stage: stage.platform.cancel_task(stage.task),
    "delete": lambda stage: stage.platform.delete_task(stage.task),
    "time": lambda stage: stage.platform.advance(120),
    "reset": lambda stage: stage.platform.reset(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_failed_commit_rolls_back_everything(change: Callable[[Stage], object]) -> None:
    """Timers and order are restored, nothing is published, and a retry succeeds."""
    stage = Stage()
    stage.platform.execute(stage.sids[0], Redirect(call_sid=f"CA{HEX}", url="https://example.com"))
    stage.committed.clear()
    before = stage.everything()
    stage.is_disk_full = True
    with pytest.raises(OSError, match="disk is full"):
        change(stage)
    stage.is_disk_full = False
    assert stage.everything() == before
    change(stage)
    assert stage.everything() != before
    assert stage.committed


def test_exception_rolls_back_the_transaction() -> None:
    stage = Stage()
    before = stage.everything()

    def fail() -> None:
        with stage.platform.transaction():
            stage.platform.execute(stage.sids[0], Accept())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stage.everything() == before
    assert stage.published == []


def test_deletion_that_is_rolled_back_keeps_the_order() -> None:
    """Also that of a value that was added again."""
    stage = Stage()
    platform = stage.platform
    tasks = (stage.task, *(platform.add_task(WORKSPACE).sid for _ in range(3)))
    before = platform.snapshot()
    stage.is_disk_full = True

    def change() -> None:
        with platform.transaction():
            platform.set_task_attributes(tasks[0], {"a": 1})
            for sid in tasks[:2]:
                platform.delete_task(sid)
            platform.add_task(WORKSPACE, sid=tasks[0])
            platform.add_task(WORKSPACE)

    with pytest.raises(OSError, match="disk is full"):
        change()
    stage.is_disk_full = False
    assert platform.snapshot() == before
    platform.add_task(WORKSPACE)
    assert [task.sid for task in platform.tasks()][:4] == [*tasks]


def test_reset_clears_the_journal_with_the_end_of_its_transaction() -> None:
    """Later entries of the same transaction are kept."""
    stage = Stage()
    platform = stage.platform
    platform.execute(stage.sids[0], Redirect(call_sid=f"CA{HEX}", url="https://example.com"))
    before = list(platform.journal)
    stage.is_disk_full = True
    with pytest.raises(OSError, match="disk is full"):
        platform.reset()
    stage.is_disk_full = False
    assert list(platform.journal) == before != []
    with platform.transaction():
        platform.execute(stage.sids[0], Accept())
        platform.reset()
        assert list(platform.journal) == before
        platform.add_worker(WORKSPACE, sid=stage.workers[0])
        platform.reserve(platform.add_task(WORKSPACE).sid, stage.workers[0])
    assert [entry.trigger for entry in platform.journal] == ["created"]
    platform.reset()
    platform.reset()
    assert list(platform.journal) == []


def test_subscriber_may_change_the_platform() -> None:
    """Its entries follow, for every subscriber in the same order."""
    stage = Stage(1)
    (sid,) = stage.sids
    other: list[JournalEntry] = []

    def wrap(entry: JournalEntry) -> None:
        if entry.trigger == "accept":
            stage.platform.execute(sid, Wrap(), by="subscriber")

    end_wrap, end_other = stage.platform.subscribe(wrap), stage.platform.subscribe(other.append)
    stage.platform.execute(sid, Accept())
    assert steps(other) == steps(stage.published) == [(sid, "accept"), (sid, "wrap")]
    end_wrap()
    end_other()
    end_other()
    stage.platform.execute(sid, Complete())
    assert (len(other), len(stage.published)) == (2, 3)


def test_failing_subscriber_does_not_undo_the_change() -> None:
    """The exception reaches the caller. The other subscribers get the entry with the next one."""
    stage = Stage(1)

    def fail(entry: JournalEntry) -> None:
        raise ZeroDivisionError(entry.trigger)

    end = stage.platform.subscribe(fail)
    with pytest.raises(ZeroDivisionError, match="accept"):
        stage.platform.execute(stage.sids[0], Accept())
    end()
    stage.platform.execute(stage.sids[0], Complete())
    assert [entry.trigger for entry in stage.published] == ["accept", "complete"]


def test_late_timer_runs_with_its_due_time() -> None:
    """In order, before any later entry."""
    stage = Stage(2)
    late = str(
        stage.platform.reserve(
            stage.platform.add_task(WORKSPACE, reservation_timeout=60).sid, stage.workers[0]
        ).sid
    )
    stage.platform.clock.advance(1000)  # behind the platform's back
    assert stage.platform.get(stage.sids[0]).status is Status.TIMEOUT
    times = [
        (entry.sid, (entry.at - DEFAULT_START).total_seconds())
        for entry in stage.published
        if entry.trigger == "timeout"
    ]
    assert times[0] == (late, 60.0)
    assert sorted(times[1:]) == sorted((sid, 120.0) for sid in stage.sids)
    assert stage.platform.get(stage.sids[0]).date_updated == DEFAULT_START + timedelta(seconds=120)


def test_next_due_is_the_timeout_or_the_deletion() -> None:
    """There is none while the reservation is on hold."""
    stage = Stage(1)
    platform, (sid,) = stage.platform, stage.sids
    assert platform.next_due() == DEFAULT_START + timedelta(seconds=120)
    platform.advance(10)
    platform.execute(sid, CONFERENCE)
    assert platform.next_due() is None
    platform.answer_call(sid)
    platform.execute(sid, Complete())
    assert platform.next_due() == DEFAULT_START + timedelta(seconds=310)
    platform.advance(300)
    assert (platform.next_due(), platform.all(), platform.tasks()) == (None, (), ())
    assert stage.committed[-1].removed == (sid, stage.task)
    with pytest.raises(KeyError):
        platform.task(stage.task)
    with pytest.raises(KeyError):
        platform.get(sid)


def test_added_again_reservation_has_a_new_timeout() -> None:
    """A call without acceptance leaves the timeout."""
    stage = Stage(1)
    stage.platform.advance(100)
    stage.platform.execute(stage.sids[0], Redirect(call_sid=f"CA{HEX}", url="https://example.com"))
    assert stage.platform.stored(stage.sids[0]).due == DEFAULT_START + timedelta(seconds=120)
    stage.platform.add(stage.platform.get(stage.sids[0]))
    stage.platform.advance(119)
    assert stage.platform.get(stage.sids[0]).status is Status.PENDING
    stage.platform.advance(1)
    assert stage.platform.get(stage.sids[0]).status is Status.TIMEOUT


def test_readers_never_see_half_a_transaction() -> None:
    """While siblings are accepted in turn."""
    stage = Stage(0)
    workers = [stage.platform.add_worker(WORKSPACE).sid for _ in range(2)]
    stop = threading.Event()

    def read() -> list[list[str]]:
        wrong: list[list[str]] = []
        while not stop.is_set():
            for task in stage.platform.tasks():
                states = sorted(one.status.value for one in stage.platform.all(task.sid))
                if states not in (
                    [],
                    ["pending"],
                    ["pending", "pending"],
                    ["accepted", "rescinded"],
                ):
                    wrong.append(states)
        return wrong

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for _ in range(30):
            task = stage.platform.add_task(WORKSPACE).sid
            first, _ = (stage.platform.reserve(task, worker).sid for worker in workers)
            stage.platform.execute(str(first), Accept())
        stop.set()
        assert [reader.result(10) for reader in readers] == [[], []]
