"""What a report does to what is held follows the rules that the ledger states."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    IncompleteReservation,
    MalformedReply,
    NotFound,
    Reply,
    Reservation,
    Status,
    fetch,
    prepare_fetch,
)
from reservation_core.book import Doubt, Entry, Report, ReportSource, Verdict
from reservation_core.book.merging import judge, merge
from reservation_core.book.reports import report_of_reservation, to_report
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.emulator import InMemoryGateway
from tests.book.runs import NOON, Life, pending

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
"""Which status may be seen after which, written from the lifecycle's page and not taken from the machine."""


def later(seconds: float) -> datetime:
    """Give a moment after noon."""
    return NOON + timedelta(seconds=seconds)


def held(
    status: Status = S.PENDING,
    version: int | None = None,
    time: datetime | None = NOON,
    **more: Any,
) -> Entry:
    """Make what is held."""
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


def told(
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
def test_without_versions_the_lifecycle_tells(before: Status, after: Status) -> None:
    """Whatever the clocks say, what can follow is newer, what can precede is older, and what can do neither contradicts."""
    for seconds in (-100, 100):
        verdict = judge(held(before), told(after, time=later(seconds)))
        if before is after:
            assert verdict is (Verdict.APPLIED if seconds > 0 else Verdict.OLDER)
        elif after in AFTER[before]:
            assert verdict is Verdict.APPLIED
        else:
            assert verdict is (Verdict.OLDER if before in AFTER[after] else Verdict.CONTRADICTION)


@pytest.mark.parametrize("ahead", [-2, -1, 0, 1, 2])
def test_with_versions_the_higher_is_newer(ahead: int) -> None:
    """A version decides, and what it decides must be possible in the lifecycle; whatever the clocks say."""
    for before, after in PAIRS:
        verdict = judge(held(before, 5), told(after, 5 + ahead, time=later(-100 * ahead)))
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


@pytest.mark.parametrize("doubt", [None, *Doubt])
@pytest.mark.parametrize("before", S)
def test_a_fetch_settles(before: Status, doubt: Doubt | None) -> None:
    """The book's own reading replaces what it contradicts, but not what is newer, and it reopens nothing; then no doubt is left."""
    for after in S:
        entry, report = (
            held(before, 5, doubt=doubt),
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


def test_the_first_word_is_believed() -> None:
    """What nothing is held of is taken over, whatever was missed before it."""
    report = told(S.WRAPPING, 7)
    assert judge(None, report) is Verdict.APPLIED
    entry = merge(None, report, Verdict.APPLIED, later(1))
    assert entry is not None
    assert (entry.reservation, entry.version, entry.platform_time, entry.doubt) == (
        report.reservation,
        7,
        NOON,
        None,
    )


def test_what_tells_no_status_is_noted() -> None:
    """An event of another type changes nothing, also where nothing is held."""
    assert judge(held(), told(None)) is judge(None, told(None)) is Verdict.HISTORY_ONLY
    assert merge(held(), told(None), Verdict.HISTORY_ONLY, NOON) == held()
    assert merge(None, told(None), Verdict.HISTORY_ONLY, NOON) is None


def test_a_seen_event_is_a_duplicate() -> None:
    """An event that was recorded is a duplicate, whatever it says."""
    assert (
        judge(held(), told(S.ACCEPTED, 9), is_seen=True)
        is judge(None, told(S.ACCEPTED), is_seen=True)
        is Verdict.DUPLICATE
    )


def test_another_task_of_the_same_sid_contradicts() -> None:
    """A report that names another task, worker or account cannot be of the same reservation; what it leaves out is no difference."""
    assert judge(held(), told(S.ACCEPTED, task_sid="WT" + "f" * 32)) is Verdict.CONTRADICTION
    assert judge(held(), told(S.ACCEPTED, task_sid=None, account_sid=None)) is Verdict.APPLIED


def test_a_contradiction_leaves_all_but_a_doubt() -> None:
    """What contradicts changes nothing but that it should be read again."""
    entry = held(S.REJECTED)
    assert merge(entry, told(S.ACCEPTED), Verdict.CONTRADICTION, later(1)) == attrs.evolve(
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
def test_a_gap_matters_until_the_end(
    status: Status, doubt: Doubt | None, verdict: Verdict, after: Doubt | None
) -> None:
    """A gap is marked until the reservation has ended, for then nothing that was missed can change it; a contradiction stays."""
    entry = merge(held(doubt=doubt), told(status), verdict, NOON)
    assert entry is not None
    assert entry.doubt is after


def test_what_a_report_leaves_out_is_kept() -> None:
    """SIDs, the name, the date of creation and the addresses stay; the version that a status had passes with it."""
    before = attrs.evolve(
        held().reservation, date_created=NOON, date_updated=later(1), url="https://example.com/"
    )
    for status, etag, updated in ((S.ACCEPTED, None, None), (S.PENDING, "7", later(1))):
        report = told(status, worker_name=None, worker_sid=None, account_sid=None)
        entry = merge(held(reservation=before), report, Verdict.APPLIED, NOON)
        assert entry is not None
        assert entry.reservation == attrs.evolve(
            before, status=status, etag=etag, date_updated=updated
        )


def test_a_reply_without_a_version_leaves_none() -> None:
    """What was read tells its version itself, or it is unknown: an older one is not kept beside it."""
    entry = merge(held(version=3), report_of_reservation(pending(0)), Verdict.APPLIED, NOON)
    assert entry is not None
    assert (entry.reservation.etag, entry.version) == (None, 3)
    entry = merge(
        held(version=3),
        report_of_reservation(attrs.evolve(pending(0), status=S.ACCEPTED)),
        Verdict.APPLIED,
        NOON,
    )
    assert entry is not None
    assert entry.version is None


def test_a_late_word_of_pending_ends_no_hold() -> None:
    """While an answer is being carried out, the event of the beginning, come late, does not make it pending again; an outcome does."""
    entry = held(reservation=attrs.evolve(pending(0), on_hold=True, date_updated=NOON))
    same = merge(entry, told(S.PENDING), Verdict.APPLIED, NOON)
    done = merge(entry, told(S.ACCEPTED), Verdict.APPLIED, NOON)
    assert same is not None
    assert done is not None
    assert (same.reservation.state, done.reservation.state) == (ON_HOLD, S.ACCEPTED)


def test_what_was_gone_and_is_heard_of_is_back() -> None:
    """A newer report of what the platform was thought to have no more takes that back."""
    entry = merge(held(deleted=True), told(S.ACCEPTED), Verdict.APPLIED, NOON)
    assert entry is not None
    assert entry.is_live


def test_what_is_told_becomes_a_report() -> None:
    """An event is known by its key and of its reservation; one of no reservation is passed over, and a reservation needs its SID."""
    event = Life().events[0]
    report = to_report(event)
    assert report is not None
    assert (report.sid, report.event_key, report.version, report.platform_time) == (
        pending(0).sid,
        event.key,
        0,
        event.time,
    )
    assert to_report(report) is report
    assert (
        to_report(
            attrs.evolve(
                event, reservation_sid=None, status=None, reservation=None, type="task.created"
            )
        )
        is None
    )
    for wrong in (None, "", "WR1"):
        with pytest.raises(IncompleteReservation, match="no valid sid"):
            to_report(Reservation(sid=wrong, status=S.PENDING))


def test_a_reply_is_what_it_tells() -> None:
    """A reply is a report of the reservation in it, its version included; one that tells none raises what it means."""
    life = Life()
    gateway = InMemoryGateway(life.platform)
    assert to_report(gateway.send(prepare_fetch(pending(0)))) == report_of_reservation(
        fetch(pending(0), gateway)
    )
    with pytest.raises(NotFound):
        to_report(Reply(404))
    with pytest.raises(MalformedReply):
        to_report(Reply(200, {}, b"<html>"))
    with pytest.raises(IncompleteReservation):
        to_report(Reply(200, {}, b'{"reservation_status": "pending"}'))
