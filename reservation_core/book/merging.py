"""Rules by which a report changes an entry, without I/O.

The first rule that applies decides:

1. **An event counts once.** An event that is in the history is a *duplicate*.
2. **No status, no change.** A report without a status goes to the history only.
3. **The first report of a reservation is applied**, even if earlier ones are missing.
4. **Another task, worker or account contradicts**: one SID belongs to one reservation.
5. **A fetch settles doubt** if nothing was written since it was requested. It is applied even if
   it contradicts the entry. A status from before the entry's is a late copy and *older*, unless
   its date is later than the entry's: then the platform has set it again. A status that would
   reopen an ended reservation *contradicts*.
6. **The higher version is newer** if entry and report both have one. If it is higher by more
   than one, a report is missing (a *gap*). The command that put the entry on hold may have raised
   the version without an event, so the report that ends the hold may be higher by two. The
   lifecycle must allow what the versions say.
7. **Without versions the lifecycle decides**, not the clocks. It has no cycles, so a status that
   can follow another is later. Two reports of one status are ordered by their time
   in whole seconds, the precision of replies. Statuses that cannot follow each other *contradict*.

=============  ========  ==============  =============  =============  =============
status is      fetch     higher version  equal version  lower version  no versions
=============  ========  ==============  =============  =============  =============
the same       applied   applied or gap  older          older          by the time
later          applied   applied or gap  contradiction  contradiction  applied
earlier        by time   contradiction   contradiction  older          older
unrelated      applied   contradiction   contradiction  contradiction  contradiction
=============  ========  ==============  =============  =============  =============

Only versions of events are compared with each other. No source says that the ETag of a reply
counts the same way, so it is not used.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from operator import attrgetter
from typing import Final

import attrs

from reservation_core.book.records import Doubt, Entry, Report, ReportSource, Verdict
from reservation_core.domain.decisions import follow
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation, is_newer
from reservation_core.rest.addresses import SID_PREFIXES

_sids_of: Final = attrgetter(*SID_PREFIXES)


class _Order(Enum):
    """Order of the entry's and the reported status in the lifecycle."""

    SAME = auto()
    LATER = auto()
    EARLIER = auto()
    UNRELATED = auto()


# The columns of the table above. A status that is not listed contradicts.
_FETCH: Final = {
    _Order.SAME: Verdict.APPLIED,
    _Order.LATER: Verdict.APPLIED,
    _Order.EARLIER: Verdict.OLDER,
    _Order.UNRELATED: Verdict.APPLIED,
}
_HIGHER_VERSION: Final = {_Order.SAME: Verdict.APPLIED, _Order.LATER: Verdict.APPLIED}
_EQUAL_VERSION: Final = {_Order.SAME: Verdict.OLDER}
_LOWER_VERSION: Final = {_Order.SAME: Verdict.OLDER, _Order.EARLIER: Verdict.OLDER}
_NO_VERSIONS: Final = {
    _Order.SAME: Verdict.APPLIED,
    _Order.LATER: Verdict.APPLIED,
    _Order.EARLIER: Verdict.OLDER,
}


def judge(
    entry: Entry | None, report: Report, *, is_seen: bool = False, is_fetch: bool = False
) -> Verdict:
    """Return the effect of a report on an entry.

    :param entry: the present entry; ``None`` if there is none yet.
    :param is_seen: true if the report's event is in the history.
    :param is_fetch: true for the book's own fetch, if the entry is still the one it was made for.
    """
    reported = report.reservation
    if is_seen:
        return Verdict.DUPLICATE
    if reported is None:
        return Verdict.HISTORY_ONLY
    if entry is None:
        return Verdict.APPLIED
    if _has_other_sids(entry.reservation, reported):
        return Verdict.CONTRADICTION
    order = _order(entry.status, reported.status)
    if is_fetch and order is _Order.EARLIER and _is_reopened(entry, report):
        return Verdict.APPLIED
    if is_fetch:
        reopens = entry.status.is_terminal and not reported.status.is_terminal
        is_impossible = reopens and order is _Order.UNRELATED
        return Verdict.CONTRADICTION if is_impossible else _FETCH[order]
    if entry.version is not None and report.version is not None:
        ahead = report.version - entry.version
        if entry.reservation.on_hold and order is _Order.LATER and ahead > 1:
            ahead -= 1  # the command behind the hold
        return _judge_version(ahead, order)
    if order is _Order.SAME and _is_earlier(report.platform_time, entry.platform_time):
        return Verdict.OLDER
    return _NO_VERSIONS.get(order, Verdict.CONTRADICTION)


