"""Rows 14 to 16: durable events, from 32 writers or in bulk.

The figure is wall time, because waiting for the disk and the database is the point. Every side is
durable: SQLite writes ahead and synchronises each commit (``synchronous=FULL``), PostgreSQL has its
defaults. Every side takes an event once, by its SID, keeps its history, and lets only a higher
version replace the present one. The final state of every side is checked.

Where the peer is our own book with a commit for each event, the ratio is the gain of the group
commit. The other peers' lean tables keep status, version and event only. Ours keep whole
reservations, ready for a sweep, and judge a report by the lifecycle.
"""

import asyncio
import sqlite3
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias
from unittest.mock import patch

import aiosqlite

from reservation_core import Reservation, Status
from reservation_core.book import AsyncBook, Book, SQLiteStore, ThreadedStore, Verdict
from reservation_core.book.stores.postgres import PostgresStore
from reservation_core.webhooks import EVENT_TYPES, Event
from tests.benchmarks.measure import OPEN, QUICK, Comparison, Effort, Meter, Relation
from tests.book.server import server

WRITERS: Final = 32
_LIFE: Final = (Status.PENDING, Status.ACCEPTED, Status.WRAPPING, Status.COMPLETED)
_BEGAN: Final = datetime(2024, 2, 29, 12, tzinfo=UTC)

_Events: TypeAlias = Sequence[Event]


def events(lives: int, begin: int = 0) -> Iterator[Event]:
    """Yield the events of that many reservations, four each."""
    for number in range(begin, begin + lives):
        sid, task, worker = (f"{prefix}{number:032x}" for prefix in ("WR", "WT", "WK"))
        for version, status in enumerate(_LIFE):
            reservation = Reservation(
                sid=sid,
                account_sid=f"AC{1:032x}",
                workspace_sid=f"WS{1:032x}",
                task_sid=task,
                worker_sid=worker,
                worker_name="Alice",
                status=status,
            )
            yield Event(
                sid=f"EV{number * 4 + version:032x}",
                type=EVENT_TYPES[status],
                status=status,
                reservation=reservation,
                version=version,
                time=_BEGAN + timedelta(seconds=version),
                reservation_sid=sid,
                task_sid=task,
                worker_sid=worker,
                workspace_sid=reservation.workspace_sid,
                task_status=None,
                payload={},
            )


class _SlowDisk(sqlite3.Connection):
    """A connection whose commits take 1 ms longer."""

    def execute(
        self, sql: str, parameters: Any = (), /
    ) -> sqlite3.Cursor:  # what sqlite3 itself takes
        done = super().execute(sql, parameters)
        if sql == "COMMIT":
            time.sleep(0.001)
        return done


def _directory() -> Path:
    return Path(OPEN.enter_context(tempfile.TemporaryDirectory(prefix="book")))


# --- the peers -----------------------------------------------------------------------------------

_DURABLY: Final = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
_TABLES: Final = (
    (
        "CREATE TABLE event "
        "(sid TEXT PRIMARY KEY, reservation TEXT, type TEXT, version INTEGER, time TEXT)"
    ),
    "CREATE INDEX event_reservation ON event (reservation)",
    (
        "CREATE TABLE reservation "
        "(sid TEXT PRIMARY KEY, status TEXT, version INTEGER, task TEXT, worker TEXT)"
    ),
)
_ADD: Final = "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)"
_HOLD: Final = """
    INSERT INTO reservation VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (sid) DO UPDATE SET status = excluded.status, version = excluded.version
    WHERE excluded.version > version
"""


def _rows(event: Event) -> tuple[tuple[object, ...], tuple[object, ...]]:
    added = (event.sid, event.reservation_sid, event.type, event.version, event.time.isoformat())
    return added, (
        event.reservation_sid,
        event.status,
        event.version,
        event.task_sid,
        event.worker_sid,
    )


def _commit(connection: sqlite3.Connection, event: Event) -> None:
    added, held = _rows(event)
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute(_ADD, added).rowcount:
        connection.execute(_HOLD, held)
    connection.execute("COMMIT")


class OneByOne:
    """A commit for each event, through one connection under a lock."""

    def __init__(self, disk: type[sqlite3.Connection] = sqlite3.Connection) -> None:
        self._lock = threading.Lock()
        self._path = _directory() / "peer.db"
        self._disk = disk
        self._connection = self._connect()
        for statement in _TABLES:
            self._connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=60,
            isolation_level=None,
            check_same_thread=False,
            factory=self._disk,
        )
        OPEN.callback(connection.close)
        for statement in _DURABLY:
            connection.execute(statement)
        return connection

    def record(self, event: Event) -> None:
        with self._lock:
            _commit(self._connection, event)

    def completed(self) -> int:
        """Count the completed reservations."""
        count: int = self._connection.execute(
            "SELECT count(*) FROM reservation WHERE status = 'completed'"
        ).fetchone()[0]
        return count


