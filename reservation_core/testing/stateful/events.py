"""Events that a service under test receives."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import JournalEntry

_WRAPUP: Final = "wrapup"  # the platform's word for wrapping in an event


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
    """Return the event of a journal entry that changed the status."""
    after = entry.reservation
    if entry.before is None:
        name = "created"
    elif after.state == ON_HOLD or after.state == entry.before:
        return None
    else:
        name = _WRAPUP if after.status is Status.WRAPPING else after.status.value
    shown = attrs.evolve(after, etag=None, on_hold=False)
    return ReportedEvent(f"reservation.{name}", shown, int(entry.version))
