"""A book in one file, by SQLite: the usual store, for any number of threads and for the processes of one machine.

Its rules:

* what ``keep`` returned from is on the disk (WAL, ``synchronous=FULL``);
* **writers share their commits**: whoever finds nobody writing writes for all who wait, so that many threads cost one synchronisation
  of the disk and not one each;
* what is deleted is overwritten (``secure_delete``), for a command that is open may hold numbers and passwords; the journal beside the
  file holds them until its next checkpoint.

Who is interrupted while it writes for others, by a signal that raises in the main thread, leaves nothing half-written, and what it wrote is
tried once more: a change may then be told not to be kept that was, to one who looks again in any case.

Never put the file on a network file system: SQLite's locks do not hold there.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from reservation_core.book.records import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    StoreFailed,
    StoreUnavailable,
)
from reservation_core.book.stores.documents import read_entry, read_line, write_entry, write_line
from reservation_core.book.stores.group_commit import GroupCommit
from reservation_core.book.stores.port import Claim

T = TypeVar("T")

_Row: TypeAlias = tuple[str | int | None, ...]


class _Rows(NamedTuple):
    """A change, as it is written: the entry's row, from one revision to the next, and those of its lines.

    To revision 0 when only the history grows: there is a row, that the lines may belong to, but nothing is held.
    """

    sid: str
    expected: int
    revision: int
    entry: _Row
    lines: Sequence[_Row]


MIGRATIONS: Final = (
    (
        """
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,
            sid TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            document TEXT NOT NULL,
            live INTEGER NOT NULL,
            doubtful INTEGER NOT NULL,
            refreshed_at INTEGER NOT NULL,
            intended INTEGER,
            claimed INTEGER
        )
        """,
        "CREATE INDEX entry_due ON entry (refreshed_at) WHERE live OR doubtful",
        "CREATE INDEX entry_ended ON entry (refreshed_at) WHERE NOT live AND intended IS NULL",
        "CREATE INDEX entry_intended ON entry (intended) WHERE intended IS NOT NULL",
        """
        CREATE TABLE line (
            number INTEGER PRIMARY KEY,
            entry INTEGER NOT NULL REFERENCES entry (id),
            at INTEGER NOT NULL,
            event TEXT,
            document TEXT NOT NULL,
            UNIQUE (entry, event)
        )
        """,
    ),
)
"""What makes a file of one version one of the next; a file tells its version by ``user_version``.

Lines belong to their entry by its ``id`` and not by its SID, so that those of reservations that began at about the same time lie side
by side, and a commit writes few pages.
"""

_ENTRIES: Final = (
    "SELECT document, revision, refreshed_at FROM entry WHERE revision > 0 AND sid IN (VALUES {})"
)
_EVENTS: Final = """
    WITH asked (sid, event) AS (VALUES {}) SELECT asked.sid, asked.event
    FROM asked CROSS JOIN entry USING (sid) CROSS JOIN line ON line.entry = entry.id AND line.event = asked.event
"""
_REVISIONS: Final = "SELECT sid, revision FROM entry WHERE sid IN (VALUES {})"
_PUT: Final = """
    INSERT INTO entry (sid, revision, document, live, doubtful, refreshed_at, intended) VALUES {}
    ON CONFLICT (sid) DO UPDATE SET revision = excluded.revision, document = excluded.document, live = excluded.live,
        doubtful = excluded.doubtful, refreshed_at = excluded.refreshed_at, intended = excluded.intended,
        claimed = CASE WHEN excluded.intended IS NULL THEN NULL ELSE claimed END
    WHERE excluded.revision >= revision
"""
_ADD_LINE: Final = """
    WITH told (sid, at, event, document) AS (VALUES {})
    INSERT INTO line (entry, at, event, document) SELECT entry.id, told.at, told.event, told.document
    FROM told CROSS JOIN entry USING (sid) WHERE true ON CONFLICT DO NOTHING
