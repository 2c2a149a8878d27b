"""A state file stores every acknowledged transaction, even after a kill."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import attrs
import pytest

from reservation_core import Accept, Conference, Reservation, Status
from reservation_core.domain.reservation import Links
from reservation_core.emulator import (
    Changes,
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
from reservation_core.emulator.platform.errors import StorageFailure
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.emulator.state_file import StateFile, StateFileError, open_platform
from tests.campaigns import emulator_crash, routed_crash
from tests.emulator.resources.scene import Workplace
from tests.emulator.worlds import ACTIVITY, TASK, WORKERS, WORKSPACE, people


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that does not exist."""
    return tmp_path / "state.db"


def as_values(snapshot: Snapshot) -> dict[str, object]:
    """Convert a snapshot to values that can be compared."""
    return attrs.asdict(snapshot)


def test_open_platform_restores_everything(path: Path) -> None:
    with open_platform(path, ManualClock()) as platform:
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
    with open_platform(path, ManualClock()) as platform:
        assert as_values(platform.snapshot()) == as_values(before)
        assert platform.get(first).on_hold
        platform.answer_call(first)
        assert platform.get(first).status is Status.ACCEPTED
        assert platform.get(second).status is Status.RESCINDED


def test_no_sid_comes_again_after_a_restart(path: Path) -> None:
    """Those of deleted tasks neither."""
    made: list[str] = []
    for _ in range(3):
        with open_platform(path, ManualClock()) as platform:
            task = platform.add_task(WORKSPACE)
            worker = platform.add_worker(WORKSPACE)
            reserved = platform.reserve(task.sid, worker.sid)
            made += [task.sid, worker.sid, str(reserved.sid)]
            platform.delete_task(task.sid)
    assert len(set(made)) == 9


def test_state_file_restores_every_field(path: Path) -> None:
    """Dates keep their microseconds."""
    date = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    platform = Platform(ManualClock())
    people(platform).sid()
    snapshot = platform.snapshot()
    worker = Worker(
        sid=WORKERS[0],
        workspace_sid=WORKSPACE,
        name="N",
        attributes={"a": 1.5},
        activity_sid=ACTIVITY,
        version=3,
    )
    task = attrs.evolve(
        snapshot.tasks[0],
        status=TaskStatus.WRAPPING,
        due=date,
        reason="r",
        version=2,
        rounds=4,
        has_live_call=False,
    )
    reservation = Reservation(
        sid="WR" + "1" * 32,
        workspace_sid=WORKSPACE,
        task_sid=TASK,
        worker_sid=WORKERS[0],
        worker_name="N",
        status=Status.WRAPPING,
        date_created=date,
        date_updated=date,
        links=Links((("task", "https://x.example/"),)),
        etag="7",
        on_hold=True,
    )
    stored = attrs.evolve(
        snapshot.reservations[0],
        reservation=reservation,
        due=date,
        is_transfer=True,
        canceled_reason_code=1,
    )
    file = StateFile(path)
    file.write(Changes({str(reservation.sid): stored}, {TASK: task}, {WORKERS[0]: worker}, (), ()))
    loaded = file.load()
    assert as_values(loaded) == as_values(Snapshot((worker,), (task,), (stored,)))
    assert [type(each) for each in (*loaded.workers, *loaded.tasks, *loaded.reservations)] == [
        Worker,
        Task,
        StoredReservation,
    ]
    file.close()


def test_state_file_forgets_deleted_tasks_and_reset_platforms(path: Path) -> None:
    with open_platform(path, ManualClock()) as platform:
        people(platform).sid()
        platform.delete_task(TASK)
    with open_platform(path, ManualClock()) as platform:
        assert (platform.tasks(), platform.all(), len(platform.workers())) == ((), (), 3)
        platform.reset()
    with open_platform(path, ManualClock()) as platform:
        assert as_values(platform.snapshot()) == as_values(Snapshot())


def test_open_platform_advances_a_clock_that_is_behind(path: Path) -> None:
    """A clock that is ahead stays, and due timers run."""
    with open_platform(path, ManualClock()) as platform:
        sid = people(platform).sid()
        platform.advance(100)
        platform.add_task(WORKSPACE)
    with open_platform(path, ManualClock()) as platform:
        assert (platform.now() - DEFAULT_START).total_seconds() == 100
        assert platform.get(sid).status is Status.PENDING
    with open_platform(path, ManualClock(datetime(2030, 1, 1, 1, tzinfo=UTC))) as platform:
        assert platform.get(sid).status is Status.TIMEOUT
    real = RealClock()
    with open_platform(path, real):
        assert real.now() >= datetime(2030, 1, 1, tzinfo=UTC)


