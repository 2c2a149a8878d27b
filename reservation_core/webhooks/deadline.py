"""Time limit of the response to an assignment callback."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from reservation_core.domain.commands.base import Command

ANSWER_TIMEOUT: Final = 5.0
"""Seconds for which the platform waits for the response to an assignment callback."""

_TRANSFER_TIME: Final = 0.5

_C = TypeVar("_C", bound=Command)


class Deadline:
    """Time limit of a response. It starts when the object is built.

    Build it first when a callback arrives. A decision after the limit becomes ``None``, which
    :func:`answer` takes as "decide later": by then the platform has called the fallback URL and
    ignores the response.

    :param seconds: the limit in seconds. By default the platform's limit, less half a second for
        the transfer.
    :param clock: returns seconds of a monotonic clock.
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
        """The remaining seconds, never below zero. Use them as a timeout."""
        return max(0.0, self._end - self._clock())

    @property
    def is_expired(self) -> bool:
        """True if the limit has passed."""
        return self.remaining == 0.0

    def decide(self, decide: Callable[[Deadline], _C | None]) -> _C | None:
        """Call a function that decides on a command.

        It is called with this deadline. It is not interrupted, so it should check ``remaining``. It
        is not called if the limit has already passed.

        :returns: the command, or ``None`` if the limit passed before or during the call.
        """
        command = None if self.is_expired else decide(self)
        return None if self.is_expired else command

    async def adecide(self, deciding: Awaitable[_C | None]) -> _C | None:
        """Await a decision, and cancel it when the limit passes.

        It is cancelled without a start if the limit has already passed.

        :param deciding: a coroutine or another awaitable that returns a command or ``None``.
        :returns: the command, or ``None`` if the limit passed before.
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
            raise  # a timeout of the decision itself
        # A decision that blocks the event loop cannot be cancelled, and may end too late.
        return command if self.remaining else None
