"""Events that a service under test receives."""

from __future__ import annotations

from hashlib import md5
from typing import Final

import attrs

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator import JournalEntry
from reservation_core.emulator.callbacks.forms import event_form, event_type
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.webhooks.events import Event, read_event

_FIELDS: Final = CallbackSettings().fields


@attrs.frozen(kw_only=True)
class ReportedEvent(Event):
    """Event that reports a new reservation or a change of its status.

    It is read from the form of an event callback, as a service reads it. A book records it.

    :param type: the platform's name, such as ``reservation.created`` or ``reservation.wrapup``.
    :param reservation: its SIDs and its status. An event shows neither ETag nor hold.
    :param version: the reservation's version, which rises with every change.
    """

    reservation: Reservation
    version: int


def reported_event(entry: JournalEntry) -> ReportedEvent | None:
    """Return the event of an entry, ``None`` for an unchanged status."""
    type_ = event_type(entry)
    if type_ is None:
        return None
    key = f"{entry.sid}/{entry.version}".encode()  # a repetition has the same SID
    sid = f"EV{md5(key, usedforsecurity=False).hexdigest()}"
    event = read_event(dict(event_form(entry, type_, sid, _FIELDS)))
    return ReportedEvent(**attrs.asdict(event, recurse=False))
