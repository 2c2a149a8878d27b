"""Rate limits refill with time."""

from __future__ import annotations

from reservation_core.emulator import (
    ManualClock,
)
from reservation_core.emulator.api.rate_limits import RateLimiter


def test_bucket_refills_with_time_up_to_its_size() -> None:
    """Each operation has its own bucket."""
    clock = ManualClock()
    limiter = RateLimiter(2, clock.now)
    headers = [limiter.take("get"), limiter.take("get"), limiter.take("get"), limiter.take("post")]
    assert [None if each is None else dict(each)["X-Rate-Limit-Remaining"] for each in headers] == [
        "1",
        "0",
        None,
        "1",
    ]
    clock.advance(0.4)
    assert limiter.take("get") is None
    clock.advance(0.1)
    assert limiter.take("get") is not None
    clock.advance(1000)
    assert [limiter.take("get") is None for _ in range(3)] == [False, False, True]
    assert [RateLimiter(None, clock.now).take("get") for _ in range(3)] == [(), (), ()]
