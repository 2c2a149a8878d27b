"""The conformance suite in process."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from tests.conformance import Answer, Conformance, Launch, answer


class InProcessTransport:
    """Transport that passes raw requests to a gateway in this process."""

    def __init__(self, settings: Settings) -> None:
        self.platform = Platform(ManualClock(), settings=settings)
        self.origin = "http://127.0.0.1:8080"
        self._gateway = InMemoryGateway(self.platform, origin=self.origin)

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request and return the reply."""
        reply = self._gateway.receive(method, target, headers, body)
        return answer(reply.status, reply.headers.pairs, reply.body)


class TestInProcess(Conformance):
    """The suite without sockets."""

    @pytest.fixture
    def launch(self) -> Launch:
        """Return a function that starts an emulator in this process."""
        return InProcessTransport
