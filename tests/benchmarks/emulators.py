"""Row 11: an update answered over HTTP, on 32 connections.

Servers: the emulator, bare uvicorn that answers the same bytes, Starlette with a dict, and prism.
The figure is the processor time that the server's process takes for a request, on all its threads.
All servers get the same bytes from the same client, log nothing and answer every request with a
200, which is checked.
"""

import asyncio
import json
import math
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from tests.benchmarks.emulated import RESERVATION, STORED, shown
from tests.benchmarks.measure import OPEN, QUICK, Comparison, Effort, Meter, Relation
from tests.benchmarks.network import IN_FLIGHT
from tests.campaigns.api_description import describe
from tests.emulator.worlds import WORKSPACE, path

_EACH: Final = 60
"""Requests on each connection in a round."""

_MEASURE: Final = f"update answered over HTTP, {IN_FLIGHT} connections"
_BODY: Final = (
    b"Instruction=call&CallFrom=%2B15005550006&CallUrl=https%3A%2F%2Fexample.com%2Fcall"
    b"&CallTimeout=30&CallRecord=none"
)
_REQUEST: Final = (
    f"POST {path(RESERVATION)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "User-Agent: twilio-python/9.13.0\r\nAccept: application/json\r\n"
    "Accept-Charset: utf-8\r\nAuthorization: Basic QUM6dG9rZW4=\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
    f"Content-Length: {len(_BODY)}\r\n\r\n"
).encode() + _BODY
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


# --- the servers' processes ----------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int) -> Generator[int]:
    """Run a server as a process, and yield its ID."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            asyncio.run(_listens(port))
            yield process.pid
        finally:
            process.kill()


async def _listens(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


# --- the client ----------------------------------------------------------------------------------


class _Client(asyncio.Protocol):
    """One connection that sends the request again after each reply."""

    def __init__(self) -> None:
        self._unread = b""
        self._left = 0
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def run(self, times: int) -> asyncio.Future[None]:
        self._left, self._done = times, asyncio.get_running_loop().create_future()
        self._transport.write(_REQUEST)
        return self._done

    def data_received(self, data: bytes) -> None:
        self._unread += data
        end = self._unread.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(self._unread, 0, end) if end > 3 else None
        if length is None or len(self._unread) < end + int(length[1]):
            return
        if not self._unread.startswith(b"HTTP/1.1 200"):
            self._done.set_exception(AssertionError(self._unread))
            return
        self._unread, self._left = b"", self._left - 1
        if self._left:
            self._transport.write(_REQUEST)
        else:
            self._done.set_result(None)

    def close(self) -> None:
        self._done.cancel()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server closed the connection"))


def _used(pid: int) -> float:
    """Return the processor time of a process in seconds."""
    return time.clock_gettime((~pid << 3) | 2)


def _meter(pid: int, port: int, effort: Effort) -> Meter:
    """Time a request in microseconds of the server's processor time."""
    runner = OPEN.enter_context(asyncio.Runner())
    each = 1 if effort is QUICK else _EACH

    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        clients = [
            (await loop.create_connection(_Client, "127.0.0.1", port))[1] for _ in range(IN_FLIGHT)
        ]
        try:
            await asyncio.gather(*(client.run(5) for client in clients))
            before = _used(pid)
            await asyncio.gather(*(client.run(each) for client in clients))
            return _used(pid) - before
        finally:
            for client in clients:
                client.close()
            await asyncio.sleep(0)

    def meter() -> float:
        return runner.run(seconds()) / (each * IN_FLIGHT) * 1e6

    for _ in range(0 if effort is QUICK else 3):  # prism is slow at first
        meter()
    return meter


# --- the row -------------------------------------------------------------------------------------


def _python(kind: str, effort: Effort) -> Meter:
    port = _free_port()
    return _meter(
        OPEN.enter_context(
            _running([sys.executable, "-m", "tests.benchmarks.emulated", kind, str(port)], port)
        ),
        port,
        effort,
    )


def _prism(effort: Effort) -> Meter | None:
    """Run prism over the official description, if it is installed."""
    found = shutil.which("prism")
    if found is None:
        return None
    description = describe()
    update = description["paths"][path("{Sid}", "{TaskSid}").replace(WORKSPACE, "{WorkspaceSid}")][
        "post"
    ]
    update["responses"]["200"]["content"]["application/json"]["example"] = shown(
        STORED, "http://127.0.0.1"
    )  # else it has none to show
    described = tempfile.NamedTemporaryFile("w", suffix=".json")  # noqa: SIM115 - it is kept as long as prism reads it
    file = OPEN.enter_context(described)
    json.dump(description, file)
    file.flush()
    port = _free_port()
    return _meter(
        OPEN.enter_context(
            _running(
                [
                    found,
                    "mock",
                    "--port",
                    str(port),
                    "--errors",
                    "--verboseLevel",
                    "silent",
                    file.name,
                ],
                port,
            )
        ),
        port,
        effort,
    )


def emulators(effort: Effort) -> list[Comparison]:
    """Answer an update."""
    ours, prism = _python("ours", effort), _prism(effort)
    missing = "prism: NOT MEASURED, not installed (npm install --global @stoplight/prism-cli)"
    return [
        Comparison(
            row=11,
            measure=_MEASURE,
            against="bare uvicorn, the same bytes",
            ours=ours,
            peer=_python("uvicorn", effort),
            reach=2,
            relation=Relation.SHARE,
        ),
        Comparison(
            row=11,
            measure=_MEASURE,
            against="Starlette with a dict",
            ours=ours,
            peer=_python("starlette", effort),
            reach=1.2,
        ),
        Comparison(
            row=11,
            measure=_MEASURE,
            against="prism" if prism else missing,
            ours=ours,
            peer=prism or (lambda: math.nan),
            reach=8,
        ),
    ]
