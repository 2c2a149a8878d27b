"""Tests of recording reports."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import attrs
import pytest

from reservation_core import (
    IncompleteReservation,
    Reservation,
)
from reservation_core.book import (
    Change,
    Verdict,
)
from tests.book.scenario import Scenario, pending, sid
from tests.book.world import WR, S, World


def test_record_applies_events_once_in_their_own_order(world: World) -> None:
    for status in (S.ACCEPTED, S.WRAPPING, S.COMPLETED):
        world.scenario.apply(status)
    created, accepted, wrapup, completed = world.scenario.events
    outcomes = [
        world.book.record(event).outcome
        for event in (accepted, completed, wrapup, created, completed)
    ]
    assert outcomes == [
        Verdict.APPLIED,
        Verdict.GAP,
        Verdict.OLDER,
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
    ]
    assert world.entry.status is S.COMPLETED
    assert [line.event_key for line in world.book.history(WR)] == [
        created.key,
        accepted.key,
        completed.key,
        wrapup.key,
    ]


def test_record_returns_verdict_and_entry(world: World) -> None:
    world.scenario.apply(S.ACCEPTED)
    event = world.scenario.events[-1]
    first, again = world.book.record(event), world.book.record(event)
    assert (first.outcome, again.outcome) == (Verdict.APPLIED, Verdict.DUPLICATE)
    assert first.entry == again.entry == world.entry
    assert (world.entry.status, world.entry.revision, world.entry.version) == (S.ACCEPTED, 2, 1)


def test_record_ignores_events_of_tasks_and_workers(world: World) -> None:
    """Only the history shows an event that failed to make a reservation."""
    other = attrs.evolve(
        world.scenario.events[0],
        type="task.created",
        sid="EV1",
        status=None,
        reservation=None,
        reservation_sid=None,
    )
    failed = attrs.evolve(other, type="reservation.failed", sid="EV2", reservation_sid=sid("WR", 9))
    assert world.book.record(other).outcome is Verdict.IGNORED
    assert (world.book.record(failed).outcome, world.book.record(failed).outcome) == (
        Verdict.HISTORY_ONLY,
        Verdict.DUPLICATE,
    )
    assert world.book.get(sid("WR", 9)) is None
    assert [line.type for line in world.book.history(sid("WR", 9))] == ["reservation.failed"]
    assert world.book.record_all([other, failed]) == {Verdict.IGNORED: 1, Verdict.DUPLICATE: 1}


def test_record_all_writes_in_batches(world: World) -> None:
    for status in (S.ACCEPTED, S.WRAPPING, S.COMPLETED):
        world.scenario.apply(status)
    written: list[int] = []
    write = world.store.write

    def write_and_count(changes: Sequence[Change]) -> Sequence[bool]:
        written.append(len(changes))
        return write(changes)

    world.store.write = write_and_count  # type: ignore[method-assign]
    assert world.book.record_all(
        iter([*world.scenario.events, *world.scenario.events]), batch_size=5
    ) == {
        Verdict.APPLIED: 3,
        Verdict.DUPLICATE: 5,
    }
    assert written == [1]
    assert len(world.book.history(WR)) == 4


def test_record_applies_a_reservation_with_its_etag(world: World) -> None:
    world.scenario.apply(S.ACCEPTED)
    assert world.book.record(world.scenario.get()).outcome is Verdict.APPLIED
    assert world.entry.reservation == world.scenario.get()
    assert world.entry.reservation.etag == "1"
    assert world.book.record(pending(0)).outcome is Verdict.OLDER
    with pytest.raises(IncompleteReservation):
        world.book.record(Reservation(status=S.PENDING))


def test_record_judges_again_after_a_concurrent_write(world: World) -> None:
    for status in (S.ACCEPTED, S.COMPLETED):
        world.scenario.apply(status)
    _, accepted, completed = world.scenario.events
    write = world.store.write

    def write_late(changes: Sequence[Change]) -> Sequence[bool]:
        world.store.write = write  # type: ignore[method-assign]
        world.open_node().record(completed)
        return write(changes)

    world.store.write = write_late  # type: ignore[method-assign]
    assert world.book.record(accepted).outcome is Verdict.OLDER
    assert world.entry.status is S.COMPLETED


def test_threads_share_one_commit(world: World) -> None:
    """Each gets its own result."""
    scenario = Scenario(40)
    begun, proceed = threading.Event(), threading.Event()
    write, written = world.store.write, list[int]()

    def slow(changes: Sequence[Change]) -> Sequence[bool]:
        written.append(len(changes))
        begun.set()
        assert proceed.wait(10)
        return write(changes)

    world.store.write = slow  # type: ignore[method-assign]
    outcomes: dict[int, object] = {}

    def record(number: int) -> None:
        outcomes[number] = world.book.record(
            attrs.evolve(scenario.events[number], sid=None) if number else world.scenario.events[0]
        ).outcome

    threads = [threading.Thread(target=record, args=(number,)) for number in range(1, 40)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(world.book._recording._waiting) < 38:  # pyright: ignore[reportPrivateUsage]
        pass
    proceed.set()
    for thread in threads:
        thread.join()
    assert outcomes == dict.fromkeys(range(1, 40), Verdict.APPLIED)
    assert written == [1, 38]
