"""Fixture of the simulation: the PostgreSQL of the other tests."""

from tests.book.conftest import new_database as new_database  # noqa: PLC0414 - a fixture
