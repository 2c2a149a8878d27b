"""Contract of a book's store: tests to inherit with one fixture.

::

    from reservation_core.testing.contract.book import BookContract

    class TestMyStore(BookContract):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "book")

Each call of the fixture's function opens the same book once more, as another process would. The
contract closes what it opened. ``AsyncBookContract`` is the same for an ``AsyncStore``: there the
function is called within the event loop, and its result is awaited.

A test that cannot hold for a store is named in ``exempt`` with the reason. It is shown as skipped.
To see the values of a failed test, put
``pytest.register_assert_rewrite("reservation_core.testing.contract.book")`` in ``conftest.py``.

* ``storing``: entries, revisions, history lines and events.
* ``sweeping``: live entries, claims, deletions and purges.
* ``histories``: drawn histories, compared with the store in memory.
* ``concurrency``: several threads and nodes.
* ``fixtures``, ``make``: helpers of the tests.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from typing import Any, TypeVar, cast

from reservation_core._extras import extra
from reservation_core.book import AsyncBook, AsyncStore, Report, ReportSource, Store, Verdict

with extra("testing"):
    import pytest

    from reservation_core.testing.contract.book import make
    from reservation_core.testing.contract.book.concurrency import ConcurrencyTests
    from reservation_core.testing.contract.book.histories import HistoryRunTests
    from reservation_core.testing.contract.book.storing import HistoryTests, StoringTests
    from reservation_core.testing.contract.book.sweeping import SweepingTests


__all__ = ["AsyncBookContract", "BookContract"]

_T = TypeVar("_T")


class _StoreTests(StoringTests, HistoryTests, SweepingTests, HistoryRunTests, ConcurrencyTests):
    """Tests of every store."""


class BookContract(_StoreTests):
    """Contract of a store for threads. Subclasses provide the fixture ``open_store``."""

    @pytest.fixture
    def open_node(self, open_store: Callable[[], Store]) -> Generator[Callable[[], Store]]:
        """Return a function that opens the book once more."""
        with ExitStack() as opened:

            def open_one() -> Store:
                store = open_store()
                opened.callback(store.close)
                return store

            yield open_one


class AsyncBookContract(_StoreTests):
    """Contract of a store for an event loop. Subclasses provide the fixture ``open_store``."""

    @pytest.fixture
    def open_node(
        self, open_store: Callable[[], Awaitable[AsyncStore]]
    ) -> Generator[Callable[[], Store]]:
        """Return a function that opens the book in an event loop."""
        with _EventLoopThread() as loop, ExitStack() as opened:

            def open_one() -> Store:
                store = cast("Store", _BlockingStore(loop.run(open_store()), loop))
                opened.callback(store.close)
                return store

            yield open_one

    def test_concurrent_records_each_get_their_own_result(
        self, open_store: Callable[[], Awaitable[AsyncStore]]
    ) -> None:
        """Many asyncio tasks record at the same time."""
        reports = [
            Report(
                sid=make.sid("WR", n % 30),
                source=ReportSource.EVENT,
                reservation=make.reservation(n % 30),
                event_key=f"EV{n % 30}",
            )
            for n in range(60)
        ]

        async def record_all() -> list[object]:
            book = AsyncBook(await open_store())
            try:
                results = await asyncio.gather(*map(book.record, reports))
                return [result.outcome for result in results]
            finally:
                await book.close()

        assert asyncio.run(record_all()) == [Verdict.APPLIED] * 30 + [Verdict.DUPLICATE] * 30


class _EventLoopThread:
    """Event loop in a thread of its own. Any thread may call into it."""

    def __enter__(self) -> "_EventLoopThread":
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def run(self, awaitable: Awaitable[_T]) -> _T:
        """Await something in the loop, for 60 s at most."""

        async def wait() -> _T:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result(60)

    def __exit__(self, *_: object) -> None:
        """Stop the thread and close the loop."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _BlockingStore:
    """Store for an event loop, with the same methods for threads."""

    def __init__(self, store: AsyncStore, loop: _EventLoopThread) -> None:
        self._store = store
        self._loop = loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method that blocks until the store's method is done."""
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._loop.run(method(*args, **kwargs))
