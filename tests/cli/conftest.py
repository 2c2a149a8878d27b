"""The emulator fixtures, for the tests of ``serve``."""

from tests.emulator.conftest import emulator as emulator  # noqa: PLC0414 - a fixture
from tests.emulator.conftest import running as running  # noqa: PLC0414 - a fixture
