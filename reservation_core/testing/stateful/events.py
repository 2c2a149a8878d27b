"""Events that a service under test receives."""

from __future__ import annotations

import attrs

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import JournalEntry
from reservation_core.emulator.callbacks.forms import event_type


@attrs.frozen
class ReportedEvent:
    """Event that reports a new reservation or a change of its status.

    :param type: the platform's name, such as ``reservation.created`` or ``reservation.wrapup``.
    :param reservation: its SIDs and its status; an event shows neither ETag nor hold.
    :param version: the reservation's version, which rises with every change.
    """

    type: str
    reservation: Reservation
    version: int


def reported_event(entry: JournalEntry) -> ReportedEvent | None:
    """Return the event of an entry, ``None`` for an unchanged status."""
    type_ = event_type(entry)
    if type_ is None:
        return None
    shown = attrs.evolve(entry.reservation, etag=None, on_hold=False)
    return ReportedEvent(type_, shown, int(entry.version))
