"""Connection to the emulator, with limits and a fast path.

Limits: a request must arrive whole within 10 seconds and its head within 64 KiB; a connection
without activity is closed after 75 seconds.

This module reaches into private parts of uvicorn's ``HttpToolsProtocol``. It is tested with
uvicorn 0.34.0 to 0.54.0 and httptools 0.6.3 to 0.9.0. Where an attribute that it uses is missing,
``uvicorn_server`` falls back on uvicorn's own protocol: then there are no limits, no fast path and
no connection resets.

The fast path answers most requests of the emulated API without ASGI. It saves a third of the
processor time of a request: 55 instead of 87 microseconds (benchmark row 11). To remove it, delete
``_is_fast``, ``_answer`` and the overrides of ``on_body`` and ``on_message_complete``.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from typing import Final, cast

from reservation_core._extras import extra
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.api.exchange_log import RawRequest
from reservation_core.emulator.http.asgi import RESET_EXTENSION, EmulatorApplication
from reservation_core.emulator.http.asgi_messages import (
    LINGER_SECONDS,
    READ_HEADERS,
    SITE_HEADERS,
    error_reply,
)
from reservation_core.rest.messages import Reply

with extra("emulator"):
    import httptools
    from uvicorn.protocols.http.httptools_impl import (
        STATUS_LINE,
        HttpToolsProtocol,
        RequestResponseCycle,
    )


KEEP_ALIVE_SECONDS: Final = 75
"""Seconds after which a connection without activity is closed."""

USED_ATTRIBUTES: Final = (
    *("app", "client", "cycle", "expect_100_continue", "flow", "headers", "loop", "parser"),
    *("scope", "server_state", "transport", "url", "on_message_begin", "on_headers_complete"),
    *("on_body", "on_message_complete", "data_received", "eof_received", "send_400_response"),
)
"""Attributes of uvicorn's protocol that this module uses."""

_ARRIVAL_SECONDS: Final = 10.0
_MAX_HEAD_BYTES: Final = 65_536
_FAST_METHODS: Final = (b"GET", b"POST")
_parse_absolute_target: Final = re.compile(
    rb"https?://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE
).fullmatch


