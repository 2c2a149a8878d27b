"""The feed: what happens from now on, as server-sent events, to everyone who listens.

* ``here``: the first one; which run of the emulator this is, and the time.
* ``act``: what happened to a reservation, its number in the journal, and how all reservations of that task stand now.
* ``exchange``: a request of the emulated API and its answer.
* ``notice``: a notice that was sent to who is called back, and what came of it.
* ``clock``: the time, when it is not what it would be by itself.
* ``gone``: tasks were deleted, and their reservations with them.

Others may be told by whoever has something to tell.
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
from reservation_core.emulator.control.callback_documents import show_notice
from reservation_core.emulator.control.overview import pace, siblings, time
from reservation_core.emulator.control.surface import Control, numbered
from reservation_core.emulator.documents import as_json
from reservation_core.emulator.platform.model import JournalEntry

_BEAT: Final = 15.0  # seconds between two signs of life
_BACKLOG: Final = 10_000  # events that a reader may lag behind
_AGAIN: Final = 1000  # milliseconds after which a reader that lost its connection asks again
_AMISS: Final = timedelta(seconds=0.2)  # by which a clock may be off before it was put forward


class Feeds:
    """Everyone who listens, and what is told to all of them. It is told from any thread.

    :param control: whose platform and exchanges are told of.
    """

    def __init__(self, control: Control) -> None:
        self.run: Final = secrets.token_hex(8)
        """Which run of the emulator this is: numbers begin anew with each."""
        self._control = control
        self._platform = control.platform
        self._readers: set[_Reader] = set()
        self._exchanges = 0
        self._tasks = 0
        self._due: datetime | None = None
        self._marked: tuple[datetime, float] = (self._platform.now(), monotonic())
        self._platform.subscribe(self._tell_act)
        control.callback_queue.subscribe(self._tell_notice)

    async def read(self) -> AsyncGenerator[bytes]:
        """Tell one reader what happens from now on, and give a sign of life when nothing happens for long."""
        reader = _Reader(asyncio.get_running_loop())
        if not self._readers:
            self._exchanges = self._control.exchanges.last_number
            self._look()
        self._readers.add(reader)
        try:
            yield b"retry: %d\n%s" % (
                _AGAIN,
                _event("here", {"run": self.run, **time(self._platform)}),
            )
            while event := await reader.next():
                yield event
        finally:
            self._readers.discard(reader)

    def tell(self, kind: str, document: object, number: int | None = None) -> None:
        """Tell everyone something.

        :param kind: the event's name.
        :param document: what JSON can hold, or attrs values.
        """
        if self._readers:
            event = _event(kind, document, number)
            for reader in tuple(self._readers):
                reader.loop.call_soon_threadsafe(reader.tell, event)

    def _tell_act(self, act: JournalEntry) -> None:
        if self._readers:
            number = self._control.last_act
            standing = siblings(self._platform, str(act.reservation.task_sid))
            self.tell("act", {**numbered(number, act), "reservations": standing}, number)

    def _tell_notice(self, sent: SentCallback) -> None:
        self.tell("notice", show_notice(sent))

    def tell_exchange(self) -> None:
        """Tell of the exchanges that were not told of yet."""
        if self._readers:
            for exchange in self._control.exchanges.since(self._exchanges):
                self._exchanges = exchange.number
                self.tell("exchange", exchange)

    def watch(self) -> None:
        """Tell what no act does: that the clock was put forward, or that tasks are there no more."""
        if not self._readers:
            return
        (then, mark), tasks, due = self._marked, self._tasks, self._due
        self._look()
        now, present = self._marked
        runs = pace(self._platform.clock)
        if abs(now - then - timedelta(seconds=(present - mark) * runs)) > _AMISS * max(1.0, runs):
            self.tell("clock", time(self._platform))
        rung = due is not None and due <= now and due != self._due
        if self._tasks < tasks or rung:
            self.tell("gone", {})

    def _look(self) -> None:
        self._tasks, self._due = len(self._platform.tasks()), self._platform.next_due()
        self._marked = (self._platform.now(), monotonic())

    def end(self) -> None:
        """Let every reader go, so that a server may end."""
        for reader in tuple(self._readers):
            reader.end()


class _Reader:
    """What is still to be told to one reader. Who lags behind too far is told what is there, and let go: the journal has the rest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self._open = True

    def tell(self, event: bytes) -> None:
        if self._open:
            self._events.put_nowait(event)
            if self._events.qsize() > _BACKLOG:
                self.end()

    def end(self) -> None:
        self._open = False
        self._events.put_nowait(b"")

    async def next(self) -> bytes:
        """Wait for the next event; a sign of life when there is none for long, and nothing at the end."""
        try:
            return await asyncio.wait_for(self._events.get(), _BEAT)
        except TimeoutError:
            return b": still here\n\n"


def _event(kind: str, document: object, number: int | None = None) -> bytes:
    numbering = b"" if number is None else b"id: %d\n" % number
    return b"%sevent: %s\ndata: %s\n\n" % (
        numbering,
        kind.encode(),
        json.dumps(as_json(document)).encode(),
    )
