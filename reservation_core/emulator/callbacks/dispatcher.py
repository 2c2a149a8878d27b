"""Who sends the notices: HTTP by the standard library, in threads of its own, within bounds.

1. Nothing that happens on the platform waits for a notice: it is taken up here, and sent afterwards.
2. Events are sent one after the other, in the order they are due; what is asked is sent side by side.
3. A connection that cannot be made is tried once more, with the same token; nothing else is sent again (the documented defaults). A
   redirect is not followed. Proxies of the environment are not used.
4. Its times are real ones, however fast the platform's clock goes: the setting ``callback_timeout`` for an assignment callback, 15 seconds
   for an event, and five of them for the connection.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import socket
import ssl
import threading
import time
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, cast
from urllib.parse import urlsplit

import attrs

from reservation_core.emulator.callbacks.answers import NO_CONNECTION, NO_SUCH_ANSWER
from reservation_core.emulator.callbacks.queue import Callback, CallbackKind, CallbackQueue
from reservation_core.rest.messages import Headers, Reply

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

EVENT_WITHIN: Final = 15.0
"""Seconds for an event callback."""

CONNECTED_WITHIN: Final = 5.0
"""Seconds for a connection."""

MOST: Final = 65_536
"""Bytes that an answer may have."""

SIDE_BY_SIDE: Final = 8
"""How many assignment callbacks are under way at once."""

_LINGER: Final = 0.5  # seconds that an event waits to be overtaken when nothing else happens
_TRIES: Final = 2
_EVENTS, _QUESTIONS = "emulator: events", "emulator: assignments"
_OWN: Final = {"Accept": "*/*", "Connection": "close", "User-Agent": "reservation-core emulator"}
_log: Final = logging.getLogger("reservation_core.emulator")


class CallbackDispatcher:
    """Sends what a platform owes, from when it is made until it is closed. A context manager; closing it leaves nothing behind.

    :param notices: what is sent, and where the answers go.
    :param tls: how certificates are checked; as the system does, by default.
    """

    def __init__(self, notices: CallbackQueue, *, tls: ssl.SSLContext | None = None) -> None:
        self.notices: Final = notices
        self._tls = tls
        self._stirred = threading.Condition()  # what follows is changed under it only
        self._threads: list[threading.Thread] = []
        self._calls: set[_Call] = set()
        self._free = 0  # threads that wait for a question
        self._settling = 0
        self._closed = False
        notices.owed = self._take_up
        for event in (True, False):
            for _ in range(min(SIDE_BY_SIDE, notices.due(event=event))):
                self._take_up(CallbackKind.EVENT if event else CallbackKind.ASSIGNMENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send nothing any more: what is under way is broken off, and what waits stays due."""
        self.notices.owed = None
        with self._stirred:
            self._closed = True
            for call in self._calls:
                call.break_off()
            self._stirred.notify_all()
        for thread in self._threads:
            thread.join()

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until all that is due has been sent and answered, and so has what followed from that.

        :raises TimeoutError: when it takes longer.
        """
        with self._stirred:
            self._settling += 1
            self._stirred.notify_all()
            try:
                if not self._stirred.wait_for(
                    lambda: not self._calls and not self.notices.waiting, timeout
                ):
                    raise TimeoutError(
                        f"{len(self._calls)} notices are under way and {self.notices.waiting} wait, after {timeout:g} s"
                    )
            finally:
                self._settling -= 1

    # --- its threads -----------------------------------------------------------------------------------------------------------------

    def _take_up(self, kind: CallbackKind) -> None:
        """See that somebody sends what has become due."""
        with self._stirred:
            if not self._closed and not self._is_served(event=kind is CallbackKind.EVENT):
                name = _EVENTS if kind is CallbackKind.EVENT else _QUESTIONS
                thread = threading.Thread(
                    target=self._work, args=(kind is CallbackKind.EVENT,), name=name, daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._stirred.notify_all()

    def _is_served(self, *, event: bool) -> bool:
        serve_events = [thread.name == _EVENTS for thread in self._threads]
        if event:
            return any(serve_events)
        return (
            self._free >= self.notices.due(event=False) or serve_events.count(False) >= SIDE_BY_SIDE
        )

    def _work(self, event: bool) -> None:
        while (call := self._next(event=event)) is not None:
            try:
                self._carry(call)
            except Exception:  # noqa: BLE001 - the others are sent all the same
                _log.exception("a notice, or what it was answered with, could not be dealt with")
            with self._stirred:
                self._calls.discard(call)
                self._stirred.notify_all()

    def _next(self, *, event: bool) -> _Call | None:
        """Wait for what is to be sent next; ``None`` when nothing is any more."""
        with self._stirred:
            while not self._closed:
                if (notice := self.notices.next(event=event)) is not None:
                    call = _Call(
                        notice,
                        EVENT_WITHIN if event else self.notices.platform.settings.callback_timeout,
                        self._tls,
                    )
                    self._calls.add(call)
                    return call
                self._free += not event
                linger = (
                    (0 if self._settling else _LINGER) if event and self.notices.withheld else None
                )
                stirred = self._stirred.wait(linger)
                self._free -= not event
                if not stirred:
                    self.notices.hurry()
        return None

    def _carry(self, call: _Call) -> None:
        """Send a notice, and bring back what came of it."""
        reply, why, code = None, "", NO_SUCH_ANSWER
        try:
            reply = call.make()
        except _NoConnection as error:
            why, code = f"no connection could be made ({error})", NO_CONNECTION
        except TimeoutError:
            why = f"no answer within {call.within:g} s"
        except _Unfit as error:
            why = str(error)
        except (OSError, http.client.HTTPException) as error:
            why = f"the connection broke, or the answer is no HTTP ({type(error).__name__})"
        if self._closed:
            return
        if reply is not None:
            self.notices.answered(call.notice, reply, call.seconds)
        else:
            self.notices.failed(call.notice, why, code, call.seconds)


class _NoConnection(Exception):
    """No connection could be made, twice."""


class _Unfit(http.client.HTTPException):
    """An answer that is not all there, or too long."""


@attrs.define(eq=False)
class _Call:
    """One exchange, whose time runs from its first attempt to connect."""

    notice: Callback
    within: float
    tls: ssl.SSLContext | None
    _began: float = 0.0
    _sock: socket.socket | None = None
    _broken_off: bool = False

    @property
    def seconds(self) -> float:
        """How long it has taken until now."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """How long it may still take.

        :raises TimeoutError: when its time is over.
        """
        left = self.within - self.seconds
        if left <= 0:
            raise TimeoutError
        return left

    def make(self) -> Reply:
        """Send the notice, and give the answer.

        :raises _NoConnection: when it could not be sent.
        :raises OSError, HTTPException: when no answer came, a :class:`TimeoutError` when none came in time.
        """
        self._began = time.monotonic()
        connection = self._connect()
        try:
            parts = urlsplit(self.notice.url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            assert self._sock is not None
            self._sock.settimeout(self.left)
            if self._broken_off:  # while it was being connected
                self.break_off()
            connection.request(
                "POST", target, self.notice.body, dict(self.notice.headers.pairs) | _OWN
            )
            with http.client.HTTPResponse(
                cast("socket.socket", _Timed(self._sock, self)), method="POST"
            ) as response:
                response.begin()
                body = response.read(MOST + 1)
                if len(body) > MOST:
                    raise _Unfit(f"the answer has more than {MOST} bytes")
                if response.length:
                    raise _Unfit("the answer was cut off")
                return Reply(response.status, Headers(tuple(response.getheaders())), body)
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.notice.url)
        host = str(parts.hostname)
        secure = parts.scheme.lower() == "https"
        kind = (
            partial(http.client.HTTPSConnection, context=self.tls)
            if secure
            else http.client.HTTPConnection
        )
        why = "no time was left"
        for _ in range(_TRIES):
            timeout = min(CONNECTED_WITHIN, self.within - self.seconds)
            if timeout <= 0 or self._broken_off:
                break
            connection = kind(host, parts.port, timeout=timeout)
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:  # the latter of a name that is no host's
                connection.close()
                why = type(error).__name__
            else:
                self._sock = connection.sock
                return connection
        raise _NoConnection(why)

    def break_off(self) -> None:
        """End it at once, whatever it waits for."""
        self._broken_off = True
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)


class _Timed(io.RawIOBase):
    """What comes in on a connection, as long as a call's time lasts: every single read has only what is left of it."""

    def __init__(self, sock: socket.socket, call: _Call) -> None:
        self._sock, self._call = sock, call

    def makefile(self, _: str) -> io.BufferedReader:
        """Stand in for the socket, which a response asks for what it reads."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, into: WriteableBuffer) -> int:
        """Read what is there.

        :raises TimeoutError: when nothing comes in time.
        """
        self._sock.settimeout(self._call.left)
        return self._sock.recv_into(into)
