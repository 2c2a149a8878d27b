"""Tests of reading, claiming and purging entries."""

from __future__ import annotations

from tests.book.scenario import sid
from tests.book.world import WR, S, World


def test_live_iterates_over_all_pages() -> None:
    """Ended entries are left out, and the iteration may stop early."""
    world = World(1200)
    world.scenario.apply(S.TIMEOUT, 7)
    world.book.record_all(world.scenario.events)
    assert [entry.sid for entry in world.book.live()] == [
        sid("WR", number) for number in range(1200) if number != 7
    ]
    assert next(world.book.live()).sid == WR


def test_due_claims_entries_until_the_lease_ends(world: World) -> None:
    assert world.book.due(60) == []
    world.scenario.clock.advance(60)
    assert [entry.sid for entry in world.book.due(60, lease=30)] == [WR]
    assert world.open_node().due(60) == []
    world.scenario.clock.advance(30)
    assert [entry.sid for entry in world.open_node().due(60)] == [WR]


def test_purge_deletes_old_ended_entries(world: World) -> None:
    world.scenario.apply(S.TIMEOUT)
    world.book.record(world.scenario.events[-1])
    assert world.book.purge(3600) == 0
    world.scenario.clock.advance(3600)
    assert world.book.purge(3600) == 1
    assert world.book.get(WR) is None
