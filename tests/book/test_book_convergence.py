"""Generated runs of two nodes on one store: the book converges to the platform.

The nodes are two books in one thread. Each of their steps waits at a gate, and the test draws which
one continues. So every interleaving of reads and writes is possible, and a failure is reproduced.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import suppress
from functools import partial
from types import coroutine
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

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
from reservation_core.book import AsyncBook, MemoryStore, Verdict
from reservation_core.book.stores.adapters import InlineStore
from reservation_core.domain.decisions import follow
from reservation_core.emulator import InMemoryGateway
from reservation_core.webhooks import Event
from tests.book.scenario import Scenario, pending, sid

P = ParamSpec("P")
T = TypeVar("T")
S: Final = Status
CHANGES: Final[Sequence[Status | Command]] = (
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
    """Wait until the test continues this step."""
    yield


class GatedStore(InlineStore):
    """A store whose calls wait at the gate."""

    async def _call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await gate()
        return method(*args, **kwargs)


class GatedGateway:
    """A gateway whose requests and replies wait at the gate."""

    def __init__(self, scenario: Scenario) -> None:
        self.inner = InMemoryGateway(scenario.platform)

    async def asend(self, request: Request) -> Reply:
        """Wait, send, and wait again."""
        await gate()
        reply = self.inner.send(request)
        await gate()
        return reply


class Nodes:
    """Two books on one store, and a platform with two reservations."""

    def __init__(self, data: DataObject) -> None:
        self.data = data
        self.scenario = Scenario(COUNT, versions=data.draw(st.booleans(), label="has versions"))
        self.memory = MemoryStore()
        self.gateway = GatedGateway(self.scenario)
        self.books = [
            AsyncBook(GatedStore(self.memory), clock=self.scenario.clock, sleep=self._sleep)
            for _ in range(2)
        ]
        self.verdicts: list[Verdict] = []

    async def _sleep(self, _: float) -> None:
        await gate()

    async def _record(self, book: AsyncBook, events: Sequence[Event]) -> None:
        for event in events:
            self.verdicts += await book.record_all([event])

    async def _perform(self, book: AsyncBook, number: int, command: Command) -> None:
        policy = Policy(backoff=0.0, attempts=2)
        with suppress(ReservationError):
            await book.perform(sid("WR", number), command, self.gateway, policy=policy)

    async def reconcile(self, book: AsyncBook) -> None:
        await book.reconcile(self.gateway, older_than=0, limit=3)

    def draw_changes(self, most: int, label: str) -> None:
        """Draw changes on the platform and apply them."""
        change = st.tuples(st.sampled_from(CHANGES), st.integers(0, COUNT - 1))
        for changed, number in self.data.draw(st.lists(change, max_size=most), label=label):
            self.scenario.apply(changed, number)

    def draw_work(self) -> list[Work]:
        """Draw the work of the two nodes."""
        draw = self.data.draw
        self.draw_changes(6, "changes")
        events = draw(
            st.lists(st.sampled_from(self.scenario.events), max_size=10)
            .map(lambda drawn: [*self.scenario.events[:COUNT], *drawn])
            .flatmap(st.permutations),
            label="events",
        )
        middle = draw(st.integers(0, len(events)), label="shared at")
        work: list[Work] = [
            partial(self._record, self.books[0], events[:middle]),
            partial(self._record, self.books[1], events[middle:]),
        ]
        command = st.tuples(st.sampled_from(COMMANDS), st.integers(0, COUNT - 1))
        for drawn, number in draw(st.lists(command, max_size=3), label="commands"):
            work.append(partial(self._perform, self.books[len(work) % 2], number, drawn))
        if draw(st.booleans(), label="sweeps meanwhile"):
            work.append(partial(self.reconcile, self.books[0]))
        return work

    def run(self, work: Sequence[Work]) -> None:
        """Run steps in a drawn order, and check the book after each."""
        running = [begin() for begin in work]
        try:
            while running:
                last = len(running) - 1
                step = running[self.data.draw(st.integers(0, last), label="step") if last else 0]
                try:
                    step.send(None)
                except StopIteration:
                    running.remove(step)
                self.check_not_ahead()
        finally:
            for step in running:
                step.close()

    def check_not_ahead(self) -> None:
        """Check that the platform's status can follow the book's."""
        sids = [sid("WR", number) for number in range(COUNT)]
        for entry in self.memory.look_up(sids, ()).entries.values():
            assert follow(entry.status, self.scenario.platform.get(entry.sid).status) is not None


@settings(max_examples=60)
@given(st.data())
def test_two_nodes_converge_to_the_platform(data: DataObject) -> None:
    """The book is never ahead of the reports. After a sweep it equals the platform."""
    nodes = Nodes(data)
    nodes.run(nodes.draw_work())
    assert Verdict.CONTRADICTION not in nodes.verdicts
    nodes.draw_changes(3, "later changes")
    nodes.scenario.clock.advance(3600)
    nodes.run([partial(nodes.reconcile, book) for book in nodes.books])
    for number in range(COUNT):
        entry = nodes.memory.look_up([sid("WR", number)], ()).entries[sid("WR", number)]
        shown = fetch(pending(number), nodes.gateway.inner)
        assert entry.status is shown.status
        assert entry.doubt is None
        assert nodes.scenario.get(number).on_hold or not entry.reservation.on_hold
        if not entry.status.is_terminal:
            assert entry.reservation.etag == shown.etag
        keys = [line.event_key for line in nodes.memory.history(entry.sid) if line.event_key]
        assert len(keys) == len(set(keys))
