"""Books refuse what is not a store of their kind."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reservation_core.book import AsyncBook, Book, MemoryStore, SQLiteStore, ThreadedStore
from reservation_core.book.stores.port import require_store


@pytest.mark.parametrize("book", [Book, AsyncBook])
@pytest.mark.parametrize(
    ("store", "kind"), [("book.db", "str"), (Path("x"), r"\w*Path"), (SQLiteStore, "SQLiteStore")]
)
def test_book_refuses_what_is_no_store(
    book: Callable[[Any], object], store: Any, kind: str
) -> None:
    with pytest.raises(TypeError, match=rf"^not a store: it is {kind}\. Give one, such as SQLite"):
        book(store)


def test_async_book_refuses_a_store_for_threads(tmp_path: Path) -> None:
    untyped: Any = AsyncBook
    for store in (MemoryStore(), SQLiteStore(tmp_path / "book.db")):
        with pytest.raises(TypeError, match=r"wrap it in ThreadedStore\(store\)"):
            untyped(store)
        store.close()


def test_book_for_threads_refuses_an_async_store() -> None:
    untyped: Any = Book
    store = ThreadedStore(MemoryStore())
    with pytest.raises(TypeError, match="is for an event loop: use AsyncBook"):
        untyped(store)
    asyncio.run(store.close())


def test_wrapped_and_unannotated_stores_are_let_through() -> None:
    """A class may return an awaitable from a plain method."""

    class Wrapping:
        @functools.wraps(ThreadedStore.look_up)
        def look_up(self, *_: object) -> Awaitable[object]:
            raise NotImplementedError

    class Plain:
        def look_up(self, *_: object) -> Awaitable[object]:
            raise NotImplementedError

    for store in (Wrapping(), Plain()):
        require_store(store, is_async=True)
    require_store(Plain(), is_async=False)


def test_threaded_store_refuses_an_async_store() -> None:
    untyped: Any = ThreadedStore
    store = ThreadedStore(MemoryStore())
    with pytest.raises(TypeError, match="is for an event loop: use AsyncBook"):
        untyped(store)
    with pytest.raises(TypeError, match="not a store: it is str"):
        untyped("book.db")
    asyncio.run(store.close())
