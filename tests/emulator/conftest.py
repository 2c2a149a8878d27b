"""A running emulator, a receiver of callbacks, and a clean environment."""

from collections.abc import Generator

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.server import Emulator, running_emulator
from tests.emulator.receiver import Receiver, running_receiver
from tests.emulator.worlds import World, people


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from reservation_core.testing.contract.gateway import clear_environment

    clear_environment(monkeypatch)


@pytest.fixture(scope="module")
def running() -> Generator[Emulator]:
    """Run an emulator with a manual clock for each test file."""
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


@pytest.fixture
def world(emulator: Emulator) -> World:
    """Three workers and a task in the running emulator."""
    return people(emulator.platform)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """Run a service that receives callbacks."""
    with running_receiver() as receiver:
        yield receiver
