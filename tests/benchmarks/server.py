"""The server of rows 9 and 10: ``python -m tests.benchmarks.server``.

It answers every request on 127.0.0.1 with the same reply, from a bare asyncio protocol. It prints
its port on the first line. It ends with its standard input, after ten minutes at the latest.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from tests.benchmarks import samples

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_HEADERS = "".join(
    f"{name}: {value}\r\n"
    for name, value in samples.HEADERS.items()
    if name.lower() != "content-length"
)
_REPLY = (
    f"HTTP/1.1 200 OK\r\n{_HEADERS}Content-Length: {len(samples.ACCEPTED)}\r\n\r\n".encode()
    + samples.ACCEPTED
)
_SECONDS = 600


class _Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(self._unread, 0, end)
            end += int(length[1]) if length else 0
            if len(self._unread) < end:
                return
            self._unread = self._unread[end:]
            self._transport.write(_REPLY)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0, backlog=128)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with asyncio.timeout(_SECONDS):
        await ended.wait()
    server.close()


@contextmanager
def serving() -> Generator[str]:
    """Start the server and give its origin."""
    command = [
        sys.executable,
        "-W",
        "ignore::RuntimeWarning:runpy",
        "-m",
        "tests.benchmarks.server",
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    asyncio.run(_serve())
