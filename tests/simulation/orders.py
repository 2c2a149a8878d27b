"""Every order of the reports on one reservation.

The reports are the event of each status, and replies that show some of the statuses. They arrive in
every order. These rules hold, and ``docs/explanation/book.md`` states them:

* The *status* is the same.
* The *time* is that of a report that shows this status. Of those, the latest one counts. Two of the
  same second count as equal, and the one that was recorded later is shown.
* The *version* is that of the event of this status. It is missing if a reply with a later time
  showed the status first.
* The *doubt* is a gap, or there is none: a report that is missing when a later one arrives leaves
  a gap. If the later one is the first of all, nothing shows that any is missing. A gap ends with
  the reservation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations, groupby, permutations, product
from math import factorial
from typing import Final

import attrs

from reservation_core import Status
from reservation_core.book import AsyncBook, Doubt, Entry, MemoryStore, Report, ReportSource
from reservation_core.book.stores.adapters import InlineStore
from reservation_core.testing.paths import simple_paths
from tests.book.scenario import NOON, pending
from tests.simulation.world import WR, run_to_end

SECONDS_APART: Final = 10
EVENT_DELAYS: Final = (0.4, 1.5, -1.5)
"""Seconds by which the time of an event is later than the ``date_updated`` of a reply."""


@attrs.frozen
class Outcomes:
    """The different values with which the entry ended."""

    statuses: frozenset[Status]
    versions: frozenset[int | None]
    times: frozenset[datetime | None]
    doubts: frozenset[str | None]


def status_paths() -> Sequence[tuple[Status, ...]]:
    """Return every sequence of statuses of a reservation."""
    paths = {
        tuple(status for status, _ in groupby(s for s in path.states if isinstance(s, Status)))
        for path in simple_paths()
    }
    return sorted({path[:length] for path in paths for length in range(2, len(path) + 1)})


def event(number: int, status: Status, delay: float) -> Report:
    """Make the event of a status. Its number is the version."""
    return Report(
        sid=WR,
        source=ReportSource.EVENT,
        reservation=pending(0).with_status(status),
        event_key=f"EV{number}",
        version=number,
        platform_time=_time(number) + timedelta(seconds=delay),
    )


def reply(number: int, status: Status) -> Report:
    """Make a reply that shows the status with this number."""
    time = _time(number)
    shown = attrs.evolve(pending(0), status=status, etag=str(number), date_updated=time)
    return Report(sid=WR, source=ReportSource.REPLY, reservation=shown, platform_time=time)


def _time(number: int) -> datetime:
    return NOON + timedelta(seconds=SECONDS_APART * number)


def report_sets(path: Sequence[Status], replies: int, delay: float) -> Iterator[Sequence[Report]]:
    """Yield the reports of a path, once without an event.

    :param replies: number of replies, which show any of the statuses.
    """
    numbered = list(enumerate(path))
    events = [event(*each, delay) for each in numbered]
    for chosen in combinations(numbered, replies):
        shown = [reply(*each) for each in chosen]
        yield [*events, *shown]
        if len(path) > 2:
            yield [*events[:-2], events[-1], *shown]


def outcomes(reports: Sequence[Report]) -> Outcomes:
    """Record reports in every order. Return the values with which the entry ended."""
    entries: set[tuple[Status, int | None, datetime | None, str | None]] = set()
    for order in permutations(reports):
        entry = _record(order)
        entries.add((entry.status, entry.version, entry.platform_time, entry.doubt))
    statuses, versions, times, doubts = zip(*entries, strict=True)
    return Outcomes(frozenset(statuses), frozenset(versions), frozenset(times), frozenset(doubts))


def surprises(path: Sequence[Status], reports: Sequence[Report], found: Outcomes) -> list[str]:
    """Return what differs by order although it must not."""
    (last,) = [each for each in reports if each.version == len(path) - 1]
    shown = [
        each
        for each in reports
        if each.reservation is not None and each.reservation.status is path[-1]
    ]
    has_later_reply = any(_whole_second(each) > _whole_second(last) for each in shown)
    times = [time for time in found.times if time is not None]
    allowed_doubts = {None} if path[-1].is_terminal else {None, Doubt.GAP}
    allowed_versions = {last.version, None} if has_later_reply else {last.version}
    checks = {
        "status": set(found.statuses) == {path[-1]},
        "time": len(times) == len(found.times) and max(times) - min(times) < timedelta(seconds=1),
        "version": found.versions <= allowed_versions,
        "doubt": found.doubts <= allowed_doubts,
    }
    return [name for name, holds in checks.items() if not holds]


def _whole_second(report: Report) -> datetime:
    assert report.platform_time is not None
    return report.platform_time.replace(microsecond=0)


def check_orders(
    most_replies: int, delays: Sequence[float] = EVENT_DELAYS
) -> tuple[int, int, list[str]]:
    """Check every set of reports in every order.

    :param delays: seconds by which the times of events are later than those of replies.
    :returns: the number of sets and of orders, and what is wrong.
    """
    sets = orders = 0
    wrong: list[str] = []
    for replies, path, delay in product(range(most_replies + 1), status_paths(), delays):
        for reports in report_sets(path, replies, delay):
            sets, orders = sets + 1, orders + factorial(len(reports))
            names = surprises(path, reports, outcomes(reports))
            wrong += [f"{name} of {'-'.join(path)} with {replies} replies" for name in names]
    return sets, orders, wrong


def _record(reports: Sequence[Report]) -> Entry:
    store = MemoryStore()
    book = AsyncBook(InlineStore(store), clock=lambda: NOON)
    for report in reports:
        run_to_end(book.record_batch([report]))
    return store.look_up([WR], []).entries[WR]
