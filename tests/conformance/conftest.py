"""The emulator's fixtures, for the suites with official clients."""

from tests.emulator.conftest import clean_environment as clean_environment  # noqa: PLC0414
from tests.emulator.conftest import emulator as emulator  # noqa: PLC0414
from tests.emulator.conftest import running as running  # noqa: PLC0414
from tests.emulator.conftest import world as world  # noqa: PLC0414
