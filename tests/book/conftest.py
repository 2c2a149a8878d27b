"""Fixtures of the book: one PostgreSQL server, and a world."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import count

import pytest

from tests.book.server import server
from tests.book.world import World


@pytest.fixture(scope="session")
def new_database() -> Generator[Callable[[], str]]:
    """Return a function that makes an empty schema.

    The function returns how to connect to it.
    """
    numbers = count()
    with server(durable=False) as make:
        yield lambda: make(f"book_{next(numbers)}")


@pytest.fixture
def world() -> World:
    """Make a world with one pending reservation, which is in the book."""
    return World()
