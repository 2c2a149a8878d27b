"""Every store that is shipped keeps the contract."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from reservation_core.book import AsyncStore, MemoryStore, SQLiteStore, Store, ThreadedStore
from reservation_core.book.stores.postgres import AsyncPostgresStore, PostgresStore
from reservation_core.testing.contract.book import AsyncBookContract, BookContract

_NOTHING_TO_CLOSE = {
    "test_closed_store_raises_store_failed": "a store in memory has nothing to close"
}


class TestMemory(BookContract):
    exempt = _NOTHING_TO_CLOSE

    @pytest.fixture
    def open_store(self) -> Callable[[], Store]:
        """Share the one object, which is the book."""
        store = MemoryStore()
        return lambda: store


class TestSQLite(BookContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Store]:
        """Open the same file."""
        return lambda: SQLiteStore(tmp_path / "book.db")


class TestSQLiteInALoop(AsyncBookContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Awaitable[AsyncStore]]:
        """Open the same file, in threads of its own."""

        async def open_store() -> AsyncStore:
            return ThreadedStore(await asyncio.to_thread(SQLiteStore, tmp_path / "book.db"))

        return open_store


class TestPostgres(BookContract):
    @pytest.fixture
    def open_store(self, new_database: Callable[[], str]) -> Callable[[], Store]:
        """Connect to the same database."""
        database = new_database()
        return lambda: PostgresStore(database, max_connections=4)


class TestPostgresInALoop(AsyncBookContract):
    @pytest.fixture
    def open_store(self, new_database: Callable[[], str]) -> Callable[[], Awaitable[AsyncStore]]:
        """Connect to the same database."""
        database = new_database()
        return lambda: AsyncPostgresStore.open(database, max_connections=4)
