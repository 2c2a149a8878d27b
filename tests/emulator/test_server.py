"""Start, options and end of an emulator on a port."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from reservation_core.emulator import Platform, server
from reservation_core.emulator.server import Emulator, running_emulator
from tests.emulator.wire import WAIT, address, ask


def test_emulator_leaves_no_thread_and_no_port(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    with running_emulator() as emulator:
        kept = http.client.HTTPConnection(*address(emulator.url), timeout=WAIT)
        kept.request("GET", "/_emulator/routes")
        assert kept.getresponse().read()
        feed = socket.create_connection(address(emulator.url), WAIT)
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in feed.recv(65536)
    kept.close()
    feed.close()
    assert not caplog.records  # the reader of the feed was let go, not cut off
    assert set(threading.enumerate()) <= before  # a thread of another test may end meanwhile
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(emulator.url), WAIT)


def test_port_in_use_is_refused(emulator: Emulator) -> None:
    with (
        pytest.raises(OSError, match="Address already in use"),
        running_emulator(port=address(emulator.url)[1]),
    ):
        pass


def test_emulator_answers_on_ipv6() -> None:
    with running_emulator(host="::1") as emulator:
        assert emulator.url.startswith("http://[::1]:")
        assert ask(emulator.url, "GET", "/_emulator/routes").status == 200


def test_lifespans_and_routes_are_added() -> None:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        seen.append("entered")
        yield
        seen.append("left")

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("the page")

    with running_emulator(lifespans=[lifespan], routes=[Route("/_emulator/", page)]) as emulator:
        assert seen == ["entered"]
        assert ask(emulator.url, "GET", "/_emulator/").body == b"the page"
        assert ask(emulator.url, "GET", "/_emulator/routes").status == 200
    assert seen == ["entered", "left"]


def test_failing_lifespan_is_reported(caplog: pytest.LogCaptureFixture) -> None:

    def lifespan() -> contextlib.AbstractAsyncContextManager[None]:
        raise LookupError("unavailable")

    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="did not start"), running_emulator(lifespans=[lifespan]):
        pass
    with pytest.raises(RuntimeError, match="did not start"):
        server.serve(Platform(), lifespans=[lifespan])
    assert "unavailable" in caplog.text
    assert set(threading.enumerate()) <= before


def test_signal_ends_serve() -> None:

    def on_start(emulator: Emulator) -> None:
        def interrupt() -> None:
            assert ask(emulator.url, "GET", "/_emulator/routes").status == 200
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()

    default = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's job in the background is not interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            server.serve(Platform(), on_start=on_start)
    finally:
        signal.signal(signal.SIGINT, default)


def test_server_out_of_open_files_logs_little_and_recovers() -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64));"
        "from reservation_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        found = re.search(rb"http://\S+", process.stdout.readline())
        assert found
        url = found[0].decode()
        socks = [socket.create_connection(address(url), WAIT) for _ in range(100)]
        time.sleep(1.2)  # asyncio tries again after a second
        socks[0].sendall(b"GET /_emulator/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in socks[0].recv(100)
        for sock in socks:
            sock.close()
        assert ask(url, "GET", "/_emulator/routes").status == 200
        process.terminate()
        lines = process.stderr.read().decode().splitlines()
    message = (
        "no connection can be accepted: Too many open files. Close some, or allow more open files"
    )
    assert lines == [message]
