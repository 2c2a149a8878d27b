"""Clocks go forward only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reservation_core.emulator import (
    ManualClock,
    Platform,
    RealClock,
)
from reservation_core.emulator.platform.clock import DEFAULT_START


def test_real_clock_returns_the_real_time() -> None:
    now = RealClock().now()
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=60)
    assert now.tzinfo is UTC


@pytest.mark.parametrize("scale", [0.5, 1.0, 60.0])
def test_real_clock_is_scaled_and_advanced(scale: float) -> None:
    """The wait is in real seconds."""
    real = [100.0]
    clock = RealClock(scale, ticking=lambda: real[0])
    began = clock.now()
    real[0] += 10
    assert clock.now() - began == timedelta(seconds=10 * scale)
    clock.advance(30)
    assert clock.now() - began == timedelta(seconds=10 * scale + 30)
    assert clock.wait(clock.now() + timedelta(seconds=6)) == pytest.approx(6 / scale)
    assert clock.wait(began) == 0


def test_manual_clock_stands_still() -> None:
    clock = ManualClock()
    assert (clock.now(), clock.now()) == (DEFAULT_START, DEFAULT_START)
    assert clock.wait(DEFAULT_START + timedelta(seconds=1)) is None
    clock.advance(1.5)
    assert clock.now() == DEFAULT_START + timedelta(seconds=1.5)
    assert clock.wait(DEFAULT_START + timedelta(seconds=1)) == 0
    here = timezone(timedelta(hours=2))
    assert ManualClock(datetime(2030, 1, 1, 2, tzinfo=here)).now() == DEFAULT_START
    assert ManualClock(datetime(2030, 1, 1, 2, tzinfo=here)).now().tzinfo is UTC


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1_000_000_001])
@pytest.mark.parametrize("clock", [ManualClock(), RealClock()], ids=["manual", "real"])
def test_clock_does_not_go_back(clock: ManualClock | RealClock, seconds: float) -> None:
    with pytest.raises(ValueError, match="goes forward"):
        clock.advance(seconds)


@pytest.mark.parametrize("clock", [ManualClock(), RealClock()], ids=["manual", "real"])
def test_clock_ends_in_the_year_9000(clock: ManualClock | RealClock) -> None:
    """So that later events have a date, too."""
    longest = 1_000_000_000
    while clock.now() + timedelta(seconds=longest) < datetime(9000, 1, 1, tzinfo=UTC):
        clock.advance(longest)
    with pytest.raises(ValueError, match="beyond the year 9000"):
        clock.advance(longest)
    assert 8900 < clock.now().year <= 9000


def test_clock_refuses_invalid_arguments() -> None:
    for scale in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="scale"):
            RealClock(scale)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2030, 1, 1))  # noqa: DTZ001 - that is the point


def test_platform_time_is_its_clock() -> None:
    platform = Platform(ManualClock())
    platform.advance(3)
    assert platform.now() == platform.clock.now() == DEFAULT_START + timedelta(seconds=3)
    assert Platform().now().tzinfo is UTC
