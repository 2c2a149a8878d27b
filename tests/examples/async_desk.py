"""Example of an async service: it takes each call by a conference, or rejects it.

Events of one reservation are handled one after the other, those of others at the same time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from reservation_core import (
    AsyncGateway,
    CommandNotAllowed,
    Conference,
    GatewayError,
    Indistinguishable,
    LostRace,
    Policy,
    Reject,
    ReplyError,
    Reservation,
    Status,
    aperform,
    follow,
)


class Switchboard:
    """Service that connects callers with a worker while a line is free.

    :param lines: the largest number of callers connected, or being connected, at once.
    """

    def __init__(
        self, gateway: AsyncGateway, *, lines: int = 2, policy: Policy | None = None
    ) -> None:
        self.gateway = gateway
        self.lines = asyncio.Semaphore(lines)
        self.policy = policy or Policy()
        self.known: dict[str, Reservation] = {}
        self._connected: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def receive(self, reported: Reservation) -> None:
        """Store what an assignment or event reports. Answer a new, pending reservation."""
        sid = str(reported.sid)
        async with self._locks[sid]:
            is_new = sid not in self.known
            self._store(reported)
            if is_new and reported.status is Status.PENDING:
                await self._answer(reported)
            if sid in self._connected and self.known[sid].status.is_terminal:
                self._connected.remove(sid)
                self.lines.release()

    async def _answer(self, reported: Reservation) -> None:
        sid = str(reported.sid)
        has_line = not self.lines.locked()
        if has_line:
            await self.lines.acquire()
            self._connected.add(sid)
        command = Conference(to="client:alice") if has_line else Reject()
        try:
            self._store(await aperform(reported, command, self.gateway, policy=self.policy))
        except (LostRace, Indistinguishable) as outcome:
            if outcome.reservation is not None:
                self._store(outcome.reservation)
        except (ReplyError, GatewayError, CommandNotAllowed):
            pass  # the next event reports the outcome

    def _store(self, reported: Reservation) -> None:
        held = self.known.get(str(reported.sid))
        if held is None or reported.on_hold or follow(held.status, reported.status):
            self.known[str(reported.sid)] = reported
