"""Store in PostgreSQL, by psycopg 3, for services on many machines.

* What ``write`` returned from is committed, as durably as the database commits
  (``synchronous_commit``).
* Statements that are sent together go in one pipeline, without waiting for each answer.
* Sweepers skip entries that others have locked (``SKIP LOCKED``). ``wait_for_doubt`` wakes them
  when an entry comes into doubt (``LISTEN``/``NOTIFY``), so that they need not poll.
* A store that was opened before a fork refuses to work in the child: open it there.
* psycopg works in worker threads (:mod:`reservation_core.gateways.workers`), or in asyncio tasks.
  So an exception of a signal handler takes no connection from the pool, and a caller is released in
  time even if the database does not answer at all.
* Any number of nodes may open the store at once. One creates the tables, under an advisory lock,
  and the others wait for it.

The parameters of an open command may hold phone numbers and passwords. They are in its row until
the command is closed, and in the dead row until the database vacuums it.

The tables are ``reservation_book_entry``, ``reservation_book_line`` and
``reservation_book_version``, in the first schema of the search path. A connection pooler in
transaction mode passes no notifications, and may not support prepared statements.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial, wraps
from typing import Final, ParamSpec, Self, TypeVar

import attrs

from reservation_core._extras import extra
from reservation_core.book.errors import StoreDamaged, StoreFailed, StoreUnavailable
from reservation_core.book.records import (
    Change,
    EventRef,
    HistoryLine,
    LookupResult,
    StoredEntry,
)
from reservation_core.book.stores import postgres_statements as statements
from reservation_core.book.stores.port import Claim
from reservation_core.book.stores.postgres_statements import Query
from reservation_core.book.stores.process import OpeningProcess
from reservation_core.domain.errors import without_frames
from reservation_core.gateways.workers import Workers

with extra("postgres"):
    import psycopg
    from psycopg_pool import AsyncConnectionPool, ConnectionPool


_P = ParamSpec("_P")
_T = TypeVar("_T")

_OPTIONS: Final = {"autocommit": True}
_ROLLBACK_CLASS: Final = "40"
"""SQLSTATE class of transactions that gave way to another. A retry may succeed."""
_READ_ONLY: Final = "25006"
"""SQLSTATE of a write to a database that only reads, such as a standby."""
_DAMAGED: Final = ("XX001", "XX002", "42P01", "42703")
"""SQLSTATEs of damaged data or indexes, and of missing tables or columns."""


_ERRORS: Final = (psycopg.Error, UnicodeError, TimeoutError, StoreFailed)


def _translates_errors(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a method raise ``StoreFailed`` in place of psycopg's errors.

    Those may hold what is written or read, and so may the local variables of the method.
    """

    @wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except _ERRORS as error:
            failure = _translate(error)
        del args, kwargs
        raise failure

    return call


def _atranslates_errors(
    method: Callable[_P, Coroutine[object, object, _T]],
) -> Callable[_P, Coroutine[object, object, _T]]:
    @wraps(method)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await method(*args, **kwargs)
        except _ERRORS as error:
            failure = _translate(error)
        del args, kwargs
        raise failure

    return call


def _translate(error: Exception) -> StoreFailed:
    if isinstance(error, StoreFailed):
        return without_frames(error)
    if isinstance(error, TimeoutError):
        return StoreUnavailable("the database did not answer in time")
    state = getattr(error, "sqlstate", None) or ""
    reason = ", ".join(filter(None, (type(error).__name__, state)))
    return _failure_of(error, state)(reason)


def _failure_of(error: Exception, state: str) -> type[StoreFailed]:
    if state in _DAMAGED:
        return StoreDamaged
    if state == _READ_ONLY:
        return StoreUnavailable
    is_rollback = state.startswith(_ROLLBACK_CLASS)
    is_unavailable = isinstance(error, psycopg.OperationalError) and not is_rollback
    return StoreUnavailable if is_unavailable else StoreFailed


def _configure(connection: psycopg.Connection, seconds: float) -> None:
    for statement in statements.configuration(seconds):
        connection.execute(*statement)


async def _aconfigure(connection: psycopg.AsyncConnection, seconds: float) -> None:
    for statement in statements.configuration(seconds):
        await connection.execute(*statement)


@attrs.frozen
class _Database:
    """Connection parameters, which may hold a password. Tracebacks with locals do not show them."""

    conninfo: str = attrs.field(repr=False)