def _is_reopened(entry: Entry, report: Report) -> bool:
    """Return True if an earlier status was set at a later date."""
    is_later = _is_earlier(entry.platform_time, report.platform_time)
    return is_later and not entry.status.is_terminal


def _has_other_sids(one: Reservation, other: Reservation) -> bool:
    return any(
        a != b and a is not None and b is not None
        for a, b in zip(_sids_of(one), _sids_of(other), strict=True)
    )


def _order(before: Status, after: Status) -> _Order:
    if before is after:
        return _Order.SAME
    if follow(before, after) is not None:
        return _Order.LATER
    return _Order.UNRELATED if follow(after, before) is None else _Order.EARLIER


def _judge_version(ahead: int, order: _Order) -> Verdict:
    column = _HIGHER_VERSION if ahead > 0 else _LOWER_VERSION if ahead < 0 else _EQUAL_VERSION
    verdict = column.get(order, Verdict.CONTRADICTION)
    return Verdict.GAP if verdict is Verdict.APPLIED and ahead > 1 else verdict


def _is_earlier(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return False
    return one.replace(microsecond=0) < other.replace(microsecond=0)


def merge(
    entry: Entry | None, report: Report, verdict: Verdict, now: datetime, *, is_fetch: bool = False
) -> Entry | None:
    """Return the entry after a report, at its present revision.

    :param verdict: of :func:`judge`, for the same arguments.
    :param now: the time by the book's clock.
    :returns: ``None`` if the book still has no entry.
    """
    if verdict in (Verdict.APPLIED, Verdict.GAP):
        return _apply(entry, report, verdict, now, is_fetch=is_fetch)
    if entry is None:
        return None
    if is_fetch:
        is_settled = entry.status.is_terminal or verdict is not Verdict.OLDER
        return attrs.evolve(entry, refreshed_at=now, doubt=None if is_settled else entry.doubt)
    if verdict is Verdict.CONTRADICTION:
        return attrs.evolve(entry, doubt=Doubt.CONTRADICTION)
    return entry


def _apply(
    entry: Entry | None, report: Report, verdict: Verdict, now: datetime, *, is_fetch: bool
) -> Entry:
    reported = report.reservation
    assert reported is not None
    if entry is None:
        return Entry(
            reservation=reported,
            revision=0,
            refreshed_at=now,
            version=report.version,
            platform_time=report.platform_time,
        )
    is_same = reported.status is entry.status
    return Entry(
        reservation=_successor(entry.reservation, reported, report.source),
        revision=entry.revision,
        refreshed_at=now,
        version=entry.version if report.version is None and is_same else report.version,
        platform_time=report.platform_time or (entry.platform_time if is_same else None),
        doubt=None if is_fetch else _doubt_after(entry.doubt, verdict, reported.status),
        intent=entry.intent,
        may_be_on_hold=entry.may_be_on_hold and is_same and not reported.on_hold,
    )


def _doubt_after(doubt: Doubt | None, verdict: Verdict, status: Status) -> Doubt | None:
    if doubt is None and verdict is Verdict.GAP:
        doubt = Doubt.GAP
    # A missing report cannot change a reservation that has ended.
    return None if doubt is Doubt.GAP and status.is_terminal else doubt


def _successor(before: Reservation, after: Reservation, source: ReportSource) -> Reservation:
    """Return the newer reservation, completed by the fields that cannot have changed.

    An event has no ETag. The present one is kept as long as the status is: if it is stale after
    all, that costs one more fetch.
    """
    keeps_version = after.status is before.status and source is ReportSource.EVENT
    keeps_hold = before.on_hold and not after.on_hold and not is_newer(before, after)
    return Reservation(
        sid=before.sid,
        account_sid=after.account_sid or before.account_sid,
        workspace_sid=after.workspace_sid or before.workspace_sid,
        task_sid=after.task_sid or before.task_sid,
        worker_sid=after.worker_sid or before.worker_sid,
        worker_name=after.worker_name or before.worker_name,
        status=after.status,
        date_created=after.date_created or before.date_created,
        date_updated=after.date_updated or (before.date_updated if keeps_version else None),
        url=after.url or before.url,
        links=after.links or before.links,
        etag=after.etag or (before.etag if keeps_version else None),
        on_hold=after.on_hold or keeps_hold,
        on_hold_since=before.on_hold_since if keeps_hold else after.on_hold_since,
    )
