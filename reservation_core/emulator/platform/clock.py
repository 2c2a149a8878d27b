"""What time it is on the emulated platform: real, scaled, or moved by hand.

Whoever reads a clock gets an aware datetime in UTC. Any clock can be put forward; none goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol

DEFAULT_START: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""When a clock that is moved by hand starts, unless it is told otherwise."""


class Clock(Protocol):
    """What a platform reads the time from."""

    def now(self) -> datetime:
        """Tell the time, aware and in UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        ...

    def wait(self, until: datetime) -> float | None:
        """Tell how many real seconds pass until then; ``None`` when the clock does not get there by itself."""
        ...


_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""How far a clock goes, so that what is still to come has a date, too."""


def _forward(time: datetime, seconds: float) -> datetime:
    """Tell the time so many seconds later.

    :raises ValueError: when that would turn the clock back, or is more than a clock can hold.
    """
    if not 0 <= seconds < 1e9:  # a NaN is neither
        raise ValueError(
            f"a clock goes forward by 0 to 1e9 seconds, not by {seconds!r}; make a new one to go back"
        )
    if (later := time + timedelta(seconds=seconds)) > _LAST:
        raise ValueError(
            f"a clock does not go beyond the year {_LAST.year}; make a new one to begin again"
        )
    return later


class RealClock:
    """Time as it passes here, or faster or slower by a factor.

    :param scale: how many seconds pass on the platform in a real one; more than 0.
    :param ticking: gives real seconds that never go back.
    """

    def __init__(self, scale: float = 1.0, *, ticking: Callable[[], float] = monotonic) -> None:
        if not 0 < scale < 1e6:
            raise ValueError(
                f"scale must be more than 0 and less than 1e6, not {scale!r}; give 60 to let a minute pass in a second"
            )
        self.scale: Final = scale
        self._ticking = ticking
        self._mark = ticking()
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        """Tell the time."""
        return self._began + timedelta(seconds=(self._ticking() - self._mark) * self.scale)

    def advance(self, seconds: float) -> None:
        """Put the clock forward by seconds of the platform's."""
        self._began = _forward(self._began, seconds)

    def wait(self, until: datetime) -> float:
        """Tell how many real seconds pass until then."""
        return max(0.0, (until - self.now()).total_seconds() / self.scale)


class ManualClock:
    """Time that stands still until somebody advances it."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        if start.tzinfo is None:
            raise ValueError(
                "start must be an aware datetime; give it a tzinfo such as datetime.UTC"
            )
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Tell the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        self._now = _forward(self._now, seconds)

    def wait(self, until: datetime) -> float | None:
        """Tell that a time ahead does not come by itself."""
        return 0.0 if until <= self._now else None
