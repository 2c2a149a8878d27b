"""What a report does to what the book holds: the whole judgement, without I/O.

Its rules, of which the first that applies decides:

1. **An event of a reservation is taken once**, told by its own SID.
2. **What tells no status is only noted**; what is the first word of a reservation is believed, whatever was missed before it.
3. **The higher version is newer**, where both carry one; more than one step higher, something was missed: a *gap*.
4. **Without versions the lifecycle tells**: it has no circles, so a status that can follow another is later, whatever the clocks say.
   Only between reports of one status the time decides, to the second, for that is how replies tell it.
5. **What ended never reopens**, and what can neither precede nor follow what is held *contradicts* it: the entry stays, in doubt.
6. **A fetch settles the doubt**, if nothing was written since it was asked for. It may replace what it contradicts, but what is shown
   from before (a late copy) replaces nothing.

A version counts only against a version: whether the ETag of a reply is the version of events is not known, and is not supposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from reservation_core.book.records import (
    Change,
    Doubt,
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
from reservation_core.domain.decisions import follow
from reservation_core.domain.errors import IncompleteReservation
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import SID_PREFIXES, Address, is_sid
from reservation_core.rest.messages import Reply
from reservation_core.rest.update import conclude_fetch, is_newer
from reservation_core.webhooks.events import Event

Recordable: TypeAlias = Event | Reservation | Reply | Report
"""What can be recorded."""

_WHATEVER: Final = Address(workspace_sid=None, sid=None)

_sids: Final = attrgetter(*SID_PREFIXES)


def report_of(told: Recordable) -> Report | None:
    """Make a report of what is told; ``None`` of an event that is of no reservation.

    :raises IncompleteReservation: when a reservation has no SID to be kept under.
    :raises ReplyError: for a reply that tells no reservation.
    """
    if isinstance(told, Event):
        return _report_of_event(told)
    if isinstance(told, Reply):
        return reading(conclude_fetch(_WHATEVER, told))
    return told if isinstance(told, Report) else reading(told)


def reading(read: Reservation, source: ReportSource = ReportSource.REPLY) -> Report:
    """Make a report of a reservation that was read.

    :raises IncompleteReservation: when it has no SID to be kept under.
    """
    if read.sid is None or not is_sid(read.sid, "sid"):
        raise IncompleteReservation(("sid",))
    return Report(sid=read.sid, source=source, reservation=read, platform_time=read.date_updated)


def _report_of_event(event: Event) -> Report | None:
    if event.reservation_sid is None:
        return None
    return Report(
        sid=event.reservation_sid,
        source=ReportSource.EVENT,
        reservation=event.reservation,
        event_key=event.key
        if event.key.isprintable() and event.key.isascii()
        else ascii(event.key),  # any store can keep it
        type=event.type,
        version=event.version,
        platform_time=event.time,
    )


def judge(
    held: Entry | None, report: Report, *, seen: bool = False, settles: bool = False
) -> Verdict:
    """Decide what a report does to what is held.

    :param seen: whether its event is in the history.
    :param settles: whether it is the book's own reading of just what is held.
    """
    told = report.reservation
    if seen:
        return Verdict.DUPLICATE
    if told is None:
        return Verdict.HISTORY_ONLY
    if held is None:
        return Verdict.APPLIED
    if _is_of_another(held.reservation, told):
        return Verdict.CONTRADICTION
    forward, backward = follow(held.status, told.status), follow(told.status, held.status)
    if settles:
        return _settle(held, told, known=forward is not None, late=backward is not None)
    if held.version is not None and report.version is not None:
        return _by_version(
            report.version - held.version,
            forward=forward is not None,
            backward=backward is not None,
        )
    if forward:  # by one step or more
        return Verdict.APPLIED
    if told.status is held.status:
        return (
            Verdict.OLDER
            if _is_earlier(report.platform_time, held.platform_time)
            else Verdict.APPLIED
        )
    return Verdict.CONTRADICTION if backward is None else Verdict.OLDER


def _settle(held: Entry, told: Reservation, *, known: bool, late: bool) -> Verdict:
    if known:
        return Verdict.APPLIED
    if late:
        return Verdict.OLDER
    reopens = held.status.is_terminal and not told.status.is_terminal
    return Verdict.CONTRADICTION if reopens else Verdict.APPLIED


def _by_version(ahead: int, *, forward: bool, backward: bool) -> Verdict:
    if ahead > 0:
        return (Verdict.GAP if ahead > 1 else Verdict.APPLIED) if forward else Verdict.CONTRADICTION
    believable = backward and (forward or ahead < 0)  # the same version shows the same status
    return Verdict.OLDER if believable else Verdict.CONTRADICTION


def _is_of_another(held: Reservation, told: Reservation) -> bool:
    """Tell whether two reservations of one SID belong to different tasks, workers or accounts."""
    mine, theirs = _sids(held), _sids(told)
    return mine != theirs and any(
        a != b for a, b in zip(mine, theirs, strict=True) if None not in (a, b)
    )


def _is_earlier(time: datetime | None, than: datetime | None) -> bool:
    return (
        time is not None
        and than is not None
        and time.replace(microsecond=0) < than.replace(microsecond=0)
    )


def enter(
    held: Entry | None, report: Report, verdict: Verdict, now: datetime, *, settles: bool = False
) -> Entry | None:
    """Give what the book holds after a report; ``None`` when it still holds nothing. The revision stays; see :func:`change`."""
    told = report.reservation
    if verdict in (Verdict.APPLIED, Verdict.GAP) and told is not None:
        if held is None:
            return Entry(
                reservation=told,
                revision=0,
                refreshed_at=now,
                version=report.version,
                platform_time=report.platform_time,
            )
        same = told.status is held.status
        return Entry(
            reservation=_succeed(held.reservation, told, report),
            revision=held.revision,
            refreshed_at=now,
            version=held.version if report.version is None and same else report.version,
            platform_time=report.platform_time or (held.platform_time if same else None),
            doubt=_doubt(held.doubt, verdict, told.status, settles=settles),
            intent=held.intent,
        )
    if held is None:
        return None
    if settles:
        settled = held.status.is_terminal or verdict is not Verdict.OLDER
        return attrs.evolve(held, refreshed_at=now, doubt=None if settled else held.doubt)
    return (
        attrs.evolve(held, doubt=Doubt.CONTRADICTION) if verdict is Verdict.CONTRADICTION else held
    )


def _doubt(held: Doubt | None, verdict: Verdict, status: Status, *, settles: bool) -> Doubt | None:
    if settles:
        return None
    doubt = held or (Doubt.GAP if verdict is Verdict.GAP else None)
    return (
        None if doubt is Doubt.GAP and status.is_terminal else doubt
    )  # what was missed changes nothing any more


def _succeed(before: Reservation, after: Reservation, report: Report) -> Reservation:
    """Take over a newer report; what it leaves out and cannot have changed is kept.

    An event tells no ETag: the one that is held passes with the status, and else is kept, for a stale one only costs another reading.
    """
    same = after.status is before.status
    keeps = same and report.source is ReportSource.EVENT
    return Reservation(
        sid=before.sid,
        account_sid=after.account_sid or before.account_sid,
        workspace_sid=after.workspace_sid or before.workspace_sid,
        task_sid=after.task_sid or before.task_sid,
        worker_sid=after.worker_sid or before.worker_sid,
        worker_name=after.worker_name or before.worker_name,
        status=after.status,
        date_created=after.date_created or before.date_created,
        date_updated=after.date_updated or (before.date_updated if keeps else None),
        url=after.url or before.url,
        links=after.links or before.links,
        etag=after.etag or (before.etag if keeps else None),
        on_hold=after.on_hold or (before.on_hold and not is_newer(before, after)),
    )


# --- what is written -------------------------------------------------------------------------------------------------------------


def line_of(report: Report, verdict: Verdict, now: datetime) -> HistoryLine:
    """Make the line of the history that a report leaves."""
    status = None if report.reservation is None else report.reservation.status
    return HistoryLine(
        sid=report.sid,
        recorded_at=now,
        source=report.source,
        outcome=verdict,
        type=report.type,
        event_key=report.event_key,
        status=status,
        version=report.version,
        platform_time=report.platform_time,
    )


def change(held: Entry | None, entry: Entry | None, sid: str, *lines: HistoryLine) -> Change:
    """Make the change from what is held to an entry, at the next revision."""
    expected = 0 if held is None else held.revision
    return Change(
        sid=sid,
        entry=None if entry is None else attrs.evolve(entry, revision=expected + 1),
        expected_revision=expected,
        lines=lines,
    )


def fold(
    known: LookupResult, told: Mapping[int, Report], now: datetime
) -> tuple[Sequence[Change], Mapping[int, Recorded]]:
    """Judge reports one after the other, and gather what is to be written of each reservation in one change.

    :returns: the changes, and by the reports' numbers what comes of each once its change is kept.
    """
    entries, seen = dict(known.entries), set(known.seen_events)
    verdicts: dict[int, Verdict] = {}
    lines: dict[str, list[HistoryLine]] = {}
    for number, report in told.items():
        held = entries.get(report.sid)
        verdicts[number] = verdict = judge(
            held, report, seen=(report.sid, report.event_key) in seen
        )
        if verdict is not Verdict.DUPLICATE:
            if (entry := enter(held, report, verdict, now)) is not None:
                entries[report.sid] = entry
            lines.setdefault(report.sid, []).append(line_of(report, verdict, now))
            if report.event_key is not None:
                seen.add((report.sid, report.event_key))
    changes = [
        change(known.entries.get(sid), entries.get(sid), sid, *added)
        for sid, added in lines.items()
    ]
    entries |= {change.sid: change.entry for change in changes if change.entry is not None}
    return changes, {
        number: Recorded(verdict, entries.get(told[number].sid))
        for number, verdict in verdicts.items()
    }


def settle(held: Entry, fetched: Reservation, now: datetime) -> tuple[Verdict, Change]:
    """Take over the book's own reading of just what is held."""
    report = reading(fetched, ReportSource.FETCH)
    verdict = judge(held, report, settles=True)
    return verdict, change(
        held,
        enter(held, report, verdict, now, settles=True),
        held.sid,
        line_of(report, verdict, now),
    )


