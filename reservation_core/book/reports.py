"""Conversion of events, reservations and replies to reports."""

from __future__ import annotations

from typing import Final, TypeAlias

from reservation_core.book.records import Report, ReportSource
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.reservation import Reservation, require_reservation
from reservation_core.rest.addresses import Address, is_sid
from reservation_core.rest.messages import Reply
from reservation_core.rest.reports import read_report
from reservation_core.webhooks.events import Event

Recordable: TypeAlias = Event | Reservation | Reply | Report
"""Types that a book can record."""

_ANY_RESERVATION: Final = Address(workspace_sid=None, sid=None)


def to_report(item: Recordable) -> Report | None:
    """Convert an event, a reservation or a reply to a report.

    :returns: ``None`` for an event that does not concern a reservation.
    :raises IncompleteReservation: for a reservation without a valid SID.
    :raises ReplyError: for a reply that does not show a reservation.
    :raises TypeError: for anything else, such as a payload that was not read.
    """
    if isinstance(item, Event):
        return _report_of_event(item)
    if isinstance(item, Reply):
        item = read_report(_ANY_RESERVATION, item)
    if isinstance(item, Reservation):
        return report_of_reservation(item)
    if not isinstance(item, Report):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"not recordable: it is of type {type(item).__name__}. Give an event, a reservation or "
            "a reply, such as that of read_event() or fetch()"
        )
    return item


def report_of_reservation(
    reservation: Reservation, source: ReportSource = ReportSource.REPLY
) -> Report:
    """Make a report of a reservation that the platform showed.

    :raises IncompleteReservation: if it has no valid SID.
    :raises TypeError: for anything but a reservation.
    """
    require_reservation(reservation)
    if not is_sid(reservation.sid, "sid"):
        raise IncompleteReservation(("sid",))
    return Report(
        sid=reservation.sid,
        source=source,
        reservation=reservation,
        platform_time=reservation.date_updated,
    )


def _report_of_event(event: Event) -> Report | None:
    if event.reservation_sid is None:
        return None
    is_storable = event.key.isprintable() and event.key.isascii()
    return Report(
        sid=event.reservation_sid,
        source=ReportSource.EVENT,
        reservation=event.reservation,
        event_key=event.key if is_storable else ascii(event.key),  # for any database
        type=event.type,
        version=event.version,
        platform_time=event.time,
    )
