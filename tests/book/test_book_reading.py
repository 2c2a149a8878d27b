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


def test_forget_deletes_one_entry_with_its_history(world: World) -> None:
    """In any status. A concurrent write is deleted, too."""
    delete = world.store.delete

    def write_first(sid: str, revision: int | None) -> bool:
        world.store.delete = delete  # type: ignore[method-assign]
        world.scenario.apply(S.ACCEPTED)
        world.open_node().record(world.scenario.events[-1])
        return delete(sid, revision)

    world.store.delete = write_first  # type: ignore[method-assign]
    assert world.book.forget(WR) is True
    assert (world.book.get(WR), list(world.book.history(WR))) == (None, [])
    assert world.book.forget(WR) is False
