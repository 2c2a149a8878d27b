"""The observed behaviours, in process."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from tests.emulator.conformance import Answer, Conformance, Drive, Launch, answer


class InProcess:
    """Hands each request, as bytes, to a gateway of this process."""

    def __init__(self, settings: Settings) -> None:
        self.platform = Platform(ManualClock(), settings=settings)
        self.origin = "http://127.0.0.1:8080"
        self._gateway = InMemoryGateway(self.platform, origin=self.origin)

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request."""
        reply = self._gateway.receive(method, target, headers, body)
        return answer(reply.status, reply.headers.pairs, reply.body)


class TestInProcess(Conformance):
    """Without any sockets."""

    @pytest.fixture
    def launch(self) -> Launch:
        """Start an emulator of this process."""

        def start(settings: Settings) -> Drive:
            return InProcess(settings)

        return start
