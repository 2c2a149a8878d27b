"""Values of the book: entries, history lines, reports, and results. All are immutable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeAlias

import attrs

from reservation_core.book.errors import UnreadableEntry
from reservation_core.domain.commands.base import Command
from reservation_core.domain.documents import Serializable
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status, label_state
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route


@document_members
class ReportSource(StrEnum):
    """Origin of a report or of a history line."""

    EVENT = "event"
    """An event callback, or an event stream."""
    REPLY = "reply"
    """A reservation from a reply, an assignment callback or a list."""
    FETCH = "fetch"
    """A fetch that the book made to reconcile an entry."""
    COMMAND = "command"
    """A command that the book sends."""


@document_members
class Verdict(StrEnum):
    """Effect of a report on the entry, by the rules of :mod:`reservation_core.book.merging`."""

    APPLIED = "applied"
    """The report is newer than the entry, which now shows it."""
    GAP = "gap"
    """The report is newer and applied, but a report between the two is missing."""
    OLDER = "older"
    """The entry is newer, or the same."""
    DUPLICATE = "duplicate"
    """The same event was recorded before. Nothing is written."""
    CONTRADICTION = "contradiction"
    """The report is impossible beside the entry, which keeps its status."""
    HISTORY_ONLY = "history only"
    """The report has no status. Only the history shows it."""
    IGNORED = "ignored"
    """The event does not concern a reservation. Nothing is written."""


@document_members
class Ending(StrEnum):
    """State of a command in the history: intended, or how it ended."""

    ANSWERED = "answered"
    """Given as the answer to an assignment callback. The platform reports its outcome."""
    INTENDED = "intended"
    """The command was written down before it is sent. Its intent is open."""
    DONE = "done"
    """The command was carried out."""
    NOT_DONE = "not done"
    """The command was not carried out."""
    UNKNOWN = "unknown"
    """No fetch can show if the platform carried the command out."""
    DELETED = "deleted"
    """The platform no longer has the reservation."""


@document_members
class Doubt(StrEnum):
    """Reason to fetch a reservation again."""

    GAP = "gap"
    """A report is missing."""
    CONTRADICTION = "contradiction"
    """A report contradicted the entry."""


@attrs.frozen(kw_only=True)
class Intent(Serializable):
    """Command that was written down and whose outcome is not recorded yet.

    It is *open* until then.

    :param token: unique identifier of the intent.
    :param reservation: the entry's reservation when the intent was written.
    :param route: the route on which the command is sent.
    :param created_at: when the intent was written, by the book's clock.
    :param strict: false if the policy lets the platform decide what is refused on weak evidence.
    :param fence: identifier of the delivery that may send the command. Each resumption sets a new
        one. Then an earlier delivery, of a process that was only paused, sends nothing more.
    """

    token: str
    command: Command
    reservation: Reservation
    route: Route
    created_at: datetime
    strict: bool = True
    fence: str = ""


@attrs.frozen(kw_only=True)
class Entry(Serializable):
    """Present state of one reservation in the book.

    :param reservation: as last reported, with the platform's version (``etag``) if it was reported.
    :param revision: the book's own version, from 1. A write succeeds only if the revision is
        still the one that was read.
    :param refreshed_at: when the book last applied a report or a fetch, by the book's clock.
    :param version: ``ReservationVersion`` of the report that is shown, if it had one.
    :param platform_time: the platform's time of that report.
    :param doubt: reason to fetch the reservation again, if there is one.
    :param deleted: true if the platform no longer has the reservation. The status is then the
        last one that was reported.
    :param intent: the command that is open.
    :param may_be_on_hold: true if a command that was closed as unknown may have put it on hold. No
        fetch shows that. Its next status ends it, and so does ``release``.
    """

    reservation: Reservation
    revision: int
    refreshed_at: datetime
    version: int | None = None
    platform_time: datetime | None = None
    doubt: Doubt | None = None
    deleted: bool = False
    intent: Intent | None = None
    may_be_on_hold: bool = False

    @property
    def sid(self) -> str:
        """SID of the reservation."""
        return str(self.reservation.sid)

    @property
    def status(self) -> Status:
        """Status that was last reported."""
        return self.reservation.status

    @property
    def is_live(self) -> bool:
        """True if the reservation can still change."""
        return not (self.deleted or self.reservation.status.is_terminal)

    def __str__(self) -> str:
        """Return one line for logs, without personal data."""
        facts = [label_state(self.reservation.state), f"revision {self.revision}"]
        if self.may_be_on_hold:
            facts.insert(1, "may be on hold")
        if self.deleted:
            facts.append("deleted")
        if self.doubt is not None:
            facts.append(f"in doubt: {self.doubt}")
        if self.intent is not None:
            facts.append(f"{self.intent.command.trigger} is open")
        return f"{self.sid}: {', '.join(facts)}"


StoredEntry: TypeAlias = Entry | UnreadableEntry
"""An entry as a store returns it, or the error of one that cannot be read."""


@attrs.frozen(kw_only=True)
class Report:
    """Report on one reservation, ready to be recorded.

    :param sid: SID of the reservation.
    :param source: origin of the report.
    :param reservation: with the reported status; ``None`` if no status is reported.
    :param event_key: identifier of the event; a repeated event has the same one.
    :param type: type of the event, as received.
    :param version: ``ReservationVersion`` of the event.
    :param platform_time: the platform's time of the report.
    """

    sid: str
    source: ReportSource
    reservation: Reservation | None
    event_key: str | None = None
    type: str = ""
    version: int | None = None
    platform_time: datetime | None = None


@attrs.frozen(kw_only=True)
class HistoryLine(Serializable):
    """One report or command in the history of a reservation. It holds no personal data.

    :param sid: SID of the reservation.
    :param recorded_at: when the line was written, by the book's clock.
    :param outcome: a :class:`Verdict` for a report, an :class:`Ending` for a command.
    :param type: type of the event, or name of the command.
    :param status: status that was reported, or in which the command was asked for.
    :param version: ``ReservationVersion`` of the event.
    :param platform_time: the platform's time of the report.
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

    def __str__(self) -> str:
        """Return one line for logs, without personal data."""
        known = [self.status, None if self.version is None else f"version {self.version}"]
        facts = ", ".join(fact for fact in known if fact is not None)
        type_ = f" {ascii(self.type)[1:-1]}" if self.type else ""
        shown = f"{self.source}{type_}{f' ({facts})' if facts else ''}"
        return f"{self.recorded_at:%Y-%m-%dT%H:%M:%S%z} {self.sid}: {shown}: {self.outcome}"


