"""Adapters that let an event loop use a store for threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final, ParamSpec, TypeVar

from reservation_core.book.errors import StoreFailed
from reservation_core.book.records import (
    Change,
    EventRef,
    HistoryLine,
    LookupResult,
    StoredEntry,
)
from reservation_core.book.stores.port import Claim, Store, require_store
from reservation_core.book.stores.process import OpeningProcess

_P = ParamSpec("_P")
_T = TypeVar("_T")


class InlineStore:
    """Async methods that call the store at once and never suspend."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store

    async def _call(self, method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return method(*args, **kwargs)

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries and events."""
        return await self._call(self._store.look_up, sids, events)

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes."""
        return await self._call(self._store.write, changes)

    async def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries."""
        return await self._call(
            self._store.claim, claim, before=before, now=now, until=until, limit=limit
        )

    async def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries."""
        return await self._call(self._store.live, after, limit)

    async def last_live(self) -> str:
        """Return the SID of the last live entry."""
        return await self._call(self._store.last_live)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        return await self._call(self._store.history, sid)

    async def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry and the history of a reservation."""
        return await self._call(self._store.delete, sid, revision)

    async def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        return await self._call(self._store.purge, before)

    async def close(self) -> None:
        """Close the store."""
        await self._call(self._store.close)


class ThreadedStore(InlineStore):
    """Async methods that call the store in a thread each.

    So calls at the same time can share one commit of the store. A forked child has no such threads:
    open store and adapter there.

    :param store: the store for threads.
    :param threads: maximum number of calls at the same time.
    :raises TypeError: for a store for an event loop, or anything but a store.
    """

    def __init__(self, store: Store, *, threads: int = 16) -> None:
        require_store(store, is_async=False)
        super().__init__(store)
        self._pool: Final = ThreadPoolExecutor(threads, "book")
        self._opened_by: Final = OpeningProcess()
        self._is_closed = False

    async def _call(self, method: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        if self._is_closed:
            raise StoreFailed("it is closed")
        self._opened_by.require_current()
        call = partial(method, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def close(self) -> None:
        """Close the store and end the threads. A forked child leaves both to its parent."""
        if not self._is_closed and self._opened_by.is_current:
            await super().close()
            self._is_closed = True
            self._pool.shutdown()
