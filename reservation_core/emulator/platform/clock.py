"""Clocks of the emulated platform: real, scaled or set by hand.

All times are aware datetimes in UTC. Every clock can be advanced. No clock goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol

DEFAULT_START: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""Start time of a :class:`ManualClock`."""


class Clock(Protocol):
    """Source of the platform's time."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        :raises ValueError: for less than 0 or more than 1e9 seconds, or beyond the year 9000.
        """
        ...

    def wait(self, until: datetime) -> float | None:
        """Return the real seconds until a time, ``None`` if time stands still."""
        ...


_END: Final = datetime(9000, 1, 1, tzinfo=UTC)  # leaves room for the dates of later events


def add_seconds(time: datetime, seconds: float) -> datetime:
    """Return the time that a clock shows so many seconds later.

    :raises ValueError: if that is earlier, or too late for a clock.
    """
    if not 0 <= seconds <= 1e9:  # false for NaN
        raise ValueError(f"a clock goes forward by 0 to 1e9 seconds, not by {seconds!r}")
    if (later := time + timedelta(seconds=seconds)) > _END:
        raise ValueError(f"a clock cannot go beyond the year {_END.year}. Make a new one")
    return later


class RealClock:
    """Real time, optionally faster or slower.

    :param scale: platform seconds for each real second; between 0 and 1e6, both excluded.
    :param ticking: returns real seconds that never decrease.
    """

    def __init__(self, scale: float = 1.0, *, ticking: Callable[[], float] = monotonic) -> None:
        if not 0 < scale < 1e6:
            raise ValueError(f"scale must be more than 0 and less than 1e6, not {scale!r}")
        self.scale: Final = scale
        self._ticking = ticking
        self._mark = ticking()
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the current time."""
        return self._began + timedelta(seconds=(self._ticking() - self._mark) * self.scale)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by platform seconds."""
        self._began = add_seconds(self._began, seconds)

    def wait(self, until: datetime) -> float:
        """Return the real seconds until a time, 0 if it has passed."""
        return max(0.0, (until - self.now()).total_seconds() / self.scale)


class ManualClock:
    """Time that stands still until it is advanced."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        if start.tzinfo is None:
            raise ValueError(
                "start must be an aware datetime. Set its tzinfo, such as datetime.UTC"
            )
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the current time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now = add_seconds(self._now, seconds)

    def wait(self, until: datetime) -> float | None:
        """Return 0 for a past time and ``None`` for a future one."""
        return 0.0 if until <= self._now else None
