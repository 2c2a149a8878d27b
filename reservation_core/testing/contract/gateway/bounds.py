"""Tests of the bounds of one exchange: its time and its memory, whatever the server sends."""

import functools
import gzip
import itertools
import re
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from reservation_core.testing.contract.gateway import checks
from reservation_core.testing.contract.gateway.drivers import DriverFactory
from reservation_core.testing.contract.gateway.support import serving, update_request
from reservation_core.testing.contract.loopback import (
    MEBIBYTE,
    Connection,
    LoopbackServer,
    Responder,
    json_response,
    response_head,
)

_TIMEOUT: Final = 0.3  # seconds
_MARGIN: Final = 2.0  # seconds; the machine may be busy
_FLOOD: Final = 40  # MiB that a server tries to send, or that its reply unpacks to
_MAX_GROWTH: Final = 20  # MiB; a few buffers of the client and of the server are part of it

_GZIP: Final = ("Content-Encoding", "gzip")
_CHUNKED: Final = ("Transfer-Encoding", "chunked")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_EMPTY_GZIP: Final = gzip.compress(b"")
_EMPTY_BLOCK: Final = b"\x00\x00\x00\xff\xff"  # of a deflate stream: it holds no data
_GZIP_CHUNKS: Final = response_head(headers=[_GZIP, _CHUNKED])
_ENDED_CHUNKS: Final = response_head(headers=[_CHUNKED]) + _chunk(b"{}") + b"0\r\n"

ENDLESS: Final[dict[str, tuple[bytes, bytes]]] = {
    "blank lines": (b"", b"\r\n"),
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "interim replies": (b"", response_head("103 Early Hints")),
    "replies that ask to continue": (b"", response_head("100 Continue")),
    "a header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Long: a\r\n"),
    "a body": (response_head(headers=[("Content-Length", "9999999")]), b"a"),
    "chunks": (response_head(headers=[_CHUNKED]), _chunk(b" ")),
    "the extension of a chunk": (response_head(headers=[_CHUNKED]) + b"1;", b"a"),
    "trailers": (_ENDED_CHUNKS, b"X-Long: a\r\n"),
    "a trailer": (_ENDED_CHUNKS + b"X-Long: ", b"a"),
    "members of gzip": (_GZIP_CHUNKS, _chunk(_EMPTY_GZIP)),
    "padding of gzip": (_GZIP_CHUNKS + _chunk(_EMPTY_GZIP), _chunk(b"\0")),
    "blocks of gzip": (_GZIP_CHUNKS + _chunk(_EMPTY_GZIP[:10]), _chunk(_EMPTY_BLOCK)),
}
"""Replies without an end: how each begins, and what is repeated."""


def dripping_response(start: bytes, repeated: bytes) -> Responder:
    """Respond slowly, without an end, until the client ends the connection."""

    def respond(connection: Connection) -> bool:
        connection.receive()
        connection.write(start)
        return _drip(connection, repeated)

    return respond


def _drip(connection: Connection, repeated: bytes) -> bool:
    end = time.monotonic() + _TIMEOUT + _MARGIN
    while time.monotonic() < end:
        connection.write(repeated)
        connection.pause(0.015)
    return False


def _dripping_handshake(connection: Connection) -> bool:
    connection.write(b"\x16\x03\x03\x3f\x00\x02\x00\x3e\xfc")  # a long ServerHello begins
    return _drip(connection, b"\0")


def _flood(start: bytes, repeated: bytes) -> Responder:
    """Respond with something repeated, as fast as possible, up to 40 MiB."""

    def respond(connection: Connection) -> bool:
        connection.receive()
        connection.write(start)
        piece = repeated * (MEBIBYTE // len(repeated))
        for _ in range(_FLOOD):
            connection.write(piece)
        return False

    return respond


@functools.cache
def _bomb(coding: str, compress: Callable[[bytes], bytes]) -> Responder:
    return json_response(compress(bytes(_FLOOD * MEBIBYTE)), headers=[("Content-Encoding", coding)])


def _deflate_raw(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


FLOODS: Final[dict[str, Responder]] = {
    "a header": _flood(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
    "headers": _flood(b"HTTP/1.1 200 OK\r\n", b"X-Long: a\r\n"),
    "interim replies": _flood(b"", response_head("103 Early Hints", [("A", "b" * 999)])),
    "a body": _flood(response_head(headers=[("Content-Length", "99999999")]), b"a"),
    "trailers": _flood(_ENDED_CHUNKS, b"X-Long: a\r\n"),
    "a trailer": _flood(_ENDED_CHUNKS + b"X-Long: ", b"a"),
    "the extension of a chunk": _flood(response_head(headers=[_CHUNKED]) + b"1;", b"a"),
    "members of gzip": _flood(_GZIP_CHUNKS, _chunk(_EMPTY_GZIP * 50)),
    "data behind gzip": _flood(
        response_head(headers=[_GZIP, ("Content-Length", "99999999")]) + _EMPTY_GZIP, b"a"
    ),
}
"""Replies that take much memory, if the client keeps them."""

BOMBS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": _deflate_raw,
}
"""Codings whose replies take much memory, if the client unpacks them."""


class BoundsTests:
    """Promises about the time and the memory of one exchange."""

    def test_timeout_covers_the_whole_exchange(self, open_driver: DriverFactory) -> None:
        """A reply without an end fails in time, and frees its connection."""
        responders = itertools.starmap(dripping_response, ENDLESS.values())
        with serving(
            open_driver,
            *responders,
            json_response(b"next"),
            timeout=_TIMEOUT,
            max_connections=len(ENDLESS),
        ) as driver:
            started = time.monotonic()
            for error in checks.expect_failures(driver, *[update_request()] * len(ENDLESS)):
                checks.check_outcome_unknown(error)
            seconds = time.monotonic() - started
            assert seconds < _TIMEOUT + _MARGIN, "end an exchange after its timeout"
            while driver.server.open_connections and seconds < _TIMEOUT + _MARGIN:
                driver.idle(0.01)
                seconds = time.monotonic() - started
            assert driver.server.open_connections == 0, "close the connection of a failed exchange"
            checks.check_still_works(driver)

    def test_timeout_covers_the_tls_handshake(self, open_driver: DriverFactory) -> None:
        """A TLS handshake byte by byte does not extend the timeout."""
        with (
            LoopbackServer(_dripping_handshake) as server,
            open_driver(
                base_url=server.origin.replace("http", "https"),
                connect_timeout=_TIMEOUT,
                timeout=_TIMEOUT,
            ) as driver,
        ):
            started = time.monotonic()
            checks.expect_failure(driver, update_request())
            seconds = time.monotonic() - started
        assert seconds < _TIMEOUT + _MARGIN, "end a TLS handshake after the timeout"

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the peak of the memory")
    def test_memory_of_a_reply_is_bounded(self, open_driver: DriverFactory) -> None:
        """No reply takes much more memory than ``max_reply_bytes``, packed or unpacked."""
        bombs = {name: _bomb(name.split()[-1], compress) for name, compress in BOMBS.items()}
        for name, responder in (FLOODS | bombs).items():
            with serving(
                open_driver, responder, timeout=_TIMEOUT, max_reply_bytes=100_000
            ) as driver:
                before = _reset_peak()
                driver.send_all([update_request()])
                growth = _memory("VmHWM") - before
            assert growth < _MAX_GROWTH, f"bound the memory of a reply with {name}: {growth} MiB"


def _reset_peak() -> int:
    """Reset the peak of this process's memory. Return its present size in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    """Return a figure of this process's memory in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "read /proc/self/status"
    return int(found[1]) // 1024
