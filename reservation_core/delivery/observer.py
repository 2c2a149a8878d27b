"""Observers of a delivery."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import SET_BY_PLATFORM, label_state
from reservation_core.domain.redaction import mask
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import Attempt, GatewayError, Indistinguishable, Refused

if TYPE_CHECKING:
    import logging


class Observer:
    """Observer of deliveries. Every hook does nothing by default.

    One observer may serve many deliveries at once. Each ``before_attempt`` is followed by an
    ``after_attempt``, even if the delivery is interrupted. The last hook is ``delivered`` or
    ``gave_up``, unless it is interrupted. An exception from a hook ends the delivery.
    """

    def for_delivery(self, reservation: Reservation, command: Command) -> Observer:  # noqa: ARG002 - for subclasses
        """Return the observer of one delivery, by default this one.

        It is called first. Return another observer if the other hooks need to know the reservation
        and the command. Do not log the command's values: they may be personal or secret.

        :param reservation: the reservation as it was last reported.
        """
        return self

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

    def delivered(self, reservation: Reservation) -> None:
        """Receive the reported reservation after the command was carried out."""

    def gave_up(self, error: ReservationError) -> None:
        """Receive the error that ends the delivery."""


NO_OBSERVER: Final = Observer()
"""The default observer. A delivery does not call it, to save time."""


def require_observer(observer: object) -> None:
    """Raise TypeError for anything but an observer, such as its class."""
    if isinstance(observer, Observer):
        return
    if isinstance(observer, type):
        name = observer.__name__
        raise TypeError(f"not an observer: it is the class {name}. Build it, as in {name}()")
    kind = type(observer).__name__
    raise TypeError(f"not an observer: it is of type {kind}. Give one of a subclass of Observer")


class LoggingObserver(Observer):
    """Observer that logs attempts (DEBUG), results (INFO), cautions and failures (WARNING).

    Each line names the command and the SID. The log contains nothing secret or personal.

    :param logger: by default the logger ``reservation_core.delivery``.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        import logging  # noqa: PLC0415 - it takes 2.5 ms, and the whole package 45 ms (row 12)

        self._logger: Final = logger or logging.getLogger("reservation_core.delivery")
        self._name = "command"

    def for_delivery(self, reservation: Reservation, command: Command) -> Observer:
        """Return a copy whose lines begin with command and reservation."""
        named = copy(self)
        named._name = f"{command.trigger} of {reservation.sid}"
        return named

    def after_attempt(self, attempt: Attempt) -> None:
        """Log the outcome of an attempt, and the request's identifier."""
        message = "%s: attempt %d: %s %s: %s (at %.3f s, after a pause of %.3f s, took %.3f s%s)"
        request, asked = attempt.request, (self._name, attempt.number)
        times = attempt.started, attempt.pause, attempt.duration
        sid = f", request {mask(attempt.request_id, limit=60)}" if attempt.request_id else ""
        self._logger.debug(
            message, *asked, request.method, request.path, attempt.outcome, *times, sid
        )

    def cautioned(self, caution: Caution) -> None:
        """Log a caution."""
        self._logger.warning("%s: caution: %s", self._name, caution)

    def reconciled(self, reservation: Reservation, result: str) -> None:
        """Log the fetched state and what follows from it."""
        self._logger.debug(
            "%s: fetched as %s: %s", self._name, label_state(reservation.state), result
        )

    def delivered(self, reservation: Reservation) -> None:
        """Log the reported state."""
        self._logger.info("%s: done, now %s", self._name, label_state(reservation.state))

    def gave_up(self, error: ReservationError) -> None:
        """Log the class of the error. Its message may be personal.

        It is not a warning if the command was done, by this delivery or by a concurrent writer.
        """
        number = count_attempts(error)
        now = error.reservation if isinstance(error, Indistinguishable) else None
        if now is not None and now.status not in SET_BY_PLATFORM:
            message = "%s: done after %d attempts, perhaps by a concurrent writer, now %s"
            self._logger.info(message, self._name, number, label_state(now.state))
        else:
            message = "%s: gave up after %d attempts: %s"
            self._logger.warning(message, self._name, number, type(error).__name__)


def count_attempts(error: ReservationError) -> int:
    """Return the number of attempts of an error, 1 if unrecorded."""
    return len(error.attempts) if isinstance(error, (Refused, GatewayError)) else 1
