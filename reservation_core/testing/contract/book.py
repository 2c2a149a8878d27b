"""The promises every store of a book keeps, as tests that its author inherits with one fixture.

::

    from reservation_core.testing.contract.book import BookContract

    class TestMine(BookContract):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "book")

Each call of what ``open_store`` gives opens the same book once more, as another process would; the contract closes what it opened.
``AsyncBookContract`` is the same for an ``AsyncStore``: what it is given there is awaited, within the event loop.

A promise that a store cannot keep is named in ``exempt`` with the reason, and shown as skipped: never left out in silence. For telling
failures, add ``pytest.register_assert_rewrite("reservation_core.testing.contract.book")`` to ``conftest.py``.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

import attrs
import pytest

from reservation_core.book.book import AsyncBook
from reservation_core.book.errors import StoreFailed
from reservation_core.book.records import (
    Change,
    Doubt,
    Ending,
    Entry,
    EventRef,
    HistoryLine,
    Intent,
    LookupResult,
    Report,
    ReportSource,
    Verdict,
)
from reservation_core.book.stores.port import AsyncStore, Claim, Store
from reservation_core.book.sync_book import Book
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Accept, Call, Conference
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links, Reservation
from reservation_core.rest.addresses import Route

T = TypeVar("T")

Opening: TypeAlias = Callable[[], Store]
"""Opens the book under test once more; the fixture ``nodes`` gives it."""

NOON: Final = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)


def sid_of(prefix: str, number: int) -> str:
    """Make a SID."""
    return f"{prefix}{number:032x}"


def reservation(number: int, status: Status = Status.PENDING, **more: Any) -> Reservation:
    """Make a reservation of little more than its SIDs."""
    return Reservation(
        sid=sid_of("WR", number),
        account_sid=sid_of("AC", 1),
        workspace_sid=sid_of("WS", 1),
        task_sid=sid_of("WT", number),
        worker_sid=sid_of("WK", 1),
        status=status,
        **more,
    )


def entry(
    number: int,
    status: Status = Status.PENDING,
    *,
    revision: int = 1,
    refreshed_at: datetime = NOON,
    **more: Any,
) -> Entry:
    """Make an entry."""
    return Entry(
        reservation=reservation(number, status),
        revision=revision,
        refreshed_at=refreshed_at,
        **more,
    )


def intent(command: Command | None = None, since: datetime = NOON) -> Intent:
    """Make an intent."""
    return Intent(
        token="t",  # noqa: S106
        command=command or Accept(),
        reservation=reservation(1, etag="7"),
        route=Route.WORKER,
        created_at=since,
    )


def line(number: int, event: str | None = None, at: datetime = NOON) -> HistoryLine:
    """Make a line of the history."""
    return HistoryLine(
        sid=sid_of("WR", number),
        recorded_at=at,
        source=ReportSource.EVENT,
        outcome=Verdict.APPLIED,
        event_key=event,
    )


def change(made: Entry, *lines: HistoryLine) -> Change:
    """Make the change to an entry from the revision before it."""
    return Change(sid=made.sid, entry=made, expected_revision=made.revision - 1, lines=lines)


def later(seconds: float) -> datetime:
    """Give a moment after noon."""
    return NOON + timedelta(seconds=seconds)


def occurrence(number: int) -> EventRef:
    """Name the event of a number, of the reservation of that number."""
    return sid_of("WR", number), f"EV{number}"


def found(store: Store, number: int) -> Entry | None:
    """Look one entry up."""
    return store.look_up([sid_of("WR", number)], []).entries.get(sid_of("WR", number))


def claim(
    store: Store,
    what: Claim,
    *,
    before: float,
    now: float = 1000,
    lease: float = 60,
    limit: int = 100,
) -> list[int]:
    """Claim, in seconds after noon; give the entries' numbers."""
    claimed = store.claim(
        what, before=later(before), now=later(now), until=later(now + lease), limit=limit
    )
    return [int(held.sid.partition("R")[2], 16) for held in claimed]


