"""OpenTelemetry spans and metrics of deliveries, without personal or secret data.

    from reservation_core.delivery.opentelemetry import OpenTelemetryObserver

    perform(reservation, Accept(), gateway, observer=OpenTelemetryObserver())

It needs the API package only: ``pip install 'reservation-core[otel]'``. Each attempt is a span
under the caller's current span. Fetches and failures are events of the current span.

====================================  ==========================================================
metric                                recorded
====================================  ==========================================================
``reservation_core.attempts``         counter, ``{attempt}``: each request
``…attempt.duration``                 histogram, ``s``: each request
``reservation_core.reconciliations``  counter, ``{reconciliation}``: each fetch after a failure
``…delivery.duration``                histogram, ``s``: each delivery, so its count counts outcomes
====================================  ==========================================================

All have the attributes ``reservation_core.command`` and ``reservation_core.outcome``, which is a
status, a result or the name of an error. A failure has ``error.type``, too. A request has
``http.request.method``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from typing import Final

from reservation_core._extras import extra
from reservation_core.delivery.observer import Observer, count_attempts
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt

with extra("otel"):
    from opentelemetry import metrics, trace


_PREFIX: Final = "reservation_core."
_SECONDS: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    30,
    60,
)
"""Boundaries of the histograms."""


class OpenTelemetryObserver(Observer):
    """Observer that makes spans and metrics.

    One observer may serve many deliveries at once.

    :param tracer: by default the tracer ``reservation_core`` of the global provider.
    :param now: returns nanoseconds since the epoch.
    :param meter: by default the meter ``reservation_core`` of the global provider.
    """

    def __init__(
        self,
        tracer: trace.Tracer | None = None,
        now: Callable[[], int] = time.time_ns,
        meter: metrics.Meter | None = None,
    ) -> None:
        self._tracer: Final = tracer or trace.get_tracer("reservation_core")
        self._now: Final = now
        meter = meter or metrics.get_meter("reservation_core")
        self._attempts: Final = meter.create_counter(
            f"{_PREFIX}attempts", "{attempt}", "Number of requests."
        )
        self._reconciliations: Final = meter.create_counter(
            f"{_PREFIX}reconciliations", "{reconciliation}", "Number of fetches after a failure."
        )
        self._attempt_duration: Final = meter.create_histogram(
            f"{_PREFIX}attempt.duration",
            "s",
            "Duration of a request.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._delivery_duration: Final = meter.create_histogram(
            f"{_PREFIX}delivery.duration",
            "s",
            "Duration of a delivery, with its pauses.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._command = ""
        self._began = 0

    def for_delivery(self, reservation: Reservation, command: Command) -> Observer:  # noqa: ARG002
        """Return a copy that knows the command and its start."""
        observer = copy(self)
        observer._command, observer._began = command.trigger, self._now()
        return observer

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
        measured = self._attributes(str(attempt.outcome), attempt.outcome not in list(Status))
        measured["http.request.method"] = attempt.request.method
        self._attempts.add(1, measured)
        self._attempt_duration.record(attempt.duration, measured)

    def cautioned(self, caution: Caution) -> None:
        """Add an event with the caution."""
        attributes = {f"{_PREFIX}caution": str(caution)}
        trace.get_current_span().add_event(f"{_PREFIX}caution", attributes)

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Add an event with the fetched state and what follows from it."""
        attributes = {
            f"{_PREFIX}sid": str(reservation.sid),
            f"{_PREFIX}state": str(reservation.state),
            f"{_PREFIX}result": str(result),
        }
        trace.get_current_span().add_event(f"{_PREFIX}reconcile", attributes)
        self._reconciliations.add(1, self._attributes(str(result)))

    def delivered(self, reservation: Reservation) -> None:
        """Record the duration of the delivery."""
        self._end(reservation.status.value)

    def gave_up(self, error: ReservationError) -> None:
        """Add an event with the error's class. Record the duration."""
        attributes: dict[str, str | int] = {
            f"{_PREFIX}error": type(error).__name__,
            f"{_PREFIX}attempts": count_attempts(error),
        }
        trace.get_current_span().add_event(f"{_PREFIX}give_up", attributes)
        self._end(type(error).__name__, is_failure=True)

    def _end(self, outcome: str, *, is_failure: bool = False) -> None:
        duration = (self._now() - self._began) / 1_000_000_000
        self._delivery_duration.record(duration, self._attributes(outcome, is_failure))

    def _attributes(self, outcome: str, is_failure: bool = False) -> dict[str, str]:
        attributes = {f"{_PREFIX}command": self._command, f"{_PREFIX}outcome": outcome}
        return attributes | {"error.type": outcome} if is_failure else attributes
