"""Tests of the PostgreSQL store: many nodes, wakeups and lost connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from reservation_core import Status
from reservation_core.book import Change, Doubt, StoreDamaged, StoreFailed, StoreUnavailable
from reservation_core.book.stores import postgres
from reservation_core.book.stores import postgres_statements as statements
from reservation_core.book.stores.postgres import AsyncPostgresStore, PostgresStore
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import find_entry
from tests.campaigns.interrupts import interrupt_often


def execute(database: str, query: bytes) -> list[tuple[object, ...]]:
    """Execute a statement and return its rows."""
    with psycopg.connect(database, autocommit=True) as connection:
        answer = connection.execute(query)
        return answer.fetchall() if answer.description else []


def with_options(database: str, options: str) -> str:
    """Add server settings to the connection parameters."""
    return make_conninfo(database, options=f"{conninfo_to_dict(database)['options']} {options}")


def all_at_once(*calls: Callable[[], object]) -> list[object]:
    """Call functions in threads at once. Return each result or error."""
    start = threading.Barrier(len(calls))
    outcomes: list[object] = []

    def call(one: Callable[[], object]) -> None:
        start.wait(10)
        try:
            outcomes.append(one())
        except BaseException as failure:  # noqa: BLE001 - the test checks it
            outcomes.append(failure)

    threads = [threading.Thread(target=call, args=(one,)) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


@pytest.mark.parametrize("isolation", ["read\\ committed", "repeatable\\ read", "serializable"])
def test_one_writer_wins_at_any_default_isolation(
    new_database: Callable[[], str], isolation: str
) -> None:
    database = with_options(new_database(), f"-cdefault_transaction_isolation={isolation}")
    assert all_at_once(*[PostgresStore(database, max_connections=1).close] * 3) == [None] * 3
    stores = [PostgresStore(database, max_connections=1) for _ in range(3)]
    for revision in range(1, 20):
        results = all_at_once(
            *(
                partial(store.write, [make.change(make.entry(1, revision=revision))])
                for store in stores
            )
        )
        assert sorted(results, key=repr) == [[False], [False], [True]]

    async def keep() -> Sequence[bool]:
        store = await AsyncPostgresStore.open(database)
        try:
            return (
                await asyncio.gather(*(store.write([make.change(make.entry(2))]) for _ in range(2)))
            )[0]
        finally:
            await store.close()

    assert asyncio.run(keep()) in ([False], [True])
    for store in stores:
        store.close()


def test_nodes_that_write_events_in_opposite_orders_do_not_deadlock(
    new_database: Callable[[], str],
) -> None:
    """With and without an entry."""
    database = new_database()
    stores = [PostgresStore(database, max_connections=1) for _ in range(2)]
    for number in range(40):
        lines = [make.line(number, f"EV{each}") for each in range(40)]
        forwards = Change(sid=lines[0].sid, entry=None, lines=tuple(lines))
        backwards = (
            make.change(make.entry(number), *reversed(lines))
            if number % 2
            else attrs.evolve(forwards, lines=forwards.lines[::-1])
        )
        results = all_at_once(
            partial(stores[0].write, [forwards]), partial(stores[1].write, [backwards])
        )
        assert results == [[True], [True]]
        assert len(stores[0].history(forwards.sid)) == 40
    for store in stores:
        store.close()


def test_nodes_create_the_tables_once(new_database: Callable[[], str]) -> None:
    database = new_database()

    def open_it(number: int) -> None:
        store = PostgresStore(database, max_connections=1)
        store.write([make.change(make.entry(number))])
        store.close()

    assert all_at_once(*(partial(open_it, number) for number in range(6))) == [None] * 6
    assert execute(database, b"SELECT version FROM reservation_book_version") == [(1,)]
    assert execute(database, b"SELECT count(*) FROM reservation_book_entry") == [(6,)]


def test_purge_skips_locked_entries(new_database: Callable[[], str]) -> None:
    database = new_database()
    store = PostgresStore(with_options(database, "-c lock_timeout=2000"))
    store.write([make.change(make.entry(number, Status.COMPLETED)) for number in (1, 2)])
    with psycopg.connect(database) as writer:
        writer.execute(
            "SELECT FROM reservation_book_entry WHERE sid = %s FOR UPDATE", (make.entry(1).sid,)
        )
        assert store.purge(make.later(60)) == 1
    assert store.purge(make.later(60)) == 1
    assert execute(database, b"SELECT count(*) FROM reservation_book_line") == [(0,)]
    store.close()


def test_tables_of_a_later_version_are_refused(new_database: Callable[[], str]) -> None:
    """Tables that a later version of the library made are not touched."""
    database = new_database()
    PostgresStore(database).close()
    execute(database, b"INSERT INTO reservation_book_version VALUES (2)")
    with pytest.raises(StoreFailed, match="of version 2, and this library knows 1"):
        PostgresStore(database)
    with pytest.raises(StoreFailed, match="of version 2, and this library knows 1"):
        asyncio.run(AsyncPostgresStore.open(database))


def test_wait_for_doubt_returns_at_a_doubt_of_any_node(new_database: Callable[[], str]) -> None:
    """The first call returns at once."""
    database = new_database()
    first, second = PostgresStore(database), PostgresStore(database)
    assert first.wait_for_doubt(0) is True
    assert first.wait_for_doubt(0.01) is False
    second.write([make.change(make.entry(1))])
    assert first.wait_for_doubt(0.01) is False
    waker = threading.Timer(
        0.05, lambda: second.write([make.change(make.entry(1, revision=2, doubt=Doubt.GAP))])
    )
    waker.start()
    began = time.monotonic()
    assert first.wait_for_doubt(20) is True
    assert time.monotonic() - began < 20
    waker.join()
    second.write(
        [make.change(make.entry(1, revision=2, doubt=Doubt.GAP))]
    )  # an old revision: not written, not notified
    assert first.wait_for_doubt(0.01) is False
    first.close()
    second.close()


def test_async_wait_for_doubt_returns_at_a_doubt(new_database: Callable[[], str]) -> None:
    database = new_database()

    async def sweep() -> list[bool]:
        store = await AsyncPostgresStore.open(database)
        results = [await store.wait_for_doubt(0), await store.wait_for_doubt(0.01)]
        await store.write([make.change(make.entry(1, doubt=Doubt.GAP))])
        results.append(await store.wait_for_doubt(20))
        execute(
            database,
            b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
        )
        results += [
            await store.wait_for_doubt(20),
            await store.wait_for_doubt(0),
            await store.wait_for_doubt(0.01),
        ]
        await store.close()
        return results

    assert asyncio.run(sweep()) == [True, False, True, True, True, False]


def test_lost_connections_are_replaced(new_database: Callable[[], str]) -> None:
    database = new_database()
    store = PostgresStore(database, max_connections=1)
    store.wait_for_doubt(0)
    execute(
        database,
        b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        b"WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )
    assert [store.wait_for_doubt(20), store.wait_for_doubt(0), store.wait_for_doubt(0.01)] == [
        True,
        True,
        False,
    ]
    with pytest.raises(StoreFailed, match=r"AdminShutdown, 57P01|OperationalError"):
        store.write([make.change(make.entry(1))])
    assert store.write([make.change(make.entry(1))]) == [True]
    assert find_entry(store, 1) == make.entry(1)
    store.close()


def test_unreachable_database_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="PoolTimeout"):
        PostgresStore("host=127.0.0.1 port=1 connect_timeout=1", pool_timeout=0.1)
    with pytest.raises(StoreFailed, match="PoolTimeout"):
        asyncio.run(
            AsyncPostgresStore.open("host=127.0.0.1 port=1 connect_timeout=1", pool_timeout=0.1)
        )


def test_store_refuses_after_fork_and_leaves_its_connections_open(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PostgresStore(new_database(), max_connections=1)
    with monkeypatch.context() as child_process:
        child_process.setattr("os.getpid", lambda: -1)
        for use in (lambda: store.live("", 1), lambda: store.wait_for_doubt(0.0)):
            with pytest.raises(StoreFailed, match="opened before a fork"):
                use()
        store.close()
    assert store.live("", 1) == []
    store.close()


def test_async_store_refuses_after_fork_and_leaves_its_connections_open(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        store = await AsyncPostgresStore.open(new_database(), max_connections=1)
        with monkeypatch.context() as child_process:
            child_process.setattr("os.getpid", lambda: -1)
            for use in (store.live("", 1), store.wait_for_doubt(0.0)):
                with pytest.raises(StoreFailed, match="opened before a fork"):
                    await use
            await store.close()
        assert await store.live("", 1) == []
        await store.close()

    asyncio.run(run())


LOCKS: Final = (
    b"LOCK TABLE reservation_book_entry IN ACCESS EXCLUSIVE MODE",
    b"LOCK TABLE reservation_book_line IN ACCESS EXCLUSIVE MODE",
    b"SELECT FROM reservation_book_entry FOR UPDATE",
)
TIMED_OUT: Final = "LockNotAvailable, 55P03|QueryCanceled, 57014"


@pytest.mark.parametrize("lock", LOCKS)
def test_calls_keep_their_timeout_while_another_connection_holds_a_lock(
    new_database: Callable[[], str], lock: bytes
) -> None:
    """They raise that the store is unavailable, and work again afterwards."""
    database = new_database()
    store = PostgresStore(database, max_connections=1, pool_timeout=0.4)
    first, second = make.entry(1), make.entry(1, revision=2)
    store.write([make.change(first, make.line(1))])
    calls: list[Callable[[], object]] = [
        lambda: store.write([make.change(second, make.line(1))]),
        lambda: store.delete(first.sid, 1),
    ]
    if b"LOCK TABLE reservation_book_entry" in lock:
        calls += [
            lambda: store.look_up([first.sid], []),
            lambda: store.live("", 1),
            store.last_live,
            lambda: store.purge(make.later(60)),
        ]
    if b"line" in lock:
        calls += [lambda: store.history(first.sid), lambda: store.look_up([], [(first.sid, "EV")])]
    with psycopg.connect(database) as holder:
        holder.execute(lock)
        began = time.monotonic()
        for call in calls:
            with pytest.raises(StoreUnavailable, match=TIMED_OUT):
                call()
        assert time.monotonic() - began < len(calls) * 2
    assert find_entry(store, 1) == first
    assert store.write([make.change(second)]) == [True]
    store.close()


def test_async_calls_keep_their_timeout_while_another_connection_holds_a_lock(
    new_database: Callable[[], str],
) -> None:
    database = new_database()

    async def run() -> None:
        store = await AsyncPostgresStore.open(database, pool_timeout=0.4)
        with psycopg.connect(database) as holder:
            holder.execute(LOCKS[0])
            with pytest.raises(StoreUnavailable, match=TIMED_OUT):
                await store.live("", 1)
        assert await store.last_live() == ""
        await store.close()

    asyncio.run(run())


def test_opening_keeps_its_timeout_while_another_node_creates_the_tables(
    new_database: Callable[[], str],
) -> None:
    database = new_database()
    with psycopg.connect(database) as node:
        for statement in statements.BEFORE_MIGRATING:
            node.execute(*statement)
        with pytest.raises(StoreUnavailable, match=TIMED_OUT):
            PostgresStore(database, pool_timeout=0.4)
    PostgresStore(database).close()


def test_slow_statement_is_canceled_but_not_a_purge(new_database: Callable[[], str]) -> None:
    """A purge may delete a lot."""
    database = new_database()
    store = PostgresStore(database, max_connections=1, pool_timeout=0.4)
    store.write([make.change(make.entry(1, Status.TIMEOUT))])
    execute(
        database,
        b"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        b"'BEGIN PERFORM pg_sleep(0.8); RETURN coalesce(NEW, OLD); END'; "
        b"CREATE TRIGGER slow BEFORE UPDATE OR DELETE ON reservation_book_entry "
        b"FOR EACH ROW EXECUTE FUNCTION slow()",
    )
    with pytest.raises(StoreUnavailable, match="QueryCanceled"):
        store.write([make.change(make.entry(1, Status.TIMEOUT, revision=2))])
    assert store.purge(make.later(60)) == 1
    store.close()


def test_interrupt_takes_no_connection(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler may raise between any two lines of psycopg."""
    store = PostgresStore(new_database(), max_connections=1, pool_timeout=0.5)
    get_connection = ConnectionPool.getconn

    def interrupt(pool: ConnectionPool, timeout: float | None = None) -> psycopg.Connection:
        connection = get_connection(pool, timeout)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return connection

    with monkeypatch.context() as interrupted:
        interrupted.setattr(ConnectionPool, "getconn", interrupt)
        with contextlib.suppress(KeyboardInterrupt):
            store.live("", 1)
    assert store.live("", 1) == []
    store.close()


