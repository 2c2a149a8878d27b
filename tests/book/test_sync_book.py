"""Tests of the book for threads."""

from __future__ import annotations

import asyncio

import pytest

from reservation_core.book import AsyncBook, Book
from reservation_core.book.sync_book import _run  # pyright: ignore[reportPrivateUsage]


def test_run_rejects_a_coroutine_that_suspends() -> None:
    waiting = asyncio.sleep(0)
    with pytest.raises(AssertionError, match="suspended"):
        _run(waiting)
    waiting.close()


@pytest.mark.parametrize("name", [name for name in vars(AsyncBook) if not name.startswith("_")])
def test_method_repeats_the_documentation_of_its_async_twin(name: str) -> None:
    assert getattr(Book, name).__doc__ == getattr(AsyncBook, name).__doc__
