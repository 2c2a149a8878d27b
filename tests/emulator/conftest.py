"""A running emulator, without credentials and proxies of the environment."""

from collections.abc import Generator

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.server import Emulator, running_emulator


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from reservation_core.testing.contract.gateway import clear_environment

    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def running() -> Generator[Emulator]:
    """Run an emulator on a free port with a manual clock, once for each test file."""
    with running_emulator(Platform(ManualClock())) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    """Return the running emulator, empty."""
    running.platform.reset()
    running.faults.clear()
    running.callback_queue.settings = CallbackSettings()
    running.callback_queue.clear()
    return running