_EVERYTHING: Final = Entry(
    reservation=Reservation(
        sid=sid_of("WR", 1),
        account_sid=sid_of("AC", 1),
        workspace_sid=sid_of("WS", 1),
        task_sid=sid_of("WT", 1),
        worker_sid=sid_of("WK", 1),
        worker_name="Käthe \x00 \ud83d \N{SNOWMAN} 'quoted' \\",
        status=Status.PENDING,
        date_created=NOON,
        date_updated=NOON.replace(microsecond=0),
        url="https://example.com/?a=%s",
        links=Links((("task", "https://example.com/1"), ("worker", "https://example.com/2"))),
        etag='W/"7"',
        on_hold=True,
    ),
    revision=1,
    refreshed_at=later(1),
    version=2**53,
    platform_time=later(2),
    doubt=Doubt.CONTRADICTION,
    deleted=True,
    intent=intent(
        Conference(
            to="client:alice",
            from_="+15005550006",
            conference_status_callback_event=("start", "end"),
        )
    ),
)


class _Contract:
    """What stores of both kinds promise."""

    exempt: ClassVar[Mapping[str, str]] = {}
    """Promises that this store does not make, by the name of the test, each with the reason."""

    @pytest.fixture(autouse=True)
    def _prepared(self, request: pytest.FixtureRequest) -> None:
        name: str = request.node.name
        if why := self.exempt.get(name.partition("[")[0]):
            pytest.skip(why)

    @pytest.fixture
    def store(self, nodes: Opening) -> Store:
        """Open the book once."""
        return nodes()

    # --- what is kept ----------------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "made",
        [
            _EVERYTHING,
            entry(1),
            entry(1, intent=intent(Call(from_="+15005550006", url="https://a.example"))),
        ],
    )
    def test_an_entry_comes_back_as_it_was_kept(self, store: Store, made: Entry) -> None:
        """What is found is equal to what was kept, in every field, whatever characters it holds."""
        assert store.write([change(made)]) == [True]
        assert found(store, 1) == made

    @pytest.mark.parametrize("status", Status)
    def test_every_status_is_kept(self, store: Store, status: Status) -> None:
        """Every status comes back as itself."""
        store.write([change(entry(1, status), attrs.evolve(line(1), status=status))])
        held = found(store, 1)
        assert held is not None
        assert (held.status, store.history(held.sid)[0].status) == (status, status)

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        """An empty book holds nothing, and nothing may be looked for."""
        assert store.look_up([sid_of("WR", 1)], [occurrence(1)]) == LookupResult({}, frozenset())
        assert store.look_up([], []) == LookupResult({}, frozenset())
        assert store.write([]) == []
        assert list(store.history(sid_of("WR", 1))) == []
        assert list(store.live("", 10)) == []

    def test_many_are_looked_up_at_once(self, store: Store) -> None:
        """Of what is looked for, what is there is found: entries by their SIDs, and events."""
        store.write([change(entry(number), line(number, f"EV{number}")) for number in range(300)])
        known = store.look_up(
            [sid_of("WR", number) for number in range(200, 500)],
            [occurrence(number) for number in range(100, 400)],
        )
        assert known.entries == {sid_of("WR", number): entry(number) for number in range(200, 300)}
        assert known.seen_events == {occurrence(number) for number in range(100, 300)}

    def test_what_was_kept_is_there_for_others(self, nodes: Opening) -> None:
        """What one has kept, another that has the book open finds, and another that opens it when the first is closed."""
        first, second = nodes(), nodes()
        first.write([change(entry(1), line(1, "EV1"))])
        assert second.look_up([sid_of("WR", 1)], [occurrence(1)]) == LookupResult(
            {sid_of("WR", 1): entry(1)}, frozenset({occurrence(1)})
        )
        first.close()
        assert found(nodes(), 1) == entry(1)

    # --- revisions -------------------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("held", "expected", "taken"),
        [(0, 0, True), (0, 1, False), (1, 0, False), (1, 1, True), (2, 1, False)],
    )
    def test_only_the_expected_revision_is_replaced(
        self, store: Store, held: int, expected: int, taken: bool
    ) -> None:
        """A change is kept when the revision held is the expected one, and else nothing of it is, not even its lines."""
        before = [entry(1, revision=revision) for revision in range(1, held + 1)]
        for made in before:
            store.write([change(made)])
        after = entry(1, Status.ACCEPTED, revision=expected + 1)
        assert store.write([change(after, line(1, "EV1"))]) == [taken]
        assert found(store, 1) == (after if taken else before[-1] if before else None)
        assert list(store.history(after.sid)) == ([line(1, "EV1")] if taken else [])
        assert store.look_up([], [occurrence(1)]).seen_events == (
            frozenset({occurrence(1)}) if taken else frozenset()
        )

    def test_changes_kept_together_do_not_depend_on_each_other(self, store: Store) -> None:
        """Of changes kept in one call each is taken or not by itself, and the answers are in their order."""
        store.write([change(entry(2))])
        changes = [
            change(entry(3)),
            change(entry(2)),
            change(entry(1)),
            change(entry(2, revision=2)),
            change(entry(2, revision=2)),
        ]
        assert store.write(changes) == [True, False, True, True, False]
        assert found(store, 2) == entry(2, revision=2)

    # --- the history -----------------------------------------------------------------------------------------------------------------

    def test_the_history_is_in_the_order_it_was_written(self, store: Store) -> None:
        """Lines come back whole and in order, and only those of the reservation."""
        told = attrs.evolve(
            line(1, "EV1"),
            type="reservation.created\x00é",
            status=Status.PENDING,
            version=2**53,
            platform_time=later(-5),
        )
        commanded = HistoryLine(
            sid=sid_of("WR", 1),
            recorded_at=later(9),
            source=ReportSource.COMMAND,
            outcome=Ending.INTENDED,
            type="accept",
        )
        store.write([change(entry(1), told, line(1)), change(entry(2), line(2, "EV2"))])
        store.write([change(entry(1, revision=2), commanded)])
        assert list(store.history(sid_of("WR", 1))) == [told, line(1), commanded]

    def test_an_event_is_in_the_history_once(self, store: Store) -> None:
        """A line whose event is there is left out, whoever wrote it and whatever else changes; lines without an event are all kept."""
        store.write([change(entry(1), line(1, "EV1"), line(1, "EV1"), line(1), line(1))])
        assert store.write([change(entry(1, revision=2), line(1, "EV1"), line(1, "EV2"))]) == [True]
        assert [told.event_key for told in store.history(sid_of("WR", 1))] == [
            "EV1",
            None,
            None,
            "EV2",
        ]

    def test_an_event_is_of_its_reservation(self, store: Store) -> None:
        """One event told of two reservations is one of each, and found for the one that is asked for."""
        store.write([change(entry(1), line(1, "EV1"))])
        assert store.look_up([], [occurrence(1), (sid_of("WR", 2), "EV1")]).seen_events == {
            occurrence(1)
        }
        store.write([change(entry(2), line(2, "EV1"))])
        assert [len(store.history(sid_of("WR", number))) for number in (1, 2)] == [1, 1]

    def test_the_history_may_grow_alone(self, store: Store) -> None:
        """A change without an entry adds its lines, and makes none."""
        assert store.write(
            [Change(sid=sid_of("WR", 1), entry=None, expected_revision=0, lines=(line(1, "EV1"),))]
        ) == [True]
        assert found(store, 1) is None
        assert list(store.history(sid_of("WR", 1))) == [line(1, "EV1")]
        assert store.look_up([], [occurrence(1)]).seen_events == {occurrence(1)}

    def test_where_the_history_grows_the_entry_stays(self, store: Store) -> None:
        """Before, after and beside an entry's change, one without an entry touches nothing but the history."""

        def told(number: int, event: str) -> Change:
            return Change(
                sid=sid_of("WR", number),
                entry=None,
                expected_revision=0,
                lines=(line(number, event),),
            )

        assert store.write([told(1, "EV1"), change(entry(1), line(1, "EV2")), told(1, "EV3")]) == [
            True,
            True,
            True,
        ]
        assert store.write([told(1, "EV4")]) == [True]
        assert found(store, 1) == entry(1)
        assert store.write([change(entry(1, revision=2), line(1, "EV5"))]) == [True]
        assert found(store, 1) == entry(1, revision=2)
        assert [each.event_key for each in store.history(sid_of("WR", 1))] == [
            "EV1",
            "EV2",
            "EV3",
            "EV4",
            "EV5",
        ]
        assert [entry.sid for entry in store.live("", 9)] == [sid_of("WR", 1)]

    # --- what is live, due, ended ----------------------------------------------------------------------------------------------------

    def test_live_goes_by_pages(self, store: Store) -> None:
        """What has ended or is gone is not live; the rest comes by SID, beyond what was given."""
        ended = [
            change(entry(number, status))
            for number, status in enumerate(Status)
            if status.is_terminal
        ]
        store.write(
            [
                *ended,
                change(entry(20, deleted=True)),
                *(change(entry(number)) for number in (33, 31, 30, 32)),
            ]
        )
        store.write([change(entry(number, Status.WRAPPING)) for number in (29, 34)])
        first = store.live("", 4)
        assert [held.sid for held in first] == [sid_of("WR", number) for number in (29, 30, 31, 32)]
        assert list(store.live(first[-1].sid, 4)) == [entry(33), entry(34, Status.WRAPPING)]

    def test_what_is_due_waits_longest_first(self, store: Store) -> None:
        """Due is what is live and was not heard of since, and what is in doubt, whatever it is; at most so many."""
        store.write(
            [change(entry(number, refreshed_at=later(100 - number))) for number in (1, 2, 3)]
        )
        store.write(
            [
                change(entry(4, refreshed_at=later(500))),
                change(entry(5, Status.COMPLETED, refreshed_at=later(0))),
            ]
        )
        store.write(
            [
                change(
                    entry(6, Status.COMPLETED, refreshed_at=later(400), doubt=Doubt.CONTRADICTION)
                ),
                change(entry(7, deleted=True)),
            ]
        )
        assert claim(store, Claim.DUE, before=99, limit=1) == [3]
        assert claim(store, Claim.DUE, before=99) == [2, 6]
        assert claim(store, Claim.DUE, before=501) == [1, 4]

    def test_open_is_what_has_an_old_intent(self, store: Store) -> None:
        """Open is what has an intent from before, longest waiting first, ended or not."""
        store.write(
            [
                change(
                    entry(number, refreshed_at=later(-number), intent=intent(since=later(number)))
                )
                for number in (3, 1, 2)
            ]
        )
        store.write(
            [change(entry(4)), change(entry(5, Status.COMPLETED, intent=intent(since=later(0))))]
        )
        assert claim(store, Claim.OPEN, before=3) == [5, 1, 2]

    def test_a_claim_is_respected_until_it_ends(self, nodes: Opening) -> None:
        """What one has claimed nobody else is given before the lease ends, for whatever purpose, and then again."""
        first, second = nodes(), nodes()
        first.write([change(entry(1, intent=intent()))])
        assert claim(first, Claim.DUE, before=1, now=10, lease=5) == [1]
        assert (
            claim(second, Claim.DUE, before=1, now=14.9)
            == claim(second, Claim.OPEN, before=1, now=14.9)
            == []
        )
        assert claim(second, Claim.OPEN, before=1, now=15, lease=5) == [1]
        assert claim(first, Claim.DUE, before=1, now=16) == []

    def test_what_is_kept_is_free_again(self, store: Store) -> None:
        """Keeping an entry ends the claim to it, but not while a command to it is open."""
        store.write([change(entry(1)), change(entry(2, intent=intent()))])
        assert claim(store, Claim.DUE, before=1) == [1, 2]
        store.write([change(entry(1, revision=2)), change(entry(2, revision=2, intent=intent()))])
        assert claim(store, Claim.DUE, before=1) == [1]
        store.write([change(entry(2, revision=3))])
        assert claim(store, Claim.DUE, before=1) == [2]

    def test_what_ended_is_purged(self, store: Store) -> None:
        """Deleted is what has ended or is gone, was not heard of since and has no intent, with its history, and nothing else."""
        kept = [
            entry(1),
            entry(2, Status.TIMEOUT, refreshed_at=later(50)),
            entry(3, Status.TIMEOUT, intent=intent()),
        ]
        ended = [entry(4, Status.TIMEOUT), entry(5, deleted=True)]
        store.write(
            [
                change(made, line(number, f"EV{number}"))
                for number, made in enumerate((*kept, *ended), 1)
            ]
        )
        alone = [line(6, "EV6"), line(7, "EV7", later(50)), line(7, "EV8")]
        store.write(
            [Change(sid=told.sid, entry=None, expected_revision=0, lines=(told,)) for told in alone]
        )
        assert store.purge(later(50)) == 2
        assert store.purge(later(50)) == 0
        numbers = range(1, 8)
        known = store.look_up(
            [sid_of("WR", number) for number in numbers], [occurrence(number) for number in numbers]
        )
        assert known.entries == {made.sid: made for made in kept}
        assert known.seen_events == {occurrence(number) for number in (1, 2, 3, 7)}
        assert [len(store.history(sid_of("WR", number))) for number in numbers] == [
            1,
            1,
            1,
            0,
            0,
            0,
            2,
        ]

    def test_what_was_purged_may_begin_anew(self, store: Store) -> None:
        """After a purge a reservation may be kept as a first one, and its events are new."""
        store.write([change(entry(1, Status.TIMEOUT), line(1, "EV1"))])
        store.purge(later(1))
        assert store.write([change(entry(1, revision=2))]) == [False]
        assert store.write([change(entry(1), line(1, "EV1"))]) == [True]
        assert list(store.history(sid_of("WR", 1))) == [line(1, "EV1")]

    # --- many at once ----------------------------------------------------------------------------------------------------------------

    def test_of_many_writers_one_wins_each_revision(self, nodes: Opening) -> None:
        """Where many threads of two nodes write the same entry, each revision is written by exactly one, and no line is lost."""
        stores = [nodes(), nodes()]

        def write(writer: int) -> int:
            store, won = stores[writer % 2], 0
            while won < 5:
                held = found(store, 1)
                after = entry(1, revision=held.revision + 1 if held else 1, version=writer)
                won += store.write([change(after, line(1, f"EV{writer}-{won}"))])[0]
            return won

        assert sum(_together(write, range(8))) == 40
        held = found(stores[0], 1)
        assert held is not None
        assert held.revision == len({told.event_key for told in stores[1].history(held.sid)}) == 40

    def test_of_many_sweepers_one_gets_each_entry(self, nodes: Opening) -> None:
        """Where many threads of two nodes claim at the same time, each entry is given to exactly one."""
        stores = [nodes(), nodes()]
        stores[0].write([change(entry(number)) for number in range(60)])

        def sweep(sweeper: int) -> list[int]:
            mine: list[int] = []
            while some := claim(stores[sweeper % 2], Claim.DUE, before=1, limit=3):
                mine += some
            return mine

        assert sorted(number for mine in _together(sweep, range(8)) for number in mine) == list(
            range(60)
        )

    def test_many_writers_of_many_entries(self, nodes: Opening) -> None:
        """What many threads of two nodes keep at the same time, in many orders, is all there, and each was told so."""
        stores = [nodes(), nodes()]

        def write(writer: int) -> Sequence[bool]:
            numbers = range(writer, writer + 20)
            order = numbers if writer % 2 else reversed(numbers)
            return stores[writer % 2].write(
                [change(entry(number), line(number)) for number in order]
            )

        answers = _together(write, range(8))
        assert sum(map(sum, answers)) == 27
        assert len(stores[0].live("", 100)) == 27

    def test_two_nodes_record_every_event_once(self, nodes: Opening) -> None:
        """Where two nodes record the same events at the same time, each is in the history once, and what is held is the newest."""
        books = [Book(nodes()), Book(nodes())]
        statuses = (Status.PENDING, Status.ACCEPTED, Status.WRAPPING, Status.COMPLETED)
        reports = [
            Report(
                sid=sid_of("WR", n),
                source=ReportSource.EVENT,
                reservation=reservation(n, status),
                event_key=f"EV{n}-{version}",
                version=version,
            )
            for n in range(5)
            for version, status in enumerate(statuses)
        ]

        def tell(node: int) -> int:
            told = [
                books[node % 2].record(report).outcome
                for report in (reports if node < 2 else reversed(reports))
            ]
            return len(told) - told.count(Verdict.DUPLICATE)

        assert sum(_together(tell, range(4))) == len(reports)
        for number in range(5):
            held = books[0].get(sid_of("WR", number))
            assert held is not None
            assert (held.status, held.version) == (Status.COMPLETED, 3)
            assert len(books[1].history(held.sid)) == len(statuses)

    # --- the end ---------------------------------------------------------------------------------------------------------------------

    def test_a_closed_store_says_so(self, nodes: Opening) -> None:
        """A store may be closed twice; after that it fails as stores fail."""
        store = nodes()
        store.write([change(entry(1))])
        store.close()
        store.close()
        with pytest.raises(StoreFailed, match="read the entry again"):
            store.write([change(entry(1, revision=2))])
        with pytest.raises(StoreFailed):
            store.look_up([sid_of("WR", 1)], [])
        with pytest.raises(StoreFailed):
            claim(store, Claim.DUE, before=0)


