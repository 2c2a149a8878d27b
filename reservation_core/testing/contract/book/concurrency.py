"""Contract tests of several threads and nodes."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

from reservation_core.book import Book, Claim, Report, ReportSource, Store, Verdict
from reservation_core.domain.lifecycle import Status
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import StoreFixtures, claim_numbers, find_entry

_T = TypeVar("_T")


class ConcurrencyTests(StoreFixtures):
    """Contract tests of several threads and nodes."""

    def test_one_writer_wins_each_revision(self, open_node: Callable[[], Store]) -> None:
        """Eight threads of two nodes write one entry. No line is lost."""
        stores = [open_node(), open_node()]

        def write(writer: int) -> int:
            store, won = stores[writer % 2], 0
            while won < 5:
                present = find_entry(store, 1)
                revision = present.revision + 1 if present else 1
                entry = make.entry(1, revision=revision, version=writer)
                won += store.write([make.change(entry, make.line(1, f"EV{writer}-{won}"))])[0]
            return won

        assert sum(_at_once(write, range(8))) == 40
        entry = find_entry(stores[0], 1)
        assert entry is not None
        assert (
            entry.revision == len({line.event_key for line in stores[1].history(entry.sid)}) == 40
        )

    def test_each_entry_is_claimed_by_one_sweeper(self, open_node: Callable[[], Store]) -> None:
        """Eight threads of two nodes claim at the same time."""
        stores = [open_node(), open_node()]
        stores[0].write([make.change(make.entry(number)) for number in range(60)])

        def sweep(sweeper: int) -> list[int]:
            claimed: list[int] = []
            while numbers := claim_numbers(stores[sweeper % 2], Claim.DUE, before=1, limit=3):
                claimed += numbers
            return claimed

        assert sorted(chain.from_iterable(_at_once(sweep, range(8)))) == list(range(60))

    def test_writers_of_many_entries_do_not_block_each_other(
        self, open_node: Callable[[], Store]
    ) -> None:
        """Eight threads of two nodes write overlapping entries in different orders."""
        stores = [open_node(), open_node()]

        def write(writer: int) -> Sequence[bool]:
            numbers = range(writer, writer + 20)
            order = numbers if writer % 2 else reversed(numbers)
            changes = [make.change(make.entry(number), make.line(number)) for number in order]
            return stores[writer % 2].write(changes)

        assert sum(map(sum, _at_once(write, range(8)))) == 27
        assert len(stores[0].live("", 100)) == 27

    def test_two_nodes_record_each_event_once(self, open_node: Callable[[], Store]) -> None:
        """Four threads of two nodes record the same events in both orders."""
        books = [Book(open_node()), Book(open_node())]
        statuses = (Status.PENDING, Status.ACCEPTED, Status.WRAPPING, Status.COMPLETED)
        reports = [
            Report(
                sid=make.sid("WR", number),
                source=ReportSource.EVENT,
                reservation=make.reservation(number, status),
                event_key=f"EV{number}-{version}",
                version=version,
            )
            for number in range(5)
            for version, status in enumerate(statuses)
        ]

        def record(writer: int) -> int:
            order = reports if writer < 2 else reversed(reports)
            outcomes = [books[writer % 2].record(report).outcome for report in order]
            return len(outcomes) - outcomes.count(Verdict.DUPLICATE)

        assert sum(_at_once(record, range(4))) == len(reports)
        for number in range(5):
            entry = books[0].get(make.sid("WR", number))
            assert entry is not None
            assert (entry.status, entry.version) == (Status.COMPLETED, 3)
            assert len(books[1].history(entry.sid)) == len(statuses)


def _at_once(function: Callable[[int], _T], numbers: Iterable[int]) -> list[_T]:
    """Call a function with all numbers at once, in a thread each."""
    arguments = list(numbers)
    start = threading.Barrier(len(arguments))

    def begin(number: int) -> _T:
        start.wait(30)
        return function(number)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(begin, arguments))