class EmulatorConnection(HttpToolsProtocol):
    """Protocol of one connection.

    On the fast path, a plain GET or POST is answered as soon as the parser has all of it, with one
    write. Everything else goes through ASGI: the control surface, a fault, HTTP/1.0, a target that
    is more than a plain path, a pipelined request, and a client that does not read. On both, the
    application answers the same :class:`RawRequest`.
    """

    app: EmulatorApplication
    url: bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the idle timer."""
        super().connection_made(transport)
        # asyncio leaves Nagle's algorithm on for a socket of socket.create_server, whose protocol
        # number is 0. A reply that is written in two parts then takes 44 ms instead of 0.2 ms.
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client_address, _ = self.client or ("", 0)  # unknown if it has already gone
        self._is_whole, self._is_in_head, self._is_fast = True, False, False
        self._has_ended = False
        self._request_count = self._head_bytes = 0
        self._is_at_start = self._is_counted = False
        self._body = b""
        # Of the latest request. Most requests of a connection have the same headers.
        self._method = ""
        self._known_headers: list[tuple[bytes, bytes]] = []
        self._read_headers: FormPairs = ()
        self._origin: str | Reply = ""
        self._cycles: list[RequestResponseCycle] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._last_activity = self.loop.time()
        self._idle_timer = self.loop.call_later(KEEP_ALIVE_SECONDS, self._close_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._has_ended = True
        self._cancel_deadline()
        self._idle_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, and enforce the limits of a request."""
        if self._is_whole and len(data) <= _MAX_HEAD_BYTES and not self._has_ended:
            self._feed(data)  # as below, in the usual case
        else:
            self._feed_pieces(data)
        if self._has_ended:
            return
        self._last_activity = self.loop.time()
        if self._is_whole:
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_ARRIVAL_SECONDS, self._refuse_late)

    def eof_received(self) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Keep a connection whose client only reads until it has its replies."""
        waiting = self._unanswered()
        if not (self._is_whole and waiting) or waiting[-1].response_started:
            return False
        waiting[-1].keep_alive = False
        return True

    def _feed_pieces(self, data: bytes) -> None:
        """Parse data up to the limit of a head."""
        while data and not self._has_ended:
            room = len(data)
            if self._is_whole or self._is_in_head:
                room = _MAX_HEAD_BYTES - (self._head_bytes if self._is_in_head else 0)
            if room:
                self._feed(data[:room])
            else:
                self._refuse_head()
            data = data[room:]

    def _feed(self, piece: bytes) -> None:
        """Parse data, and count the bytes of an unfinished head."""
        count, self._is_at_start = self._request_count, self._is_whole
        super().data_received(piece)
        if self._is_in_head and (self._is_counted or self._request_count == count):
            self._head_bytes += len(piece)

    # --- callbacks of the parser -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._has_ended:
            return
        self._is_counted, self._is_at_start = self._is_at_start, False
        self._is_whole, self._is_in_head, self._head_bytes = False, True, 0
        self._request_count += 1
        self.url, self.expect_100_continue = b"", False
        self.headers: list[tuple[bytes, bytes]] = []

    def on_headers_complete(self) -> None:
        """Choose between the fast path and ASGI."""
        if self._has_ended:
            return
        # The head of a pipelined request began somewhere in a piece. Its parts are measured.
        if not self._is_counted and self._measure_head() > _MAX_HEAD_BYTES:
            self._refuse_head()
            return
        self._is_fast = self._can_be_fast()
        if self._is_fast:
            self._body = b""
        else:
            self._begin_asgi()
        self._is_in_head = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._has_ended:
            return
        if not self._is_fast:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > self.app.max_body_bytes:
            self._answer()

    def on_message_complete(self) -> None:
        """End a request, and answer it on the fast path."""
        if self._has_ended:
            return
        self._is_whole = True
        if self._is_fast:
            self._answer()
        else:
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer over HTTP/1.1 without a warning, as RFC 9110 allows."""

    def _measure_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    # --- ASGI ------------------------------------------------------------------------------------

    def _begin_asgi(self) -> None:
        """Begin an ASGI request with its scope."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        if absolute := _parse_absolute_target(url):
            # Its host stands in for that of the header (RFC 9112, section 3.2.2).
            url = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
            headers = [(name, absolute[1] if name == b"host" else old) for name, old in headers]
        super().on_message_begin()
        self.url = url
        self.expect_100_continue: bool = expects
        self.headers.extend(headers)  # in place: the scope holds this list
        cast("dict[str, object]", self.scope)["extensions"] = {RESET_EXTENSION: self._reset}
        super().on_headers_complete()
        self._cycles = [*self._unanswered(), self.cycle]

    def _unanswered(self) -> list[RequestResponseCycle]:
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    # --- the fast path ---------------------------------------------------------------------------

    def _can_be_fast(self) -> bool:
        parser, url = self._open_parser(), self.url
        return (
            self._is_answered()
            and parser.get_method() in _FAST_METHODS
            and url.startswith(b"/v1/")
            and url.isascii()
            and b"%" not in url
            and b"#" not in url
            and not self.app.faults
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
        )

    def _open_parser(self) -> httptools.HttpRequestParser:
        parser: httptools.HttpRequestParser | None = self.parser
        assert parser is not None  # until the connection is lost
        return parser

    def _is_answered(self) -> bool:
        """Return true if no request is being answered through ASGI."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _answer(self) -> None:
        """Answer the request, and close the connection after an oversized body."""
        parser = self._open_parser()
        is_too_long = len(self._body) > self.app.max_body_bytes
        is_last = is_too_long or not parser.should_keep_alive()
        method = parser.get_method().decode("ascii")
        if method != self._method or self.headers != self._known_headers:
            self._method, self._known_headers = method, self.headers
            site = tuple(header for header in self.headers if header[0] in SITE_HEADERS)
            self._origin = self.app.find_origin(method, self._client_address, site)
            self._read_headers = tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self.headers
                if name in READ_HEADERS
            )
        request = RawRequest(method, self.url.decode("latin-1"), self._read_headers, self._body)
        self._write(self.app.answer(request, self._origin), close=is_last)
        if is_too_long:
            self._hang_up()
        elif is_last:
            self._has_ended = True
            self.transport.close()

    def _write(self, reply: Reply, *, close: bool) -> None:
        lines = "".join([f"{name}: {value}\r\n" for name, value in reply.headers.pairs])
        default = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        head = b"%scontent-length: %d\r\n%s%s\r\n" % (
            lines.encode("latin-1"),
            len(reply.body),
            default,
            b"connection: close\r\n" if close else b"",
        )
        self.transport.write(STATUS_LINE[reply.status] + head + reply.body)

    # --- limits ----------------------------------------------------------------------------------

    def _close_if_idle(self) -> None:
        is_idle = self._is_whole and self._is_answered()
        idle_since = self._last_activity if is_idle else self.loop.time()
        left = idle_since + KEEP_ALIVE_SECONDS - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._idle_timer = self.loop.call_later(left, self._close_if_idle)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_late(self) -> None:
        self._refuse(408, f"The request did not arrive within {_ARRIVAL_SECONDS:g} seconds")

    def _refuse_head(self) -> None:
        self._refuse(431, f"The head of the request has more than {_MAX_HEAD_BYTES} bytes")

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read."""
        if not self._has_ended:
            self._refuse(400, f"The request cannot be read: {msg}")

    def _refuse(self, status: int, message: str) -> None:
        """End the connection, after the replies to earlier requests.

        The refused request gets a reply if there is no earlier one, and its own has not begun.
        """
        has_cycle = not (self._is_whole or self._is_in_head or self._is_fast)
        waiting = self._unanswered()
        if has_cycle and self.cycle in waiting:
            waiting.remove(self.cycle)
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if waiting:
            self._cancel_deadline()
            self._has_ended = True
            waiting[-1].keep_alive = False  # uvicorn closes the connection after its reply
            return
        if not (has_cycle and self.cycle.response_started):
            self._write(error_reply(status, 20_000 + status, message), close=True)
        self._hang_up()

    def _hang_up(self) -> None:
        """End the connection a second later, after the client got the reply.

        If it were closed at once, data that the client still sends would reset it.
        """
        self._cancel_deadline()
        self._has_ended = True
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _reset(self) -> None:
        """Reset the TCP connection, unless the client has closed it."""
        if self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
