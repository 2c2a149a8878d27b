"""The port that a store fills, in two spellings, and how a store for threads serves an event loop.

A store only keeps: it finds entries, writes changes where the revision is still the expected one, and hands entries out to one sweeper
at a time. What a report means is decided above it. When ``keep`` returns, what it wrote survives the process and, unless the store is
a passing one, the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final, ParamSpec, Protocol, TypeVar

from reservation_core.book.records import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    StoreFailed,
)

P = ParamSpec("P")
T = TypeVar("T")


class Claim(StrEnum):
    """What a sweeper asks for."""

    DUE = "due"  #: what is live and was not heard of since a moment, and what is in doubt
    OPEN = "open"  #: what has an intent from before a moment


class Store(Protocol):
    """Where a book is kept, for threads; every method may wait. Every failure is a :class:`StoreFailed`."""

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries by their SIDs, and which of these events are in the history."""
        ...

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes, each whole or not at all, and return when they are durable: which ones found the revision they expected."""
        ...

    def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """Hand out what is claimed by nobody at ``now``, longest waiting first, and to nobody else before ``until``.

        What is kept without an intent is free again.
        """
        ...

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """Give the next entries to which anything can still happen, by SID, beyond ``after``."""
        ...

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Give the history of a reservation, in the order it was written."""
        ...

    def purge(self, before: datetime) -> int:
        """Delete what has ended and was not heard of since, without an intent, with its history; count the entries.

        A history without an entry goes when all of it is from before.
        """
        ...

    def close(self) -> None:
        """Let go of connections; to close twice is no harm."""
        ...


class AsyncStore(Protocol):
    """Where a book is kept, for an event loop; else as :class:`Store`."""

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`Store.look_up`."""
        ...

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`Store.write`."""
        ...

    async def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`Store.claim`."""
        ...

    async def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`Store.live`."""
        ...

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`Store.history`."""
        ...

    async def purge(self, before: datetime) -> int:
        """See :meth:`Store.purge`."""
        ...

    async def close(self) -> None:
        """See :meth:`Store.close`."""
        ...


class ThreadedStore:
    """A store for threads in an event loop: each call waits in a thread of its own, so that calls made together are written together.

    :param threads: how many may wait at once.
    """

    def __init__(self, store: Store, *, threads: int = 16) -> None:
        self._store: Final = store
        self._pool: Final = ThreadPoolExecutor(threads, "book")
        self._closed = False

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StoreFailed("it is closed")
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, partial(call, *args, **kwargs)
        )

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`Store.look_up`."""
        return await self._run(self._store.look_up, sids, events)

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`Store.write`."""
        return await self._run(self._store.write, changes)

    async def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`Store.claim`."""
        return await self._run(
            self._store.claim, what, before=before, now=now, until=until, limit=limit
        )

    async def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`Store.live`."""
        return await self._run(self._store.live, after, limit)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`Store.history`."""
        return await self._run(self._store.history, sid)

    async def purge(self, before: datetime) -> int:
        """See :meth:`Store.purge`."""
        return await self._run(self._store.purge, before)

    async def close(self) -> None:
        """Close the store, and end the threads."""
        if not self._closed:
            await self._run(self._store.close)
            self._closed = True
            self._pool.shutdown()
