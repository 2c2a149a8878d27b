"""Whatever the official API description allows, and much that it does not, the emulator answers as described and never fails."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import requests

from reservation_core.emulator.server import Emulator
from tests.campaigns import api_schema as schema


@pytest.fixture(scope="module")
def session() -> Generator[requests.Session]:
    """Keep the connections."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_the_description_is_whole() -> None:
    """All six operations are tried."""
    assert len(schema.OPERATIONS) == 6


@pytest.mark.parametrize("operation", schema.OPERATIONS)
def test_a_success_is_as_described(
    running: Emulator, session: requests.Session, operation: str
) -> None:
    """What every operation answers when it succeeds has the status, type, headers and body that the description says."""
    assert schema.succeed(running, session, operation) == 200


@pytest.mark.parametrize("mode", schema.MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", schema.OPERATIONS)
def test_it_answers_as_described(
    running: Emulator, session: requests.Session, operation: str, mode: schema.Mode
) -> None:
    """Requests as described, and requests that break the description, get answers as described: no failure, no other shape."""
    assert schema.draw(running, session, operation, mode, examples=4).total() > 0
