"""Clocks for tests: one that goes on whenever it is read."""

from __future__ import annotations

from datetime import datetime, timedelta

from reservation_core.emulator.platform.clock import DEFAULT_START, ManualClock


class Ticking(ManualClock):
    """A clock that goes on by a second each time it is read, the first reading aside."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        super().__init__(start - timedelta(seconds=1))

    def now(self) -> datetime:
        """Go on, and tell the time."""
        self.advance(1)
        return super().now()
