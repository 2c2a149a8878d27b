"""A state file holds what the platform held after its last acknowledged unit of work, wholly, whatever became of the process."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from reservation_core import Accept, Conference, Reservation, Status
from reservation_core.domain.reservation import Links
from reservation_core.emulator import (
    ManualClock,
    Platform,
    RealClock,
    Snapshot,
    StoredReservation,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.state_file import StateFile, StateFileError, open_platform
from tests.campaigns import emulator_crash as crash
from tests.emulator.worlds import ACTIVITY, TASK, WORKERS, WORKSPACE, people


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a file that is not there yet."""
    return tmp_path / "state.db"


def as_values(snapshot: Snapshot) -> dict[str, object]:
    """Give a snapshot as plain values, to be compared."""
    return attrs.asdict(snapshot)


def test_everything_is_found_again(file: Path) -> None:
    """Workers, tasks and reservations come back as they were: holds, timers, transfers, codes, attributes and order."""
    with open_platform(file, ManualClock()) as platform:
        world = people(platform)
        first, second = world.sid(), world.sid(WORKERS[1])
        platform.execute(first, Conference(from_="+15005550006"))
        platform.set_worker_activity(WORKERS[2], ACTIVITY)
        other = platform.add_task(
            WORKSPACE, attributes={"outbound_to": "+15005550006", "deep": [{"\u00e9": None}]}
        )
        third = world.sid(task=other.sid)
        platform.execute(third, Conference(from_="+15005550006"))
        platform.fail_call(third, 21215)
        before = platform.snapshot()
    with open_platform(file, ManualClock()) as platform:
        assert as_values(platform.snapshot()) == as_values(before)
        assert platform.get(first).on_hold
        platform.answer_call(first)
        assert (platform.get(first).status, platform.get(second).status) == (
            Status.ACCEPTED,
            Status.RESCINDED,
        )


def test_every_field_comes_back(file: Path) -> None:
    """A value with every field set is written and read as it is, dates to the microsecond."""
    date = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    worker = Worker(
        sid=WORKERS[0],
        workspace_sid=WORKSPACE,
        name="N",
        attributes={"a": 1.5},
        activity_sid=ACTIVITY,
        version=3,
    )
    people_of_one = Platform(ManualClock())
    people(people_of_one)
    task = attrs.evolve(
        people_of_one.task(TASK),
        status=TaskStatus.WRAPPING,
        due=date,
        reason="r",
        version=2,
        rounds=4,
        has_live_call=False,
    )
    reservation = Reservation(
        sid="WR" + "1" * 32, workspace_sid=WORKSPACE, task_sid=TASK, worker_sid=WORKERS[0], worker_name="N", status=Status.WRAPPING,
        date_created=date, date_updated=date, links=Links((("task", "https://x.example/"),)), etag="7", on_hold=True,
    )  # fmt: skip
    (held,) = (
        attrs.evolve(
            each, reservation=reservation, due=date, is_transfer=True, canceled_reason_code=1
        )
        for each in one_held()
    )
    snapshot = Snapshot((worker,), (task,), (held,))
    for values in (worker, task, held):
        assert {field.name for field in attrs.fields(type(values))} <= {*attrs.asdict(values)}
    store = StateFile(file)
    store.keep(changes_of(snapshot))
    assert as_values(store.load()) == as_values(snapshot)
    assert [
        type(each)
        for each in (*store.load().workers, *store.load().tasks, *store.load().reservations)
    ] == [Worker, Task, StoredReservation]
    store.close()


def one_held() -> tuple[StoredReservation, ...]:
    """Give a reservation as the platform holds it."""
    platform = Platform(ManualClock())
    people(platform).sid()
    return platform.snapshot().reservations


def changes_of(snapshot: Snapshot) -> crash.Changes:
    """Give a snapshot as one unit of work."""
    return crash.Changes(
        {str(held.reservation.sid): held for held in snapshot.reservations},
        {task.sid: task for task in snapshot.tasks},
        {worker.sid: worker for worker in snapshot.workers},
        (),
        (),
    )


def test_what_is_gone_is_gone(file: Path) -> None:
    """A deleted task, with its reservations, and a reset leave nothing in the file."""
    with open_platform(file, ManualClock()) as platform:
        people(platform).sid()
        platform.delete_task(TASK)
    with open_platform(file, ManualClock()) as platform:
        assert (platform.tasks(), platform.all(), len(platform.workers())) == ((), (), 3)
        platform.reset()
    with open_platform(file, ManualClock()) as platform:
        assert as_values(platform.snapshot()) == as_values(Snapshot())


