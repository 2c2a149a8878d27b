"""Gateways of the kit and the emulator close like real ones."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest

from reservation_core import Accept, NotSent, Reply, Request, Status, perform, prepare
from reservation_core.emulator import InMemoryGateway
from reservation_core.testing.faults import FaultyGateway
from reservation_core.testing.recording import RecordingGateway
from reservation_core.testing.stateful.monitor import ServiceMonitor, UpdateRecorder
from tests.testing.test_recording import RESERVED

Fake: TypeAlias = InMemoryGateway | RecordingGateway | FaultyGateway | ServiceMonitor
"""A gateway for tests."""


def itself(gateway: InMemoryGateway) -> InMemoryGateway:
    """Return the gateway in memory."""
    return gateway


def monitor(gateway: InMemoryGateway) -> ServiceMonitor:
    """Return the gateway of generated runs."""
    recorder = UpdateRecorder(gateway, lambda _request, _reply: None)
    return ServiceMonitor(recorder, recorder, str, str)


each = pytest.mark.parametrize("wrap", [itself, RecordingGateway, FaultyGateway, monitor])


@each
def test_closed_fake_sends_nothing(wrap: Callable[[InMemoryGateway], Fake]) -> None:
    below = InMemoryGateway()
    below.platform.add(RESERVED)
    request = prepare(RESERVED, Accept())
    with wrap(below) as gateway:
        gateway.close()
        gateway.close()
        with pytest.raises(NotSent, match="closed"):
            gateway.send(request)
    assert below.platform.get(str(RESERVED.sid)).status is Status.PENDING


@each
def test_closed_async_fake_sends_nothing(wrap: Callable[[InMemoryGateway], Fake]) -> None:
    below = InMemoryGateway()
    below.platform.add(RESERVED)
    request = prepare(RESERVED, Accept())

    async def use() -> None:
        async with wrap(below) as gateway:
            assert (await gateway.asend(request)).status == 200
        await gateway.aclose()
        with pytest.raises(NotSent, match="closed"):
            await gateway.asend(request)

    asyncio.run(use())


def test_closing_a_wrapper_leaves_the_wrapped_gateway_open() -> None:
    below = InMemoryGateway()
    held = below.platform.add(RESERVED)
    with RecordingGateway(below) as gateway:
        assert gateway.send(Request("GET", prepare(held, Accept()).path)).status == 200
    assert perform(held, Accept(), below).status is Status.ACCEPTED


def test_closed_gateway_uses_no_scripted_reply() -> None:
    gateway = RecordingGateway()
    gateway.script(Reply(200))
    gateway.close()
    with pytest.raises(NotSent, match="closed"):
        gateway.send(Request("GET", "/"))
    assert gateway.leftovers() == ("unused scripted reply: HTTP 200",)
