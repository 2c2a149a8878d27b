"""Rate limits of the emulated API: one token bucket for each operation."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final

from reservation_core.domain.commands.extra import FormPairs


class RateLimiter:
    """Rate limit of every operation.

    :param limit: requests per second, and the size of a burst; ``None`` for no limit.
    :param now: returns the current time.
    """

    def __init__(self, limit: int | None, now: Callable[[], datetime]) -> None:
        self._limit: Final = limit
        self._now = now
        self._buckets: dict[Hashable, tuple[float, datetime]] = {}

    def take(self, operation: Hashable) -> FormPairs | None:
        """Count one request.

        :returns: the headers with the remaining number, or ``None`` if the limit is exceeded.
        """
        if self._limit is None:
            return ()
        now, limit = self._now(), float(self._limit)
        tokens, since = self._buckets.get(operation, (limit, now))
        tokens = min(limit, tokens + (now - since).total_seconds() * limit)
        if tokens < 1:
            self._buckets[operation] = (tokens, now)
            return None
        self._buckets[operation] = (tokens - 1, now)
        return self.headers(int(tokens - 1))

    def headers(self, remaining: int) -> FormPairs:
        """Return the rate-limit headers. The value of the configuration is a guess."""
        return (
            ("X-Rate-Limit-Limit", str(self._limit)),
            ("X-Rate-Limit-Remaining", str(remaining)),
            ("X-Rate-Limit-Config", f"{self._limit} per second"),
        )
