"""Faults to inject into exchanges, over HTTP or in the test kit.

A :class:`Fault` describes the fault of one exchange. A :class:`FaultPlan` holds the faults still
to come. The HTTP emulator injects them into the emulated API, never into its control surface.
:class:`reservation_core.testing.faults.FaultyGateway` injects them in process.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import attrs

from reservation_core.domain.member_docs import document_members
from reservation_core.rest.messages import Reply


@document_members
class FaultKind(StrEnum):
    """Network fault of one exchange."""

    NONE = "none"
    """The exchange succeeds."""
    NOT_SENT = "not sent"
    """There is no connection. The request is not sent."""
    LOST_REQUEST = "lost request"
    """The request never arrives. The time-out expires."""
    LOST_REPLY = "lost reply"
    """The platform acts. The time-out expires."""
    DELAYED = "delayed past the time-out"
    """The request arrives after the client gave up."""
    RESET_BEFORE = "reset before acting"
    """The connection is reset before the platform acts."""
    RESET_AFTER = "reset after acting"
    """The platform acts. Then the connection is reset."""
    DUPLICATE = "duplicate delivery"
    """The request arrives twice. The first reply is returned."""
    THROTTLED = "429"
    """The platform answers 429 and does not act."""
    FAILED_BEFORE = "5xx before acting"
    """The platform answers 5xx and does not act."""
    FAILED_AFTER = "5xx after acting"
    """The platform acts and answers 5xx."""
    UNREADABLE = "unreadable 200"
    """The platform acts. The reply is an HTML page."""


ACTING_KINDS: Final = frozenset(
    {
        FaultKind.LOST_REPLY,
        FaultKind.RESET_AFTER,
        FaultKind.DUPLICATE,
        FaultKind.FAILED_AFTER,
        FaultKind.UNREADABLE,
    }
)
"""Kinds with which the platform carries out the request before the exchange breaks."""

HTTP_KINDS: Final = tuple(
    kind for kind in FaultKind if kind not in (FaultKind.NONE, FaultKind.NOT_SENT)
)
"""Kinds that a server can inject. It never sees a connection that cannot be made."""


@document_members
class Rival(StrEnum):
    """Act of a concurrent writer just before an exchange."""

    NONE = "none"
    """No other writer acts."""
    WRITES = "rival writes"
    """The version changes, the status does not."""
    ACCEPTS = "rival accepts"
    """The reservation is accepted."""
    REJECTS = "rival rejects"
    """The reservation is rejected."""
    HOLDS = "rival begins a conference"
    """A conference begins, and the reservation is on hold."""
    WRAPS = "rival wraps"
    """The reservation is wrapping."""
    COMPLETES = "rival completes"
    """The reservation is completed."""
    CANCELS = "canceled"
    """The platform cancels the reservation."""
    TIMES_OUT = "timed out"
    """The reservation timeout elapses."""
    RESCINDS = "rescinded"
    """Another reservation of the task is accepted."""
    ANSWERS = "worker answers"
    """An on-hold reservation is accepted."""


@attrs.frozen
class Fault:
    """Fault of one exchange: a rival acts, then the network fails.

    A rival is a concurrent writer: another client, a worker's click, a timer.

    :param kind: the network fault.
    :param rival: the rival's act. Used in process only.
    :param status: HTTP status of a 5xx.
    :param retry_after: seconds in the ``Retry-After`` header of a 429; ``None`` omits the header.
    :param late: exchanges after which a delayed request arrives. Used in process only.
    :param seconds: seconds after which a delayed request arrives (default 0), or for which a
        connection stays silent before it is reset (default 30 for a lost request or reply, else
        0). Used over HTTP only; in process the gateway's own time-out passes.
    :param times: how many matching requests it affects.
    :param method: affects only requests of this method; ``None`` for any.
    :param path_contains: affects only requests whose path contains this text, such as a SID.
    """

    kind: FaultKind = FaultKind.NONE
    rival: Rival = Rival.NONE
    status: int = 503
    retry_after: float | None = None
    late: int = 1
    seconds: float | None = attrs.field(default=None, kw_only=True)
    times: int = attrs.field(default=1, kw_only=True)
    method: str | None = attrs.field(default=None, kw_only=True)
    path_contains: str = attrs.field(default="", kw_only=True)

    @property
    def delay(self) -> float:
        """Seconds before a server continues the exchange or resets its connection."""
        silent = 30.0 if self.kind in (FaultKind.LOST_REQUEST, FaultKind.LOST_REPLY) else 0.0
        return silent if self.seconds is None else self.seconds

    def matches(self, method: str, path: str) -> bool:
        """Return true if the fault may affect a request."""
        return self.method in (None, method) and self.path_contains in path

    def planned_reply(self) -> Reply | None:
        """Return the reply that replaces the platform's, if there is one."""
        match self.kind:
            case FaultKind.THROTTLED:
                wait = self.retry_after
                headers = () if wait is None else (("Retry-After", f"{wait:g}"),)
                return _error(429, 20429, *headers)
            case FaultKind.FAILED_BEFORE | FaultKind.FAILED_AFTER:
                return _error(self.status, 20500)
            case FaultKind.UNREADABLE:
                return Reply(200, {"Content-Type": "text/html"}, b"<html>")
            case _:
                return None


def _error(status: int, code: int, *headers: tuple[str, str]) -> Reply:
    body = json.dumps({"code": code, "message": "by plan", "status": status})
    return Reply(status, (("Content-Type", "application/json"), *headers), body.encode())


class FaultPlan:
    """Faults still to come, in order. Safe to share between threads.

    The first fault that matches a request affects it, and is removed once it has affected as many
    requests as its ``times`` says. Requests that no fault matches succeed.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._pending: list[Fault] = list(faults)
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Return true if a fault is still to come."""
        return bool(self._pending)

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults still to come."""
        return tuple(self._pending)

    def add(self, *faults: Fault) -> None:
        """Add faults after those that are pending."""
        with self._lock:
            self._pending.extend(faults)

    def take(self, method: str, path: str) -> Fault | None:
        """Take the fault of a request, or return ``None``."""
        with self._lock:
            for index, fault in enumerate(self._pending):
                if fault.matches(method, path):
                    if fault.times > 1:
                        self._pending[index] = attrs.evolve(fault, times=fault.times - 1)
                    else:
                        del self._pending[index]
                    return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._pending.clear()
