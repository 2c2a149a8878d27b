"""The conformance suite over HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Generator, Iterable
from contextlib import ExitStack

import pytest

from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.server import Emulator, running_emulator
from tests.conformance import Answer, Conformance, Launch, Transport, answer
from tests.emulator.wire import WAIT, address


class HttpTransport:
    """Transport over one kept connection to a running emulator."""

    def __init__(self, emulator: Emulator, connection: http.client.HTTPConnection) -> None:
        self.platform = emulator.platform
        self.origin = emulator.url
        self._connection = connection

    def send(
        self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request and return the reply."""
        self._connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self._connection.putheader(name, value)
        self._connection.endheaders(body)
        reply = self._connection.getresponse()
        return answer(reply.status, reply.getheaders(), reply.read())


class TestOverHttp(Conformance):
    """The suite over sockets."""

    @pytest.fixture
    def launch(self) -> Generator[Launch]:
        """Yield a function that starts an emulator on a free port."""
        with ExitStack() as stack:

            def start(settings: Settings) -> Transport:
                platform = Platform(ManualClock(), settings=settings)
                emulator = stack.enter_context(running_emulator(platform))
                connection = http.client.HTTPConnection(*address(emulator.url), timeout=WAIT)
                stack.callback(connection.close)
                return HttpTransport(emulator, connection)

            yield start
