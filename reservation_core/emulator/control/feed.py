"""Server-sent events about everything that happens on an emulator from now on.

* ``hello``: the first event of a reader, with the emulator's run and time.
* ``entry``: an entry of the journal, with all reservations of its task.
* ``exchange``: a request of the emulated API and its reply.
* ``callback``: a callback that was sent, and its result.
* ``clock``: the time, after a jump of the clock.
* ``deleted``: tasks and their reservations were deleted.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.emulator.control.callbacks import describe_result
from reservation_core.emulator.control.credentials import hide_credentials
from reservation_core.emulator.control.overview import (
    clock_pace,
    describe_entry,
    describe_task,
    describe_time,
)
from reservation_core.emulator.control.state import ControlState
from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.model import JournalEntry

_HEARTBEAT_SECONDS: Final = 15.0
_MAX_BACKLOG: Final = 10_000  # events that a reader may lag behind
_RETRY_MILLISECONDS: Final = 1000  # after which a reader that lost its connection reconnects
_CLOCK_TOLERANCE: Final = timedelta(seconds=0.2)  # difference that is not a jump of the clock


class EventFeed:
    """Events of one emulator, sent to all readers. Safe to send from any thread."""

    def __init__(self, state: ControlState) -> None:
        self.run: Final = secrets.token_hex(8)
        """Identifier of this run. Numbers start at 1 in each run."""
        self._state = state
        self._platform = state.platform
        self._readers: set[_Reader] = set()
        self._last_exchange = 0
        self._task_count = 0
        self._next_due: datetime | None = None
        self._observed: tuple[datetime, float] = (self._platform.now(), monotonic())
        self._platform.subscribe(self._send_entry)
        state.callback_queue.subscribe(self._send_result)

    async def read(self) -> AsyncGenerator[bytes]:
        """Yield the events from now on, and a heartbeat when nothing happens."""
        reader = _Reader(asyncio.get_running_loop())
        if not self._readers:
            self._last_exchange = self._state.exchanges.last_number
            self._observe()
        self._readers.add(reader)
        try:
            hello = _format("hello", {"run": self.run, **describe_time(self._platform)})
            yield b"retry: %d\n%s" % (_RETRY_MILLISECONDS, hello)
            while event := await reader.next():
                yield event
        finally:
            self._readers.discard(reader)

    def send(self, kind: str, content: object, number: int | None = None) -> None:
        """Send an event to all readers.

        :param kind: name of the event.
        :param content: JSON, or attrs values to convert.
        :param number: number of the event, sent as its id.
        """
        if self._readers:
            event = _format(kind, content, number)
            for reader in tuple(self._readers):
                reader.loop.call_soon_threadsafe(reader.add, event)

    def send_exchanges(self) -> None:
        """Send the exchanges that were not sent yet."""
        if self._readers:
            for exchange in self._state.exchanges.since(self._last_exchange):
                self._last_exchange = exchange.number
                self.send("exchange", exchange)

    def send_changes(self) -> None:
        """Send clock jumps and deletions, which no journal entry shows."""
        if not self._readers:
            return
        (time, at), task_count, due = self._observed, self._task_count, self._next_due
        self._observe()
        now, present = self._observed
        pace = clock_pace(self._platform.clock)
        expected = time + timedelta(seconds=(present - at) * pace)
        if abs(now - expected) > _CLOCK_TOLERANCE * max(1.0, pace):
            self.send("clock", describe_time(self._platform))
        has_timer_run = due is not None and due <= now and due != self._next_due
        if self._task_count < task_count or has_timer_run:
            self.send("deleted", {})

    def close(self) -> None:
        """End every reader."""
        for reader in tuple(self._readers):
            reader.close()

    def _send_entry(self, entry: JournalEntry) -> None:
        if self._readers:
            number = self._state.last_entry
            reservations = describe_task(self._platform, str(entry.reservation.task_sid))
            content = {**describe_entry(number, entry), "reservations": reservations}
            self.send("entry", content, number)

    def _send_result(self, sent: SentCallback) -> None:
        self.send("callback", describe_result(sent))

    def _observe(self) -> None:
        self._task_count, self._next_due = len(self._platform.tasks()), self._platform.next_due()
        self._observed = (self._platform.now(), monotonic())


class _Reader:
    """Events that one reader has still to receive. A reader that lags too far is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self._is_open = True

    def add(self, event: bytes) -> None:
        if self._is_open:
            self._events.put_nowait(event)
            if self._events.qsize() > _MAX_BACKLOG:
                self.close()

    def close(self) -> None:
        self._is_open = False
        self._events.put_nowait(b"")

    async def next(self) -> bytes:
        """Return the next event, a heartbeat, or nothing at the end."""
        try:
            return await asyncio.wait_for(self._events.get(), _HEARTBEAT_SECONDS)
        except TimeoutError:
            return b": heartbeat\n\n"


def _format(kind: str, content: object, number: int | None = None) -> bytes:
    identifier = b"" if number is None else b"id: %d\n" % number
    data = json.dumps(hide_credentials(as_json(content))).encode()
    return b"%sevent: %s\ndata: %s\n\n" % (identifier, kind.encode(), data)
