"""uvicorn's server: its end and its fallback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http import uvicorn_server
from reservation_core.emulator.http.uvicorn_server import EmulatorServer
from reservation_core.emulator.server import running_emulator
from tests.emulator import worlds
from tests.emulator.http.helpers import raw_accept, update
from tests.emulator.http.test_asgi_messages import make_application
from tests.emulator.wire import WAIT, address, ask
from tests.emulator.worlds import World, people


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


def test_stop_ends_faults_and_readers_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uvicorn_server, "_GRACE_SECONDS", 0.05)
    feed = b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    silent = (FaultKind.LOST_REQUEST, FaultKind.LOST_REPLY, FaultKind.DELAYED)
    with ExitStack() as stack, running_emulator(Platform(ManualClock())) as emulator:
        sid = people(emulator.platform).sid()

        def send(*parts: bytes) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(address(emulator.url), WAIT))
            for part in parts:
                sock.sendall(part)
            return sock

        readers = [send(feed) for _ in range(3)]
        for reader in readers:
            assert b"200 OK" in reader.recv(100)
        for kind in (*silent, FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER):
            emulator.faults.add(Fault(kind=kind, seconds=60))
            send(raw_accept(sid))
            for _ in range(1000):
                if not emulator.faults:
                    break
                ask(emulator.url, "GET", "/_emulator/faults")
        worker = emulator.platform.add_worker(worlds.WORKSPACE, name="N" * 1_000_000)
        for _ in range(8):  # more than the socket of a reader that does not read can hold
            emulator.platform.reserve(emulator.platform.add_task(worlds.WORKSPACE).sid, worker.sid)
        send(b"POST /_emulator/seed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        send(b"GET /_emul")
        ask(emulator.url, "GET", "/_emulator/faults")
    assert caplog.messages == []


def test_request_that_never_ends_is_canceled_quietly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uvicorn_server, "_GRACE_SECONDS", 0.05)
    monkeypatch.setattr(uvicorn_server, "_ABORT_SECONDS", 0.05)
    entered = threading.Event()

    async def hang(_: Request) -> Response:
        entered.set()
        await asyncio.Event().wait()
        return Response()

    with running_emulator(routes=[Route("/_emulator/hang", hang)]) as emulator:
        sock = socket.create_connection(address(emulator.url), WAIT)
        sock.sendall(b"GET /_emulator/hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert entered.wait(WAIT)
    with sock:
        assert sock.recv(1) == b""
    assert caplog.messages == []


def test_other_error_of_the_loop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @asynccontextmanager
    async def keep() -> AsyncGenerator[None]:
        loops.append(asyncio.get_running_loop())
        yield

    with running_emulator(lifespans=[keep]) as emulator:
        loops[0].call_soon_threadsafe(lambda: 1 // 0)
        ask(emulator.url, "GET", "/_emulator/faults")
    assert "ZeroDivisionError" in caplog.text


def test_failing_accept_is_logged_once_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.new_event_loop()
    server = EmulatorServer(make_application(world))
    error = OSError(24, "Too many open files")
    context = {"message": "socket.accept() out of system resource", "exception": error}
    for now in (100.0, 101.0, 159.0, 161.0):
        monkeypatch.setattr(loop, "time", lambda now=now: now)
        server._handle_loop_error(loop, context)  # pyright: ignore[reportPrivateUsage]
    server.should_exit = True
    late = {"message": "Exception in callback BaseSelectorEventLoop._start_serving(...)"}
    server._handle_loop_error(loop, late)  # pyright: ignore[reportPrivateUsage]
    loop.close()
    message = "no connection can be accepted: Too many open files. Close some, or allow more"
    assert caplog.messages == [f"{message} open files"] * 2


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
