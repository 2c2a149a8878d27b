"""Decisions count only within their time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from reservation_core import (
    Accept,
    Command,
)
from reservation_core.webhooks import (
    ANSWER_TIMEOUT,
    Deadline,
)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def deciding(
    clock: Clock, takes: float, command: Command | None = None
) -> Callable[[Deadline], Command | None]:
    """Return a function that decides after some seconds."""

    def decide(_: Deadline) -> Command | None:
        clock.now += takes
        return command or Accept()

    return decide


def test_deadline_counts_down_to_zero() -> None:
    clock = Clock()
    deadline = Deadline(clock=clock)
    assert deadline.remaining == pytest.approx(ANSWER_TIMEOUT - 0.5)
    clock.now += 4.0
    assert deadline.remaining == pytest.approx(0.5)
    assert not deadline.is_expired
    clock.now += 4.0
    assert deadline.remaining == 0.0
    assert deadline.is_expired


def test_late_decision_is_none() -> None:
    clock = Clock()
    deadline = Deadline(3.0, clock)
    assert deadline.decide(deciding(clock, 2.0)) == Accept()
    assert deadline.decide(deciding(clock, 2.0)) is None
    assert deadline.decide(lambda _: pytest.fail("asked too late")) is None


def test_awaited_decision_is_cancelled_at_the_deadline() -> None:
    cancelled: list[str] = []

    async def forever() -> Command | None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append("yes")
        return Accept()

    async def at_once() -> Command | None:
        await asyncio.sleep(0)
        return Accept()

    async def failing() -> Command | None:
        raise TimeoutError("its own")

    async def scene() -> None:
        clock = Clock()
        deadline = Deadline(3.0, clock)
        assert await deadline.adecide(at_once()) == Accept()
        with pytest.raises(TimeoutError, match="its own"):
            await deadline.adecide(failing())
        clock.now += 3.0
        assert await deadline.adecide(forever()) is None
        assert await Deadline(0.01).adecide(forever()) is None
        assert await Deadline(3.0, clock).adecide(never_giving_way(clock)) is None
        await asyncio.sleep(0)

    async def never_giving_way(clock: Clock) -> Command | None:
        clock.now += 3.0
        return Accept()

    asyncio.run(scene())
    assert cancelled == ["yes"]  # where the time was spent before, it is not begun
