"""Canaries in the book: entries, commands that are open, and failures of its stores."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from unittest import mock

import psycopg
import psycopg_pool

from reservation_core import (
    CommandNotAllowed,
    GatewayError,
    InvalidCommand,
    Policy,
    Reply,
    ReservationError,
    Status,
)
from reservation_core.book import (
    AsyncBook,
    Book,
    Change,
    CommandInProgress,
    Entry,
    MemoryStore,
    NotInBook,
    SQLiteStore,
    StoreDamaged,
    StoreFailed,
    StoreUnavailable,
    ThreadedStore,
    UnreadableEntry,
)
from reservation_core.book.records import Intent
from reservation_core.book.stores.postgres import AsyncPostgresStore, PostgresStore
from reservation_core.domain.errors import InvalidDocument
from reservation_core.rest.addresses import Route
from reservation_core.testing.recording import RecordingGateway, ScriptedReply
from reservation_core.webhooks import read_assignment, read_event
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, TOKEN, Case
from tests.project.secrecy.commands import CONFERENCE, FORM, RESERVATION
from tests.project.secrecy.webhooks import FORM as WEBHOOK

SID: Final = str(RESERVATION.sid)
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
INTENT: Final = Intent(
    token="t",
    command=CONFERENCE,
    reservation=RESERVATION,
    route=Route.TASK,
    created_at=NOW,
)
ENTRY: Final = Entry(reservation=RESERVATION, revision=1, refreshed_at=NOW, intent=INTENT)
CHANGE: Final = Change(sid=SID, entry=ENTRY, lines=())
LOST: Final = GatewayError("the reply was lost")


def _gateway(*scripted: ScriptedReply) -> RecordingGateway:
    gateway = RecordingGateway()
    gateway.script(*scripted)
    return gateway


def _perform(book: Book, *scripted: ScriptedReply) -> object:
    policy = Policy(attempts=1, backoff=0)
    return book.perform(SID, CONFERENCE, _gateway(*scripted), policy=policy)


def _book(store: MemoryStore | SQLiteStore) -> Book:
    """Return a book with an open command."""
    book = Book(store, sleep=lambda _: None)
    book.record(RESERVATION)
    try:
        _perform(book, LOST, LOST)
    except GatewayError:
        return book
    raise AssertionError


@contextmanager
def _stored() -> Generator[tuple[Book, SQLiteStore, sqlite3.Connection]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book.db")
        store = SQLiteStore(path, timeout=0.05)
        other = sqlite3.connect(path)
        try:
            yield _book(store), store, other
        finally:
            other.close()
            store.close()


def _use(act: Callable[[Book], object], error: type[ReservationError] | None = None) -> Case:
    return Case(lambda: act(_book(MemoryStore())), error)


def _damaged(change: str, act: Callable[[Book], object]) -> Case:
    def run() -> None:
        with _stored() as (book, _, other):
            other.execute(change)
            other.commit()
            act(book)

    return Case(run, UnreadableEntry)


_DAMAGES: Final = {
    "cut": "UPDATE {} SET document = substr(document, 1, length(document) - 3)",
    "of another type": "UPDATE {} SET document = json_array(document)",
    "without a field": """UPDATE {} SET document = json_remove(
        document, '$.reservation', '$.source')""",
    "with a wrong field": f"""UPDATE {{}} SET document = json_set(
        document, '$.reservation.status', '{NAME}', '$.outcome', '{PHONE}')""",
    "with a wrong command": f"""UPDATE {{}} SET document = json_set(
        document, '$.intent.command.form[0][1]', '{CONTACT}', '$.source', '{PHONE}')""",
    "that is not ASCII": "UPDATE {} SET document = document || 'é'",
}
_READS: Final[dict[str, tuple[str, Callable[[Book], object]]]] = {
    "get": ("entry", lambda book: book.get(SID)),
    "perform": ("entry", _perform),
    "record": ("entry", lambda book: book.record(RESERVATION)),
    "history": ("line", lambda book: book.history(SID)),
}


def _perform_too_late() -> None:
    book = Book(MemoryStore())
    book.record(RESERVATION.with_status(Status.CANCELED))
    _perform(book)


def _locked() -> None:
    with _stored() as (book, _, other):
        other.execute("BEGIN IMMEDIATE")
        book.record(RESERVATION.with_status(Status.CANCELED))


def _closed() -> None:
    with _stored() as (book, store, _):
        store.close()
        _perform(book)


def _not_a_book() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book.db")
        path.write_text(f"{PHONE} {NAME}" * 1000, "utf-8")
        SQLiteStore(path)


def _swept() -> object:
    book = _book(MemoryStore())
    failing = _gateway(Reply(400, {}, f'{{"message": "{PHONE}"}}'.encode()), LOST)
    return [book.recover(failing, older_than=0), book.reconcile(failing), book.get(SID)]


async def _async_book() -> object:
    book = AsyncBook(ThreadedStore(MemoryStore()))
    await book.record(RESERVATION)
    policy = Policy(attempts=1, backoff=0)
    return await book.perform(SID, CONFERENCE, _gateway(LOST, LOST), policy=policy)


# --- PostgreSQL ----------------------------------------------------------------------------------

DATABASE: Final = f"host=127.0.0.1 port=1 user=book password={PASSWORD}"


class _BrokenConnection(psycopg.DataError):
    sqlstate = "22P02"


@contextmanager
def _failing(pool: type) -> Generator[None]:
    """Let the database fail with an error that shows values."""
    error = _BrokenConnection(f"invalid input: {PHONE}", NAME, TOKEN)
    with mock.patch.object(pool, "connection", side_effect=error):
        yield


def _postgres() -> None:
    with (
        mock.patch.object(psycopg_pool.ConnectionPool, "open"),
        mock.patch.object(PostgresStore, "_migrate"),
    ):
        store = PostgresStore(DATABASE)
    with _failing(psycopg_pool.ConnectionPool):
        store.write([CHANGE])


async def _async_postgres() -> None:
    store = AsyncPostgresStore(DATABASE)
    with _failing(psycopg_pool.AsyncConnectionPool):
        await store.write([CHANGE])


async def _wait() -> None:
    await AsyncPostgresStore(f"{DATABASE} sslmode={TOKEN}").wait_for_doubt(0.01)


async def _open(database: str = DATABASE) -> None:
    await AsyncPostgresStore.open(database, pool_timeout=0.02)


CASES: Final = {
    "an entry": _use(lambda book: [book.get(SID), str(book.get(SID)), *book.live()]),
    "a document to log": Case(ENTRY.to_redacted_dict),
    "a change": Case(lambda: CHANGE),
    "a history": _use(lambda book: [*map(str, book.history(SID))]),
    "a store": Case(lambda: [_book(MemoryStore()), MemoryStore()]),
    "an assignment": _use(lambda book: book.record(read_assignment(WEBHOOK).reservation)),
    "an event": _use(
        lambda book: book.record(
            read_event(f"{WEBHOOK}&EventType=reservation.accepted&Timestamp=1400000000")
        )
    ),
    "a sweep": Case(_swept),
    "a lost reply": Case(_async_book, GatewayError),
    "another command": _use(_perform, CommandInProgress),
    "forget": _use(lambda book: book.forget(SID), CommandInProgress),
    "a resumption": _use(lambda book: book.resume(SID, _gateway(*[LOST] * 9)), GatewayError),
    "a deleted reservation": _use(
        lambda book: book.resume(
            SID, _gateway(Reply(404, {}, f'{{"message": "{PHONE}, {CONTACT}"}}'.encode()))
        ),
        GatewayError,
    ),
    "an unknown reservation": Case(lambda: _perform(Book(MemoryStore())), NotInBook),
    "a refused command": Case(_perform_too_late, CommandNotAllowed),
    **{
        f"{name} of a document {kind}": _damaged(damage.format(table), act)
        for kind, damage in _DAMAGES.items()
        for name, (table, act) in _READS.items()
        if not (kind == "with a wrong command" and name == "history")
    },
    "a locked file": Case(_locked, StoreUnavailable),
    "a closed file": Case(_closed, StoreFailed),
    "a file that is no book": Case(_not_a_book, StoreDamaged),
    "a document of an entry": Case(
        partial(Entry.from_dict, {"reservation": {"status": NAME}, "revision": PHONE}),
        InvalidDocument,
    ),
    "a document of an invalid command": Case(
        partial(
            Entry.from_dict,
            ENTRY.to_dict() | {"intent": INTENT.to_dict() | {"command": {"form": FORM[1:]}}},
        ),
        InvalidCommand,
    ),
    "an unreachable database": Case(
        lambda: PostgresStore(DATABASE, pool_timeout=0.02), StoreUnavailable
    ),
    "an unreachable database in an event loop": Case(_open, StoreUnavailable),
    "wrong connection parameters": Case(partial(_open, f"nonsense {PASSWORD}"), StoreUnavailable),
    "wrong connection parameters, waiting": Case(_wait, StoreFailed),
    "a failing statement": Case(_postgres, StoreFailed),
    "a failing statement in an event loop": Case(_async_postgres, StoreFailed),
}
