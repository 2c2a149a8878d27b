"""Tests of the SQLite store: versions, failures, and processes that share a file."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from reservation_core import Conference, Status
from reservation_core.book import (
    Book,
    Entry,
    SQLiteStore,
    StoreDamaged,
    StoreFailed,
    StoreUnavailable,
    Verdict,
)
from reservation_core.book.stores.sqlite_statements import MIGRATIONS
from reservation_core.book.transactions import utc_now
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import find_entry
from tests.book.scenario import Scenario, sid


def record_scenario(path: Path, count: int) -> None:
    """Record the events of a scenario in another process."""
    book = Book(SQLiteStore(path))
    book.record_all(Scenario(count).events)
    book.close()


def test_processes_open_a_new_file_at_the_same_time(tmp_path: Path) -> None:
    """Each event is recorded once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.campaigns.crash_worker", "reservation_core.book.stores.postgres"]
    )
    processes = [
        context.Process(target=record_scenario, args=(tmp_path / "book.db", 20)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
        process.close()
    book = Book(SQLiteStore(tmp_path / "book.db"))
    assert [len(book.history(sid("WR", number))) for number in range(20)] == [1] * 20
    book.close()


def test_every_commit_is_synchronized(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    pragmas = ("journal_mode", "synchronous", "secure_delete")
    values = [store._writer.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]  # pyright: ignore[reportPrivateUsage]
    assert values == ["wal", 2, 1]
    store.close()


def test_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    SQLiteStore(path).close()
    with sqlite3.connect(path) as later:
        later.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    later.close()
    with pytest.raises(
        StoreFailed,
        match=f"of version {len(MIGRATIONS) + 1}, and this library knows {len(MIGRATIONS)}",
    ):
        SQLiteStore(path)


def test_file_of_an_earlier_version_is_brought_to_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier library then refuses to open it. A failed step leaves the file as it was."""
    path = tmp_path / "book.db"
    store = SQLiteStore(path)
    store.write([make.change(make.entry(1))])
    store.close()
    add_note = "ALTER TABLE entry ADD COLUMN note TEXT DEFAULT 'new'"
    with monkeypatch.context() as later_library:
        name = "reservation_core.book.stores.sqlite_statements.MIGRATIONS"
        later_library.setattr(name, (*MIGRATIONS, (add_note, "SELECT no_such_column")))
        with pytest.raises(StoreFailed, match="SQLITE_ERROR"):
            SQLiteStore(path)
        later_library.setattr(name, (*MIGRATIONS, (add_note,)))
        for _ in range(2):
            store = SQLiteStore(path)
            assert find_entry(store, 1) == make.entry(1)
            assert store._reader.execute("SELECT note FROM entry").fetchall() == [("new",)]  # pyright: ignore[reportPrivateUsage]
            store.close()
    with pytest.raises(StoreFailed, match="of version 2, and this library knows 1"):
        SQLiteStore(path)


@pytest.mark.parametrize("name", ["", ":memory:"])
def test_name_that_is_not_a_file_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a file\. Give a path, or use MemoryStore\(\)"):
        SQLiteStore(name)


def test_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    """The reason names classes of errors only."""
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    for path in (tmp_path / "letter.txt", tmp_path / "nowhere" / "book.db"):
        with pytest.raises(
            StoreFailed,
            match=r"DatabaseError, SQLITE_NOTADB\.|OperationalError, SQLITE_CANTOPEN\.",
        ):
            SQLiteStore(path)


def test_index_that_finds_other_entries_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    store.write([make.change(make.entry(1))])
    finds_all = "SELECT sid, document, revision, refreshed_at FROM entry WHERE ? IS NOT NULL"
    monkeypatch.setattr("reservation_core.book.stores.sqlite_statements.ENTRIES", finds_all)
    with pytest.raises(StoreDamaged) as raised:
        find_entry(store, 2)
    assert raised.value.reason == "an index does not fit its table"
    store.close()


def test_busy_file_is_unavailable_after_the_timeout(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    store = SQLiteStore(path, timeout=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    calls: list[Callable[[], object]] = [
        lambda: store.write([make.change(make.entry(1))]),
        lambda: store.delete(make.sid("WR", 1), None),
        lambda: store.purge(make.later(0)),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
            call()
    assert time.monotonic() - began < 5
    assert store.live("", 1) == []  # readers do not wait
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        SQLiteStore(path, timeout=0.05)
    holder.execute("ROLLBACK")
    holder.close()
    assert find_entry(store, 1) is None
    assert store.write([make.change(make.entry(1))]) == [True]
    store.close()


def test_threads_that_write_together_wait_once_for_a_busy_file(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db", timeout=0.5)
    holder = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    executed: list[str] = []
    store._writer.set_trace_callback(executed.append)  # pyright: ignore[reportPrivateUsage]
    failures: list[str] = []

    def keep(number: int) -> None:
        try:
            store.write([make.change(make.entry(number))])
        except StoreUnavailable as failure:
            failures.append(failure.reason)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
        while not executed:
            pass
    for thread in threads:
        thread.join(30)
    assert failures == ["OperationalError, SQLITE_BUSY"] * 5
    assert executed == ["BEGIN IMMEDIATE"] * 2
    holder.close()
    store.close()


def test_opening_an_exclusively_locked_file_times_out(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE something (x)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreFailed, match="SQLITE_BUSY"):
        SQLiteStore(path, timeout=0.05)
    holder.close()


class Interrupted(Exception):
    """Stands for a signal that raises, as a time limit does."""


class InterruptibleConnection(sqlite3.Connection):
    """Connection that is interrupted after one statement."""

    at = ""
    skip = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # as in sqlite3
        done = super().execute(sql, parameters)
        if sql == self.at:
            if InterruptibleConnection.skip:
                InterruptibleConnection.skip -= 1
                return done
            InterruptibleConnection.at = ""
            raise Interrupted
        return done


@pytest.mark.parametrize(("at", "kept"), [("BEGIN IMMEDIATE", False), ("COMMIT", True)])
def test_interrupted_write_leaves_no_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, *, kept: bool
) -> None:
    """It is written whole or not at all."""
    monkeypatch.setattr(
        "sqlite3.connect", partial(sqlite3.connect, factory=InterruptibleConnection)
    )
    store = SQLiteStore(tmp_path / "book.db")
    monkeypatch.setattr(InterruptibleConnection, "at", at)
    with pytest.raises(Interrupted):
        store.write([make.change(make.entry(1))])
    assert find_entry(store, 1) == (make.entry(1) if kept else None)
    other = SQLiteStore(tmp_path / "book.db", timeout=0.05)
    assert [
        each.write([make.change(make.entry(number))]) for number, each in ((2, store), (3, other))
    ] == [
        [True],
        [True],
    ]
    store.close()
    other.close()


class InterruptingLock:
    """Lock that is interrupted after one of its releases."""

    def __init__(self, at: int) -> None:
        self._lock = threading.Lock()
        self._until = at

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._until -= 1
        if self._until == 0:
            raise Interrupted


@pytest.mark.parametrize(
    ("at", "kept"), [("BEGIN IMMEDIATE", False), ("COMMIT", True), ("release", True)]
)
def test_interrupted_write_returns_its_results_to_the_other_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, *, kept: bool
) -> None:
    """The others of the group write their changes once."""
    monkeypatch.setattr(
        "sqlite3.connect", partial(sqlite3.connect, factory=InterruptibleConnection)
    )
    store = SQLiteStore(tmp_path / "book.db")
    # The first release is of this test, the second of thread 1, the third of the others.
    setattr(store, "_writing", InterruptingLock(3 if at == "release" else 0))  # noqa: B010 - final
    outcomes: dict[int, object] = {}

    def write(number: int) -> None:
        try:
            outcomes[number] = store.write([make.change(make.entry(number), make.line(number))])
        except Interrupted:
            outcomes[number] = Interrupted

    threads = [threading.Thread(target=write, args=(number,)) for number in (1, 2, 3)]
    with store._writing:  # pyright: ignore[reportPrivateUsage]
        threads[0].start()
        while not store._group_commit._leading.locked():  # pyright: ignore[reportPrivateUsage]
            pass
        for thread in threads[1:]:
            thread.start()
        while len(store._group_commit._waiting) < 2:  # pyright: ignore[reportPrivateUsage]
            pass
        monkeypatch.setattr(InterruptibleConnection, "at", at)
        monkeypatch.setattr(InterruptibleConnection, "skip", 1)
    for thread in threads:
        thread.join(10)
    assert sorted(map(repr, outcomes.values())) == [repr(Interrupted), "[True]", "[True]"]
    (interrupted,) = [number for number, outcome in outcomes.items() if outcome is Interrupted]
    assert interrupted != 1
    assert (find_entry(store, interrupted) is not None) is kept
    assert [
        len(store.history(sid("WR", number))) for number in outcomes if number != interrupted
    ] == [1, 1]
    store.close()


class FullAtCommit(sqlite3.Connection):
    """Connection that finds the disk full at a commit."""

    fails = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # as in sqlite3
        if sql == "COMMIT" and self.fails:
            FullAtCommit.fails = False
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, parameters)


def test_failed_commit_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.connect", partial(sqlite3.connect, factory=FullAtCommit))
    store = SQLiteStore(tmp_path / "book.db")
    monkeypatch.setattr(FullAtCommit, "fails", True)
    with pytest.raises(StoreFailed, match="OperationalError"):
        store.write([make.change(make.entry(1))])
    assert find_entry(store, 1) is None
    assert store.write([make.change(make.entry(1))]) == [True]
    store.close()


def test_abandoned_transaction_is_rolled_back(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    store._writer.execute("BEGIN IMMEDIATE")  # pyright: ignore[reportPrivateUsage]
    store._writer.execute("DELETE FROM entry")  # pyright: ignore[reportPrivateUsage]
    assert store.write([make.change(make.entry(1))]) == [True]
    assert find_entry(store, 1) == make.entry(1)
    store.close()


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    with pytest.raises(StoreFailed, match=r"UnicodeEncodeError\."):
        store.write(
            [
                make.change(make.entry(1), make.line(1, "EV1")),
                make.change(make.entry(2), make.line(2, "\ud800")),
            ]
        )
    assert find_entry(store, 1) is None
    assert store.write([make.change(make.entry(1), make.line(1, "EV1"))]) == [True]
    store.close()


def test_event_key_of_any_characters_is_recorded(tmp_path: Path) -> None:
    book = Book(SQLiteStore(tmp_path / "book.db"))
    (event,) = Scenario().events
    for name in ("EV\x00", "EV\ud800", "EVé\U0001f600"):
        odd = attrs.evolve(event, sid=name)
        assert [book.record(odd).outcome for _ in range(2)] == [
            Verdict.APPLIED if name == "EV\x00" else Verdict.OLDER,
            Verdict.DUPLICATE,
        ]
    book.close()


def test_closed_command_leaves_no_password_in_the_file(tmp_path: Path) -> None:
    command = Conference(
        to="sip:alice@example.com", sip_auth_username="alice", sip_auth_password="hush-this"
    )
    store = SQLiteStore(tmp_path / "book.db")
    store.write([make.change(make.entry(1, intent=make.intent(command)))])
    traces = [b"hush-this" in path.read_bytes() for path in tmp_path.iterdir()]
    store.write([make.change(make.entry(1, revision=2))])
    store.close()
    assert any(traces)
    assert [b"hush-this" in path.read_bytes() for path in tmp_path.iterdir()] == [False]


def test_purged_and_forgotten_entries_leave_no_trace_in_open_files(tmp_path: Path) -> None:
    """The write-ahead log is emptied, too."""
    store = SQLiteStore(tmp_path / "book.db")
    book = Book(store)
    for number in (1, 2):
        store.write([make.change(attrs.evolve(named_entry(number), revision=1))])
        traces = [b"Zenobia" in path.read_bytes() for path in tmp_path.iterdir()]
        assert any(traces)
        if number == 1:
            assert book.forget(make.sid("WR", 1)) is True
        else:
            assert book.purge(0) == 1
        traces = [b"Zenobia" in path.read_bytes() for path in tmp_path.iterdir()]
        assert (len(traces), any(traces)) == (3, False)
    book.close()


def named_entry(number: int) -> Entry:
    """Make an ended entry with the name of a worker."""
    entry = make.entry(number, Status.TIMEOUT)
    return attrs.evolve(entry, reservation=attrs.evolve(entry.reservation, worker_name="Zenobia"))


class LockedConnection(sqlite3.Connection):
    """Connection that finds the file locked twice, without waiting.

    SQLite does that if it suspects a deadlock.
    """

    failures_left = 2

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """Fail when the journal mode is set."""
        if "WAL" in sql and type(self).failures_left:
            type(self).failures_left -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *parameters)


def test_opening_is_retried_within_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.connect", partial(sqlite3.connect, factory=LockedConnection))
    store = SQLiteStore(tmp_path / "book.db")
    assert LockedConnection.failures_left == 0
    store.close()


def test_full_disk_fails_the_write_only(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    store._writer.execute("PRAGMA max_page_count = 20")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StoreFailed, match="SQLITE_FULL"):
        store.write([make.change(make.entry(number)) for number in range(1000)])
    assert list(store.live("", 10)) == []
    assert store.write([make.change(make.entry(1))]) == [True]
    store.close()


def test_store_refuses_after_fork_and_leaves_the_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    book = Book(store)
    event, *_ = Scenario(1).events
    with monkeypatch.context() as child_process:
        child_process.setattr("os.getpid", lambda: -1)
        for use in (
            lambda: store.write(()),
            lambda: store.look_up((), ()),
            lambda: store.purge(utc_now()),
        ):
            with pytest.raises(StoreFailed, match="opened before a fork"):
                use()
        book.close()
    assert book.record(event).entry is not None
    book.close()
