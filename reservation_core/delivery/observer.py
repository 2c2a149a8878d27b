"""Observers of a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import (
    Attempt,
    GatewayError,
    Refused,
)

if TYPE_CHECKING:
    import logging


class Observer:
    """What is told of a delivery while it goes on; the base class ignores it all. One watch may serve many deliveries at once.

    Each ``before_attempt`` is followed by its ``after_attempt``, also when the driver is interrupted. What a hook raises ends the delivery.
    """

    def before_attempt(self, attempt: Attempt) -> None:
        """Hear that a request is about to be sent."""

    def after_attempt(self, attempt: Attempt) -> None:
        """Hear what came back, or that it was abandoned."""

    def reconciled(self, reservation: Reservation, verdict: str) -> None:
        """Hear what was read, and what follows: ``done``, ``repeat``, or the class of the error to come."""

    def gave_up(self, error: ReservationError) -> None:
        """Hear the error that the delivery ends with."""


NO_OBSERVER: Final = Observer()


class LoggingObserver(Observer):
    """Writes a delivery to a standard logger: each attempt and reading on DEBUG, giving up on WARNING; nothing secret or personal."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        import logging  # noqa: PLC0415 - only who watches loads it

        self._logger: Final = logger or logging.getLogger("reservation_core.delivery")

    def after_attempt(self, attempt: Attempt) -> None:
        """Write what came back."""
        request = attempt.request
        said = "attempt %d: %s %s: %s (at %.3f s, after a pause of %.3f s, took %.3f s)"
        values = (
            request.method,
            request.path,
            attempt.outcome,
            attempt.started,
            attempt.pause,
            attempt.duration,
        )
        self._logger.debug(said, attempt.number, *values)

    def reconciled(self, reservation: Reservation, verdict: str) -> None:
        """Write what was read, and what follows."""
        self._logger.debug(
            "reservation %s was read as %s: %s", reservation.sid, reservation.state, verdict
        )

    def gave_up(self, error: ReservationError) -> None:
        """Write the class of the error, which is all that is certainly free of the platform's own words."""
        tries = len(error.attempts) if isinstance(error, (Refused, GatewayError)) else 1
        self._logger.warning("gave up after %d exchanges: %s", tries, type(error).__name__)