"""
_CLAIMS: Final = {
    what: f"""
        UPDATE entry SET claimed = :until WHERE sid IN (
            SELECT sid FROM entry WHERE {waiting} AND (claimed IS NULL OR claimed <= :now) ORDER BY {since}, sid LIMIT :most
        ) RETURNING document, revision, refreshed_at, {since} AS since, sid
    """  # noqa: S608 - of our own words
    for what, waiting, since in (
        (Claim.DUE, "(live OR doubtful) AND (doubtful OR refreshed_at < :before)", "refreshed_at"),
        (Claim.OPEN, "intended IS NOT NULL AND intended < :before", "intended"),
    )
}
_ENDED: Final = """
    NOT live AND intended IS NULL AND refreshed_at < :before
    AND NOT (revision = 0 AND EXISTS (SELECT 1 FROM line WHERE line.entry = entry.id AND line.at >= :before))
"""
_PURGE: Final = (
    f"DELETE FROM line WHERE entry IN (SELECT id FROM entry WHERE {_ENDED})",  # noqa: S608 - of our own words
    f"DELETE FROM entry WHERE revision = 0 AND {_ENDED}",  # noqa: S608
    f"DELETE FROM entry WHERE {_ENDED}",  # noqa: S608
)


class SQLiteStore:
    """Keeps a book in a file. Threads may share it, and processes the file.

    :param path: of the file, which is made when there is none; beside it stand two more, of the same name and ``-wal``, ``-shm``.
    :param timeout: seconds to wait for another process that is writing.
    :raises StoreFailed: when it cannot be opened, or was made by a later version of this library.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 10.0) -> None:
        self._keeping: Final = GroupCommit[Sequence[_Rows], Sequence[bool]](
            self._write, shared_failures=StoreUnavailable
        )
        self._writing: Final = threading.Lock()
        self._reading: Final = threading.Lock()
        with _failures():
            self._writer: Final = _connect(path, timeout)
            try:
                _open(self._writer, timeout)
                self._reader: Final = _connect(path, timeout)
            except BaseException:
                self._writer.close()
                raise

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`reservation_core.book.Store.look_up`."""
        with _failures(), self._reading:
            entries = [
                _entry_of(*row) for row in _select(self._reader, _ENTRIES, [(sid,) for sid in sids])
            ]
            seen = frozenset(_select(self._reader, _EVENTS, events))
        return LookupResult({entry.sid: entry for entry in entries}, seen)

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`reservation_core.book.Store.write`."""
        return self._keeping.do([_rows_of(change) for change in changes])

    def _write(self, waiting: Sequence[Sequence[_Rows]]) -> Sequence[Sequence[bool]]:
        return self._transact(lambda writer: _write_rows(writer, waiting))

    def _transact(self, act: Callable[[sqlite3.Connection], T]) -> T:
        with _failures(), self._writing:
            return _in_transaction(self._writer, act)

    def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.claim`."""
        times = {
            "before": _micros(before),
            "now": _micros(now),
            "until": _micros(until),
            "most": limit,
        }
        rows = self._transact(lambda writer: writer.execute(_CLAIMS[what], times).fetchall())
        return [_entry_of(*row[:3]) for row in sorted(rows, key=lambda row: row[3:])]

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.live`."""
        select = "SELECT document, revision, refreshed_at FROM entry WHERE live AND sid > ? ORDER BY sid LIMIT ?"
        with _failures(), self._reading:
            rows = self._reader.execute(select, (after, limit)).fetchall()
        return [_entry_of(*row) for row in rows]

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`reservation_core.book.Store.history`."""
        select = "SELECT line.document, sid, event, at FROM entry JOIN line ON line.entry = entry.id WHERE sid = ? ORDER BY number"
        with _failures(), self._reading:
            rows = self._reader.execute(select, (sid,)).fetchall()
        return [read_line(document, sid, event, _moment(at)) for document, sid, event, at in rows]

    def purge(self, before: datetime) -> int:
        """See :meth:`reservation_core.book.Store.purge`."""
        times = {"before": _micros(before)}
        return self._transact(
            lambda writer: [writer.execute(delete, times).rowcount for delete in _PURGE]
        )[-1]

    def close(self) -> None:
        """Close the file; what is being written is written first."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()


def _write_rows(
    writer: sqlite3.Connection, waiting: Sequence[Sequence[_Rows]]
) -> Sequence[Sequence[bool]]:
    """Write what several keep, whole: all revisions are looked up at once, and all rows are handed over at once."""
    entries: list[_Row] = []
    lines: list[_Row] = []
    held = dict(_select(writer, _REVISIONS, [(rows.sid,) for each in waiting for rows in each]))

    def take(rows: _Rows) -> bool:
        if rows.revision:
            if held.get(rows.sid, 0) != rows.expected:
                return False
            held[rows.sid] = rows.revision
        entries.append(rows.entry)
        lines.extend(rows.lines)
        return True

    taken = [[take(rows) for rows in each] for each in waiting]
    _insert(writer, _PUT, entries)
    _insert(writer, _ADD_LINE, lines)
    return taken


_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)


@contextmanager
def _failures() -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        name = getattr(error, "sqlite_errorname", None)
        failure = (
            StoreUnavailable
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNAVAILABLE
            else StoreFailed
        )
        raise failure(
            type(error).__name__ if name is None else f"{type(error).__name__}, {name}"
        ) from error


def _in_transaction(connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], T]) -> T:
    if connection.in_transaction:  # left by one who was interrupted
        connection.execute("ROLLBACK")
    try:
        connection.execute("BEGIN IMMEDIATE")
        result = act(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


_MOST: Final = 256  # rows of values in one statement, for SQLite has a limit


def _with(statement: str, values: Sequence[_Row]) -> tuple[str, Sequence[str | int | None]]:
    """Write so many rows of places into a statement, and give what goes into them."""
    place = f"({','.join('?' * len(values[0]))})"
    return statement.format(",".join(repeat(place, len(values)))), [*chain.from_iterable(values)]


def _select(
    connection: sqlite3.Connection, select: str, values: Sequence[tuple[str, ...]]
) -> list[Any]:
    """Select by any number of values, 1, 2, 4 and so on at a time, the last one repeated, so that few statements serve all."""
    found: list[Any] = []
    for start in range(0, len(values), _MOST):
        some = values[start : start + _MOST]
        more = (1 << (len(some) - 1).bit_length()) - len(some)
        found += connection.execute(*_with(select, [*some, *repeat(some[-1], more)])).fetchall()
    return found


def _insert(connection: sqlite3.Connection, insert: str, values: Sequence[_Row]) -> None:
    """Insert any number of rows, as many at a time as 256, 128 and so on.

    ``executemany`` lets go of the interpreter for each row, and beside a busy thread waits for it each time.
    """
    start = 0
    while left := min(len(values) - start, _MOST):
        end = start + (1 << (left.bit_length() - 1))
        connection.execute(*_with(insert, values[start:end]))
        start = end


def _connect(path: str | os.PathLike[str], timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def _open(writer: sqlite3.Connection, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            writer.execute("PRAGMA journal_mode = WAL")  # which does not wait for others by itself
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    writer.execute("PRAGMA synchronous = FULL")
    writer.execute("PRAGMA secure_delete = ON")
    _in_transaction(writer, _migrate)


def _migrate(writer: sqlite3.Connection) -> None:
    (version,) = writer.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreFailed(
            f"its tables are of version {version}, and this library knows {len(MIGRATIONS)}"
        )
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        for statement in (*migration, f"PRAGMA user_version = {number}"):
            writer.execute(statement)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _entry_of(document: str, revision: int, refreshed_at: int) -> Entry:
    return read_entry(document, revision, _moment(refreshed_at))


def _rows_of(change: Change) -> _Rows:
    lines = [
        (line.sid, _micros(line.recorded_at), line.event_key, write_line(line))
        for line in change.lines
    ]
    if (entry := change.entry) is None:
        return _Rows(
            change.sid,
            change.expected_revision,
            0,
            (change.sid, 0, "", False, False, 0, None),
            lines,
        )
    intended = None if entry.intent is None else _micros(entry.intent.created_at)
    row = (
        change.sid,
        entry.revision,
        write_entry(entry),
        entry.is_live,
        entry.doubt is not None,
        _micros(entry.refreshed_at),
        intended,
    )
    return _Rows(change.sid, change.expected_revision, entry.revision, row, lines)
