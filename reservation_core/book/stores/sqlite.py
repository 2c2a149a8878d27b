"""Store in one SQLite file, for threads and processes of one machine.

* What ``write`` returned from is on the disk (WAL, ``synchronous=FULL``).
* Writers share commits (:mod:`reservation_core.book.stores.group_commit`): many threads cost one
  synchronization of the disk and not one each.
* Deleted data is overwritten (``secure_delete``), as an open command may hold phone numbers and
  passwords. The write-ahead log keeps them until its next checkpoint: ``purge`` and ``delete`` make
  one, and so does SQLite after 1,000 pages and when the last process closes the file.

If a signal raises an exception in a thread that writes for others, nothing is half-written. The
others get their results if the group was committed, and are written once more if it was not. The
interrupted thread itself cannot know: read the entry again.

Open the store after a fork, in each child: one that was opened before it refuses to work there.

Do not put the file on a network file system: SQLite's locks do not work there.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Final

from reservation_core.book.errors import (
    SHARED_FAILURES,
    StoreDamaged,
    StoreFailed,
    StoreUnavailable,
    UnreadableEntry,
)
from reservation_core.book.records import (
    Change,
    EventRef,
    HistoryLine,
    LookupResult,
    StoredEntry,
)
from reservation_core.book.stores import sqlite_statements as statements
from reservation_core.book.stores.documents import read_entry, read_line
from reservation_core.book.stores.group_commit import GroupCommit, InterruptedAfterWork
from reservation_core.book.stores.port import Claim
from reservation_core.book.stores.process import OpeningProcess
from reservation_core.domain.errors import hides_locals

_FAILURES: Final[Mapping[type[StoreFailed], tuple[str, ...]]] = {
    StoreUnavailable: (
        "SQLITE_BUSY",
        "SQLITE_LOCKED",
        "SQLITE_READONLY",
        "SQLITE_IOERR",
        "SQLITE_FULL",
        "SQLITE_CANTOPEN",
    ),
    StoreDamaged: ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT"),
}
"""Beginnings of the error names that mean that every request would fail."""


class SQLiteStore:
    """Store in a file. Threads may share the object, and processes the file.

    :param path: the file, created if it does not exist. SQLite puts two more beside it, with
        ``-wal`` and ``-shm`` appended to the name.
    :param timeout: seconds to wait for another process that writes.
    :raises StoreFailed: if it cannot be opened, or was made by a later version of this library.
    :raises ValueError: for ``:memory:`` or an empty name. Each connection would have its own book.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 10.0) -> None:
        if path in ("", ":memory:"):
            raise ValueError(
                f"{path!r} is not a file. Give a path, or use MemoryStore() for a book in memory"
            )
        self._group_commit: Final = GroupCommit[Sequence[Change], Sequence[bool]](
            self._write_groups, failures=StoreFailed, shared_failures=SHARED_FAILURES
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
        entries = self._select(statements.ENTRIES, (_json(sids),))
        if not {sid for sid, *_ in entries} <= {*sids}:
            raise StoreDamaged("an index does not fit its table")
        seen = self._select(statements.EVENTS, (_json(events),))
        return LookupResult.of(map(_entry, entries), seen)

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes, in one commit with those of other threads."""
        self._opened_by.require_current()
        return self._group_commit.submit(changes)

    def _write_groups(self, groups: Sequence[Sequence[Change]]) -> Sequence[Sequence[bool]]:
        results: Sequence[Sequence[bool]] = ()
        transaction = _Transaction(self._writer)
        try:
            with _translated_errors(), self._writing, transaction:
                results = _write_changes(self._writer, groups)
        except BaseException as interrupt:
            if transaction.is_committed:
                raise InterruptedAfterWork(results, interrupt) from interrupt
            raise
        return results

    def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries."""
        values = {
            "before": statements.to_micros(before),
            "now": statements.to_micros(now),
            "until": statements.to_micros(until),
            "limit": limit,
        }
        with self._transaction() as writer:
            rows = writer.execute(statements.CLAIMS[claim], values).fetchall()
        return [_entry(row) for row in sorted(rows, key=_waiting_order)]

    def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries."""
        return [_entry(row) for row in self._select(statements.LIVE, (after, limit))]

    def last_live(self) -> str:
        """Return the SID of the last live entry."""
        found = self._select(statements.LAST_LIVE, ())
        return str(found[0][0]) if found else ""

    @hides_locals(UnreadableEntry)
    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        return [
            read_line(sid, document, event_key, partial(statements.from_micros, recorded_at))
            for document, event_key, recorded_at in self._select(statements.HISTORY, (sid,))
        ]

    def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry and the history of a reservation."""
        with self._transaction() as writer:
            found = dict(writer.execute(statements.REVISIONS, (_json([sid]),)))
            if revision is not None and found.get(sid, 0) != revision:
                return False
            for delete in statements.DELETE:
                writer.execute(delete, (sid,))
        self._erase()
        return True

    def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        values = {"before": statements.to_micros(before)}
        with self._transaction() as writer:
            counts = [writer.execute(delete, values).rowcount for delete in statements.PURGE]
        self._erase()
        return counts[-1]

    def _erase(self) -> None:
        """Empty the write-ahead log, which may still hold what was deleted."""
        with _translated_errors(), self._writing:
            self._writer.execute(statements.CHECKPOINT).fetchall()

    def _select(self, statement: str, values: tuple[str | int, ...]) -> list[Any]:
        self._opened_by.require_current()
        with _translated_errors(), self._reading:
            return self._reader.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        self._opened_by.require_current()
        with _translated_errors(), self._writing, _Transaction(self._writer):
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


def _entry(row: tuple[Any, ...]) -> StoredEntry:
    sid, document, revision, refreshed_at, *_ = row
    return read_entry(sid, document, revision, partial(statements.from_micros, refreshed_at))


def _waiting_order(row: tuple[Any, ...]) -> tuple[int, str]:
    sid, *_, since = row  # of any types, if the file is damaged
    return since if isinstance(since, int) else 0, str(sid)


class _Transaction:
    """Transaction that knows if it was committed when it is interrupted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: Final = connection
        self.is_committed = False

    def __enter__(self) -> None:
        if self._connection.in_transaction:  # an interrupted thread left it
            self._connection.execute("ROLLBACK")
        with self._rolled_back_if_interrupted():
            self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, error: object, *_: object) -> None:
        with self._rolled_back_if_interrupted():
            if error is None:
                self._commit()
            elif self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
            self.is_committed = True
        except sqlite3.Error:
            raise
        except BaseException:  # interrupted before or after it
            self.is_committed = not self._connection.in_transaction
            raise

    @contextmanager
    def _rolled_back_if_interrupted(self) -> Generator[None]:
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


@contextmanager
def _translated_errors() -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        name = getattr(error, "sqlite_errorname", "")
        failure = next(
            (kind for kind, names in _FAILURES.items() if name.startswith(names)), StoreFailed
        )
        reason = ", ".join(filter(None, (type(error).__name__, name)))
        raise failure(reason) from error


def _json(values: Sequence[object]) -> str:
    return json.dumps(values)


def _connect(path: str | os.PathLike[str], timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=None, check_same_thread=False
    )
    # A text that is not UTF-8 makes its own entry unreadable, and not the whole result.
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    return connection


def _prepare(writer: sqlite3.Connection, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:  # SQLite itself does not wait here for other processes
        try:
            writer.execute(statements.JOURNAL_MODE)
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    for setting in statements.FILE_SETTINGS:
        writer.execute(setting)
    with _Transaction(writer):
        _migrate(writer)


def _migrate(writer: sqlite3.Connection) -> None:
    (version,) = writer.execute(statements.FILE_VERSION).fetchone()
    known = len(statements.MIGRATIONS)
    if version > known:
        raise StoreFailed(f"its tables are of version {version}, and this library knows {known}")
    for number, migration in enumerate(statements.MIGRATIONS[version:], version + 1):
        for statement in (*migration, f"PRAGMA user_version = {number}"):
            writer.execute(statement)
