"""Factories of entries, history lines and changes, as in ``make.entry(1)``."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reservation_core.book import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    Intent,
    ReportSource,
    Verdict,
)
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Accept
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route

NOON: Final = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)


def sid(prefix: str, number: int) -> str:
    """Return the SID of a number."""
    return f"{prefix}{number:032x}"


def later(seconds: float) -> datetime:
    """Return a time after noon."""
    return NOON + timedelta(seconds=seconds)


def event_ref(number: int) -> EventRef:
    """Return the event of a number, of the reservation ``number``."""
    return sid("WR", number), f"EV{number}"


def reservation(number: int, status: Status = Status.PENDING, **more: Any) -> Reservation:
    """Make a reservation with SIDs and a status."""
    return Reservation(
        sid=sid("WR", number),
        account_sid=sid("AC", 1),
        workspace_sid=sid("WS", 1),
        task_sid=sid("WT", number),
        worker_sid=sid("WK", 1),
        status=status,
        **more,
    )


def entry(
    number: int,
    status: Status = Status.PENDING,
    *,
    revision: int = 1,
    refreshed_at: datetime = NOON,
    **more: Any,
) -> Entry:
    """Make an entry."""
    return Entry(
        reservation=reservation(number, status),
        revision=revision,
        refreshed_at=refreshed_at,
        **more,
    )


def intent(command: Command | None = None, created_at: datetime = NOON) -> Intent:
    """Make an intent, to accept if no command is given."""
    return Intent(
        token="t",  # noqa: S106 - not a password
        command=command or Accept(),
        reservation=reservation(1, etag="7"),
        route=Route.WORKER,
        created_at=created_at,
    )


def line(number: int, event_key: str | None = None, recorded_at: datetime = NOON) -> HistoryLine:
    """Make a history line."""
    return HistoryLine(
        sid=sid("WR", number),
        recorded_at=recorded_at,
        source=ReportSource.EVENT,
        outcome=Verdict.APPLIED,
        event_key=event_key,
    )


def change(entry: Entry, *lines: HistoryLine) -> Change:
    """Make the change to an entry from the revision before it."""
    return Change(sid=entry.sid, entry=entry, lines=lines)


def history_change(*lines: HistoryLine) -> Change:
    """Make a change that adds lines of one reservation only."""
    return Change(sid=lines[0].sid, entry=None, lines=lines)
