"""What the book holds of a reservation, what it is told, and what came of telling it: values, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import CommandError, ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route


class ReportSource(StrEnum):
    """Where a line of the history comes from."""

    EVENT = "event"  #: an event callback, or an event stream
    REPLY = "reply"  #: a reservation that somebody read: the answer to a command, an assignment callback, a list
    FETCH = "fetch"  #: the book's own reading, made to settle what it holds
    COMMAND = "command"  #: a command of ours


class Verdict(StrEnum):
    """What a report does to what the book holds (:mod:`reservation_core.book.merging`)."""

    APPLIED = "applied"  #: it is newer, and taken over
    GAP = "gap"  #: it is newer and taken over, but something between was never heard of
    OLDER = "older"  #: what is held is newer, or the same
    DUPLICATE = "duplicate"  #: this very event was recorded before: nothing is written
    CONTRADICTION = "contradiction"  #: it cannot be true together with what is held, which stays
    HISTORY_ONLY = "history only"  #: it says nothing of the status; it is kept in the history only
    IGNORED = "ignored"  #: it is of no reservation: nothing is written


class Ending(StrEnum):
    """What became of a command of ours."""

    INTENDED = "intended"  #: written before it is sent, and open until one of the others follows
    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"  #: done by us or by somebody else or not at all, which no reading can tell
    DELETED = "deleted"  #: the platform has no such reservation any more


class Doubt(StrEnum):
    """Why what is held should be read again."""

    GAP = "gap"
    CONTRADICTION = "contradiction"


@attrs.frozen(kw_only=True)
class Intent:
    """A command that is about to be sent, or was: it is open until the book knows what became of it.

    :param token: what tells it from every other.
    :param reservation: the reservation as it was held when the command was written down.
    :param created_at: when that was, by the book's clock.
    """

    token: str
    command: Command
    reservation: Reservation
    route: Route
    created_at: datetime


@attrs.frozen(kw_only=True)
class Entry:
    """What the book holds of one reservation.

    :param reservation: as it was last reported, with the platform's own version (``etag``) where it was told.
    :param revision: the book's own version, from 1; whoever writes says which one was read, and loses if it is another now.
    :param refreshed_at: when the book last heard anything new, by its own clock.
    :param version: the reservation's version as events count it (``ReservationVersion``), where the report that is held had one.
    :param platform_time: the platform's time of that report.
    :param doubt: why it should be read again.
    :param deleted: whether the platform has it no more; the status is the last that was reported.
    :param intent: the command of ours that is under way.
    """

    reservation: Reservation
    revision: int
    refreshed_at: datetime
    version: int | None = None
    platform_time: datetime | None = None
    doubt: Doubt | None = None
    deleted: bool = False
    intent: Intent | None = None

    @property
    def sid(self) -> str:
        """The reservation's SID."""
        return str(self.reservation.sid)

    @property
    def status(self) -> Status:
        """The status that was last reported."""
        return self.reservation.status

    @property
    def is_live(self) -> bool:
        """Whether anything can still happen to it."""
        return not (self.deleted or self.reservation.status.is_terminal)


@attrs.frozen(kw_only=True)
class Report:
    """What somebody tells the book of one reservation.

    :param reservation: with the status that is reported; ``None`` when the report tells none.
    :param event_key: the event's own SID, by which a repeated one is known.
    :param type: the event's type, as it came.
    :param version: the reservation's version as events count it.
    :param platform_time: the platform's time of it.
    """

    sid: str
    source: ReportSource
    reservation: Reservation | None
    event_key: str | None = None
    type: str = ""
    version: int | None = None
    platform_time: datetime | None = None


@attrs.frozen(kw_only=True)
class HistoryLine:
    """One line of a reservation's history: what was told or done, and what came of it. Nothing personal is in it.

    :param recorded_at: when it was written, by the book's clock; ``platform_time`` is the platform's.
    :param type: the event's type, or the command's name.
    :param outcome: the words of :class:`Verdict` for a report, of :class:`Ending` for a command.
    """

    sid: str
    recorded_at: datetime
    source: ReportSource
    outcome: Verdict | Ending
    type: str = ""
    event_key: str | None = None
    status: Status | None = None
    version: int | None = None
    platform_time: datetime | None = None


@attrs.frozen(kw_only=True)
class Change:
    """What a store is to write, all of it or nothing.

    :param entry: in place of the one at revision ``expected_revision`` (0: of none); ``None`` when only the history grows.
    :param lines: what the history grows by; a line whose event is there already is left out.
    """

    sid: str
    entry: Entry | None
    expected_revision: int
    lines: tuple[HistoryLine, ...]


EventRef: TypeAlias = tuple[str, str]
"""An event of a reservation: the reservation's SID, and the event's."""


@attrs.frozen
class LookupResult:
    """What a store finds: the entries by their SIDs, and which of the events are in the history."""

    entries: Mapping[str, Entry]
    seen_events: frozenset[EventRef]


@attrs.frozen
class Recorded:
    """What came of a report, or of a command: the verdict, and what the book holds now (``None``: nothing)."""

    outcome: Verdict | Ending
    entry: Entry | None


FailuresBySid: TypeAlias = Mapping[str, ReservationError]


@attrs.frozen
class Swept:
    """What a sweep came to: what was settled, and by SID what could not be, which is tried again once its lease has run out."""

    settled: tuple[Recorded, ...]
    failed: FailuresBySid


@attrs.frozen(slots=False)
class NotInBook(CommandError):
    """The book holds no such reservation, so nothing can be asked of it."""

    sid: str

    def __str__(self) -> str:
        """Name the reservation and the remedy."""
        return f"the book holds no reservation {self.sid}; fetch it and record it first"


@attrs.frozen(slots=False)
class CommandInProgress(CommandError):
    """Another command to this reservation is under way, or was left behind by a process that ended."""

    sid: str
    trigger: str

    def __str__(self) -> str:
        """Name the reservation, the other command and the remedy."""
        return f"the {self.trigger} to reservation {self.sid} is still under way; wait for it, or let recover() find out what became of it"


@attrs.frozen(slots=False)
class StoreFailed(ReservationError):
    """The book's store could not do what it was asked; ``reason`` is its own words, by class."""

    reason: str

    def __str__(self) -> str:
        """Give the reason and the remedy."""
        return f"the book's store failed ({self.reason}); what was being written is there as a whole or not at all: read it again"


@attrs.frozen(slots=False)
class StoreUnavailable(StoreFailed):
    """The store is busy beyond its patience, full, or cannot be reached: it would fail whatever was asked, so try again later."""
