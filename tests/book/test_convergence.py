"""For any life, any duplication, reordering and loss of its events, and any interleaving of two nodes, the book comes to the truth.

The two nodes are two books on one store, in one thread: each of their steps waits at a gate, and which goes on next is drawn. So every
interleaving of readings and writings can come up, and one that fails comes up again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import coroutine
from typing import Any, Final, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from reservation_core import (
    Accept,
    Command,
    Complete,
    Conference,
    Policy,
    Reject,
    Reply,
    Request,
    ReservationError,
    Status,
    Wrap,
    fetch,
)
from reservation_core.book import (
    AsyncBook,
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    MemoryStore,
    Verdict,
)
from reservation_core.book.stores.port import Claim
from reservation_core.domain.decisions import follow
from reservation_core.emulator import InMemoryGateway
from reservation_core.webhooks import Event
from tests.book.scenario import Scenario, pending, sid

S: Final = Status
HAPPENINGS: Final[Sequence[Status | Command]] = (
    S.ACCEPTED,
    S.REJECTED,
    S.TIMEOUT,
    S.CANCELED,
    S.RESCINDED,
    S.WRAPPING,
    S.COMPLETED,
    Accept(),
    Conference(to="client:alice"),
    Wrap(),
    Complete(),
)
COMMANDS: Final = (Accept(), Reject(), Conference(to="client:alice"), Wrap(), Complete())
COUNT: Final = 2

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@coroutine
def gate() -> Generator[None]:
    """Wait until it is one's turn."""
    yield


class Gated:
    """A store in memory whose every call waits for its turn."""

    def __init__(self) -> None:
        self.within = MemoryStore()

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Wait, then look up."""
        await gate()
        return self.within.look_up(sids, events)

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Wait, then keep."""
        await gate()
        return self.within.write(changes)

    async def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """Wait, then claim."""
        await gate()
        return self.within.claim(what, before=before, now=now, until=until, limit=limit)

    async def live(self, after: str, limit: int) -> Sequence[Entry]:
        """Wait, then go on."""
        await gate()
        return self.within.live(after, limit)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Wait, then read."""
        await gate()
        return self.within.history(sid)

    async def purge(self, before: datetime) -> int:
        """Wait, then purge."""
        await gate()
        return self.within.purge(before)

    async def close(self) -> None:
        """Wait, then close."""
        await gate()


class GatedGateway:
    """A gateway whose requests and replies are each some time under way."""

    def __init__(self, life: Scenario) -> None:
        self.within = InMemoryGateway(life.platform)

    async def asend(self, request: Request) -> Reply:
        """Wait, arrive, and wait again."""
        await gate()
        reply = self.within.send(request)
        await gate()
        return reply


class Nodes:
    """Two books on one store, and a reservation or two whose life goes on meanwhile."""

    def __init__(self, data: DataObject) -> None:
        self.data = data
        self.scenario = Scenario(
            COUNT, versions=data.draw(st.booleans(), label="versions are told")
        )
        self.store = Gated()
        self.gateway = GatedGateway(self.scenario)
        self.books = [
            AsyncBook(self.store, clock=self.scenario.clock, sleep=self._sleep) for _ in range(2)
        ]
        self.verdicts: list[Verdict] = []

    async def _sleep(self, _: float) -> None:
        await gate()

    async def _record(self, book: AsyncBook, events: Sequence[Event]) -> None:
        for event in events:
            self.verdicts += await book.record_all([event])

    async def _perform(self, book: AsyncBook, number: int, command: Command) -> None:
        with suppress(ReservationError):
            await book.perform(
                sid("WR", number), command, self.gateway, policy=Policy(backoff=0.0, attempts=2)
            )

    async def reconcile(self, book: AsyncBook) -> None:
        await book.reconcile(self.gateway, older_than=0, limit=3)

    def draw_work(self) -> list[Work]:
        """Draw what the two nodes do."""
        draw = self.data.draw
        for happening, number in draw(
            st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, COUNT - 1)), max_size=6),
            label="life",
        ):
            self.scenario.apply(happening, number)
        first, rest = self.scenario.events[:COUNT], self.scenario.events
        coming = draw(
            st.lists(st.sampled_from(rest), max_size=10)
            .map(lambda drawn: [*first, *drawn])
            .flatmap(st.permutations),
            label="events",
        )
        middle = draw(st.integers(0, len(coming)), label="shared at")
        work: list[Work] = [
            partial(self._record, self.books[0], coming[:middle]),
            partial(self._record, self.books[1], coming[middle:]),
        ]
        for command, number in draw(
            st.lists(st.tuples(st.sampled_from(COMMANDS), st.integers(0, COUNT - 1)), max_size=3),
            label="commands",
        ):
            work.append(partial(self._perform, self.books[len(work) % 2], number, command))
        if draw(st.booleans(), label="sweeps meanwhile"):
            work.append(partial(self.reconcile, self.books[0]))
        return work

    def run(self, work: Sequence[Work]) -> None:
        """Let one step be taken after the other, whose it is drawn; after each, the book is no further than the platform."""
        going = [begin() for begin in work]
        try:
            while going:
                turn = (
                    going[self.data.draw(st.integers(0, len(going) - 1), label="turn")]
                    if len(going) > 1
                    else going[0]
                )
                try:
                    turn.send(None)
                except StopIteration:
                    going.remove(turn)
                self.check_behind()
        finally:
            for turn in going:
                turn.close()

    def check_behind(self) -> None:
        """Check that the platform is where the book is, or has gone on from there."""
        for entry in self.store.within.look_up(
            [sid("WR", number) for number in range(COUNT)], ()
        ).entries.values():
            assert follow(entry.status, self.scenario.platform.get(entry.sid).status) is not None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_two_nodes_converge_to_the_platform(data: DataObject) -> None:
    """The book is never ahead of the reports, and after a sweep it equals the platform."""
    nodes = Nodes(data)
    nodes.run(nodes.draw_work())
    assert Verdict.CONTRADICTION not in nodes.verdicts
    for happening, number in data.draw(
        st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, COUNT - 1)), max_size=3),
        label="later",
    ):
        nodes.scenario.apply(happening, number)
    nodes.scenario.clock.advance(3600)
    nodes.run([partial(nodes.reconcile, book) for book in nodes.books])
    for number in range(COUNT):
        entry = nodes.store.within.look_up([sid("WR", number)], ()).entries[sid("WR", number)]
        shown = fetch(pending(number), nodes.gateway.within)
        assert entry.status is shown.status
        assert entry.doubt is None
        assert nodes.scenario.get(number).on_hold or not entry.reservation.on_hold
        if not entry.status.is_terminal:
            assert entry.reservation.etag == shown.etag
        told = [
            line.event_key
            for line in nodes.store.within.history(entry.sid)
            if line.event_key is not None
        ]
        assert len(told) == len(set(told))
