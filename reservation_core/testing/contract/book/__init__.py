"""Contract of a store of a book: tests that its author inherits with one fixture.

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

* ``storing``: entries and revisions.
* ``histories``: history lines and events.
* ``sweeping``: live entries, claims and purges.
* ``concurrency``: several threads and nodes.
* ``samples``: entries, lines and changes for tests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from typing import cast

import pytest

from reservation_core.book.book import AsyncBook
from reservation_core.book.records import Report, ReportSource, Verdict
from reservation_core.book.stores.port import AsyncStore, Store
from reservation_core.testing.contract.book.async_store import BlockingStore, EventLoopThread
from reservation_core.testing.contract.book.concurrency import ConcurrencyTests
from reservation_core.testing.contract.book.histories import HistoryTests
from reservation_core.testing.contract.book.samples import make_reservation, sid_of
from reservation_core.testing.contract.book.storing import StoringTests
from reservation_core.testing.contract.book.sweeping import SweepingTests

__all__ = ["AsyncBookContract", "BookContract"]


class _StoreTests(StoringTests, HistoryTests, SweepingTests, ConcurrencyTests):
    """Tests of every store."""


class BookContract(_StoreTests):
    """Contract of a store for threads. Subclasses provide the fixture ``open_store``."""

    @pytest.fixture
    def open_node(self, open_store: Callable[[], Store]) -> Generator[Callable[[], Store]]:
        """Open the book any number of times, and close all of them."""
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
        """Open the book any number of times in an event loop, and close all of them."""
        with EventLoopThread() as loop, ExitStack() as opened:

            def open_one() -> Store:
                store = cast("Store", BlockingStore(loop.run(open_store()), loop))
                opened.callback(store.close)
                return store

            yield open_one

    def test_concurrent_records_each_get_their_own_result(
        self, open_store: Callable[[], Awaitable[AsyncStore]]
    ) -> None:
        """Many asyncio tasks record at the same time."""
        reports = [
            Report(
                sid=sid_of("WR", n % 30),
                source=ReportSource.EVENT,
                reservation=make_reservation(n % 30),
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
