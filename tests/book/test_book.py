"""Tests of the book for an event loop, and of failing stores."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from reservation_core import (
    Accept,
    Complete,
)
from reservation_core.book import (
    AsyncBook,
    Book,
    Change,
    Ending,
    EventRef,
    LookupResult,
    MemoryStore,
    StoreFailed,
    StoreUnavailable,
    ThreadedStore,
    Verdict,
)
from reservation_core.webhooks import Event
from tests.book.scenario import Scenario, sid
from tests.book.world import ALONE, WR, ProcessCrash, S, World


def test_async_book_records_performs_recovers_and_reconciles() -> None:
    world = World(3)

    async def live() -> list[str]:
        book = AsyncBook(
            ThreadedStore(world.store), clock=world.scenario.clock, sleep=lambda _: asyncio.sleep(0)
        )
        try:
            assert [(await book.record(event)).outcome for event in world.scenario.events] == [
                Verdict.DUPLICATE
            ] * 3
            assert (await book.perform(WR, Accept(), world)).status is S.ACCEPTED
            world.after = [ProcessCrash()]
            with pytest.raises(ProcessCrash):
                await book.perform(WR, Complete(), world)
            assert [
                settled.outcome
                for settled in (await book.recover(world, older_than=0, policy=ALONE)).settled
            ] == [Ending.DONE]
            world.scenario.apply(S.TIMEOUT, 1)
            assert len((await book.reconcile(world, older_than=0)).settled) == 2
            assert len(await book.history(WR)) == 7
            assert len(await book.due(0)) == 1
            assert await book.purge(0) == 2
            return [entry.sid async for entry in book.live()]
        finally:
            await book.close()

    assert asyncio.run(live()) == [sid("WR", 2)]


def test_failed_batch_is_retried_one_by_one() -> None:
    scenario = Scenario(4)

    class BrokenStore(MemoryStore):
        def write(self, changes: Sequence[Change]) -> Sequence[bool]:
            if any(change.sid == sid("WR", 2) for change in changes):
                raise StoreFailed("bad value")
            return super().write(changes)

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(BrokenStore()))
        try:
            return list(
                await asyncio.gather(*map(book.record, scenario.events), return_exceptions=True)
            )
        finally:
            await book.close()

    outcomes = asyncio.run(record())
    assert [isinstance(outcome, StoreFailed) for outcome in outcomes] == [False, False, True, False]


def test_unavailable_store_fails_the_whole_batch_at_once() -> None:
    """For threads and for asyncio tasks."""
    scenario = Scenario(4)
    lookups: list[int] = []
    proceed = threading.Event()

    class UnavailableStore(MemoryStore):
        def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
            lookups.append(min(len(sids), len(events)))
            assert proceed.wait(10)
            raise StoreUnavailable("SQLITE_BUSY")

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(UnavailableStore()))
        try:
            return list(
                await asyncio.gather(*map(book.record, scenario.events), return_exceptions=True)
            )
        finally:
            await book.close()

    book = Book(UnavailableStore())
    outcomes: list[object] = []

    def record_event(event: Event) -> None:
        try:
            outcomes.append(book.record(event))
        except StoreUnavailable as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=record_event, args=(event,)) for event in scenario.events]
    for number, thread in enumerate(threads):
        thread.start()
        while not lookups or len(book._recording._waiting) < number:  # pyright: ignore[reportPrivateUsage]
            pass
    proceed.set()
    for thread in threads:
        thread.join(10)
    assert outcomes == [StoreUnavailable("SQLITE_BUSY")] * 4
    assert lookups == [1, 3]
    assert asyncio.run(record()) == [StoreUnavailable("SQLITE_BUSY")] * 4
    assert lookups == [1, 3, 4]


def test_cancelled_record_does_not_disturb_others() -> None:
    scenario = Scenario(3)

    async def record() -> list[object]:
        book = AsyncBook(ThreadedStore(MemoryStore()))
        try:
            tasks = [asyncio.ensure_future(book.record(event)) for event in scenario.events]
            await asyncio.sleep(0)
            tasks[1].cancel()
            return list(await asyncio.gather(*tasks, return_exceptions=True))
        finally:
            await book.close()

    outcomes = asyncio.run(record())
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [
        False,
        True,
        False,
    ]
