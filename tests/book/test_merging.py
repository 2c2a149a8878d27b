"""Tests of the rules of merging."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Status,
)
from reservation_core.book import Doubt, Entry, Report, ReportSource, Verdict
from reservation_core.book.merging import judge, merge
from reservation_core.book.reports import report_of_reservation
from reservation_core.domain.lifecycle import ON_HOLD
from tests.book.scenario import NOON, pending

S: Final = Status
AFTER: Final = {
    S.PENDING: {
        S.PENDING,
        S.ACCEPTED,
        S.REJECTED,
        S.TIMEOUT,
        S.CANCELED,
        S.RESCINDED,
        S.WRAPPING,
        S.COMPLETED,
    },
    S.ACCEPTED: {S.ACCEPTED, S.WRAPPING, S.COMPLETED},
    S.WRAPPING: {S.WRAPPING, S.COMPLETED},
} | {status: {status} for status in (S.REJECTED, S.TIMEOUT, S.CANCELED, S.RESCINDED, S.COMPLETED)}
"""Statuses that may follow each status, from the documents and not from the machine."""


def later(seconds: float) -> datetime:
    """Return a time after noon."""
    return NOON + timedelta(seconds=seconds)


def make_entry(
    status: Status = S.PENDING,
    version: int | None = None,
    time: datetime | None = NOON,
    **more: Any,
) -> Entry:
    """Make an entry."""
    reservation = attrs.evolve(pending(0), status=status, etag="7")
    return attrs.evolve(
        Entry(
            reservation=reservation,
            revision=4,
            refreshed_at=NOON,
            version=version,
            platform_time=time,
        ),
        **more,
    )


def make_report(
    status: Status | None, version: int | None = None, time: datetime | None = NOON, **more: Any
) -> Report:
    """Make a report."""
    reservation = None if status is None else attrs.evolve(pending(0), status=status, **more)
    return Report(
        sid=str(pending(0).sid),
        source=ReportSource.EVENT,
        reservation=reservation,
        event_key="EV1",
        version=version,
        platform_time=time,
    )


PAIRS: Final = [(before, after) for before in S for after in S]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_judge_without_versions_goes_by_the_lifecycle(before: Status, after: Status) -> None:
    """Clocks count only between reports of one status."""
    for seconds in (-100, 100):
        verdict = judge(make_entry(before), make_report(after, time=later(seconds)))
        if before is after:
            assert verdict is (Verdict.APPLIED if seconds > 0 else Verdict.OLDER)
        elif after in AFTER[before]:
            assert verdict is Verdict.APPLIED
        else:
            assert verdict is (Verdict.OLDER if before in AFTER[after] else Verdict.CONTRADICTION)


def test_judge_without_times_applies_the_same_status() -> None:
    assert judge(make_entry(time=None), make_report(S.PENDING)) is Verdict.APPLIED
    assert judge(make_entry(), make_report(S.PENDING, time=None)) is Verdict.APPLIED


@pytest.mark.parametrize("ahead", [-2, -1, 0, 1, 2])
def test_judge_with_versions_applies_the_higher(ahead: int) -> None:
    """The lifecycle must allow it. The clocks do not count."""
    for before, after in PAIRS:
        verdict = judge(
            make_entry(before, 5), make_report(after, 5 + ahead, time=later(-100 * ahead))
        )
        if ahead > 0:
            expected = (
                {1: Verdict.APPLIED, 2: Verdict.GAP}[ahead]
                if after in AFTER[before]
                else Verdict.CONTRADICTION
            )
        elif ahead == 0:
            expected = Verdict.OLDER if before is after else Verdict.CONTRADICTION
        else:
            expected = Verdict.OLDER if before in AFTER[after] else Verdict.CONTRADICTION
        assert verdict is expected


@pytest.mark.parametrize(
    ("on_hold", "ahead", "after", "verdict"),
    [
        (True, 1, S.ACCEPTED, Verdict.APPLIED),
        (True, 2, S.ACCEPTED, Verdict.APPLIED),
        (True, 3, S.ACCEPTED, Verdict.GAP),
        (True, 2, S.PENDING, Verdict.GAP),
        (False, 2, S.ACCEPTED, Verdict.GAP),
    ],
)
def test_end_of_a_hold_may_be_two_versions_ahead(
    on_hold: bool, ahead: int, after: Status, verdict: Verdict
) -> None:
    entry = make_entry(version=3, reservation=attrs.evolve(pending(0), on_hold=on_hold))
    assert judge(entry, make_report(after, 3 + ahead)) is verdict


@pytest.mark.parametrize("doubt", [None, *Doubt])
@pytest.mark.parametrize("before", S)
def test_fetch_settles_doubt(before: Status, doubt: Doubt | None) -> None:
    """It replaces any entry, except for a newer or an ended one."""
    for after in S:
        entry, report = (
            make_entry(before, 5, doubt=doubt),
            report_of_reservation(attrs.evolve(pending(0), status=after), ReportSource.FETCH),
        )
        verdict = judge(entry, report, is_fetch=True)
        now = merge(entry, report, verdict, later(9), is_fetch=True)
        assert now is not None
        late = before in AFTER[after] and before is not after
        reopened = before.is_terminal and not after.is_terminal
        assert now.status is (before if late or reopened else after)
        assert now.doubt is (doubt if late and not before.is_terminal else None)
        assert now.refreshed_at == later(9)
        assert verdict is (
            Verdict.OLDER if late else Verdict.CONTRADICTION if reopened else Verdict.APPLIED
        )


@pytest.mark.parametrize(
    ("before", "after", "seconds", "verdict"),
    [
        (S.WRAPPING, S.ACCEPTED, 1, Verdict.APPLIED),  # no source rules it out
        (S.WRAPPING, S.ACCEPTED, 0, Verdict.OLDER),  # a late copy
        (S.WRAPPING, S.ACCEPTED, -1, Verdict.OLDER),
        (S.ACCEPTED, S.PENDING, 1, Verdict.APPLIED),
        (S.COMPLETED, S.ACCEPTED, 1, Verdict.OLDER),  # nothing leaves a terminal status
        (S.WRAPPING, S.ACCEPTED, None, Verdict.OLDER),
    ],
)
def test_fetch_of_an_earlier_status_is_applied_only_with_a_later_date(
    before: Status, after: Status, seconds: int | None, verdict: Verdict
) -> None:
    entry = attrs.evolve(make_entry(before, 5, doubt=Doubt.CONTRADICTION), platform_time=later(5))
    date = None if seconds is None else later(5) + timedelta(seconds=seconds)
    fetched = attrs.evolve(pending(0), status=after, date_updated=date)
    report = report_of_reservation(fetched, ReportSource.FETCH)
    assert judge(entry, report, is_fetch=True) is verdict
    merged = merge(entry, report, verdict, later(9), is_fetch=True)
    assert merged is not None
    assert merged.status is (after if verdict is Verdict.APPLIED else before)
    if verdict is Verdict.APPLIED:
        assert merged.doubt is None


def test_first_report_is_applied() -> None:
    report = make_report(S.WRAPPING, 7)
    assert judge(None, report) is Verdict.APPLIED
    entry = merge(None, report, Verdict.APPLIED, later(1))
    assert entry is not None
    assert report.reservation is not None
    assert entry == Entry(
        reservation=report.reservation,
        revision=0,
        refreshed_at=later(1),
        version=7,
        platform_time=NOON,
    )


def test_report_without_status_goes_to_the_history_only() -> None:
    assert (
        judge(make_entry(), make_report(None))
        is judge(None, make_report(None))
        is Verdict.HISTORY_ONLY
    )
    assert merge(make_entry(), make_report(None), Verdict.HISTORY_ONLY, NOON) == make_entry()
    assert merge(None, make_report(None), Verdict.HISTORY_ONLY, NOON) is None


def test_seen_event_is_a_duplicate() -> None:
    assert (
        judge(make_entry(), make_report(S.ACCEPTED, 9), is_seen=True)
        is judge(None, make_report(S.ACCEPTED), is_seen=True)
        is Verdict.DUPLICATE
    )


def test_report_of_another_task_contradicts() -> None:
    """A missing SID does not."""
    assert (
        judge(make_entry(), make_report(S.ACCEPTED, task_sid="WT" + "f" * 32))
        is Verdict.CONTRADICTION
    )
    assert (
        judge(make_entry(), make_report(S.ACCEPTED, task_sid=None, account_sid=None))
        is Verdict.APPLIED
    )


def test_contradiction_only_adds_a_doubt() -> None:
    entry = make_entry(S.REJECTED)
    assert merge(entry, make_report(S.ACCEPTED), Verdict.CONTRADICTION, later(1)) == attrs.evolve(
        entry, doubt=Doubt.CONTRADICTION
    )


@pytest.mark.parametrize(
    ("status", "doubt", "verdict", "after"),
    [
        (S.ACCEPTED, None, Verdict.GAP, Doubt.GAP),
        (S.COMPLETED, None, Verdict.GAP, None),
        (S.ACCEPTED, Doubt.GAP, Verdict.APPLIED, Doubt.GAP),
        (S.COMPLETED, Doubt.GAP, Verdict.APPLIED, None),
        (S.COMPLETED, Doubt.CONTRADICTION, Verdict.APPLIED, Doubt.CONTRADICTION),
    ],
)
def test_gap_is_in_doubt_until_the_reservation_ends(
    status: Status, doubt: Doubt | None, verdict: Verdict, after: Doubt | None
) -> None:
    """A contradiction stays in doubt."""
    entry = merge(make_entry(doubt=doubt), make_report(status), verdict, NOON)
    assert entry is not None
    assert entry.doubt is after


def test_merge_keeps_what_a_report_leaves_out() -> None:
    """The etag and time of update stay only with the status."""
    before = attrs.evolve(
        make_entry().reservation,
        date_created=NOON,
        date_updated=later(1),
        url="https://example.com/",
    )
    for status, etag, updated in ((S.ACCEPTED, None, None), (S.PENDING, "7", later(1))):
        left_out = dict.fromkeys(
            ("worker_name", "worker_sid", "task_sid", "workspace_sid", "account_sid")
        )
        report = make_report(status, **left_out)
        entry = merge(make_entry(reservation=before), report, Verdict.APPLIED, NOON)
        assert entry is not None
        assert entry.reservation == attrs.evolve(
            before, status=status, etag=etag, date_updated=updated
        )


@pytest.mark.parametrize(
    ("status", "time", "expected"),
    [
        (S.PENDING, None, NOON),
        (S.ACCEPTED, None, None),
        (S.PENDING, later(5), later(5)),
        (S.ACCEPTED, later(5), later(5)),
    ],
)
def test_report_without_a_time_keeps_that_of_its_status(
    status: Status, time: datetime | None, expected: datetime | None
) -> None:
    entry = merge(make_entry(), make_report(status, time=time), Verdict.APPLIED, later(9))
    assert entry is not None
    assert (entry.platform_time, entry.revision, entry.refreshed_at) == (expected, 4, later(9))


def test_reply_without_version_clears_the_etag() -> None:
    entry = merge(make_entry(version=3), report_of_reservation(pending(0)), Verdict.APPLIED, NOON)
    assert entry is not None
    assert (entry.reservation.etag, entry.version) == (None, 3)
    entry = merge(
        make_entry(version=3),
        report_of_reservation(attrs.evolve(pending(0), status=S.ACCEPTED)),
        Verdict.APPLIED,
        NOON,
    )
    assert entry is not None
    assert entry.version is None


def test_late_pending_event_does_not_end_a_hold() -> None:
    """A later status does."""
    held = attrs.evolve(pending(0), on_hold=True, on_hold_since=NOON, date_updated=NOON)
    entry = make_entry(reservation=held)
    same = merge(entry, make_report(S.PENDING), Verdict.APPLIED, NOON)
    done = merge(entry, make_report(S.ACCEPTED), Verdict.APPLIED, NOON)
    assert same is not None
    assert done is not None
    assert (same.reservation.state, done.reservation.state) == (ON_HOLD, S.ACCEPTED)
    assert (same.reservation.on_hold_since, done.reservation.on_hold_since) == (NOON, None)


def test_report_of_a_hold_brings_its_time() -> None:
    report = make_report(S.PENDING, on_hold=True, on_hold_since=later(3))
    entry = merge(make_entry(), report, Verdict.APPLIED, NOON)
    assert entry is not None
    assert (entry.reservation.state, entry.reservation.on_hold_since) == (ON_HOLD, later(3))


def test_newer_report_restores_a_deleted_entry() -> None:
    entry = merge(make_entry(deleted=True), make_report(S.ACCEPTED), Verdict.APPLIED, NOON)
    assert entry is not None
    assert entry.is_live
