"""OpenTelemetry spans of deliveries. They contain nothing personal or secret.

    from reservation_core.delivery.opentelemetry import OpenTelemetryObserver

    perform(reservation, Accept(), gateway, observer=OpenTelemetryObserver())

It needs the API package only: ``pip install 'reservation-core[otel]'``. Each attempt is a span
under the caller's current span. Fetches and failures are events of the current span.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from opentelemetry import trace

from reservation_core.delivery.observer import Observer, count_attempts
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt

_PREFIX: Final = "reservation_core."


class OpenTelemetryObserver(Observer):
    """Observer that makes a client span for every attempt.

    One observer may serve many deliveries at once.

    :param tracer: by default the tracer ``reservation_core`` of the global provider.
    :param now: returns nanoseconds since the epoch.
    """

    def __init__(
        self, tracer: trace.Tracer | None = None, now: Callable[[], int] = time.time_ns
    ) -> None:
        self._tracer: Final = tracer or trace.get_tracer("reservation_core")
        self._now: Final = now

    def after_attempt(self, attempt: Attempt) -> None:
        """Make the span of an attempt, from its start until now."""
        ended = self._now()
        span = self._tracer.start_span(
            f"{attempt.request.method} reservation",
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": attempt.request.method,
                "http.request.resend_count": attempt.number - 1,
                f"{_PREFIX}outcome": str(attempt.outcome),
                f"{_PREFIX}pause": attempt.pause,
            },
            start_time=ended - round(attempt.duration * 1_000_000_000),
        )
        if attempt.http_status is not None:
            span.set_attribute("http.response.status_code", attempt.http_status)
        if attempt.request_id:
            span.set_attribute(f"{_PREFIX}request_id", mask(attempt.request_id, limit=60))
        if attempt.outcome not in list(Status):
            span.set_status(trace.StatusCode.ERROR, str(attempt.outcome))
        span.end(ended)

    def cautioned(self, caution: Caution) -> None:
        """Add an event with the caution."""
        attributes = {f"{_PREFIX}caution": str(caution)}
        trace.get_current_span().add_event(f"{_PREFIX}caution", attributes)

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Add an event with the fetched state and what follows from it."""
        attributes = {
            f"{_PREFIX}sid": str(reservation.sid),
            f"{_PREFIX}state": str(reservation.state),
            f"{_PREFIX}result": result,
        }
        trace.get_current_span().add_event(f"{_PREFIX}reconcile", attributes)

    def gave_up(self, error: ReservationError) -> None:
        """Add an event with the class of the error."""
        attributes: dict[str, str | int] = {
            f"{_PREFIX}error": type(error).__name__,
            f"{_PREFIX}attempts": count_attempts(error),
        }
        trace.get_current_span().add_event(f"{_PREFIX}give_up", attributes)
