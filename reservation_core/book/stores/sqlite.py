"""Store in one SQLite file, for threads and processes of one machine.

* What ``write`` returned from is on the disk (WAL, ``synchronous=FULL``).
* Writers share commits (:mod:`reservation_core.book.stores.group_commit`): many threads cost one
  synchronization of the disk and not one each.
* Deleted data is overwritten (``secure_delete``), as an open command may hold phone numbers and
  passwords. The write-ahead log keeps them until its next checkpoint.

If a signal raises an exception in a thread that writes for others, nothing is half-written, and the
group is written once more. ``write`` may then return false for a change that was written: read
the entry again before deciding.

Open the store after a fork, in each child: one that was opened before it refuses to work there.

Do not put the file on a network file system: SQLite's locks do not work there.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import Any, Final

from reservation_core.book.errors import StoreFailed, StoreUnavailable
from reservation_core.book.records import Change, Entry, EventRef, HistoryLine, LookupResult
from reservation_core.book.stores import sqlite_statements as statements
from reservation_core.book.stores.documents import read_entry, read_line
from reservation_core.book.stores.group_commit import GroupCommit
from reservation_core.book.stores.port import Claim
from reservation_core.book.stores.process import OpeningProcess

_UNAVAILABLE: Final = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
)
"""Error names, and beginnings of names, that mean that every request would fail."""


class SQLiteStore:
    """Store in a file. Threads may share the object, and processes the file.

    :param path: the file, created if it does not exist. SQLite puts two more beside it, with
        ``-wal`` and ``-shm`` appended to the name.
    :param timeout: seconds to wait for another process that writes.
    :raises StoreFailed: if it cannot be opened, or was made by a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 10.0) -> None:
        self._group_commit: Final = GroupCommit[Sequence[Change], Sequence[bool]](
            self._write_groups, shared_failures=StoreUnavailable
        )
        self._opened_by: Final = OpeningProcess()
        self._writing: Final = threading.Lock()
        self._reading: Final = threading.Lock()
        with _translated_errors():
            self._writer: Final = _connect(path, timeout)
            try:
                _prepare(self._writer, timeout)
                self._reader: Final = _connect(path, timeout)
            except BaseException:
                self._writer.close()
                raise

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries and events."""
        entries = map(_entry, self._select(statements.ENTRIES, (_json(sids),)))
        seen = self._select(statements.EVENTS, (_json(events),))
        return LookupResult({entry.sid: entry for entry in entries}, frozenset(seen))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes, in one commit with those of other threads."""
        self._opened_by.require_current()
        return self._group_commit.submit(changes)

    def _write_groups(self, groups: Sequence[Sequence[Change]]) -> Sequence[Sequence[bool]]:
        with self._transaction() as writer:
            return _write_changes(writer, groups)

    def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """Claim entries."""
        values = {
            "before": statements.to_micros(before),
            "now": statements.to_micros(now),
            "until": statements.to_micros(until),
            "limit": limit,
        }
        with self._transaction() as writer:
            rows = writer.execute(statements.CLAIMS[claim], values).fetchall()
        return [_entry(row) for row in sorted(rows, key=lambda row: row[3:])]

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """Return the next live entries."""
        return [_entry(row) for row in self._select(statements.LIVE, (after, limit))]

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        return [
            read_line(document, sid, event_key, statements.from_micros(recorded_at))
            for document, event_key, recorded_at in self._select(statements.HISTORY, (sid,))
        ]

    def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        values = {"before": statements.to_micros(before)}
        with self._transaction() as writer:
            return [writer.execute(delete, values).rowcount for delete in statements.PURGE][-1]

    def _select(self, statement: str, values: tuple[str | int, ...]) -> list[Any]:
        self._opened_by.require_current()
        with _translated_errors(), self._reading:
            return self._reader.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        self._opened_by.require_current()
        with _translated_errors(), self._writing, _transaction(self._writer):
            yield self._writer

    def close(self) -> None:
        """Close the file, after a write that is in progress. A forked child leaves it open."""
        if not self._opened_by.is_current:
            return  # SQLite would give up the locks of the parent
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()


def _write_changes(
    writer: sqlite3.Connection, groups: Sequence[Sequence[Change]]
) -> Sequence[Sequence[bool]]:
    changes = list(chain.from_iterable(groups))
    sids = _json([change.sid for change in changes])
    revisions = dict(writer.execute(statements.REVISIONS, (sids,)))
    accepted: list[Change] = []

    def accept(change: Change) -> bool:
        if change.entry is not None:
            if revisions.get(change.sid, 0) != change.entry.revision - 1:
                return False
            revisions[change.sid] = change.entry.revision
        accepted.append(change)
        return True

    is_written = [[accept(change) for change in group] for group in groups]
    writer.executemany(statements.PUT_ENTRY, map(statements.entry_row, accepted))
    writer.executemany(
        statements.ADD_LINE, chain.from_iterable(map(statements.line_rows, accepted))
    )
    return is_written


def _entry(row: tuple[Any, ...]) -> Entry:
    document, revision, refreshed_at, *_ = row
    return read_entry(document, revision, statements.from_micros(refreshed_at))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    if connection.in_transaction:  # an interrupted thread left it
        connection.execute("ROLLBACK")
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _translated_errors() -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        name = getattr(error, "sqlite_errorname", "")
        failure = StoreUnavailable if name.startswith(_UNAVAILABLE) else StoreFailed
        reason = ", ".join(filter(None, (type(error).__name__, name)))
        raise failure(reason) from error


def _json(values: Sequence[object]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _connect(path: str | os.PathLike[str], timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def _prepare(writer: sqlite3.Connection, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:  # SQLite itself does not wait here for other processes
        try:
            writer.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute("PRAGMA secure_delete = ON")
    with _transaction(writer):
        _migrate(writer)


def _migrate(writer: sqlite3.Connection) -> None:
    (version,) = writer.execute("PRAGMA user_version").fetchone()
    known = len(statements.MIGRATIONS)
    if version > known:
        raise StoreFailed(f"its tables are of version {version}, and this library knows {known}")
    for number, migration in enumerate(statements.MIGRATIONS[version:], version + 1):
        for statement in (*migration, f"PRAGMA user_version = {number}"):
            writer.execute(statement)