def intend(held: Entry, intent: Intent) -> Change:
    """Write down a command before it is sent."""
    line = _command_line(held, intent, Ending.INTENDED, intent.created_at)
    return change(held, attrs.evolve(held, intent=intent), held.sid, line)


def close(
    held: Entry, intent: Intent, ending: Ending, read: Reservation | None, now: datetime
) -> Change:
    """Write down what became of a command, and the reservation as it was read then; what another process has open stays open."""
    mine = held.intent is not None and held.intent.token == intent.token
    entry = attrs.evolve(held, intent=None) if mine else held
    lines = [_command_line(held, intent, ending, now)]
    if read is not None:
        report = reading(read)
        verdict = judge(entry, report)
        entry = enter(entry, report, verdict, now) or entry
        lines.append(line_of(report, verdict, now))
    if ending is Ending.DELETED:
        entry = attrs.evolve(entry, deleted=True, doubt=None)
    return change(held, entry, held.sid, *lines)


def lose(held: Entry, now: datetime) -> Change:
    """Write down that the platform has the reservation no more: what was last reported stays, and nothing more is to come."""
    line = HistoryLine(
        sid=held.sid, recorded_at=now, source=ReportSource.FETCH, outcome=Ending.DELETED
    )
    return change(
        held, attrs.evolve(held, deleted=True, doubt=None, refreshed_at=now), held.sid, line
    )


def _command_line(held: Entry, intent: Intent, ending: Ending, now: datetime) -> HistoryLine:
    return HistoryLine(
        sid=held.sid,
        recorded_at=now,
        source=ReportSource.COMMAND,
        outcome=ending,
        type=intent.command.trigger,
        status=held.status,
    )
