"""How often each operation may be asked for: a bucket of tokens an operation, which the platform's clock fills."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Final

from reservation_core.domain.commands.parsing import FormPairs


class RateLimiter:
    """The rate limit of every operation.

    :param limit: requests a second, and how many may come at once; ``None`` for no limit.
    :param now: what time it is.
    """

    def __init__(self, limit: int | None, now: Callable[[], datetime]) -> None:
        self._limit: Final = limit
        self._now = now
        self._left: dict[Hashable, tuple[float, datetime]] = {}

    def take(self, operation: Hashable) -> FormPairs | None:
        """Count one request: the headers that tell how many are left, or ``None`` when there are too many."""
        if self._limit is None:
            return ()
        now = self._now()
        left, since = self._left.get(operation, (float(self._limit), now))
        left = min(float(self._limit), left + (now - since).total_seconds() * self._limit)
        if left < 1:
            self._left[operation] = (left, now)
            return None
        self._left[operation] = (left - 1, now)
        return self._headers(int(left - 1))

    @property
    def spent(self) -> FormPairs:
        """The headers of a request too many."""
        return self._headers(0)

    def _headers(self, left: int) -> FormPairs:
        # How the platform writes its configuration is not known.
        return (
            ("X-Rate-Limit-Limit", str(self._limit)),
            ("X-Rate-Limit-Remaining", str(left)),
            ("X-Rate-Limit-Config", f"{self._limit} per second"),
        )
