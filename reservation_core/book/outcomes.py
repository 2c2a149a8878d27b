"""How a delivery ended, as the book writes it down.

A command is *not done* when the platform refused it or it never left; *unknown* when the reservation was read and no reading would tell;
and open, for another reading to find out, in every other case. One that is taken up after a crash is open as long as it can still be
carried out and was not.
"""

from __future__ import annotations

import attrs

from reservation_core.book.records import Ending
from reservation_core.delivery.reconciliation import is_legal
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import (
    Indistinguishable,
    LostRace,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Refused,
    ServerFailed,
)


@attrs.frozen
class DeliveryOutcome:
    """What a delivery came to: how it ended (``None``: that is open still), the reservation that was read, and the error."""

    ending: Ending | None
    reservation: Reservation | None
    error: ReservationError | None


def outcome_of(error: ReservationError, command: Command, *, resumed: bool) -> DeliveryOutcome:
    """Tell what the delivery of a command came to that ended with an error.

    :param resumed: whether it took up what another process left: then a reading that does not tell is the last word.
    """
    match error:
        case Indistinguishable():
            return DeliveryOutcome(Ending.UNKNOWN, error.reservation, error)
        case OutcomeUnknown() if resumed:
            return _last_word(error)
        case NotFound():
            return DeliveryOutcome(Ending.DELETED, None, error)
        case LostRace() if resumed and _is_unfinished(error, command):
            return DeliveryOutcome(None, None, error)
        case LostRace():
            return DeliveryOutcome(Ending.NOT_DONE, error.reservation, error)
        case ServerFailed():
            return DeliveryOutcome(None, None, error)
        case Refused() | NotSent():
            return DeliveryOutcome(Ending.NOT_DONE, None, error)
        case _:
            return DeliveryOutcome(None, None, error)


def _last_word(error: OutcomeUnknown) -> DeliveryOutcome:
    if error.attempts[-1].outcome == NotFound.__name__:
        return DeliveryOutcome(Ending.DELETED, None, error)
    return (
        DeliveryOutcome(Ending.UNKNOWN, error.last_known, error)
        if error.is_final
        else DeliveryOutcome(None, None, error)
    )


def _is_unfinished(error: LostRace, command: Command) -> bool:
    """Whether there was no race: a reading told that the command was not carried out, and time or attempts ran out before it was sent."""
    is_read = error.http_status < 400  # what no refusal of the platform's is
    return is_read and error.reservation is not None and is_legal(error.reservation.state, command)
