"""How a delivery ended, as the book writes it down.

A command is *not done* when the platform refused it or it never left; *unknown* when the reservation was read and does not tell; and
open, for another reading to find out, in every other case.
"""

from __future__ import annotations

import attrs

from reservation_core.book.entry import Ending
from reservation_core.errors import Indistinguishable, LostRace, NotFound, NotSent, OutcomeUnknown, Refused, ReservationError, ServerFailed
from reservation_core.lifecycle import Status
from reservation_core.reservation import Reservation


@attrs.frozen
class Outcome:
    """What a delivery came to: how it ended (``None``: that is open still), the reservation that was read, and the error."""

    ending: Ending | None
    reservation: Reservation | None
    error: ReservationError | None


def outcome_of(error: ReservationError, *, resumed: bool) -> Outcome:
    """Tell what a delivery came to that ended with an error.

    :param resumed: whether it took up what another process left: then a reading that does not tell is the last word.
    """
    match error:
        case Indistinguishable():
            return Outcome(Ending.UNKNOWN, error.reservation, error)
        case OutcomeUnknown() if resumed:
            return _last_word(error)
        case NotFound():
            return Outcome(Ending.GONE, None, error)
        case LostRace():
            return Outcome(Ending.NOT_DONE, error.reservation, error)
        case ServerFailed():
            return Outcome(None, None, error)
        case Refused() | NotSent():
            return Outcome(Ending.NOT_DONE, None, error)
        case _:
            return Outcome(None, None, error)


def _last_word(error: OutcomeUnknown) -> Outcome:
    last = error.attempts[-1].came_back
    if last == NotFound.__name__:
        return Outcome(Ending.GONE, None, error)
    return Outcome(Ending.UNKNOWN, error.last_known, error) if last in list(Status) else Outcome(None, None, error)