def test_made_sids_are_new_after_a_restart(path: Path) -> None:
    with open_platform(path, ManualClock()) as platform:
        before = {platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid}
    with open_platform(path, ManualClock()) as platform:
        assert not before & {platform.add_worker(WORKSPACE).sid, platform.add_task(WORKSPACE).sid}
        assert len(platform.workers()) == len(platform.tasks()) == 2


def test_open_platform_without_a_path_stores_nothing() -> None:
    with open_platform(None, ManualClock()) as platform:
        assert people(platform).reserve().status is Status.PENDING


def test_failed_write_rolls_back_the_transaction(path: Path) -> None:
    """It is rolled back in the file and in memory."""
    file = StateFile(path)
    platform = Platform(ManualClock(), on_commit=file.write)
    sid = people(platform).sid()

    def deny(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_INSERT else sqlite3.SQLITE_OK

    file._database.set_authorizer(deny)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StateFileError, match="not authorized"):
        platform.execute(sid, Accept())
    assert platform.get(sid).status is Status.PENDING
    file._database.set_authorizer(None)  # pyright: ignore[reportPrivateUsage]
    assert file.load().reservations[0].reservation.status is Status.PENDING
    platform.execute(sid, Accept())
    assert file.load().reservations[0].reservation.status is Status.ACCEPTED
    file.close()


def test_full_disk_is_a_typed_error(stored: Path) -> None:
    file = StateFile(stored)
    (pages,) = file._database.execute("PRAGMA page_count").fetchone()  # pyright: ignore[reportPrivateUsage]
    file._database.execute(f"PRAGMA max_page_count = {pages}")  # pyright: ignore[reportPrivateUsage]
    platform = Platform(ManualClock(), on_commit=file.write)
    with pytest.raises(StorageFailure, match="database or disk is full"):
        platform.add_task(WORKSPACE, attributes={"long": "a" * 100_000})
    assert platform.tasks() == ()
    assert len(file.load().tasks) == 1
    file.close()


def test_state_file_is_locked_while_it_is_open(path: Path) -> None:
    with open_platform(path, ManualClock()) as platform:
        with (
            pytest.raises(StateFileError, match=r"open in another process\. Choose another path"),
            open_platform(path, ManualClock()),
        ):
            pass
        people(platform)