class OwnConnections(OneByOne):
    """A commit for each event, with a connection for each thread."""

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.local()

    def record(self, event: Event) -> None:
        """Record one event durably. SQLite's own lock is waited for."""
        connection: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect()
        _commit(connection, event)


def _alone(book: Book) -> Callable[[Event], object]:
    """Record with our own book, one writer at a time."""
    lock = threading.Lock()

    def record(event: Event) -> object:
        with lock:
            return book.record(event)

    return record


class Aiosqlite:
    """A commit for each event through aiosqlite, its connection under a lock."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._lock = asyncio.Lock()
        self._connection = connection

    @classmethod
    async def open(cls) -> "Aiosqlite":
        """Open it in the event loop."""
        connection = await aiosqlite.connect(_directory() / "peer.db", isolation_level=None)
        for statement in (*_DURABLY, *_TABLES):
            await connection.execute(statement)
        return cls(connection)

    async def record(self, event: Event) -> None:
        added, held = _rows(event)
        async with self._lock:
            await self._connection.execute("BEGIN IMMEDIATE")
            if (await self._connection.execute(_ADD, added)).rowcount:
                await self._connection.execute(_HOLD, held)
            await self._connection.commit()

    async def completed(self) -> int:
        async with self._connection.execute(
            "SELECT count(*) FROM reservation WHERE status = 'completed'"
        ) as cursor:
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def close(self) -> None:
        await self._connection.close()


# --- the meters ----------------------------------------------------------------------------------


def _lives(effort: Effort, full: int) -> int:
    return WRITERS if effort is QUICK else full


@cache
def _pool() -> ThreadPoolExecutor:
    return OPEN.enter_context(ThreadPoolExecutor(WRITERS))


@cache
def _runner() -> "asyncio.Runner":
    return OPEN.enter_context(asyncio.Runner())


def _shares(lives: int, begin: int) -> list[_Events]:
    """Give each writer reservations of its own."""
    each = lives // WRITERS
    return [list(events(each, begin + writer * each)) for writer in range(WRITERS)]


def _in_threads(record: Callable[[Event], object], lives: int) -> Meter:
    """Time an event in 32 threads, in microseconds of wall time."""
    begins = count(0, lives)

    def several(mine: _Events) -> None:
        for event in mine:
            record(event)

    def meter() -> float:
        shares = _shares(lives, next(begins))
        start = time.perf_counter()
        list(_pool().map(several, shares))
        return (time.perf_counter() - start) / (lives * len(_LIFE)) * 1e6

    meter()  # makes the first pages
    return meter


def _in_tasks(record: Callable[[Event], Awaitable[object]], lives: int) -> Meter:
    """Time an event in 32 asyncio tasks, in microseconds of wall time."""
    begins = count(0, lives)

    async def several(mine: _Events) -> None:
        for event in mine:
            await record(event)

    async def all_of_them(shares: Sequence[_Events]) -> float:
        start = time.perf_counter()
        await asyncio.gather(*map(several, shares))
        return (time.perf_counter() - start) / (lives * len(_LIFE)) * 1e6

    def meter() -> float:
        return _runner().run(all_of_them(_shares(lives, next(begins))))

    meter()
    return meter


def _in_bulk(record: Callable[[_Events], object], lives: int) -> Meter:
    """Time an event recorded in bulk, in microseconds of wall time."""
    begins = count(0, lives)

    def meter() -> float:
        told = list(events(lives, next(begins)))
        start = time.perf_counter()
        record(told)
        return (time.perf_counter() - start) / len(told) * 1e6

    meter()
    return meter


def _one_by_one(record: Callable[[Event], object]) -> Callable[[_Events], None]:
    def all_of_them(told: _Events) -> None:
        for event in told:
            record(event)

    return all_of_them


# --- the rows ------------------------------------------------------------------------------------


def _sqlite(disk: type[sqlite3.Connection] = sqlite3.Connection) -> Book:
    with patch("sqlite3.connect", partial(sqlite3.connect, factory=disk)):
        book = Book(SQLiteStore(_directory() / "book.db"))
    OPEN.callback(book.close)
    return book


def _check(completed: int, book: Book, lives: int) -> None:
    """Check that both sides hold every reservation as completed."""
    assert completed == lives
    for number in range(lives):
        entry = book.get(f"WR{number:032x}")
        assert entry is not None
        assert (entry.status, len(book.history(entry.sid))) == (Status.COMPLETED, len(_LIFE))


def writers(effort: Effort) -> list[Comparison]:
    """Record events durably with 32 writers in one file.

    The gain of the group commit depends on what one commit costs.
    """
    lives = _lives(effort, 320)
    book, single, lean, own = _sqlite(), _sqlite(), OneByOne(), OwnConnections()
    ours, ours_alone = _in_threads(book.record, lives), _in_threads(_alone(single), lives)
    lean_alone, lean_each = _in_threads(lean.record, lives), _in_threads(own.record, lives)
    _check(lean.completed(), book, lives)
    _check(own.completed(), single, lives)
    within, tasks = _sqlite(), _runner().run(Aiosqlite.open())
    in_loop = AsyncBook(ThreadedStore(within.store))
    OPEN.callback(lambda: _runner().run(tasks.close()))
    ours_in_tasks, theirs_in_tasks = (
        _in_tasks(in_loop.record, lives),
        _in_tasks(tasks.record, lives),
    )
    _check(_runner().run(tasks.completed()), within, lives)
    slow, slow_lean = _sqlite(_SlowDisk), OneByOne(_SlowDisk)
    ours_slowly, lean_slowly = _in_threads(slow.record, lives), _in_threads(slow_lean.record, lives)
    _check(slow_lean.completed(), slow, lives)
    measure = f"durable record in SQLite, {WRITERS}"
    commits = "a commit for each"
    return [
        *(
            Comparison(
                row=14,
                measure=f"{measure} threads",
                against=against,
                ours=mine,
                peer=peer,
                reach=4,
            )
            for against, mine, peer in (
                (f"the same book, {commits}", ours, ours_alone),
                (f"a lean table, a connection for each thread, {commits}", ours, lean_each),
                (f"a lean table, {commits}", ours, lean_alone),
                (f"a lean table, {commits}, of 1 ms more", ours_slowly, lean_slowly),
            )
        ),
        Comparison(
            row=14,
            measure=f"{measure} tasks",
            against="aiosqlite",
            ours=ours_in_tasks,
            peer=theirs_in_tasks,
            reach=4,
        ),
    ]


def pipeline(effort: Effort) -> list[Comparison]:
    """Record events in PostgreSQL, in bulk and one by one."""
    lives = _lives(effort, 96)
    make = OPEN.enter_context(server())
    books = [Book(PostgresStore(make(name))) for name in ("pipelined", "one_by_one")]
    for book in books:
        OPEN.callback(book.close)
    together, single = books
    measure, against = "durable record in PostgreSQL, in bulk", "one after the other"
    ours = _in_bulk(lambda told: together.record_all(told, batch_size=100), lives)
    peer = _in_bulk(_one_by_one(single.record), lives)
    for book in books:
        _check(lives, book, lives)
    return [Comparison(row=15, measure=measure, against=against, ours=ours, peer=peer, reach=4)]


def replay(effort: Effort) -> list[Comparison]:
    """Replay events into one file: time, and memory of ten times as many."""
    lives = _lives(effort, 500)
    book, peer = _sqlite(), OneByOne()
    ours, theirs = _in_bulk(book.record_all, lives), _in_bulk(_one_by_one(peer.record), lives)
    _check(peer.completed(), book, lives)
    measure = "replay into SQLite"
    return [
        Comparison(
            row=16,
            measure=measure,
            against="a commit for each",
            ours=ours,
            peer=theirs,
            reach=4,
        ),
        Comparison(
            row=16,
            measure=f"{measure}, memory of {lives * 40:,} events",
            against=f"of {lives * 4:,}",
            ours=_memory(lives * 10),
            peer=_memory(lives),
            reach=1.25,
            unit="kB",
            relation=Relation.SHARE,
        ),
    ]


def _memory(lives: int) -> Meter:
    """Weigh the peak memory of a replay, in kilobytes, once."""

    @cache
    def kilobytes() -> float:
        book = _sqlite()
        book.record_all(events(200))  # what is allocated once is there
        tracemalloc.start()
        try:
            counts = book.record_all(events(lives, 200))
            assert counts == {Verdict.APPLIED: lives * len(_LIFE)}
            return tracemalloc.get_traced_memory()[1] / 1000
        finally:
            tracemalloc.stop()

    return kilobytes