class BookContract(_Contract):
    """What a store for threads promises; it inherits these tests and gives ``open_store``."""

    @pytest.fixture
    def nodes(self, open_store: Callable[[], Store]) -> Generator[Opening]:
        """Open the book as often as it is asked for, and close all of it."""
        with ExitStack() as opened:

            def open_one() -> Store:
                store = open_store()
                opened.callback(store.close)
                return store

            yield open_one


class AsyncBookContract(_Contract):
    """What a store for an event loop promises; it inherits these tests and gives ``open_store``, which is called within the loop."""

    @pytest.fixture
    def nodes(self, open_store: Callable[[], Awaitable[AsyncStore]]) -> Generator[Opening]:
        """Open the book as often as it is asked for, in an event loop of a thread of its own, and close all of it."""
        with _Loop() as loop, ExitStack() as opened:

            def open_one() -> Store:
                store = Awaited(loop.run(_awaited(open_store())), loop)
                opened.callback(store.close)
                return store

            yield open_one

    def test_what_comes_together_is_recorded_together(
        self, open_store: Callable[[], Awaitable[AsyncStore]]
    ) -> None:
        """Where many tasks record at the same time, each learns what came of its own report."""

        async def record() -> list[Verdict | Ending]:
            book = AsyncBook(await open_store())
            try:
                told = [
                    Report(
                        sid=sid_of("WR", n % 30),
                        source=ReportSource.EVENT,
                        reservation=reservation(n % 30),
                        event_key=f"EV{n % 30}",
                    )
                    for n in range(60)
                ]
                return [
                    recorded.outcome for recorded in await asyncio.gather(*map(book.record, told))
                ]
            finally:
                await book.close()

        assert asyncio.run(record()) == [Verdict.APPLIED] * 30 + [Verdict.DUPLICATE] * 30