def test_state_file_of_format_1_is_refused_and_kept(path: Path) -> None:
    """Its table and kinds of rows have other names."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE kept (sid TEXT PRIMARY KEY, kind TEXT, value TEXT)")
    database.execute("INSERT INTO kept VALUES ('WT1', 'WT', '{}')")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    with (
        pytest.raises(StateFileError, match="it has format 1, not 3"),
        open_platform(path, ManualClock()),
    ):
        pass
    database = sqlite3.connect(path)
    assert database.execute("SELECT kind FROM kept").fetchall() == [("WT",)]
    database.close()


def test_state_file_leaves_other_files_untouched(path: Path) -> None:
    path.write_text("some notes of mine, which are longer than the head of a database is: " * 20)
    with pytest.raises(StateFileError, match="not a database"):
        StateFile(path)
    assert path.read_text().startswith("some notes")
    path.unlink()
    for statement, problem in (
        ("CREATE TABLE t (a)", "is not a state file"),
        ("PRAGMA user_version = 99", "it has format 99, not 3"),
    ):
        database = sqlite3.connect(path)
        database.execute(statement)
        database.commit()
        database.close()
        with pytest.raises(StateFileError, match=problem):
            StateFile(path)
    with pytest.raises(StateFileError, match="unable to open"):
        StateFile(path / "in a file")


def change_row(path: Path, statement: str, *values: object) -> None:
    database = sqlite3.connect(path)
    assert database.execute(statement, values).rowcount > 0
    database.commit()
    database.close()


@pytest.fixture
def stored(path: Path) -> Path:
    """Return a state file with workers, a task and two reservations."""
    with open_platform(path, ManualClock()) as platform:
        world = people(platform)
        world.sid()
        world.sid(WORKERS[1])
    return path


SET = "UPDATE objects SET value = json_set(value, ?, json(?)) WHERE kind = ?"
DAMAGES: dict[str, tuple[tuple[object, ...], str]] = {
    "a missing task": (("DELETE FROM objects WHERE kind = 'task'",), f"its task {TASK} is missing"),
    "no JSON": (("UPDATE objects SET value = '{'",), "worker WK"),
    "an empty object": (("UPDATE objects SET value = '{}'",), "a field of Worker is missing"),
    "a list": (("UPDATE objects SET value = '[]'",), "is not an object"),
    "deep nesting": (("UPDATE objects SET value = ?", "[" * 100_000), "worker WK"),
    "bytes": (("UPDATE objects SET value = x'ff00'",), "worker WK"),
    "another kind": (("UPDATE objects SET kind = 'planet' WHERE kind = 'task'",), "kind planet"),
    "another SID": (("UPDATE objects SET sid = sid || '0' WHERE kind = 'task'",), "another SID"),
    "an unknown field": ((SET, "$.colour", '"red"', "task"), "Task has no field colour"),
    "a number as name": ((SET, "$.name", "7", "worker"), "name: is not str"),
    "a text as version": ((SET, "$.version", '"7"', "worker"), "version: is not int"),
    "a fraction": ((SET, "$.rounds", "1.5", "task"), "rounds: is not int"),
    "a flag as number": ((SET, "$.version", "true", "task"), "version: is not int"),
    "a text as flag": ((SET, "$.has_live_call", '"yes"', "task"), "has_live_call: is not bool"),
    "attributes in a list": ((SET, "$.attributes", "[]", "task"), "attributes: is not an object"),
    "an unknown status": ((SET, "$.status", '"asleep"', "task"), "status: 'asleep' is not a valid"),
    "a status of a list": ((SET, "$.status", "[]", "task"), "status: [] is not a valid"),
    "a date without zone": (
        (SET, "$.date_updated", '"2030-01-01T00:00:00"', "task"),
        "date_updated: is not a date with a time zone",
    ),
    "a date too late": (
        (SET, "$.date_updated", '"9999-12-31T00:00:00+00:00"', "task"),
        "date_updated: is not a date with a time zone, up to the year 8999",
    ),
    "no date": ((SET, "$.due", '"soon"', "reservation"), "due: Invalid isoformat string"),
    "a number as date": ((SET, "$.due", "7", "reservation"), "due: fromisoformat"),
    "a nested field": ((SET, "$.reservation.on_hold", "1", "reservation"), "on_hold: is not bool"),
    "links that are no texts": (
        (SET, "$.reservation.links", '{"task": 1}', "reservation"),
        "reservation: links: is not an object with such values",
    ),
    "a version of letters": (
        (SET, "$.reservation.etag", '"x"', "reservation"),
        "its version is not a number",
    ),
    "no SID of a worker": (
        (SET, "$.reservation.worker_sid", '"WK1"', "reservation"),
        "its worker_sid is not a SID",
    ),
    "no workspace": (
        (SET, "$.reservation.workspace_sid", "null", "reservation"),
        "its workspace_sid is not a SID",
    ),
    "a number twice": ((SET, "$.number", "0", "reservation"), "its number is used twice"),
    "not a number": (("UPDATE objects SET value = replace(value, ': 0', ': NaN')",), "NaN"),
}


@pytest.mark.parametrize(("damage", "problem"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_state_file_is_refused(
    stored: Path, damage: tuple[str, object], problem: str
) -> None:
    change_row(stored, *damage)
    with (
        pytest.raises(StateFileError, match=re.escape(problem)) as caught,
        open_platform(stored, ManualClock()),
    ):
        pass
    assert str(caught.value).startswith(f"cannot use {stored} as a state file: its content is ")


RECORD_DAMAGES: dict[str, tuple[tuple[str, str, str], str]] = {
    "an unknown kind": (("$.kind", '"planet"', "WQ"), "planet WQ"),
    "a missing property": (("$.fields", "{}", "WS"), "workspace WS"),
    "a number as name": (("$.fields.friendly_name", "3", "WA"), "friendly_name is missing or"),
    "no name": (("$.fields.friendly_name", "null", "TC"), "friendly_name is missing or wrong"),
    "a text as flag": (("$.fields.available", '"yes"', "WA"), "available is missing or wrong"),
    "a text as number": (("$.fields.max_reserved_workers", '"3"', "WQ"), "max_reserved_workers is"),
    "a flag as number": (("$.fields.max_reserved_workers", "true", "WQ"), "max_reserved_workers"),
    "no time": (("$.fields.task_reservation_timeout", "0", "WW"), "task_reservation_timeout is"),
    "no JSON": (("$.fields.configuration", '"{"', "WW"), "configuration is missing or wrong"),
    "another SID": (("$.fields.timeout_activity_sid", '"WK1"', "WS"), "timeout_activity_sid is"),
    "a list": (("$.fields.event_callback_url", "[]", "WS"), "event_callback_url is missing or"),
}


@pytest.mark.parametrize(("damage", "problem"), RECORD_DAMAGES.values(), ids=RECORD_DAMAGES)
def test_damaged_record_is_refused(path: Path, damage: tuple[str, str, str], problem: str) -> None:
    with open_platform(path, ManualClock()) as platform:
        Workplace(platform=platform).route()
    place, value, prefix = damage
    set_field = "UPDATE objects SET value = json_set(value, ?, json(?)) WHERE sid LIKE ?"
    change_row(path, set_field, place, value, f"{prefix}%")
    with (
        pytest.raises(StateFileError, match=re.escape(problem)),
        open_platform(path, ManualClock()),
    ):
        pass


def test_worker_without_dates_is_listed_first(path: Path) -> None:
    """A state file of format 2 has no dates of workers."""
    with open_platform(path, ManualClock()) as platform:
        place = Workplace(platform=platform)
        ann, bob = place.add_workers("Ann", "Bob")
    change_row(path, SET.replace("kind", "sid"), "$.date_created", "null", bob[-34:])
    with open_platform(path, ManualClock()) as platform:
        gateway = WorkspaceGateway(platform)
        reply = gateway.receive("GET", f"{place.root}/Workers?Ordering=DateCreated:asc", (), b"")
        sids = [each["sid"] for each in json.loads(reply.body)["workers"]]
    assert sids == [bob[-34:], ann[-34:]]


def test_changed_bytes_of_a_state_file_are_a_typed_error_or_harmless(stored: Path) -> None:
    whole, random, refused = stored.read_bytes(), Random(17), 0
    for _ in range(80):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 1, 4, 40))):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        if random.random() < 0.1:
            del damaged[random.randrange(len(damaged)) :]
        stored.write_bytes(damaged)
        try:
            with open_platform(stored, ManualClock()) as platform:
                for reservation in platform.all():
                    platform.available_actions(str(reservation.sid))
                platform.advance(1000)
                platform.add_task(WORKSPACE)
        except StateFileError:
            refused += 1
        for name in ("state.db-wal", "state.db-shm"):
            stored.with_name(name).unlink(missing_ok=True)
    assert 20 < refused < 80


def test_reservation_of_a_deleted_worker_is_restored(stored: Path) -> None:
    change_row(stored, "DELETE FROM objects WHERE sid = ?", WORKERS[0])
    with open_platform(stored, ManualClock()) as platform:
        assert len(platform.all()) == 2


def test_clock_is_advanced_by_decades(stored: Path) -> None:
    change_row(stored, SET, "$.date_updated", '"2095-01-01T00:00:00+00:00"', "task")
    with open_platform(stored, ManualClock()) as platform:
        assert platform.now() == datetime(2095, 1, 1, tzinfo=UTC)


def test_killed_emulator_loses_no_routed_task(tmp_path: Path) -> None:
    result = routed_crash.campaign(tmp_path, rounds=1, accepts=15)
    assert min(result.tasks, result.accepts) >= 15
    assert (result.lost, result.halves) == (0, 0)


def test_killed_emulator_loses_no_acknowledged_update(tmp_path: Path) -> None:
    """It has no half update either."""
    result = emulator_crash.campaign(tmp_path, rounds=1, acknowledged=30)
    assert result.acknowledged >= 30
    assert (result.lost, result.halves) == (0, 0)


def test_forked_child_writes_nothing_to_the_file_of_its_parent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would write over the transactions of its parent."""
    with open_platform(path, ManualClock()) as platform:
        platform.add_task(WORKSPACE)
        with monkeypatch.context() as child:
            child.setattr("os.getpid", lambda: -1)
            with pytest.raises(StateFileError, match=r"opened before a fork\. Choose another path"):
                platform.add_task(WORKSPACE)
        platform.add_task(WORKSPACE)
    with open_platform(path, ManualClock()) as platform:
        assert len(platform.tasks()) == 2


def test_forked_child_leaves_the_file_of_its_parent_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StateFile(path)
    with monkeypatch.context() as child:
        child.setattr("os.getpid", lambda: -1)
        file.close()
    assert file.load() == Snapshot()
    file.close()
