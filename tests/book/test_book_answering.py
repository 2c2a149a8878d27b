"""Tests of answered callbacks and of their hold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Dequeue,
    IncompleteReservation,
    InvalidCommand,
    OutcomeUnknown,
    Policy,
    Reject,
    Reservation,
    Wrap,
)
from reservation_core.book import (
    AsyncBook,
    Book,
    Change,
    CommandInProgress,
    Ending,
    Entry,
    MemoryStore,
    NotInBook,
    ThreadedStore,
    Verdict,
)
from reservation_core.book.stores.documents import read_entry, write_entry
from reservation_core.webhooks import answer
from tests.book.scenario import pending
from tests.book.world import CALL, WR, S, World, crash

CONFERENCE = Conference(from_="+15005550006")


def test_answered_conference_is_on_hold_until_its_event(world: World) -> None:
    """The event is not a gap: the conference raised the version without one."""
    world.scenario.apply(CONFERENCE)
    answered = world.book.answer(pending(0), CONFERENCE)
    assert answered.response == answer(CONFERENCE)
    assert answered.reservation == world.entry.reservation
    held = world.entry.reservation
    assert (held.status, held.on_hold, held.etag) == (S.PENDING, True, None)
    assert held.on_hold_since == world.entry.refreshed_at
    assert world.lines[-2:] == [("", "applied"), ("conference", "answered")]
    world.scenario.apply(S.ACCEPTED)
    recorded = world.book.record(world.scenario.events[-1])
    assert recorded.outcome is Verdict.APPLIED
    assert (world.entry.status, world.entry.doubt) == (S.ACCEPTED, None)
    assert (world.entry.reservation.on_hold, world.entry.reservation.on_hold_since) == (False, None)


def test_missing_report_after_a_hold_is_a_gap(world: World) -> None:
    world.book.answer(pending(0), CONFERENCE)
    for change in (CONFERENCE, S.ACCEPTED, S.WRAPPING):
        world.scenario.apply(change)
    assert world.book.record(world.scenario.events[-1]).outcome is Verdict.GAP


@pytest.mark.parametrize("command", [Accept(), Reject(), CONFERENCE])
def test_command_from_elsewhere_is_refused_during_the_hold(world: World, command: Command) -> None:
    """An answer may be too late: nothing is believed before the event."""
    world.book.answer(pending(0), command)
    assert (world.entry.status, world.entry.reservation.on_hold) == (S.PENDING, True)
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Accept(), world)
    assert world.requests == []


@pytest.mark.parametrize("command", [Accept(), Reject(), CONFERENCE])
def test_repeated_callback_gets_the_recorded_answer(world: World, command: Command) -> None:
    """The platform calls the fallback URL if the first response is late."""
    first = world.book.answer(pending(0), command)
    assert world.book.answer(pending(0), command) == first
    assert [line for line in world.lines if line[1] == "answered"] == [
        (command.trigger, "answered")
    ] * 2
    with pytest.raises(CommandNotAllowed):
        world.book.answer(pending(0), Dequeue())  # another decision than the recorded one


def test_callback_is_refused_during_the_hold_of_another_client(world: World) -> None:
    world.book.perform(WR, CONFERENCE, world)
    with pytest.raises(CommandNotAllowed):
        world.book.answer(pending(0), CONFERENCE)
    held = World(0)
    held.book.record(attrs.evolve(pending(0), on_hold=True))
    with pytest.raises(CommandNotAllowed):
        held.book.answer(pending(0), CONFERENCE)


def test_answered_call_that_does_not_accept_is_not_on_hold(world: World) -> None:
    assert not world.book.answer(pending(0), CALL).reservation.on_hold


def test_answer_without_a_command_records_the_callback_only() -> None:
    world = World(0)
    answered = world.book.answer(pending(0), None)
    assert answered.response == answer()
    assert answered.reservation == world.entry.reservation == pending(0)
    assert world.lines == [("", "applied")]


def test_late_or_invalid_answer_writes_nothing(world: World) -> None:
    world.scenario.apply(S.ACCEPTED)
    world.book.record(world.scenario.events[-1])
    before = (world.entry, world.lines)
    with pytest.raises(CommandNotAllowed):
        world.book.answer(pending(0), Accept())
    with pytest.raises(InvalidCommand):
        world.book.answer(pending(0), Wrap())
    with pytest.raises(IncompleteReservation):
        world.book.answer(Reservation(status="pending"), Accept())
    assert (world.entry, world.lines) == before


def test_answer_is_refused_while_a_command_is_open(world: World) -> None:
    crash(world, acted=False)
    with pytest.raises(CommandInProgress):
        world.book.answer(pending(0), Reject())


def test_released_hold_allows_commands_again(world: World) -> None:
    """The remedy that the refusal names."""
    world.book.answer(pending(0), CONFERENCE)
    with pytest.raises(CommandNotAllowed, match="give up the hold"):
        world.book.perform(WR, Accept(), world)
    entry = world.book.release(WR)
    assert (entry, entry.reservation.on_hold) == (world.entry, False)
    assert world.book.perform(WR, Accept(), world).status is S.ACCEPTED


def test_release_of_an_unknown_reservation_is_an_error() -> None:
    with pytest.raises(NotInBook):
        World(0).book.release(WR)


class BusyStore(MemoryStore):
    """Store in which another writer wins the first time."""

    is_busy = True

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        if self.is_busy and changes[0].entry is not None:
            self.is_busy = False
            return [False] * len(changes)
        return super().write(changes)


def test_answer_and_release_are_repeated_when_another_writer_wins() -> None:
    store = BusyStore()
    book = Book(store)
    assert book.answer(pending(0), Accept()).reservation.on_hold
    store.is_busy = True
    assert not book.release(WR).reservation.on_hold
    assert not store.is_busy


def test_async_book_answers_and_releases() -> None:
    async def work() -> None:
        book = AsyncBook(ThreadedStore(MemoryStore()))
        assert (await book.answer(pending(0), Reject())).reservation.on_hold
        assert not (await book.release(WR)).reservation.on_hold

    asyncio.run(work())


def stored_and_read(entry: Entry) -> Entry:
    """Return what a store reads after it wrote an entry."""
    read = read_entry(entry.sid, write_entry(entry), entry.revision, lambda: entry.refreshed_at)
    assert isinstance(read, Entry)
    return read


def test_hold_and_strictness_are_stored() -> None:
    world = World()
    world.book.answer(pending(0), CONFERENCE)
    entry = world.entry
    read = stored_and_read(entry)
    assert read == entry
    assert read.reservation.on_hold_since == entry.reservation.on_hold_since
    crash(loose := World(), acted=False, command=CALL)
    intent = loose.entry.intent
    assert intent is not None
    entry = attrs.evolve(loose.entry, intent=attrs.evolve(intent, strict=False))
    assert stored_and_read(entry) == entry


def test_command_on_weak_evidence_is_recovered_with_any_policy(world: World) -> None:
    loose = Policy(strict=False, backoff=0.0)
    with pytest.raises(CommandNotAllowed):
        world.book.perform(WR, Complete(), world)
    world.before.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        world.book.perform(WR, Complete(), world, policy=loose)
    world.scenario.clock.advance(120)
    swept = world.book.recover(world, policy=Policy(backoff=0.0), lease=0)
    assert [type(error) for error in swept.failed.values()] == [OutcomeUnknown]
    assert world.methods[-3:] == ["GET", "POST", "GET"]  # it was sent again, and refused
    world.scenario.apply(S.TIMEOUT)
    world.scenario.clock.advance(120)
    (settled,) = world.book.recover(world).settled
    assert settled.outcome is Ending.NOT_DONE
    assert (world.entry.status, world.entry.intent) == (S.TIMEOUT, None)
