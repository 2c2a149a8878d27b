"""The same trade in an event loop: a switchboard that takes each call by a conference, or lets the next worker have it.

Events of one reservation are handled one after the other; those of others at the same time.
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
    """Connects callers with a worker as long as there are lines.

    :param lines: how many callers may be connected, or be about to be, at once.
    """

    def __init__(
        self, gateway: AsyncGateway, *, lines: int = 2, policy: Policy | None = None
    ) -> None:
        self.gateway = gateway
        self.lines = asyncio.Semaphore(lines)
        self.policy = policy or Policy()
        self.known: dict[str, Reservation] = {}
        self._connected: set[str] = set()
        self._one_by_one: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def hear(self, told: Reservation) -> None:
        """Take in what was told of a reservation; answer it when it is new and pending."""
        sid = str(told.sid)
        async with self._one_by_one[sid]:
            is_new = sid not in self.known
            self._keep(told)
            if is_new and told.status is Status.PENDING:
                await self._answer(told)
            if sid in self._connected and self.known[sid].status.is_terminal:
                self._connected.remove(sid)
                self.lines.release()

    async def _answer(self, told: Reservation) -> None:
        sid = str(told.sid)
        has_line = not self.lines.locked()
        if has_line:
            await self.lines.acquire()
            self._connected.add(sid)
        try:
            self._keep(
                await aperform(
                    told,
                    Conference(to="client:alice") if has_line else Reject(),
                    self.gateway,
                    policy=self.policy,
                )
            )
        except (LostRace, Indistinguishable) as outcome:
            if outcome.reservation is not None:
                self._keep(outcome.reservation)
        except (ReplyError, GatewayError, CommandNotAllowed):
            pass  # the next event tells

    def _keep(self, told: Reservation) -> None:
        held = self.known.get(str(told.sid))
        if held is None or told.on_hold or follow(held.status, told.status):
            self.known[str(told.sid)] = told