def test_interrupts_leave_the_store_alive(new_database: Callable[[], str]) -> None:
    """A signal handler raises at random moments, as in Celery."""
    store = PostgresStore(new_database(), max_connections=2, pool_timeout=5)
    interrupts, _ = interrupt_often(lambda: store.live("", 1), 300, seed=1)
    assert interrupts == 300
    together = threading.Barrier(2)

    def use() -> object:
        together.wait(5)
        return store.live("", 1)

    assert all_at_once(use, use) == [[], []]
    store.close()


def test_interrupted_wait_for_doubt_misses_no_doubt(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call returns at once: a notification may be missed."""
    store = PostgresStore(new_database(), max_connections=1)
    assert store.wait_for_doubt(0) is True

    def interrupt(_: psycopg.Connection, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(psycopg.Connection, "notifies", interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.wait_for_doubt(5)
    assert store.wait_for_doubt(5) is True
    assert store.wait_for_doubt(0.01) is False
    store.close()


def test_cancelled_wait_for_doubt_misses_no_doubt(new_database: Callable[[], str]) -> None:
    async def run() -> None:
        store = await AsyncPostgresStore.open(new_database(), max_connections=1)
        assert await store.wait_for_doubt(0) is True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await store.wait_for_doubt(5)
        assert await store.wait_for_doubt(5) is True
        assert await store.wait_for_doubt(0.01) is False
        await store.close()

    asyncio.run(run())


def test_listener_that_was_not_set_up_is_set_up_again(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        store = PostgresStore(new_database(), max_connections=1)
        waiting = await AsyncPostgresStore.open(new_database(), max_connections=1)
        with monkeypatch.context() as broken:
            broken.setattr(statements, "LISTEN", b"LISTEN to what")
            with pytest.raises(StoreFailed, match="SyntaxError"):
                store.wait_for_doubt(0)
            with pytest.raises(StoreFailed, match="SyntaxError"):
                await waiting.wait_for_doubt(0)
        assert store.wait_for_doubt(0) is True
        assert await waiting.wait_for_doubt(0) is True
        doubtful = make.change(make.entry(1, doubt=Doubt.GAP))
        store.write([doubtful])
        await waiting.write([doubtful])
        assert store.wait_for_doubt(20) is True
        assert await waiting.wait_for_doubt(20) is True
        store.close()
        await waiting.close()

    asyncio.run(run())


@contextlib.contextmanager
def stopped_backends(database: str) -> Generator[None]:
    """Stop the server's processes, as a machine does that is paused."""
    pids = [
        int(str(pid))
        for (pid,) in execute(
            database,
            b"SELECT pid FROM pg_stat_activity "
            b"WHERE pid <> pg_backend_pid() AND application_name = 'stopped'",
        )
    ]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_database_that_does_not_answer_is_unavailable(new_database: Callable[[], str]) -> None:
    database = make_conninfo(new_database(), application_name="stopped")
    store = PostgresStore(database, max_connections=1, pool_timeout=0.2)
    began = time.monotonic()
    with (
        stopped_backends(database),
        pytest.raises(StoreUnavailable, match="did not answer in time"),
    ):
        store.live("", 1)
    assert time.monotonic() - began < 5
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(StoreUnavailable):  # until the connection is given back
            assert store.live("", 1) == []
            break
        assert time.monotonic() < deadline
    store.close()


def test_database_that_does_not_answer_is_unavailable_to_an_event_loop(
    new_database: Callable[[], str],
) -> None:
    database = make_conninfo(new_database(), application_name="stopped")

    async def run() -> None:
        store = await AsyncPostgresStore.open(database, max_connections=1, pool_timeout=0.2)
        with (
            stopped_backends(database),
            pytest.raises(StoreUnavailable, match="did not answer in time"),
        ):
            await store.live("", 1)
        await store.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_read_only_database_is_unavailable(new_database: Callable[[], str]) -> None:
    """A standby is, until it takes over."""
    standby = with_options(new_database(), "-cdefault_transaction_read_only=on")
    with pytest.raises(StoreUnavailable, match="25006"):
        PostgresStore(standby, max_connections=1)


def test_closed_store_refuses_at_once(new_database: Callable[[], str]) -> None:
    store = PostgresStore(new_database(), max_connections=1)
    store.close()
    with pytest.raises(StoreFailed, match="it is closed"):
        store.live("", 1)


def test_missing_table_is_a_damaged_store(new_database: Callable[[], str]) -> None:
    database = new_database()
    store = PostgresStore(database)
    execute(database, b"DROP TABLE reservation_book_entry")
    with pytest.raises(StoreDamaged, match=r"UndefinedTable, 42P01.*restore a backup"):
        store.live("", 1)
    store.close()


def test_tables_of_an_earlier_version_are_brought_to_the_present_one(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first node that opens them. Nodes of the earlier library then refuse to open."""
    database = new_database()
    store = PostgresStore(database)
    store.write([make.change(make.entry(1))])
    store.close()
    next_version = b"ALTER TABLE reservation_book_entry ADD COLUMN note text DEFAULT 'new'"
    with monkeypatch.context() as later_library:
        later_library.setattr(
            statements,
            "_MIGRATIONS",
            (*statements._MIGRATIONS, next_version),  # pyright: ignore[reportPrivateUsage]
        )
        opened = all_at_once(*[partial(PostgresStore, database, max_connections=1)] * 3)
        for each in opened:
            assert isinstance(each, PostgresStore)
            assert find_entry(each, 1) == make.entry(1)
            each.close()
    assert execute(database, b"SELECT note FROM reservation_book_entry") == [("new",)]
    versions = b"SELECT version FROM reservation_book_version ORDER BY version"
    assert execute(database, versions) == [(1,), (2,)]
    with pytest.raises(StoreFailed, match="of version 2, and this library knows 1"):
        PostgresStore(database)


def test_store_does_not_show_its_connection_parameters(
    new_database: Callable[[], str],
) -> None:
    """In no repr, and in no local variable of a traceback."""
    secret = make_conninfo(new_database(), password="hush-this")
    store = PostgresStore(secret, max_connections=1)
    assert "hush" not in f"{store!r}{vars(store)!r}"
    store.close()
    wrong = make_conninfo("host=127.0.0.1 port=1", password="hush-this", connect_timeout="1")
    with pytest.raises(StoreUnavailable) as failed:
        PostgresStore(wrong, pool_timeout=0.1)
    with pytest.raises(StoreUnavailable) as async_failed:
        asyncio.run(AsyncPostgresStore.open(wrong, pool_timeout=0.1))
    own_file = str(Path(postgres.__file__))
    for error in (failed.value, async_failed.value):
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        shown = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename == own_file]
        assert shown
        assert "hush" not in "".join(shown)
