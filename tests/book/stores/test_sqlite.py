"""What is particular to a book in a file: its versions, its failures, and the processes that share it."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from reservation_core import Conference
from reservation_core.book import Book, SQLiteStore, StoreFailed, StoreUnavailable, Verdict
from reservation_core.book.stores.sqlite_statements import MIGRATIONS
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import find_entry
from tests.book.runs import Life, sid


def record_life(path: Path, count: int) -> None:
    """Open the book as another process, and record what happened."""
    book = Book(SQLiteStore(path))
    book.record_all(Life(count).events)
    book.close()


def test_processes_may_open_it_at_once(tmp_path: Path) -> None:
    """Where several processes open a new file and record the same events at the same time, each event is there once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.campaigns.crash_worker", "reservation_core.book.stores.postgres"]
    )
    processes = [
        context.Process(target=record_life, args=(tmp_path / "book.db", 20)) for _ in range(3)
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


def test_it_synchronises_every_commit(tmp_path: Path) -> None:
    """The file is written ahead, synchronised at each commit, and overwritten where something is deleted."""
    store = SQLiteStore(tmp_path / "book.db")
    pragmas = ("journal_mode", "synchronous", "secure_delete")
    values = [store._writer.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas]  # pyright: ignore[reportPrivateUsage]
    assert values == ["wal", 2, 1]
    store.close()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """A file that a later version of the library made is not touched."""
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


def test_what_is_no_book_is_refused(tmp_path: Path) -> None:
    """A file that is no database, and one that cannot be made, are failures of the store, with no more than their class."""
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 100)
    for path in (tmp_path / "letter.txt", tmp_path / "nowhere" / "book.db"):
        with pytest.raises(
            StoreFailed,
            match=r"DatabaseError, SQLITE_NOTADB\.|OperationalError, SQLITE_CANTOPEN\.",
        ):
            SQLiteStore(path)


def test_who_cannot_write_in_time_is_told(tmp_path: Path) -> None:
    """Where another holds the file longer than one's patience, opening and keeping fail, and nothing is written."""
    path = tmp_path / "book.db"
    store = SQLiteStore(path, timeout=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        store.write([make.change(make.entry(1))])
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        SQLiteStore(path, timeout=0.05)
    holder.execute("ROLLBACK")
    holder.close()
    assert find_entry(store, 1) is None
    assert store.write([make.change(make.entry(1))]) == [True]
    store.close()


def test_all_who_wait_for_the_file_wait_once(tmp_path: Path) -> None:
    """Where another holds the file, nobody who was to be written with others waits on for each of them."""
    store = SQLiteStore(tmp_path / "book.db", timeout=0.5)
    holder = sqlite3.connect(tmp_path / "book.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    said: list[str] = []
    store._writer.set_trace_callback(said.append)  # pyright: ignore[reportPrivateUsage]
    failures: list[str] = []

    def keep(number: int) -> None:
        try:
            store.write([make.change(make.entry(number))])
        except StoreUnavailable as failure:
            failures.append(failure.reason)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
        while not said:
            pass
    for thread in threads:
        thread.join(30)
    assert failures == ["OperationalError, SQLITE_BUSY"] * 5
    assert said == ["BEGIN IMMEDIATE"] * 2
    holder.close()
    store.close()


def test_what_cannot_be_made_a_book_is_refused_in_time(tmp_path: Path) -> None:
    """A file that another process keeps for itself alone is refused when the patience is over."""
    path = tmp_path / "book.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE something (x)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreFailed, match="SQLITE_BUSY"):
        SQLiteStore(path, timeout=0.05)
    holder.close()


class Interrupted(BaseException):
    """What a signal raises."""


class Interruptible(sqlite3.Connection):
    """A connection on which a signal arrives while one statement is carried out."""

    at = ""

    def execute(
        self, sql: str, parameters: Any = (), /
    ) -> sqlite3.Cursor:  # what sqlite3 itself takes
        done = super().execute(sql, parameters)
        if sql == self.at:
            Interruptible.at = ""
            raise Interrupted
        return done


@pytest.mark.parametrize(("at", "kept"), [("BEGIN IMMEDIATE", False), ("COMMIT", True)])
def test_who_is_interrupted_leaves_no_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str, *, kept: bool
) -> None:
    """Wherever it was, all of it is written or nothing, and others can write, in this process and the next."""
    monkeypatch.setattr("sqlite3.connect", partial(sqlite3.connect, factory=Interruptible))
    store = SQLiteStore(tmp_path / "book.db")
    monkeypatch.setattr(Interruptible, "at", at)
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


def test_a_transaction_that_was_left_is_ended(tmp_path: Path) -> None:
    """What somebody began who was interrupted before it could end it is undone before anything else is written."""
    store = SQLiteStore(tmp_path / "book.db")
    store._writer.execute("BEGIN IMMEDIATE")  # pyright: ignore[reportPrivateUsage]
    store._writer.execute("DELETE FROM entry")  # pyright: ignore[reportPrivateUsage]
    assert store.write([make.change(make.entry(1))]) == [True]
    assert find_entry(store, 1) == make.entry(1)
    store.close()


def test_a_failure_in_the_midst_leaves_nothing(tmp_path: Path) -> None:
    """Where one of the changes kept together cannot be written, none of them is."""
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


def test_an_event_of_an_odd_name_is_kept(tmp_path: Path) -> None:
    """An event whose name no database would keep is recorded once all the same."""
    book = Book(SQLiteStore(tmp_path / "book.db"))
    (event,) = Life().events
    for name in ("EV\x00", "EV\ud800"):
        odd = attrs.evolve(event, sid=name)
        assert [book.record(odd).outcome for _ in range(2)] == [
            Verdict.APPLIED if name == "EV\x00" else Verdict.OLDER,
            Verdict.DUPLICATE,
        ]
    book.close()


def test_a_closed_command_leaves_no_password(tmp_path: Path) -> None:
    """The parameters of a command are in the file while it is open, and nowhere in it once it was closed and the book, too."""
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


class Hesitant(sqlite3.Connection):
    """A connection that at first finds the file locked, whatever its patience, as SQLite does where it fears a deadlock."""

    hesitates = 2

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """Refuse twice to write ahead."""
        if "WAL" in sql and type(self).hesitates:
            type(self).hesitates -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *parameters)


def test_who_is_refused_at_once_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another is just opening the file, opening it is tried again as long as the patience lasts."""
    monkeypatch.setattr("sqlite3.connect", partial(sqlite3.connect, factory=Hesitant))
    store = SQLiteStore(tmp_path / "book.db")
    assert Hesitant.hesitates == 0
    store.close()


def test_a_full_disk_loses_only_what_was_refused(tmp_path: Path) -> None:
    """Where there is no room, keeping fails, nothing of it is there, and the store goes on."""
    store = SQLiteStore(tmp_path / "book.db")
    store._writer.execute("PRAGMA max_page_count = 20")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StoreFailed, match="SQLITE_FULL"):
        store.write([make.change(make.entry(number)) for number in range(1000)])
    assert list(store.live("", 10)) == []
    assert store.write([make.change(make.entry(1))]) == [True]
    store.close()