@attrs.frozen(kw_only=True)
class Change:
    """One atomic write to a store, of one reservation.

    :param entry: the new entry; ``None`` if only the history grows. It is written only if the
        stored entry has the previous revision, or if none is stored and its revision is 1.
    :param lines: new history lines. A store skips a line whose event it already has.
    """

    sid: str
    entry: Entry | None
    lines: tuple[HistoryLine, ...]


EventRef: TypeAlias = tuple[str, str]
"""SID of a reservation, and ``event_key`` of one of its events."""


@attrs.frozen
class LookupResult:
    """Entries by SID, and the requested events that were seen before.

    :param unreadable: errors by SID of the entries that cannot be read.
    """

    entries: Mapping[str, Entry]
    seen_events: frozenset[EventRef]
    unreadable: Mapping[str, UnreadableEntry] = attrs.Factory(dict[str, UnreadableEntry])

    @classmethod
    def of(cls, found: Iterable[StoredEntry], seen_events: Iterable[EventRef]) -> Self:
        """Make the result of what a store found."""
        entries: dict[str, Entry] = {}
        unreadable: dict[str, UnreadableEntry] = {}
        for each in found:
            if isinstance(each, Entry):
                entries[each.sid] = each
            else:
                unreadable[each.sid] = each
        return cls(entries, frozenset(seen_events), unreadable)


@attrs.frozen
class Recorded:
    """Outcome of one report or command, and the entry after it."""

    outcome: Verdict | Ending
    entry: Entry | None

    def __str__(self) -> str:
        """Return one line for logs, without personal data."""
        return str(self.outcome) if self.entry is None else f"{self.outcome}; {self.entry}"


@attrs.frozen
class Swept:
    """Result of one sweep: a call of ``recover`` or ``reconcile``.

    :param settled: one result for each entry that was settled.
    :param failed: errors by SID of the entries that were not, also of those that cannot be read.
        They are due again when their lease has expired.
    """

    settled: tuple[Recorded, ...]
    failed: Mapping[str, ReservationError]

    def __str__(self) -> str:
        """Return one line for logs, with counts only."""
        outcomes = Counter(recorded.outcome.value for recorded in self.settled)
        errors = Counter(type(error).__name__ for error in self.failed.values())
        return f"settled {_count(outcomes)}, failed {_count(errors)}"


def _count(names: Counter[str]) -> str:
    """Return the total, and how often each name occurs."""
    each = ", ".join(f"{count} {name}" for name, count in sorted(names.items()))
    return f"{names.total()} ({each})" if names else "0"