async def _awaited(opening: Awaitable[AsyncStore]) -> AsyncStore:
    return await opening


class _Loop:
    """An event loop in a thread of its own, into which any thread may call."""

    def __enter__(self) -> "_Loop":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(60)

    def __exit__(self, *_: object) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Awaited:
    """A store for an event loop as one for threads, so that each promise is tested once for both."""

    def __init__(self, store: AsyncStore, loop: _Loop) -> None:
        """Take the store, and the loop it lives in."""
        self._store = store
        self._loop = loop

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Await it."""
        return self._loop.run(self._store.look_up(sids, events))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Await it."""
        return self._loop.run(self._store.write(changes))

    def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """Await it."""
        return self._loop.run(
            self._store.claim(what, before=before, now=now, until=until, limit=limit)
        )

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """Await it."""
        return self._loop.run(self._store.live(after, limit))

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Await it."""
        return self._loop.run(self._store.history(sid))

    def purge(self, before: datetime) -> int:
        """Await it."""
        return self._loop.run(self._store.purge(before))

    def close(self) -> None:
        """Await it."""
        self._loop.run(self._store.close())


def _together(work: Callable[[int], T], numbers: Iterable[int]) -> list[T]:
    """Do the same at the same time, in as many threads as there are numbers."""
    wanted = list(numbers)
    start = threading.Barrier(len(wanted))

    def begin(number: int) -> T:
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(begin, wanted))
