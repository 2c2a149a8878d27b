"""A small world, and a dispatcher of its callbacks to the receiver."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator

import pytest

from reservation_core.emulator import CallbackQueue, ManualClock, Platform
from reservation_core.emulator.callbacks.dispatcher import CallbackDispatcher
from tests.emulator.callbacks.scene import Connect, all_callbacks
from tests.emulator.receiver import Receiver
from tests.emulator.worlds import World, people


@pytest.fixture
def world() -> World:
    return people(Platform(ManualClock()))


@pytest.fixture
def dispatcher(world: World, receiver: Receiver) -> Generator[CallbackDispatcher]:
    with CallbackDispatcher(CallbackQueue(world.platform, all_callbacks(receiver))) as dispatcher:
        yield dispatcher


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[Connect], Connect]:
    """Return a function that replaces `create_connection` and returns the original."""
    plain: Connect = socket.create_connection

    def replace(by: Connect) -> Connect:
        monkeypatch.setattr(socket, "create_connection", by)
        return plain

    return replace