class PostgresStore:
    """Store in a database, for threads.

    :param conninfo: the database, as libpq takes it; ``""`` uses the environment.
    :param max_connections: maximum number of connections, besides one for ``wait_for_doubt``.
    :param pool_timeout: seconds to wait for a connection, and then for each statement and its lock.
    :raises StoreFailed: if it cannot be reached, or its tables are of a later version of this
        library.
    """

    @_translates_errors
    def __init__(
        self, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> None:
        self._database: Final = _Database(conninfo)
        del conninfo
        self._opened_by: Final = OpeningProcess()
        self._workers: Final = Workers()
        self._listening: Final = threading.Lock()
        self._listener: psycopg.Connection | None = None
        self._pool: Final = ConnectionPool(
            self._database.conninfo,
            min_size=1,
            max_size=max_connections,
            timeout=pool_timeout,
            kwargs=_OPTIONS,
            configure=partial(_configure, seconds=pool_timeout),
            open=False,
            name="book",
        )
        self._pool.open()
        try:
            self._migrate()
        except BaseException:
            self._pool.close()
            raise

    def _migrate(self) -> None:
        with self._pool.connection() as connection, connection.transaction():
            for statement in statements.BEFORE_MIGRATING:
                connection.execute(*statement)
            version = connection.execute(*statements.VERSION).fetchall()
            for statement in statements.migrations(version):
                connection.execute(*statement)

    @_translates_errors
    def _run(self, query: Query[_T]) -> _T:
        seconds = query.seconds(self._pool.timeout)
        return self._work(lambda: self._execute(query), seconds or threading.TIMEOUT_MAX)

    def _work(self, work: Callable[[], _T], seconds: float) -> _T:
        """Do something with psycopg in a worker thread."""
        self._opened_by.require_current()
        if self._pool.closed:
            raise StoreFailed("it is closed")
        result = self._workers.run(lambda _: work(), seconds)
        if result is None:
            raise TimeoutError
        return result

    def _execute(self, query: Query[_T]) -> _T:
        with self._pool.connection() as connection:
            with connection.pipeline(), connection.transaction():
                cursors = [connection.execute(*each) for each in query.statements]
            return query.read([cursor.fetchall() for cursor in cursors])

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries and events."""
        return self._run(statements.look_up(sids, events))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes, all in one transaction."""
        return self._run(statements.write(changes))

    def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries."""
        return self._run(statements.claim(claim, before, now, until, limit))

    def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries."""
        return self._run(statements.live(after, limit))

    def last_live(self) -> str:
        """Return the SID of the last live entry."""
        return self._run(statements.last_live())

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        return self._run(statements.history(sid))

    def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry and the history of a reservation."""
        return self._run(statements.delete(sid, revision))

    def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        return self._run(statements.purge(before))

    @_translates_errors
    def wait_for_doubt(self, seconds: float) -> bool:
        """Wait until any node brings an entry into doubt.

        It returns true at once when it is called first, and after a lost connection, because a
        notification may have been missed. One thread waits at a time.

        :param seconds: maximum time to wait.
        :returns: true if it is time to reconcile.
        :raises StoreFailed: if the database cannot be reached.
        """
        self._opened_by.require_current()
        with self._listening:
            # Taken out: after an interrupt, the next call listens anew.
            listener, self._listener = self._listener, None
            if listener is None:
                self._listener = self._work(self._listen, self._pool.timeout)
                return True
            try:
                is_due = any(True for _ in listener.notifies(timeout=seconds, stop_after=1))
            except BaseException as error:
                listener.close()
                if isinstance(error, psycopg.OperationalError):
                    return True
                raise
            self._listener = listener
            return is_due

    def _listen(self) -> psycopg.Connection:
        listener = psycopg.connect(self._database.conninfo, autocommit=True)
        try:
            listener.execute(statements.LISTEN)
        except BaseException:
            listener.close()
            raise
        return listener

    def close(self) -> None:
        """Close the connections, after a thread that waits for doubt.

        A forked child leaves them open: they are its parent's.
        """
        if not self._opened_by.is_current:
            return
        self._pool.close()
        self._workers.stop()
        with self._listening:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()


async def _answer_within(seconds: float | None, work: Coroutine[object, object, _T]) -> _T:
    """Await work of psycopg for so many seconds.

    psycopg is not awaited after a cancellation: some versions wait then until the database answers.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
        task.add_done_callback(_forget)


def _forget(task: asyncio.Task[object]) -> None:
    """Take the error of a task, which asyncio would log."""
    if not task.cancelled():
        task.exception()


class AsyncPostgresStore:
    """Store in a database, for an event loop. Open it there with :meth:`open`.

    :param conninfo: the database, as libpq takes it; ``""`` uses the environment.
    :param max_connections: maximum number of connections, besides one for ``wait_for_doubt``.
    :param pool_timeout: seconds to wait for a connection, and then for each statement and its lock.
    """

    def __init__(
        self, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> None:
        self._database: Final = _Database(conninfo)
        del conninfo
        self._opened_by: Final = OpeningProcess()
        self._listening: Final = asyncio.Lock()
        self._listener: psycopg.AsyncConnection | None = None
        self._pool: Final = AsyncConnectionPool(
            self._database.conninfo,
            min_size=1,
            max_size=max_connections,
            timeout=pool_timeout,
            kwargs=_OPTIONS,
            configure=partial(_aconfigure, seconds=pool_timeout),
            open=False,
            name="book",
        )

    @classmethod
    @_atranslates_errors
    async def open(
        cls, conninfo: str = "", *, max_connections: int = 8, pool_timeout: float = 10.0
    ) -> Self:
        """Open a store.

        :param conninfo: the database, as libpq takes it; ``""`` uses the environment.
        :param max_connections: maximum number of connections, besides one for ``wait_for_doubt``.
        :param pool_timeout: seconds to wait for a connection, and then for each statement and its
            lock.
        :raises StoreFailed: if it cannot be reached, or its tables are of a later version of this
            library.
        """
        store = cls(conninfo, max_connections=max_connections, pool_timeout=pool_timeout)
        del conninfo
        await store._pool.open()
        try:
            await store._migrate()
        except BaseException:
            await store._pool.close()
            raise
        return store

    async def _migrate(self) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            for statement in statements.BEFORE_MIGRATING:
                await connection.execute(*statement)
            version = await (await connection.execute(*statements.VERSION)).fetchall()
            for statement in statements.migrations(version):
                await connection.execute(*statement)

    @_atranslates_errors
    async def _run(self, query: Query[_T]) -> _T:
        self._opened_by.require_current()
        return await _answer_within(query.seconds(self._pool.timeout), self._execute(query))

    async def _execute(self, query: Query[_T]) -> _T:
        async with self._pool.connection() as connection:
            async with connection.pipeline(), connection.transaction():
                cursors = [await connection.execute(*each) for each in query.statements]
            return query.read([await cursor.fetchall() for cursor in cursors])

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries and events."""
        return await self._run(statements.look_up(sids, events))

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes, all in one transaction."""
        return await self._run(statements.write(changes))

    async def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries."""
        return await self._run(statements.claim(claim, before, now, until, limit))

    async def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries."""
        return await self._run(statements.live(after, limit))

    async def last_live(self) -> str:
        """Return the SID of the last live entry."""
        return await self._run(statements.last_live())

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        return await self._run(statements.history(sid))

    async def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry and the history of a reservation."""
        return await self._run(statements.delete(sid, revision))

    async def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        return await self._run(statements.purge(before))

    @_atranslates_errors
    async def wait_for_doubt(self, seconds: float) -> bool:
        """Wait until any node brings an entry into doubt.

        It returns true at once when it is called first, and after a lost connection, because a
        notification may have been missed. One asyncio task waits at a time.

        :param seconds: maximum time to wait.
        :returns: true if it is time to reconcile.
        :raises StoreFailed: if the database cannot be reached.
        """
        self._opened_by.require_current()
        async with self._listening:
            # Taken out: after a cancellation, the next call listens anew.
            listener, self._listener = self._listener, None
            if listener is None:
                self._listener = await _answer_within(self._pool.timeout, self._listen())
                return True
            try:
                notifications = listener.notifies(timeout=seconds, stop_after=1)
                is_due = bool([notification async for notification in notifications])
            except BaseException as error:
                await listener.close()
                if isinstance(error, psycopg.OperationalError):
                    return True
                raise
            self._listener = listener
            return is_due

    async def _listen(self) -> psycopg.AsyncConnection:
        listener = await psycopg.AsyncConnection.connect(self._database.conninfo, autocommit=True)
        try:
            await listener.execute(statements.LISTEN)
        except BaseException:
            await listener.close()
            raise
        return listener

    async def close(self) -> None:
        """Close the connections, after an asyncio task that waits for doubt.

        A forked child leaves them open: they are its parent's.
        """
        if not self._opened_by.is_current:
            return
        await self._pool.close()
        async with self._listening:
            listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()
