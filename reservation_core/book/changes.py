"""Changes of entries, and the history lines that go with them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from reservation_core.book.deliveries import DeliveryOutcome
from reservation_core.book.merging import judge, merge
from reservation_core.book.records import (
    Change,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    LookupResult,
    Recorded,
    Report,
    ReportSource,
    Verdict,
)
from reservation_core.book.reports import report_of_reservation
from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation


def merge_reports(
    found: LookupResult, reports: Mapping[int, Report], now: datetime
) -> tuple[Sequence[Change], Mapping[int, Recorded]]:
    """Merge reports in their order.

    :returns: one change for each reservation, and the result of each report by its number.
    """
    entries, seen = dict(found.entries), set(found.seen_events)
    verdicts: dict[int, Verdict] = {}
    lines: dict[str, list[HistoryLine]] = {}
    for number, report in reports.items():
        sid, entry = report.sid, entries.get(report.sid)
        verdict = judge(entry, report, is_seen=(sid, report.event_key) in seen)
        verdicts[number] = verdict
        if verdict is Verdict.DUPLICATE:
            continue
        if (merged := merge(entry, report, verdict, now)) is not None:
            entries[sid] = merged
        lines.setdefault(sid, []).append(report_line(report, verdict, now))
        if report.event_key is not None:
            seen.add((sid, report.event_key))
    changes = [
        make_change(sid, found.entries.get(sid), entries.get(sid), *added)
        for sid, added in lines.items()
    ]
    entries |= {change.sid: change.entry for change in changes if change.entry is not None}
    return changes, {
        number: Recorded(verdict, entries.get(reports[number].sid))
        for number, verdict in verdicts.items()
    }


def closing_change(
    entry: Entry, intent: Intent, ending: Ending, outcome: DeliveryOutcome, now: datetime
) -> Change:
    """Return the change that closes an intent after its delivery.

    If the intent is not open any more, only the reservation that was read is recorded.
    """
    is_open = entry.intent is not None and entry.intent.token == intent.token
    after, lines = entry, list[HistoryLine]()
    if is_open:
        after = attrs.evolve(entry, intent=None)
        lines.append(command_line(entry, intent.command, ending, now))
    if outcome.reservation is not None:
        report = report_of_reservation(outcome.reservation)
        # A failed delivery has fetched it. If nothing was written since, it settles what it shows.
        is_fetch = outcome.error is not None and is_open and entry.reservation == intent.reservation
        verdict = judge(after, report, is_fetch=is_fetch)
        after = merge(after, report, verdict, now, is_fetch=is_fetch) or after
        lines.append(report_line(report, verdict, now))
    if is_open and ending is Ending.DELETED:
        after = attrs.evolve(after, deleted=True, doubt=None)
    if is_open and outcome.may_be_on_hold and after.reservation.state is Status.PENDING:
        after = attrs.evolve(after, may_be_on_hold=True)
    return make_change(entry.sid, entry, after, *lines)


def make_change(sid: str, before: Entry | None, after: Entry | None, *lines: HistoryLine) -> Change:
    """Return the change of an entry to its next revision."""
    if after is not None:
        after = attrs.evolve(after, revision=1 if before is None else before.revision + 1)
    return Change(sid=sid, entry=after, lines=lines)


def report_line(report: Report, verdict: Verdict, now: datetime) -> HistoryLine:
    """Return the history line of a report."""
    return HistoryLine(
        sid=report.sid,
        recorded_at=now,
        source=report.source,
        outcome=verdict,
        type=report.type,
        event_key=report.event_key,
        status=None if report.reservation is None else report.reservation.status,
        version=report.version,
        platform_time=report.platform_time,
    )


def hold_after_answer(
    reservation: Reservation, command: Command, now: datetime, *, strict: bool
) -> Reservation:
    """Return the reservation after an answer, which may be too late."""
    after = reservation.after(command, strict=strict, at=now)
    if after.status is Status.PENDING:
        return after
    return reservation.with_status(Status.PENDING, on_hold=True, on_hold_since=now)


def command_line(entry: Entry, command: Command, ending: Ending, now: datetime) -> HistoryLine:
    """Return the history line of a command."""
    return HistoryLine(
        sid=entry.sid,
        recorded_at=now,
        source=ReportSource.COMMAND,
        outcome=ending,
        type=command.trigger,
        status=entry.status,
    )
