"""A control surface over a small world."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.rest.messages import Reply
from tests.emulator import wire
from tests.emulator.worlds import World, people

Send = Callable[..., wire.Answer]


@pytest.fixture
def control() -> Control:
    platform = Platform(ManualClock())
    people(platform)
    return Control(platform, FaultPlan())


@pytest.fixture
def world(control: Control) -> World:
    return World(control.platform)


@pytest.fixture
def send(control: Control) -> Send:
    """Return a function that sends a request in process."""

    def send_request(method: str, path: str, body: object = None) -> wire.Answer:
        sent = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        reply: Reply = control.receive(method, CONTROL_ROOT + path, sent)
        return wire.Answer(
            reply.status, {name.lower(): value for name, value in reply.headers.pairs}, reply.body
        )

    return send_request
