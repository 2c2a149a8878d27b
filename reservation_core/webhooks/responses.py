"""What a webhook is answered with, and by when.

1. An assignment callback's answer counts when it comes within five seconds, with status 200 and as JSON; an empty one leaves the decision
   for later. Otherwise the platform asks the fallback URL.
2. What cannot be said there (wrap, complete, supervise) is refused, and can be sent with ``perform``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from reservation_core.domain.commands.base import Command
from reservation_core.rest.errors import MalformedReply
from reservation_core.rest.messages import Headers, Reply
from reservation_core.webhooks.request import Forged

_AS_JSON: Final = Headers((("Content-Type", "application/json"),))

ACKNOWLEDGEMENT: Final = Reply(204, _AS_JSON)
"""What an event callback is answered with, within fifteen seconds."""


def answer(command: Command | None = None) -> Reply:
    """Make the answer to an assignment callback.

    :param command: what is to be done; ``None`` to decide later, over the API, before the reservation's time runs out.
    :raises InvalidCommand: for a command that cannot be said here; it names the remedy.

    >>> from reservation_core import Accept
    >>> answer(Accept()).body
    b'{"instruction": "accept"}'
    """
    return Reply(
        200, _AS_JSON, b"" if command is None else json.dumps(command.instruction()).encode()
    )


def refuse_webhook(error: Forged | MalformedReply) -> Reply:
    """Make the answer to a webhook that is not believed (403) or cannot be read (400): it tells the sender nothing more."""
    return Reply(
        403 if isinstance(error, Forged) else 400,
        Headers((("Content-Type", "text/plain; charset=utf-8"),)),
    )


ANSWER_TIMEOUT: Final = 5.0
"""Seconds the platform waits for the answer to an assignment callback."""

_WAY_BACK: Final = 0.5

C = TypeVar("C", bound=Command)


class Deadline:
    """The time there is for an answer; it runs from when this is made, so make it first.

    What comes too late is ``None``, to decide later: the platform has asked the fallback URL by then, and would not do what it is told.

    :param seconds: what the platform allows, less half a second for the way back.
    :param clock: seconds that only grow.
    """

    def __init__(
        self,
        seconds: float = ANSWER_TIMEOUT - _WAY_BACK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock: Final = clock
        self._end: Final = clock() + seconds

    @property
    def remaining(self) -> float:
        """The seconds that are left, never below zero: what a time-out may be set to."""
        return max(0.0, self._end - self._clock())

    @property
    def is_spent(self) -> bool:
        """Whether it is too late for an answer."""
        return self.remaining == 0.0

    def decide(self, decide: Callable[[Deadline], C | None]) -> C | None:
        """Let a function decide, which looks after what is ``remaining`` itself: it is not interrupted.

        :returns: its command, or ``None`` when that came too late; it is not even asked once the time is spent.
        """
        command = None if self.is_spent else decide(self)
        return None if self.is_spent else command

    async def adecide(self, deciding: Awaitable[C | None]) -> C | None:
        """Wait for a decision, and cancel the deciding when the time is spent.

        :returns: the command, or ``None`` when there was none in time; it is not even begun once the time is spent.
        """
        import asyncio  # noqa: PLC0415 - a service without a loop never pays for it

        if self.is_spent:
            asyncio.ensure_future(deciding).cancel()
            return None
        limit = asyncio.timeout(self.remaining)
        try:
            async with limit:
                command = await deciding
        except TimeoutError:
            if limit.expired():
                return None
            raise  # the decider's own
        return command if self.remaining else None  # who never gives way is not interrupted
