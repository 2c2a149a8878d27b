"""Damaged entries, documents and files are typed failures, and stop no sweep."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from random import Random
from typing import Final, TypeAlias, cast

import psycopg
import pytest

from reservation_core import Accept, Conference, Reply, Request, Status
from reservation_core.book import (
    AsyncBook,
    Book,
    Change,
    Claim,
    CommandInProgress,
    Doubt,
    Ending,
    Entry,
    MemoryStore,
    Report,
    ReportSource,
    SQLiteStore,
    Store,
    StoreDamaged,
    UnreadableEntry,
    Verdict,
)
from reservation_core.book.stores.documents import read_entry, read_line, write_entry
from reservation_core.book.stores.postgres import AsyncPostgresStore, PostgresStore
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.contract.book import make
from tests.book.scenario import Scenario, pending, sid
from tests.campaigns.corruption import corrupt_files, main

Damage: TypeAlias = Callable[[str, object, str], None]
"""Sets a column of an entry to a value, in a table."""

COUNT: Final = 6
DAMAGED: Final = sid("WR", 1)


class Broken:
    """A book of six entries, of which the second can be damaged."""

    def __init__(self, store: Store, damage: Damage) -> None:
        self.scenario = Scenario(COUNT)
        self.gateway = InMemoryGateway(self.scenario.platform)
        self.store = store
        self.book = Book(store, clock=self.scenario.clock)
        self.book.record_all(self.scenario.events)
        self._damage = damage

    def open_intents(self) -> None:
        """Write an intent of each reservation, as a process does that ends."""
        for number in range(COUNT):
            entry = self.book.get(sid("WR", number))
            assert entry is not None
            intent = make.intent(created_at=self.scenario.clock())
            intent = type(intent).from_dict(
                intent.to_dict() | {"reservation": self.scenario.get(number).to_dict()}
            )
            after = Entry.from_dict(
                entry.to_dict() | {"revision": entry.revision + 1, "intent": intent.to_dict()}
            )
            assert self.store.write([make.change(after)]) == [True]

    def damage(self, value: object, column: str = "document", table: str = "entry") -> None:
        """Damage the second entry."""
        self._damage(column, value, table)


@pytest.fixture(params=["sqlite", "postgres"])
def broken(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]
) -> Generator[Broken]:
    """Make a book in a store whose rows can be damaged."""
    if request.param == "sqlite":
        path = tmp_path / "book.db"
        store: Store = SQLiteStore(path)

        def damage(column: str, value: object, table: str) -> None:
            where = (
                "sid = ?" if table == "entry" else "entry = (SELECT id FROM entry WHERE sid = ?)"
            )
            with sqlite3.connect(path) as connection:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {where}",
                    (value, DAMAGED),
                )
            connection.close()
    else:
        database = new_database()
        store = PostgresStore(database, max_connections=2)

        def damage(column: str, value: object, table: str) -> None:
            query = f"UPDATE reservation_book_{table} SET {column} = %s WHERE sid = %s"
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute(query.encode(), (value, DAMAGED))

    yield Broken(store, damage)
    store.close()


DOCUMENTS: Final = (
    "[]",
    '"text"',
    "{}",
    "null",
    "1",
    '{"reservation": {"status": "pending"}}',
    '{"reservation": {"sid": "WR00000000000000000000000000000009", "status": "pending"}}',
    '{"reservation": {"sid": "WR00000000000000000000000000000001", "status": "asleep"}}',
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_unreadable_entry_is_named_with_the_remedy(broken: Broken, document: str) -> None:
    broken.damage(document)
    with pytest.raises(UnreadableEntry, match=DAMAGED) as raised:
        broken.book.get(DAMAGED)
    assert raised.value.sid == DAMAGED
    assert "book.forget(sid)" in str(raised.value)
    assert broken.book.get(sid("WR", 2)) is not None
    with pytest.raises(UnreadableEntry):
        broken.book.record(broken.scenario.get(1))
    with pytest.raises(UnreadableEntry):
        broken.book.perform(DAMAGED, Accept(), broken.gateway)
    with pytest.raises(UnreadableEntry):
        broken.book.answer(pending(1), Accept())
    assert broken.book.forget(DAMAGED) is True
    assert broken.book.record(broken.scenario.get(1)).outcome is Verdict.APPLIED
    assert broken.book.forget(sid("WR", 99)) is False


def test_unreadable_entry_does_not_stop_a_sweep(broken: Broken) -> None:
    """The others are recovered and reconciled, and it is reported."""
    broken.open_intents()
    broken.damage("[]")
    broken.scenario.clock.advance(300)
    swept = broken.book.recover(broken.gateway, limit=COUNT - 1, lease=0)
    assert [each.outcome for each in swept.settled] == [Ending.DONE] * (COUNT - 1)
    assert [type(error) for error in swept.failed.values()] == [UnreadableEntry]
    assert list(swept.failed) == [DAMAGED]
    assert "failed 1 (1 UnreadableEntry)" in str(swept)
    broken.scenario.clock.advance(300)
    swept = broken.book.reconcile(broken.gateway, limit=COUNT - 1, lease=0)
    assert (len(swept.settled), list(swept.failed)) == (COUNT - 1, [DAMAGED])


def test_unreadable_entry_does_not_stop_other_calls(broken: Broken) -> None:
    broken.damage("[]")
    others = [sid("WR", number) for number in range(COUNT) if number != 1]
    seen: list[str] = []
    with pytest.raises(UnreadableEntry):  # after the others
        seen += (entry.sid for entry in broken.book.live())
    assert seen == others
    errors: list[UnreadableEntry] = []
    assert [entry.sid for entry in broken.book.live(on_unreadable=errors.append)] == others
    assert [error.sid for error in errors] == [DAMAGED]
    assert [entry.sid for entry in broken.book.due(0, lease=0)] == others
    for number in range(COUNT):
        broken.scenario.apply(Status.TIMEOUT, number)
    with pytest.raises(UnreadableEntry, match=DAMAGED):
        broken.book.record_all(broken.scenario.events)
    assert not list(broken.book.live(on_unreadable=errors.append))
    broken.scenario.clock.advance(3600)
    assert broken.book.purge(60) == COUNT - 1


def test_unreadable_history_is_named(broken: Broken) -> None:
    broken.damage('{"source": "nobody"}', table="line")
    with pytest.raises(UnreadableEntry, match=r"history .*source is not one of"):
        broken.book.history(DAMAGED)
    assert broken.book.get(DAMAGED) is not None
    assert broken.book.forget(DAMAGED) is True
    assert broken.book.history(DAMAGED) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_entry_that_is_damaged_during_its_recovery_is_reported(broken: Broken, method: str) -> None:
    """Before its command is sent, or before it is closed."""
    broken.open_intents()
    broken.scenario.clock.advance(300)

    class Damaging:
        def send(self, request: Request) -> Reply:
            if DAMAGED in request.path and request.method == method:
                broken.damage("[]")
            return broken.gateway.send(request)

    swept = broken.book.recover(Damaging(), lease=0)
    assert [each.outcome for each in swept.settled] == [Ending.DONE] * (COUNT - 1)
    assert list(swept.failed) == [DAMAGED]


def test_entry_without_the_command_that_its_row_names_is_reported(broken: Broken) -> None:
    entry = broken.book.get(DAMAGED)
    assert entry is not None
    broken.open_intents()
    broken.damage(write_entry(entry))
    broken.scenario.clock.advance(300)
    swept = broken.book.recover(broken.gateway)
    assert len(swept.settled) == COUNT - 1
    assert "its open command is missing" in str(swept.failed[DAMAGED])


def test_entry_that_is_damaged_during_its_fetch_is_reported(broken: Broken) -> None:
    broken.scenario.clock.advance(600)

    class Damaging:
        def send(self, request: Request) -> Reply:
            broken.damage("[]")
            broken.damage(9, column="revision")
            return broken.gateway.send(request)

    swept = broken.book.reconcile(Damaging(), lease=0)
    assert (len(swept.settled), list(swept.failed)) == (COUNT - 1, [DAMAGED])


@pytest.mark.parametrize("revision", [-1, 2**63 - 1])
def test_entry_with_an_impossible_revision_does_not_stop_a_sweep(
    broken: Broken, revision: int
) -> None:
    broken.open_intents()
    broken.damage(revision, column="revision")
    check_that_others_are_swept(broken)
    assert broken.book.forget(DAMAGED) is True


@pytest.mark.parametrize("time", ["infinity", "-infinity", "4713-01-01 BC", "294276-01-01"])
@pytest.mark.parametrize("column", ["refreshed_at", "intent_created_at"])
def test_time_that_python_cannot_hold_does_not_stop_a_sweep(
    new_database: Callable[[], str], column: str, time: str
) -> None:
    """PostgreSQL has times before and after those of Python."""
    database = new_database()
    broken = Broken(PostgresStore(database, max_connections=2), no_damage)
    broken.open_intents()
    with psycopg.connect(database, autocommit=True) as connection:
        for table, name in (("entry", column), ("line", "recorded_at")):
            query = f"UPDATE reservation_book_{table} SET {name} = %s WHERE sid = %s"
            connection.execute(query.encode(), (time, DAMAGED))
    with pytest.raises(UnreadableEntry, match="in its history"):
        broken.book.history(DAMAGED)
    check_that_others_are_swept(broken, damaged=[DAMAGED] if column == "refreshed_at" else [])
    broken.store.close()


@pytest.mark.parametrize("change", ["revision = revision + 1", "intent_created_at = NULL"])
def test_entry_with_two_rows_does_not_stop_a_sweep(
    new_database: Callable[[], str], change: str
) -> None:
    """A wrong index lets one SID in twice."""
    database = new_database()
    broken = Broken(PostgresStore(database, max_connections=2), no_damage)
    broken.open_intents()
    table = "reservation_book_entry"
    last = f"(SELECT max(ctid) FROM {table} WHERE sid = '{DAMAGED}')"
    with psycopg.connect(database, autocommit=True) as connection:
        for query in (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
            f"INSERT INTO {table} SELECT * FROM {table} WHERE sid = '{DAMAGED}'",
            f"UPDATE {table} SET {change} WHERE ctid = {last}",
        ):
            connection.execute(query.encode())
    check_that_others_are_swept(broken)
    assert broken.store.delete(DAMAGED, None) is True
    broken.store.close()


def no_damage(column: str, value: object, table: str) -> None:
    """Leave the table as it is."""


def check_that_others_are_swept(broken: Broken, damaged: Sequence[str] = (DAMAGED,)) -> None:
    """Sweep, and check that the other entries are settled."""
    others = {sid("WR", number) for number in range(COUNT)} - {DAMAGED}
    for sweep in (broken.book.recover, broken.book.reconcile):
        broken.scenario.clock.advance(600)
        swept = sweep(broken.gateway, lease=0)
        settled = {each.entry.sid for each in swept.settled if each.entry is not None}
        assert settled >= others
        assert swept.failed.keys() <= {*damaged}
    errors: list[UnreadableEntry] = []
    assert {entry.sid for entry in broken.book.live(on_unreadable=errors.append)} >= others
    assert {error.sid for error in errors} <= {*damaged}


def test_entry_with_a_damaged_sid_names_a_remedy_that_can_be_followed(tmp_path: Path) -> None:
    """No call can name it, so it cannot be forgotten."""
    path = tmp_path / "book.db"
    book = Book(SQLiteStore(path))
    book.record_all(Scenario(3).events)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entry SET sid = x'ff00' WHERE sid = ?", (DAMAGED,))
    connection.close()
    errors: list[UnreadableEntry] = []
    assert len(list(book.live(on_unreadable=errors.append))) == 2
    (error,) = errors
    assert "forget" not in str(error)
    assert "restore a backup" in str(error)
    book.close()


def test_entry_with_an_open_command_is_not_forgotten(broken: Broken) -> None:
    """Its command would be lost. One that cannot be read can be deleted all the same."""
    broken.open_intents()
    with pytest.raises(CommandInProgress):
        broken.book.forget(DAMAGED)
    assert broken.book.get(DAMAGED) is not None
    broken.damage("[]")
    assert broken.book.forget(DAMAGED) is True
    assert broken.book.get(DAMAGED) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("revision", None),
        ("revision", -1),
        ("revision", "three"),
        ("refreshed_at", "noon"),
        ("refreshed_at", 2**62),
        ("document", b"{}"),
        ("document", "{"),
        ("document", "[" * 100_000),
        ("document", '{"reservation": "\ud83d"}'.encode("utf-8", "surrogatepass")),
    ],
)
def test_column_of_any_value_makes_one_entry_unreadable(
    tmp_path: Path, column: str, value: object
) -> None:
    """SQLite keeps values of any type in any column."""
    path = tmp_path / "book.db"
    book = Book(SQLiteStore(path))
    book.record_all(Scenario(3).events)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'entry'"
        )
    connection.close()
    with sqlite3.connect(path) as connection:
        is_text = isinstance(value, bytes) and value != b"{}"
        place = "CAST(? AS TEXT)" if is_text else "?"
        connection.execute(f"UPDATE entry SET {column} = {place} WHERE sid = ?", (value, DAMAGED))
    connection.close()
    errors: list[UnreadableEntry] = []
    assert len(list(book.live(on_unreadable=errors.append))) == 2
    assert [error.sid for error in errors] == [DAMAGED]
    with pytest.raises(UnreadableEntry):
        book.record(Scenario(3).events[1])
    assert book.forget(DAMAGED)
    book.close()


def test_claim_of_an_entry_without_a_time_is_unreadable(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "book.db")
    store.write([make.change(make.entry(1)), make.change(make.entry(2, doubt=Doubt.GAP))])
    with sqlite3.connect(tmp_path / "book.db") as connection:
        connection.execute("UPDATE entry SET refreshed_at = 'soon' WHERE doubtful")
    connection.close()
    claimed = store.claim(
        Claim.DUE, before=make.later(1), now=make.later(1), until=make.later(9), limit=9
    )
    assert [type(each) for each in claimed] == [UnreadableEntry, Entry]
    store.close()


def test_async_book_reports_unreadable_entries(new_database: Callable[[], str]) -> None:
    database = new_database()

    async def run() -> None:
        scenario = Scenario(3)
        book = AsyncBook(await AsyncPostgresStore.open(database), clock=scenario.clock)
        await book.record_all(scenario.events)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "UPDATE reservation_book_entry SET document = '[]' WHERE sid = %s", (DAMAGED,)
            )
        errors: list[UnreadableEntry] = []
        live = [entry.sid async for entry in book.live(on_unreadable=errors.append)]
        assert (live, len(errors)) == ([sid("WR", 0), sid("WR", 2)], 1)
        assert await book.forget(DAMAGED)
        assert await book.get(DAMAGED) is None
        await book.close()

    asyncio.run(run())


def test_corrupted_file_raises_typed_errors_only() -> None:
    """No call hangs, and no other error gets out."""
    failures = corrupt_files(8, seed=1)
    assert failures.keys() <= {"StoreDamaged", "StoreFailed", "StoreUnavailable", "UnreadableEntry"}
    assert failures


def test_main_prints_the_failures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--files", "1", "--seed", "3"]) == 0
    assert capsys.readouterr().out.startswith("files              1")


def _mutate(value: object, random: Random) -> object:
    """Return a value with one part replaced, removed or of another type."""
    odd: list[object] = [
        None,
        "",
        "x",
        0,
        -1,
        1.5,
        True,
        [],
        {},
        [[]],
        {"a": 1},
        "2024-01-01",
        1e999,
    ]
    if isinstance(value, dict) and value and random.random() < 0.9:
        copy = dict(cast("dict[str, object]", value))
        name = random.choice(list(copy))
        if random.random() < 0.2:
            del copy[name]
        else:
            copy[name] = _mutate(copy[name], random)
        return copy
    if isinstance(value, list) and value and random.random() < 0.8:
        parts = cast("list[object]", value)
        place = random.randrange(len(parts))
        return [_mutate(each, random) if n == place else each for n, each in enumerate(parts)]
    return random.choice(odd)


def test_any_document_is_read_or_unreadable() -> None:
    command = Conference(to="client:alice", beep="onEnter", timeout=20)
    entry = make.entry(1, intent=make.intent(command), version=3, platform_time=make.later(1))
    document = json.loads(write_entry(entry))
    random, kinds = Random(1), set[type]()
    for _ in range(1500):
        text = json.dumps(_mutate(document, random))
        kinds.add(type(read_entry(entry.sid, text, 1, lambda: make.NOON)))
    assert kinds == {Entry, UnreadableEntry}


def test_reason_of_an_unreadable_entry_shows_no_values() -> None:
    entry = make.entry(1, intent=make.intent(Conference(to="client:alice", timeout=20)))
    document = write_entry(entry).replace("client:alice", "+15005550009").replace('"20"', '"2x"')
    error = read_entry(entry.sid, document, 1, lambda: make.NOON)
    assert isinstance(error, UnreadableEntry)
    assert "its command is not valid (InvalidCommand)" in str(error)
    assert "5550009" not in f"{error}{error!r}"
    odd = read_entry("Alice", "{}", 1, lambda: make.NOON)
    assert isinstance(odd, UnreadableEntry)
    assert "Alice" not in f"{odd}{odd!r}"


def test_entry_of_another_reservation_is_unreadable() -> None:
    document = write_entry(make.entry(1))
    for other, revision in ((sid("WR", 2), 1), (make.entry(1).sid, 0)):
        error = read_entry(other, document, revision, lambda: make.NOON)
        assert error == UnreadableEntry("its SID or its revision is wrong", other)


def test_reason_of_an_unreadable_entry_names_each_fault() -> None:
    document = json.loads(write_entry(make.entry(1))) | {"doubt": "x", "version": "y"}
    for text, reason in (
        (
            json.dumps(document),
            "version is not an integer, doubt is not one of gap, contradiction",
        ),
        ("[]", "a document or a column is damaged (TypeError)"),
        ("{", "a document or a column is damaged (JSONDecodeError)"),
    ):
        error = read_entry(DAMAGED, text, 1, lambda: make.NOON)
        assert error == UnreadableEntry(reason, DAMAGED)


def test_line_of_another_shape_is_unreadable() -> None:
    for document in ("[]", "{", 5, b"{}"):
        with pytest.raises(UnreadableEntry, match="in its history") as raised:
            read_line(DAMAGED, document, None, lambda: make.NOON)
        assert raised.value.sid == DAMAGED


class Refusing(MemoryStore):
    """Store that refuses each change of one entry. A wrong index may do so."""

    refused = ""

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        written = [change for change in changes if change.sid != self.refused]
        super().write(written)
        return [change in written for change in changes]

    def delete(self, sid: str, revision: int | None) -> bool:
        return (sid != self.refused or revision is None) and super().delete(sid, revision)


def test_entry_whose_writes_are_all_refused_ends_each_call() -> None:
    store = Refusing()
    broken = Broken(store, no_damage)
    book = broken.book
    store.refused = DAMAGED
    calls: list[Callable[[], object]] = [
        lambda: book.record(broken.scenario.get(1).with_status(Status.ACCEPTED)),
        lambda: book.record_all([broken.scenario.get(1).with_status(Status.ACCEPTED)]),
        lambda: book.answer(pending(1), Accept()),
        lambda: book.release(DAMAGED),
        lambda: book.perform(DAMAGED, Accept(), broken.gateway),
    ]
    for call in calls:
        with pytest.raises(UnreadableEntry, match="each write of it is refused") as raised:
            call()
        assert raised.value.sid == DAMAGED
    assert book.forget(DAMAGED) is True


@pytest.mark.parametrize("last", ["take over", "close"])
def test_entry_whose_writes_are_all_refused_does_not_stop_a_sweep(last: str) -> None:
    """Before its command is taken over, or before it is closed."""
    store = Refusing()
    broken = Broken(store, no_damage)
    broken.open_intents()
    broken.scenario.clock.advance(300)

    class Watching:
        def send(self, request: Request) -> Reply:
            if DAMAGED in request.path and request.method == "POST":
                store.refused = DAMAGED
            return broken.gateway.send(request)

    if last == "take over":
        store.refused = DAMAGED
    swept = broken.book.recover(Watching(), lease=0)
    assert len(swept.settled) == COUNT - 1
    assert list(swept.failed) == [DAMAGED]
    assert "each write of it is refused" in str(swept.failed[DAMAGED])


def test_sweep_ends_if_the_store_shows_nothing_of_what_it_wrote() -> None:
    """A wrong index may lead to another row."""

    class Forgetful(MemoryStore):
        is_forgetful = False

        def write(self, changes: Sequence[Change]) -> Sequence[bool]:
            return [True] * len(changes) if self.is_forgetful else super().write(changes)

    store = Forgetful()
    broken = Broken(store, no_damage)
    broken.open_intents()
    broken.scenario.clock.advance(300)
    store.is_forgetful = True
    swept = broken.book.recover(broken.gateway, lease=0)
    assert len(swept.settled) + len(swept.failed) == COUNT


def test_store_that_returns_a_page_again_is_damaged() -> None:
    """As one with a damaged index may do."""

    class Circular(MemoryStore):
        def live(self, after: str, limit: int) -> Sequence[Entry]:
            del after, limit
            return [make.entry(1)]

    store = Circular()
    store.write([make.change(make.entry(9))])
    book = Book(store)
    with pytest.raises(StoreDamaged, match="the order of its entries is wrong"):
        list(book.live())


def test_live_ends_while_entries_are_added() -> None:
    """Those behind the last one at the beginning are left out."""
    book = Book(MemoryStore())
    book.record_all(Scenario(2).events)
    seen: list[str] = []
    for number, entry in enumerate(book.live(), 2):
        seen.append(entry.sid)
        book.record(
            Report(sid=sid("WR", number), source=ReportSource.REPLY, reservation=pending(number))
        )
    assert seen == [sid("WR", 0), sid("WR", 1)]
