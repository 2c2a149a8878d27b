"""Shows deliveries as OpenTelemetry spans, through the API package alone; nothing personal or secret is in a span.

    from reservation_core.delivery.opentelemetry import OpenTelemetryObserver          # pip install 'reservation-core[otel]'

    perform(reservation, Accept(), gateway, observer=OpenTelemetryObserver())

Each attempt is a span under the caller's present one. Readings and the end of a delivery are events of that present span.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from opentelemetry import trace

from reservation_core.delivery.observer import Observer
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt, GatewayError, Refused

_PREFIX: Final = "reservation_core."


class OpenTelemetryObserver(Observer):
    """Makes a client span of every attempt. One may serve many deliveries at once: it remembers nothing.

    :param tracer: the library's own by default, of the provider that is set.
    :param now: nanoseconds of the real clock.
    """

    def __init__(
        self, tracer: trace.Tracer | None = None, now: Callable[[], int] = time.time_ns
    ) -> None:
        self._tracer: Final = tracer or trace.get_tracer("reservation_core")
        self._now: Final = now

    def after_attempt(self, attempt: Attempt) -> None:
        """Make the span of an attempt that has ended, from when it began to now."""
        ended = self._now()
        attributes: dict[str, str | int | float] = {
            "http.request.method": attempt.request.method,
            "http.request.resend_count": attempt.number - 1,
            f"{_PREFIX}outcome": str(attempt.outcome),
            f"{_PREFIX}pause": attempt.pause,
        }
        name = f"{attempt.request.method} reservation"
        span = self._tracer.start_span(
            name,
            kind=trace.SpanKind.CLIENT,
            attributes=attributes,
            start_time=ended - round(attempt.duration * 1_000_000_000),
        )
        if attempt.outcome not in list(Status):
            span.set_status(trace.StatusCode.ERROR, str(attempt.outcome))
        span.end(ended)

    def reconciled(self, reservation: Reservation, verdict: str) -> None:
        """Note what was read, and what follows."""
        attributes = {
            f"{_PREFIX}sid": str(reservation.sid),
            f"{_PREFIX}state": str(reservation.state),
            f"{_PREFIX}verdict": verdict,
        }
        trace.get_current_span().add_event(f"{_PREFIX}reconcile", attributes)

    def gave_up(self, error: ReservationError) -> None:
        """Note the class of the error; its text may hold the platform's own words."""
        tries = len(error.attempts) if isinstance(error, (Refused, GatewayError)) else 1
        trace.get_current_span().add_event(
            f"{_PREFIX}give_up",
            {f"{_PREFIX}error": type(error).__name__, f"{_PREFIX}attempts": tries},
        )
