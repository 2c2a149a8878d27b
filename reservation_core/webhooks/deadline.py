"""Time limit of the response to an assignment callback."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from reservation_core.domain.commands.base import Command

ANSWER_TIMEOUT: Final = 5.0
"""Seconds that the platform waits for the response to an assignment callback."""

_TRANSFER_TIME: Final = 0.5

_C = TypeVar("_C", bound=Command)


class Deadline:
    """Time limit of a response. It starts when the object is made, so make it first.

    A decision that comes too late becomes ``None``, which means to decide later: by then the
    platform calls the fallback URL and ignores this response.

    :param seconds: the platform's limit, by default less half a second for the transfer.
    :param clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        seconds: float = ANSWER_TIMEOUT - _TRANSFER_TIME,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock: Final = clock
        self._end: Final = clock() + seconds

    @property
    def remaining(self) -> float:
        """The remaining seconds, never below zero. Use them as a time-out."""
        return max(0.0, self._end - self._clock())

    @property
    def is_expired(self) -> bool:
        """True if it is too late for a response."""
        return self.remaining == 0.0

    def decide(self, decide: Callable[[Deadline], _C | None]) -> _C | None:
        """Call a function that decides. It is not interrupted, so it checks ``remaining`` itself.

        :returns: its command, or ``None`` if the time has run out before or after the call. If
            before, the function is not called.
        """
        command = None if self.is_expired else decide(self)
        return None if self.is_expired else command

    async def adecide(self, deciding: Awaitable[_C | None]) -> _C | None:
        """Await a decision, and cancel it when the time runs out.

        :returns: the command, or ``None`` if there was none in time. If the time has run out
            before, the awaitable is not started.
        """
        import asyncio  # noqa: PLC0415 - it takes 20 ms, and the whole package 45 ms (benchmark row 12)

        if self.is_expired:
            asyncio.ensure_future(deciding).cancel()
            return None
        limit = asyncio.timeout(self.remaining)
        try:
            async with limit:
                command = await deciding
        except TimeoutError:
            if limit.expired():
                return None
            raise  # the decision's own time-out
        # A decision that blocks the event loop cannot be cancelled, and may end too late.
        return command if self.remaining else None
