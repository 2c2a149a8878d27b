"""Clock for tests that advances at each reading."""

from __future__ import annotations

from datetime import datetime, timedelta

from reservation_core.emulator.platform.clock import DEFAULT_START, ManualClock


class Ticking(ManualClock):
    """A clock that advances by a second at each reading."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        super().__init__(start - timedelta(seconds=1))

    def now(self) -> datetime:
        """Advance and return the time."""
        self.advance(1)
        return super().now()
