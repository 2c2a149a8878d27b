"""Remedies about a book and its store."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from reservation_core import (
    Accept,
    Complete,
    OutcomeUnknown,
    Status,
)
from reservation_core.book import Book, MemoryStore, SQLiteStore
from reservation_core.testing.faults import FaultKind
from tests.project.remedies.base import (
    NO_WAIT,
    SID,
    World,
    follows,
    text_of,
    times,
)


@follows("the book has no entry of reservation {}. Fetch it and record it first.")
def fetch_and_record() -> str:
    world, book = World(), Book(MemoryStore())
    text = text_of(Exception, lambda: book.perform(SID, Accept(), world.gateway))
    book.record(world.fetch())
    assert book.perform(SID, Accept(), world.gateway).status is Status.ACCEPTED
    return text


@follows(
    "the {} to reservation {} is still in progress. Wait for it, or call "
    "book.resume(sid, gateway) if its delivery has ended."
)
def resume_the_other_command() -> str:
    world = World(times(FaultKind.LOST_REQUEST, 9))
    book = world.book()
    with pytest.raises(OutcomeUnknown):
        book.perform(SID, Accept(), world.gateway, policy=NO_WAIT)
    world.gateway.plan.clear()
    text = text_of(Exception, lambda: book.perform(SID, Complete(), world.gateway))
    assert book.resume(SID, world.gateway, policy=NO_WAIT).status is Status.ACCEPTED
    assert book.perform(SID, Complete(), world.gateway).status is Status.COMPLETED
    return text


@follows(
    "the book's store failed: {}. Each change was written whole or not at all: read the entry "
    "again."
)
def read_the_entry_again() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book.db")
        book = Book(SQLiteStore(path))
        book.close()
        text = text_of(Exception, lambda: book.record(World().held))
        book = Book(SQLiteStore(path))
        assert book.get(SID) is None
        assert book.record(World().held).entry
        book.close()
    return text


@follows(
    "the book's store is damaged, or is not a book: {}. Stop all processes that use it, and repair "
    "it or restore a backup."
)
def restore_a_backup() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path, backup = Path(folder, "book.db"), Path(folder, "backup.db")
        book = Book(SQLiteStore(path))
        book.record(World().held)
        book.close()
        shutil.copy(path, backup)
        path.write_bytes(b"not a database" * 1000)
        text = text_of(Exception, lambda: Book(SQLiteStore(path)).get(SID))
        shutil.copy(backup, path)
        book = Book(SQLiteStore(path))
        assert book.get(SID) is not None
        book.close()
    return text


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@follows(
    "the book's entry of reservation {} cannot be used: {}. A command may be open. Delete the "
    "entry with book.forget(sid), then fetch the reservation and record it."
)
def forget_the_entry_and_record_it_again() -> str:
    world = World()
    with tempfile.TemporaryDirectory() as folder:
        book = Book(SQLiteStore(path := Path(folder, "book.db")))
        book.record(world.held)
        _change(path, "UPDATE entry SET document = '[]'")
        text = text_of(Exception, lambda: book.get(SID))
        assert book.forget(SID)
        book.record(world.fetch())
        assert book.perform(SID, Accept(), world.gateway).status is Status.ACCEPTED
        book.close()
    return text


@follows(
    "an entry of the book whose SID is damaged cannot be used: {}. A command may be open. Stop all "
    "processes that use the store, and repair it or restore a backup."
)
def repair_the_sid() -> str:
    world = World()
    with tempfile.TemporaryDirectory() as folder:
        book = Book(SQLiteStore(path := Path(folder, "book.db")))
        book.record(world.held)
        _change(path, "UPDATE entry SET sid = x'ff00'")
        text = text_of(Exception, lambda: [*book.live()])
        book.close()
        _change(path, "DELETE FROM entry WHERE sid = x'ff00'")
        book = Book(SQLiteStore(path))
        book.record(world.fetch())
        assert [entry.sid for entry in book.live()] == [SID]
        book.close()
    return text
