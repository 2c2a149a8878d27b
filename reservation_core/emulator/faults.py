"""What a network may do to one exchange, as data: the kinds, and the queue of those that are still to come over HTTP.

A mishap waits for the next request that it fits and befalls that one, and as many after it as its ``times`` says; the first that fits
is the one that happens. Only the emulated API suffers them, never the control surface.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Final

import attrs


class FaultKind(StrEnum):
    """What the network does to one exchange."""

    NONE = "none"
    NOT_SENT = "not sent"  #: no connection
    LOST_REQUEST = "lost request"  #: it never arrives; the time-out runs out
    LOST_REPLY = "lost reply"  #: the platform acts; the time-out runs out
    DELAYED = "delayed past the time-out"  #: it arrives later, before a coming exchange
    RESET_BEFORE = "reset before acting"
    RESET_AFTER = "reset after acting"
    DUPLICATE = "duplicate delivery"  #: it arrives twice, one after the other; the first one's answer comes back
    THROTTLED = "429"
    FAILED_BEFORE = "5xx before acting"
    FAILED_AFTER = "5xx after acting"
    UNREADABLE = "unreadable 200"  #: the platform acts; a page of HTML comes back


ACTING: Final = frozenset(
    {
        FaultKind.LOST_REPLY,
        FaultKind.RESET_AFTER,
        FaultKind.DUPLICATE,
        FaultKind.FAILED_AFTER,
        FaultKind.UNREADABLE,
    }
)
"""Where the platform gets the request before anything breaks."""

OVER_HTTP: Final = tuple(
    kind for kind in FaultKind if kind not in (FaultKind.NONE, FaultKind.NOT_SENT)
)
"""What a server can let happen: it cannot make a connection fail that it never sees."""


@attrs.frozen(kw_only=True)
class PlannedFault:
    """One thing that goes wrong with a request over HTTP, and with which.

    :param times: how many requests it befalls.
    :param seconds: how long a delayed request waits before it arrives (0 by default), or how long the line stays silent before it is
        broken where a request or reply is lost (30 by default).
    :param status: of a 5xx.
    :param retry_after: seconds that a 429 names; ``None`` for none.
    :param method: befalls only requests of that method; any by default.
    :param about: befalls only requests whose path holds this text, such as a SID; any by default.
    """

    kind: FaultKind
    times: int = 1
    seconds: float | None = None
    status: int = 503
    retry_after: float | None = None
    method: str | None = None
    about: str = ""

    @property
    def wait(self) -> float:
        """Seconds that pass before the exchange goes on, or breaks."""
        silent = 30.0 if self.kind in (FaultKind.LOST_REQUEST, FaultKind.LOST_REPLY) else 0.0
        return silent if self.seconds is None else self.seconds

    def fits(self, method: str, path: str) -> bool:
        """Whether it befalls a request."""
        return self.method in (None, method) and self.about in path


class FaultPlan:
    """The mishaps that are still to come, in order. Safe to share between threads."""

    def __init__(self) -> None:
        self._coming: list[PlannedFault] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Whether any is to come."""
        return bool(self._coming)

    def add(self, mishap: PlannedFault) -> None:
        """Let one come, after those that were added before."""
        with self._lock:
            self._coming.append(mishap)

    def take(self, method: str, path: str) -> PlannedFault | None:
        """Take the one that befalls a request; ``None`` when all goes well."""
        with self._lock:
            for place, mishap in enumerate(self._coming):
                if mishap.fits(method, path):
                    left = (
                        [attrs.evolve(mishap, times=mishap.times - 1)] if mishap.times > 1 else []
                    )
                    self._coming[place : place + 1] = left
                    return mishap
        return None

    def all(self) -> tuple[PlannedFault, ...]:
        """Give those to come."""
        return tuple(self._coming)

    def clear(self) -> None:
        """Let none come any more."""
        with self._lock:
            self._coming.clear()
