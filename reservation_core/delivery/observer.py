"""Observers of a delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import mask
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt, GatewayError, Refused

if TYPE_CHECKING:
    import logging


class Observer:
    """Observer of deliveries. Every hook does nothing by default.

    One observer may serve many deliveries at once. Each ``before_attempt`` is followed by an
    ``after_attempt``, even if the delivery is interrupted. An exception from a hook ends the
    delivery.
    """

    def before_attempt(self, attempt: Attempt) -> None:
        """Receive an attempt before its request is sent."""

    def after_attempt(self, attempt: Attempt) -> None:
        """Receive an attempt after its reply, its failure or its interruption.

        ``attempt.headers``, ``rate_limit`` and ``request_id`` are those of the reply.
        """

    def cautioned(self, caution: Caution) -> None:
        """Receive a caution about a rule that the policy sets aside.

        It is about a command that is sent without ``Policy.strict``, before each time that it is
        sent, or about a report that is taken over by ``Policy.accept_unexpected``.
        """

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Receive a fetched reservation and what follows from it.

        :param result: ``done``, ``repeat`` or the name of the error's class.
        """

    def gave_up(self, error: ReservationError) -> None:
        """Receive the error that ends the delivery."""


NO_OBSERVER: Final = Observer()
"""The default observer. A delivery does not call it, to save time."""


class LoggingObserver(Observer):
    """Observer that logs attempts (DEBUG), cautions and failures (WARNING).

    The log contains nothing secret or personal.

    :param logger: by default the logger ``reservation_core.delivery``.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        import logging  # noqa: PLC0415 - it takes 2.5 ms, and the whole package 45 ms (row 12)

        self._logger: Final = logger or logging.getLogger("reservation_core.delivery")

    def after_attempt(self, attempt: Attempt) -> None:
        """Log the outcome of an attempt, and the request's identifier."""
        message = "attempt %d: %s %s: %s (at %.3f s, after a pause of %.3f s, took %.3f s%s)"
        request = attempt.request
        times = attempt.started, attempt.pause, attempt.duration
        sid = f", request {mask(attempt.request_id, limit=60)}" if attempt.request_id else ""
        self._logger.debug(
            message, attempt.number, request.method, request.path, attempt.outcome, *times, sid
        )

    def cautioned(self, caution: Caution) -> None:
        """Log a caution."""
        self._logger.warning("caution: %s", caution)

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Log the fetched state and what follows from it."""
        self._logger.debug(
            "reservation %s was fetched as %s: %s", reservation.sid, reservation.state, result
        )

    def gave_up(self, error: ReservationError) -> None:
        """Log the class of the error. Its message may be personal."""
        self._logger.warning(
            "gave up after %d attempts: %s", count_attempts(error), type(error).__name__
        )


def count_attempts(error: ReservationError) -> int:
    """Return the number of attempts of an error, 1 if unrecorded."""
    return len(error.attempts) if isinstance(error, (Refused, GatewayError)) else 1
