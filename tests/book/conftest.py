"""What the tests of the book share: one PostgreSQL for all of them, with a schema for each that asks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import count

import pytest

from tests.book.server import server


@pytest.fixture(scope="session")
def new_database() -> Generator[Callable[[], str]]:
    """Give what makes an empty schema, and how to connect to it."""
    numbers = count()
    with server(durable=False) as make:
        yield lambda: make(f"book_{next(numbers)}")
