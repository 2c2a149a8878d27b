"""One connection to the emulator: uvicorn's, kept within bounds, with a short way for what the emulated API answers at once.

Bounds: a request has to arrive whole within 10 seconds, and its head within 64 KiB; a connection on which nothing happens is closed
after 75 seconds.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from reservation_core.emulator.control.surface import ROOT
from reservation_core.emulator.http.asgi import LOOKED_AT, RESET, EmulatorApplication

KEEP_ALIVE: Final = 75
"""Seconds for which a connection may be idle."""

_ARRIVES: Final = 10.0
_LINGERS: Final = 1.0  # seconds for which a client may go on sending what is not read any more
_HEAD: Final = 65_536
_PLAIN: Final = (b"GET", b"POST")
_STEERING: Final = ROOT.encode()


class EmulatorConnection(HttpToolsProtocol):
    """What uvicorn makes of each connection.

    A plain GET or POST is answered as soon as the parser has all of it, and written in one go. Whatever else there is takes uvicorn's
    way through ASGI: the control surface, a fault, an older protocol, a request behind one that is still being answered, a client that
    does not read.
    """

    app: EmulatorApplication
    url: bytes
    headers: list[tuple[bytes, bytes]]
    expect_100_continue: bool

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        # asyncio leaves Nagle's algorithm on for sockets of socket.create_server (their protocol
        # number is 0): a reply in two parts, as uvicorn writes them, then takes 44 ms.
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._whole, self._in_head, self._at_once = True, False, False
        self._head: int | None = 0
        self._body = b""
        self._deaf = False
        self._patience: asyncio.TimerHandle | None = None
        self._stirred = self.loop.time()
        self._idle = self.loop.call_later(KEEP_ALIVE, self._look_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what waits."""
        self._relax()
        self._idle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and look whether it stays within bounds."""
        if self._deaf:
            return
        super().data_received(data)
        self._stirred = self.loop.time()
        if self._whole:
            if self._patience is not None:
                self._relax()
            return
        if self._patience is None:
            self._patience = self.loop.call_later(_ARRIVES, self._give_up, b"408 Request Timeout")
        if self._in_head:
            self._head = (
                0 if self._head is None else self._head + len(data)
            )  # where it began, other requests may stand before it
            if self._head > _HEAD:
                self._give_up(b"431 Request Header Fields Too Large")

    # --- the parser's callbacks --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._whole, self._in_head, self._head = False, True, None
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._in_head = False
        parser = self._parsed()
        self._at_once = (
            self._is_answered()
            and parser.get_method() in _PLAIN
            and not self.url.startswith(_STEERING)
            and not self.app.faults
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
        )
        if self._at_once:
            self._body = b""
        else:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()  # which makes what the short way does without
            self.url, self.expect_100_continue = url, expects
            self.headers += headers
            cast("dict[str, object]", self.scope)["extensions"] = {RESET: self._reset}
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, up to a little more than it may have."""
        if not self._at_once:
            super().on_body(body)
        elif len(self._body) <= self.app.most:
            self._body += body
            if len(self._body) > self.app.most:
                self._answer()

    def on_message_complete(self) -> None:
        """Answer, on the short way."""
        self._whole = True
        if not self._at_once:
            super().on_message_complete()
        elif len(self._body) <= self.app.most:
            self._answer()

    def _parsed(self) -> httptools.HttpRequestParser:
        """Give the parser, which is there as long as the connection."""
        parser: httptools.HttpRequestParser | None = self.parser
        assert parser is not None
        return parser

    def _is_answered(self) -> bool:
        """Whether nothing is being answered on uvicorn's way."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _answer(self) -> None:
        """Answer what is read; the last time on this connection where the body is too long to be read to its end."""
        too_long = len(self._body) > self.app.most
        last = too_long or not self._parsed().should_keep_alive()
        headers = tuple(
            [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self.headers
                if name in LOOKED_AT
            ]
        )
        reply = self.app.answer(
            self._parsed().get_method().decode("ascii"),
            self.url.decode("latin-1"),
            headers,
            self._body,
        )
        lines = "".join([f"{name}: {value}\r\n" for name, value in reply.headers.pairs])
        said = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        close = b"connection: close\r\n" if last else b""
        head = b"%scontent-length: %d\r\n%s%s\r\n" % (
            lines.encode("latin-1"),
            len(reply.body),
            said,
            close,
        )
        self.transport.write(STATUS_LINE[reply.status] + head + reply.body)
        if too_long:
            self._hang_up()
        elif last:
            self.transport.close()

    # --- its bounds --------------------------------------------------------------------------------------------------------------

    def _look_idle(self) -> None:
        """End a connection on which nothing happened for long."""
        left = (
            self._stirred + KEEP_ALIVE - self.loop.time()
            if self._whole and self._is_answered()
            else KEEP_ALIVE
        )
        if left <= 0:
            self.transport.close()
        else:
            self._idle = self.loop.call_later(left, self._look_idle)

    def _relax(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, why: bytes) -> None:
        """End the connection, and say why where nothing was said yet."""
        if self._in_head or self._at_once or not self.cycle.response_started:
            self.transport.write(
                b"HTTP/1.1 " + why + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
        self._hang_up()

    def _hang_up(self) -> None:
        """End the connection so that a client that is still sending hears what was said: closed at once, it would be reset."""
        self._relax()
        self._deaf = True
        self.transport.write_eof()
        self._patience = self.loop.call_later(_LINGERS, self.transport.abort)

    def _reset(self) -> None:
        """Break the connection with a TCP reset, not with an end, unless the client has gone by then."""
        if self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
