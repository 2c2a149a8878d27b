"""Fixtures of the campaigns: the running emulator and the PostgreSQL of the other tests."""

from tests.book.conftest import new_database as new_database  # noqa: PLC0414 - a fixture
from tests.emulator.conftest import emulator as emulator  # noqa: PLC0414 - a fixture
from tests.emulator.conftest import running as running  # noqa: PLC0414 - a fixture
