"""Tests of reconciling entries with the platform."""

from __future__ import annotations

import attrs
import pytest

from reservation_core import (
    NotFound,
    Reply,
    Request,
    fetch,
)
from reservation_core.book import (
    Doubt,
    Ending,
    Swept,
    Verdict,
)
from tests.book.scenario import pending, sid
from tests.book.world import WR, S, World, crash


def test_reconcile_fetches_entries_without_news(world: World) -> None:
    world.scenario.apply(S.ACCEPTED)
    assert world.book.reconcile(world) == Swept((), {})
    world.scenario.clock.advance(120)
    (settled,) = world.book.reconcile(world).settled
    assert settled.outcome is Verdict.APPLIED
    assert settled.entry == world.entry
    assert world.entry.reservation == fetch(world.entry.reservation, world)
    assert world.book.reconcile(world) == Swept((), {})


def test_reconcile_fetches_doubtful_entries_of_any_age(world: World) -> None:
    for status in (S.ACCEPTED, S.WRAPPING):
        world.scenario.apply(status)
    assert world.book.record(world.scenario.events[-1]).outcome is Verdict.GAP
    assert world.entry.doubt is Doubt.GAP
    world.book.reconcile(world)
    settled = world.entry
    assert settled.doubt is None
    assert settled.reservation == fetch(pending(0), world)


def test_reconcile_marks_deleted_reservations(world: World) -> None:
    """The last status stays."""
    world.scenario.clock.advance(300)
    world.before = [Reply(404)]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert settled.outcome is Ending.DELETED
    assert (world.entry.status, world.entry.is_live) == (S.PENDING, False)
    assert world.lines[-1] == ("", "deleted")
    assert world.book.reconcile(world, older_than=0) == Swept((), {})


def test_single_404_does_not_end_a_recent_entry(world: World) -> None:
    """The platform deletes a reservation five minutes after its task has ended."""
    world.scenario.clock.advance(299)
    before = world.entry
    world.before = [Reply(404)]
    swept = world.book.reconcile(world, lease=1)
    assert (swept.settled, [type(error) for error in swept.failed.values()]) == ((), [NotFound])
    assert world.entry == before
    world.scenario.clock.advance(1)
    (settled,) = world.book.reconcile(world).settled
    assert (settled.outcome, world.entry.is_live) == (Verdict.APPLIED, True)


def test_failed_fetch_is_due_again_after_its_lease(world: World) -> None:
    world.before = [Reply(503)]
    assert list(world.book.reconcile(world, older_than=0, lease=10).failed) == [WR]
    assert world.book.reconcile(world, older_than=0) == Swept((), {})
    world.scenario.clock.advance(10)
    assert len(world.book.reconcile(world, older_than=0).settled) == 1


def test_event_during_a_fetch_is_newer_than_the_fetch(world: World) -> None:
    def report() -> None:
        world.scenario.apply(S.ACCEPTED)
        world.book.record(world.scenario.events[-1])

    world.after = [report]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert (settled.outcome, world.entry.status) == (Verdict.OLDER, S.ACCEPTED)

    def report_wrapping() -> None:
        world.scenario.apply(S.WRAPPING)
        world.book.record(world.scenario.events[-1])

    world.scenario.clock.advance(300)
    world.before, world.after = [report_wrapping], [Reply(404)]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert (settled.entry, world.entry.status, world.entry.deleted) == (
        world.entry,
        S.WRAPPING,
        False,
    )


def test_late_copy_leaves_the_doubt_for_the_next_sweep(world: World) -> None:
    world.book.record(attrs.evolve(world.scenario.get(), status=S.ACCEPTED))
    world.book.record(
        attrs.evolve(
            world.scenario.events[0],
            sid="EV9",
            status=S.REJECTED,
            reservation=attrs.evolve(pending(0), status=S.REJECTED),
        )
    )
    assert world.entry.doubt is Doubt.CONTRADICTION
    assert [settled.outcome for settled in world.book.reconcile(world).settled] == [Verdict.OLDER]
    assert (world.entry.status, world.entry.doubt, world.methods) == (
        S.ACCEPTED,
        Doubt.CONTRADICTION,
        ["GET"],
    )
    assert [settled.outcome for settled in world.book.reconcile(world).settled] == [Verdict.OLDER]
    assert world.methods == ["GET", "GET"]


def test_doubt_that_arises_during_a_fetch_is_settled_by_the_next_sweep(world: World) -> None:
    """The first sweep does not keep its claim."""
    for status in (S.ACCEPTED, S.WRAPPING):
        world.scenario.apply(status)
    world.after = [lambda: world.book.record(world.scenario.events[-1])]
    (settled,) = world.book.reconcile(world, older_than=0).settled
    assert (settled.outcome, world.entry.doubt) == (Verdict.APPLIED, Doubt.GAP)
    (settled,) = world.book.reconcile(world).settled
    assert (settled.outcome, world.entry.doubt) == (Verdict.APPLIED, None)


def test_sweep_releases_claims_beyond_its_limit() -> None:
    world = World(5)
    world.scenario.clock.advance(200)
    world.before = [Reply(503)]
    assert len(world.book.reconcile(world, limit=3, lease=0).failed) == 1
    assert len(world.book.reconcile(world, lease=120).settled) == 3
    assert world.book.reconcile(world) == Swept((), {})


def test_sweep_does_not_write_an_entry_with_an_open_intent(world: World) -> None:
    """Its claim keeps another process from recovering the intent, too."""
    crash(world, acted=False)
    before = world.entry
    world.before = [Reply(503)]
    assert list(world.book.reconcile(world, lease=0).failed) == [WR]
    assert world.entry == before


@pytest.mark.parametrize("lease", [0, 120])
def test_failed_fetches_do_not_block_a_sweep(lease: float) -> None:
    """Of other entries, however short the lease is."""
    world = World(5)
    world.scenario.clock.advance(200)

    class Unavailable:
        def send(self, request: Request) -> Reply:
            return (
                Reply(503)
                if sid("WR", 0) in request.path or sid("WR", 1) in request.path
                else world.send(request)
            )

    swept = world.book.reconcile(Unavailable(), lease=lease)
    assert (len(swept.settled), set(swept.failed)) == (3, {sid("WR", 0), sid("WR", 1)})
    assert len(world.requests) == 3


def test_sweep_settles_at_most_its_limit() -> None:
    world = World(5)
    assert len(world.book.reconcile(world, older_than=0, limit=3).settled) == 3
    assert len(world.book.reconcile(world, older_than=0).settled) == 5
