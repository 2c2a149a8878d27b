"""The emulator's replies against the official API description."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import requests

from reservation_core.emulator.server import Emulator
from tests.campaigns import api_schema as schema


@pytest.fixture(scope="module")
def session() -> Generator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_description_has_all_emulated_operations() -> None:
    assert len(schema.OPERATIONS) == 41


@pytest.mark.parametrize("operation", schema.OPERATIONS)
def test_success_follows_the_description(
    running: Emulator, session: requests.Session, operation: str
) -> None:
    expected = {"Create": 201, "Delete": 204}.get(operation[:6], 200)
    assert schema.succeed(running, session, operation) == expected


@pytest.mark.parametrize("mode", schema.MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(name, marks=() if "Reservation" in name else pytest.mark.slow)
        for name in schema.OPERATIONS
    ],
)
def test_any_request_gets_a_described_reply(
    running: Emulator, session: requests.Session, operation: str, mode: schema.Mode
) -> None:
    assert schema.draw(running, session, operation, mode, examples=4).total() > 0
