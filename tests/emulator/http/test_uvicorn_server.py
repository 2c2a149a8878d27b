"""uvicorn's server: its end and its fallback."""

from __future__ import annotations

import socket

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http import uvicorn_server
from reservation_core.emulator.server import running_emulator
from tests.emulator import worlds
from tests.emulator.http.helpers import update
from tests.emulator.wire import WAIT, address, ask
from tests.emulator.worlds import people


def test_delayed_request_is_reset_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with running_emulator(Platform(ManualClock())) as emulator:
        sid = people(emulator.platform).sid()
        emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=60))
        sock = socket.create_connection(address(emulator.url), WAIT)
        sock.sendall(f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        for _ in range(1000):
            if not emulator.faults:
                break
            ask(emulator.url, "GET", "/_emulator/faults")
    with sock, pytest.raises(ConnectionResetError):
        sock.recv(65536)
    assert caplog.messages == []


def test_unsupported_uvicorn_falls_back_on_its_own_protocol(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uvicorn_server, "USED_ATTRIBUTES", ("app", "a_future_attribute"))
    with running_emulator(Platform(ManualClock())) as emulator:
        sid = people(emulator.platform).sid()
        assert update(emulator, sid).json["reservation_status"] == "accepted"
        emulator.faults.add(Fault(kind=FaultKind.RESET_AFTER))
        reply = ask(emulator.url, "GET", worlds.path(sid))
        assert (reply.status, reply.json["message"]) == (
            500,
            "This server cannot reset a connection",
        )
    assert "has no a_future_attribute" in caplog.text
