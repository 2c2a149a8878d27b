"""Delivery of a status for which there is no command."""

from __future__ import annotations

import pytest

from reservation_core import (
    CommandNotAllowed,
    Conference,
    Refused,
    SetStatus,
    Status,
    perform,
)
from reservation_core.emulator import InMemoryGateway, Platform, Settings
from reservation_core.emulator.platform.settings import SystemStatus
from tests.emulator.samples import PENDING

LENIENT = Settings(system_status=SystemStatus.CARRIED_OUT)


def open_gateway(settings: Settings | None = None) -> InMemoryGateway:
    """Return a gateway to a platform that holds one pending reservation."""
    platform = Platform(settings=settings)
    platform.add(PENDING)
    return InMemoryGateway(platform)


@pytest.mark.parametrize("status", [Status.CANCELED, Status.TIMEOUT, Status.RESCINDED])
def test_perform_sends_status_without_command(status: Status) -> None:
    gateway = open_gateway(LENIENT)
    ended = perform(PENDING, SetStatus(status), gateway)
    assert ended.status is status
    with pytest.raises(CommandNotAllowed, match="no status can follow a terminal one"):
        perform(ended, SetStatus(status), gateway)


def test_emulator_refuses_status_without_command_by_default() -> None:
    gateway = open_gateway()
    with pytest.raises(Refused, match="is not a status that a client may set"):
        perform(PENDING, SetStatus(Status.CANCELED), gateway)


def test_perform_sends_extra_parameters() -> None:
    gateway = open_gateway()
    command = Conference(to="client:alice", extra=(("Transcribe", "true"),))
    assert perform(PENDING, command, gateway).on_hold
    strict = open_gateway(Settings(strict=True))
    with pytest.raises(Refused, match="Transcribe is not a parameter"):
        perform(PENDING, command, strict)