def test_time_does_not_go_back(file: Path) -> None:
    """A clock that is behind what was kept is put forward, and one that is ahead left alone; what fell due meanwhile happens."""
    with open_platform(file, ManualClock()) as platform:
        sid = people(platform).sid()
        platform.advance(100)
        platform.add_task(WORKSPACE)
    with open_platform(file, ManualClock()) as platform:
        assert (platform.now() - DEFAULT_START).total_seconds() == 100
        assert platform.get(sid).status is Status.PENDING
    with open_platform(file, ManualClock(datetime(2030, 1, 1, 1, tzinfo=UTC))) as platform:
        assert platform.get(sid).status is Status.TIMEOUT
    real = RealClock()
    with open_platform(file, real):
        assert real.now() >= datetime(2030, 1, 1, tzinfo=UTC)


def test_made_sids_are_new(file: Path) -> None:
    """What is made after a restart gets no SID that something kept has."""
    with open_platform(file, ManualClock()) as platform:
        before = {platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid}
    with open_platform(file, ManualClock()) as platform:
        assert not before & {platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid}
        assert len(platform.workers()) == len(platform.tasks()) == 2


def test_without_a_file_nothing_is_kept() -> None:
    """Without a file there is a platform all the same."""
    with open_platform(None, ManualClock()) as platform:
        assert people(platform).reserve().status is Status.PENDING


def test_what_cannot_be_written_has_not_happened(file: Path) -> None:
    """A unit of work that cannot be written is refused and undone, in the file and in memory."""
    store = StateFile(file)
    platform = Platform(ManualClock(), on_commit=store.keep)
    sid = people(platform).sid()

    def deny(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_INSERT else sqlite3.SQLITE_OK

    store._base.set_authorizer(deny)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StateFileError, match="not authorized"):
        platform.execute(sid, Accept())
    assert platform.get(sid).status is Status.PENDING
    store._base.set_authorizer(None)  # pyright: ignore[reportPrivateUsage]
    assert store.load().reservations[0].reservation.status is Status.PENDING
    platform.execute(sid, Accept())
    assert store.load().reservations[0].reservation.status is Status.ACCEPTED
    store.close()


def test_one_process_has_the_file(file: Path) -> None:
    """A second emulator on the same file is refused, and the first goes on."""
    with open_platform(file, ManualClock()) as platform:
        with (
            pytest.raises(StateFileError, match="another process has it; name another file"),
            open_platform(file, ManualClock()),
        ):
            pass
        people(platform)


def test_a_file_of_another_kind_is_left_alone(file: Path) -> None:
    """What is no state file, is one of another format, or is damaged, is refused and not touched."""
    file.write_text("some notes of mine, which are longer than the head of a database is: " * 20)
    with pytest.raises(StateFileError, match="not a database"):
        StateFile(file)
    assert file.read_text().startswith("some notes")
    file.unlink()
    for statement, problem in (
        ("CREATE TABLE t (a)", "no state file at all"),
        ("PRAGMA user_version = 99", "number 99, not 1"),
    ):
        base = sqlite3.connect(file)
        base.execute(statement)
        base.commit()
        base.close()
        with pytest.raises(StateFileError, match=problem):
            StateFile(file)
    with pytest.raises(StateFileError, match="unable to open"):
        StateFile(file / "in a file")


@pytest.mark.parametrize("value", ["{", "{}", '{"sid": 1, "colour": "red"}', "[]"])
def test_what_is_damaged_is_told(file: Path, value: str) -> None:
    """A row that is none is told of, with what to do."""
    store = StateFile(file)
    store._base.execute("INSERT INTO kept VALUES ('WT', 'task', ?)", (value,))  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StateFileError, match="what is in it is damaged"):
        store.load()
    store.close()


def test_a_killed_emulator_loses_nothing(tmp_path: Path) -> None:
    """Killed in the middle of updates and started again, it has every update that was acknowledged, and none by halves."""
    found = crash.campaign(tmp_path, rounds=1, acknowledged=30)
    assert found.acknowledged >= 30
    assert (found.lost, found.halves) == (0, 0)
