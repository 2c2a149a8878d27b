"""A book in PostgreSQL, by psycopg 3: for services on many machines.

Its rules:

* what ``keep`` returned from is committed, and as durable as the database commits (``synchronous_commit``);
* what is sent together goes in one pipeline, without waiting for each answer;
* sweepers pass over what others have locked (``SKIP LOCKED``), and ``wait`` wakes them when something comes into doubt
  (``LISTEN``/``NOTIFY``), so that they need not ask all the time;
* any number of nodes may open it at once: one makes the tables, under an advisory lock, and the others wait for it.

The parameters of an open command, which may hold numbers and passwords, are in its row until the command is closed, and in the dead row
until the database vacuums it.

The tables are ``reservation_book_entry``, ``reservation_book_line`` and ``reservation_book_version``, in the first schema of the search
path. A connection pooler between (in transaction mode) passes no notifications, and may not know prepared statements.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Self

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from reservation_core.book.records import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    StoreFailed,
    StoreUnavailable,
)
from reservation_core.book.stores import postgres_statements as statements
from reservation_core.book.stores.port import Claim
from reservation_core.book.stores.postgres_statements import Rows, Statement

_OPTIONS: Final = {"autocommit": True}
_ROLLED_BACK: Final = "40"
"""The class of the states in which one transaction had to give way to another: the same may do, tried again."""


@contextmanager
def _failures() -> Generator[None]:
    try:
        yield
    except (psycopg.Error, UnicodeError) as error:
        state = getattr(error, "sqlstate", None)
        is_away = isinstance(error, psycopg.OperationalError) and not (state or "").startswith(
            _ROLLED_BACK
        )
        failure = StoreUnavailable if is_away else StoreFailed
        raise failure(
            type(error).__name__ if state is None else f"{type(error).__name__}, {state}"
        ) from error


def _configure(connection: psycopg.Connection) -> None:
    connection.execute(statements.ISOLATION)


async def _aconfigure(connection: psycopg.AsyncConnection) -> None:
    await connection.execute(statements.ISOLATION)


class PostgresStore:
    """Keeps a book in a database, for threads.

    :param conninfo: of the database, as libpq takes it; ``""`` goes by the environment.
    :param max_connections: how many are open at most, besides the one that waits.
    :param pool_timeout: seconds to wait for one of them.
    :raises StoreFailed: when it cannot be reached, or its tables are of a later version of this library.
    """

    def __init__(
        self, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> None:
        self._conninfo: Final = conninfo
        self._listening = threading.Lock()
        self._listener: psycopg.Connection | None = None
        self._pool: Final = ConnectionPool(
            conninfo,
            min_size=1,
            max_size=max_connections,
            timeout=pool_timeout,
            kwargs=_OPTIONS,
            configure=_configure,
            open=False,
            name="book",
        )
        with _failures():
            self._pool.open()
            try:
                with self._pool.connection() as connection, connection.transaction():
                    for statement in statements.BEFORE_MIGRATING:
                        connection.execute(*statement)
                    for statement in statements.migrations(
                        connection.execute(*statements.VERSION).fetchall()
                    ):
                        connection.execute(*statement)
            except BaseException:
                self._pool.close()
                raise

    def _run(self, *wanted: Statement, whole: bool = False) -> Sequence[Rows]:
        """Say some statements and give their rows; one, or several as a ``whole``, are done all or not at all."""
        with _failures(), self._pool.connection() as connection:
            if len(wanted) == 1:
                return [connection.execute(*wanted[0]).fetchall()]
            with connection.pipeline():
                if not whole:
                    cursors = [connection.execute(*statement) for statement in wanted]
                else:
                    with connection.transaction():
                        cursors = [connection.execute(*statement) for statement in wanted]
            return [cursor.fetchall() for cursor in cursors]

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`reservation_core.book.Store.look_up`."""
        return statements.read_known(*self._run(*statements.look_up(sids, events)))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`reservation_core.book.Store.write`; all of it in one transaction."""
        places = statements.order(changes)
        return statements.read_kept(
            places, self._run(*(statements.write(changes[place]) for place in places), whole=True)
        )

    def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.claim`."""
        (rows,) = self._run(statements.claim(what, before, now, until, limit))
        return statements.read_claimed(rows)

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.live`."""
        (rows,) = self._run(statements.live(after, limit))
        return statements.read_entries(rows)

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`reservation_core.book.Store.history`."""
        (rows,) = self._run(statements.history(sid))
        return statements.read_history(rows)

    def purge(self, before: datetime) -> int:
        """See :meth:`reservation_core.book.Store.purge`."""
        count: int = self._run(*statements.purge(before), whole=True)[0][0][0]
        return count

    def wait_for_doubt(self, seconds: float) -> bool:
        """Wait until something comes into doubt, by whatever node, or so long: whether it is time to reconcile.

        The first time, and after the connection was lost, it is at once, for who did not listen may have missed something. One thread
        waits at a time.
        """
        with _failures(), self._listening:
            if self._listener is None:
                self._listener = psycopg.connect(self._conninfo, autocommit=True)
                self._listener.execute(statements.LISTEN)
                return True
            try:
                return any(True for _ in self._listener.notifies(timeout=seconds, stop_after=1))
            except psycopg.OperationalError:
                self._listener.close()
                self._listener = None
                return True

    def close(self) -> None:
        """Close the connections; who waits is waited for."""
        self._pool.close()
        with self._listening:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()


class AsyncPostgresStore:
    """Keeps a book in a database, for an event loop; open it there with :meth:`open`. Else as :class:`PostgresStore`."""

    def __init__(
        self, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> None:
        self._conninfo: Final = conninfo
        self._listening: Final = asyncio.Lock()
        self._listener: psycopg.AsyncConnection | None = None
        self._pool: Final = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=max_connections,
            timeout=pool_timeout,
            kwargs=_OPTIONS,
            configure=_aconfigure,
            open=False,
            name="book",
        )

    @classmethod
    async def open(
        cls, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> Self:
        """Open a book.

        :raises StoreFailed: when it cannot be reached, or its tables are of a later version of this library.
        """
        store = cls(conninfo, max_connections=max_connections, pool_timeout=pool_timeout)
        with _failures():
            await store._pool.open()
            try:
                async with store._pool.connection() as connection, connection.transaction():
                    for statement in statements.BEFORE_MIGRATING:
                        await connection.execute(*statement)
                    version = await connection.execute(*statements.VERSION)
                    for statement in statements.migrations(await version.fetchall()):
                        await connection.execute(*statement)
            except BaseException:
                await store._pool.close()
                raise
        return store

    async def _run(self, *wanted: Statement, whole: bool = False) -> Sequence[Rows]:
        with _failures():
            async with self._pool.connection() as connection:
                if len(wanted) == 1:
                    return [await (await connection.execute(*wanted[0])).fetchall()]
                async with connection.pipeline():
                    if not whole:
                        cursors = [await connection.execute(*statement) for statement in wanted]
                    else:
                        async with connection.transaction():
                            cursors = [await connection.execute(*statement) for statement in wanted]
                return [await cursor.fetchall() for cursor in cursors]

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`reservation_core.book.Store.look_up`."""
        return statements.read_known(*await self._run(*statements.look_up(sids, events)))

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`reservation_core.book.Store.write`; all of it in one transaction."""
        places = statements.order(changes)
        return statements.read_kept(
            places,
            await self._run(*(statements.write(changes[place]) for place in places), whole=True),
        )

    async def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.claim`."""
        (rows,) = await self._run(statements.claim(what, before, now, until, limit))
        return statements.read_claimed(rows)

    async def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.live`."""
        (rows,) = await self._run(statements.live(after, limit))
        return statements.read_entries(rows)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`reservation_core.book.Store.history`."""
        (rows,) = await self._run(statements.history(sid))
        return statements.read_history(rows)

    async def purge(self, before: datetime) -> int:
        """See :meth:`reservation_core.book.Store.purge`."""
        count: int = (await self._run(*statements.purge(before), whole=True))[0][0][0]
        return count

    async def wait_for_doubt(self, seconds: float) -> bool:
        """Wait until something comes into doubt, or so long; else as :meth:`PostgresStore.wait`. One task waits at a time."""
        with _failures():
            async with self._listening:
                if self._listener is None:
                    self._listener = await psycopg.AsyncConnection.connect(
                        self._conninfo, autocommit=True
                    )
                    await self._listener.execute(statements.LISTEN)
                    return True
                try:
                    return bool(
                        [
                            told
                            async for told in self._listener.notifies(timeout=seconds, stop_after=1)
                        ]
                    )
                except psycopg.OperationalError:
                    await self._listener.close()
                    self._listener = None
                    return True

    async def close(self) -> None:
        """Close the connections; who waits is waited for."""
        await self._pool.close()
        async with self._listening:
            listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
