"""Contract tests of entries, revisions and history lines."""

from collections.abc import Callable
from typing import Final

import attrs
import pytest

from reservation_core.book import (
    Claim,
    Doubt,
    Ending,
    Entry,
    HistoryLine,
    LookupResult,
    ReportSource,
    Store,
    StoreFailed,
)
from reservation_core.domain.commands.catalogue import Call, Conference
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import (
    StoreFixtures,
    claim_numbers,
    find_entry,
    write_entries,
)

_FULL_ENTRY: Final = Entry(
    reservation=make.reservation(
        1,
        worker_name="Käthe \x00 \ud83d \N{SNOWMAN} 'quoted' \\",
        date_created=make.NOON,
        date_updated=make.NOON.replace(microsecond=0),
        url="https://example.com/?a=%s",
        links=Links((("task", "https://example.com/1"), ("worker", "https://example.com/2"))),
        etag='W/"7"',
        on_hold=True,
    ),
    revision=1,
    refreshed_at=make.later(1),
    version=2**53,
    platform_time=make.later(2),
    doubt=Doubt.CONTRADICTION,
    deleted=True,
    intent=make.intent(
        Conference(
            to="client:alice",
            from_="+15005550006",
            conference_status_callback_event=("start", "end"),
        )
    ),
)


class StoringTests(StoreFixtures):
    """Contract tests of entries and revisions."""

    @pytest.mark.parametrize(
        "entry",
        [
            _FULL_ENTRY,
            make.entry(1),
            make.entry(1, intent=make.intent(Call(from_="+15005550006", url="https://a.example"))),
        ],
    )
    def test_entry_is_read_as_it_was_written(self, store: Store, entry: Entry) -> None:
        """Every field comes back equal, with any characters."""
        assert store.write([make.change(entry)]) == [True]
        assert find_entry(store, 1) == entry

    @pytest.mark.parametrize("status", Status)
    def test_every_status_can_be_stored(self, store: Store, status: Status) -> None:
        """In an entry and in a history line."""
        line = attrs.evolve(make.line(1), status=status)
        store.write([make.change(make.entry(1, status), line)])
        entry = find_entry(store, 1)
        assert entry is not None
        assert (entry.status, store.history(entry.sid)[0].status) == (status, status)

    def test_empty_store_finds_nothing(self, store: Store) -> None:
        """Empty lists of SIDs, events and changes are allowed."""
        assert store.look_up([make.sid("WR", 1)], [make.event_ref(1)]) == LookupResult(
            {}, frozenset()
        )
        assert store.look_up([], []) == LookupResult({}, frozenset())
        assert store.write([]) == []
        assert list(store.history(make.sid("WR", 1))) == []
        assert list(store.live("", 10)) == []

    def test_look_up_finds_many_entries_and_events(self, store: Store) -> None:
        """Those that exist are found, and others are left out."""
        store.write(
            [
                make.change(make.entry(number), make.line(number, f"EV{number}"))
                for number in range(300)
            ]
        )
        found = store.look_up(
            [make.sid("WR", number) for number in range(200, 500)],
            [make.event_ref(number) for number in range(100, 400)],
        )
        assert found.entries == {
            make.sid("WR", number): make.entry(number) for number in range(200, 300)
        }
        assert found.seen_events == {make.event_ref(number) for number in range(100, 300)}

    def test_other_nodes_see_what_was_written(self, open_node: Callable[[], Store]) -> None:
        """Nodes that were open see it, and nodes that open afterwards."""
        first, second = open_node(), open_node()
        first.write([make.change(make.entry(1), make.line(1, "EV1"))])
        assert second.look_up([make.sid("WR", 1)], [make.event_ref(1)]) == LookupResult(
            {make.sid("WR", 1): make.entry(1)}, frozenset({make.event_ref(1)})
        )
        first.close()
        assert find_entry(open_node(), 1) == make.entry(1)

    @pytest.mark.parametrize(
        ("present", "expected", "is_written"),
        [(0, 0, True), (0, 1, False), (1, 0, False), (1, 1, True), (2, 1, False)],
    )
    def test_write_needs_the_expected_revision(
        self, store: Store, present: int, expected: int, is_written: bool
    ) -> None:
        """Otherwise nothing of the change is written, not even its lines."""
        before = [make.entry(1, revision=revision) for revision in range(1, present + 1)]
        for entry in before:
            store.write([make.change(entry)])
        after = make.entry(1, Status.ACCEPTED, revision=expected + 1)
        assert store.write([make.change(after, make.line(1, "EV1"))]) == [is_written]
        assert find_entry(store, 1) == (after if is_written else before[-1] if before else None)
        assert list(store.history(after.sid)) == ([make.line(1, "EV1")] if is_written else [])
        assert store.look_up([], [make.event_ref(1)]).seen_events == (
            frozenset({make.event_ref(1)}) if is_written else frozenset()
        )

    def test_changes_of_one_write_are_independent(self, store: Store) -> None:
        """Each succeeds or fails alone. The results are in their order."""
        write_entries(store, make.entry(2))
        changes = [
            make.change(make.entry(3)),
            make.change(make.entry(2)),
            make.change(make.entry(1)),
            make.change(make.entry(2, revision=2)),
            make.change(make.entry(2, revision=2)),
        ]
        assert store.write(changes) == [True, False, True, True, False]
        assert find_entry(store, 2) == make.entry(2, revision=2)

    def test_closed_store_raises_store_failed(self, open_node: Callable[[], Store]) -> None:
        """Closing twice is allowed."""
        store = open_node()
        write_entries(store, make.entry(1))
        store.close()
        store.close()
        with pytest.raises(StoreFailed, match="read the entry again"):
            write_entries(store, make.entry(1, revision=2))
        with pytest.raises(StoreFailed):
            store.look_up([make.sid("WR", 1)], [])
        with pytest.raises(StoreFailed):
            claim_numbers(store, Claim.DUE, before=0)


class HistoryTests(StoreFixtures):
    """Contract tests of history lines and events."""

    def test_history_keeps_its_order(self, store: Store) -> None:
        """Lines of one reservation come back whole, in the order written."""
        reported = attrs.evolve(
            make.line(1, "EV1"),
            type="reservation.created\x00é",
            status=Status.PENDING,
            version=2**53,
            platform_time=make.later(-5),
        )
        commanded = HistoryLine(
            sid=make.sid("WR", 1),
            recorded_at=make.later(9),
            source=ReportSource.COMMAND,
            outcome=Ending.INTENDED,
            type="accept",
        )
        store.write(
            [
                make.change(make.entry(1), reported, make.line(1)),
                make.change(make.entry(2), make.line(2, "EV2")),
            ]
        )
        store.write([make.change(make.entry(1, revision=2), commanded)])
        assert list(store.history(make.sid("WR", 1))) == [reported, make.line(1), commanded]

    def test_event_is_in_the_history_once(self, store: Store) -> None:
        """A repeated event is skipped. Lines without an event are all written."""
        event, other = make.line(1, "EV1"), make.line(1)
        store.write([make.change(make.entry(1), event, event, other, other)])
        again = make.change(make.entry(1, revision=2), event, make.line(1, "EV2"))
        assert store.write([again]) == [True]
        keys = [line.event_key for line in store.history(make.sid("WR", 1))]
        assert keys == ["EV1", None, None, "EV2"]

    def test_event_belongs_to_its_reservation(self, store: Store) -> None:
        """The same event key of two reservations counts for each."""
        store.write([make.change(make.entry(1), make.line(1, "EV1"))])
        events = [make.event_ref(1), (make.sid("WR", 2), "EV1")]
        assert store.look_up([], events).seen_events == {make.event_ref(1)}
        store.write([make.change(make.entry(2), make.line(2, "EV1"))])
        assert [len(store.history(make.sid("WR", number))) for number in (1, 2)] == [1, 1]

    def test_history_can_exist_without_an_entry(self, store: Store) -> None:
        """A change without an entry adds lines and makes no entry."""
        assert store.write([make.history_change(make.line(1, "EV1"))]) == [True]
        assert find_entry(store, 1) is None
        assert list(store.history(make.sid("WR", 1))) == [make.line(1, "EV1")]
        assert store.look_up([], [make.event_ref(1)]).seen_events == {make.event_ref(1)}

    def test_change_without_an_entry_keeps_the_entry(self, store: Store) -> None:
        """Written before, with and after a change of the entry."""
        first, third, fourth = (
            make.history_change(make.line(1, key)) for key in ("EV1", "EV3", "EV4")
        )
        second = make.change(make.entry(1), make.line(1, "EV2"))
        assert store.write([first, second, third]) == [True, True, True]
        assert store.write([fourth]) == [True]
        assert find_entry(store, 1) == make.entry(1)
        assert store.write([make.change(make.entry(1, revision=2), make.line(1, "EV5"))]) == [True]
        assert find_entry(store, 1) == make.entry(1, revision=2)
        keys = [line.event_key for line in store.history(make.sid("WR", 1))]
        assert keys == ["EV1", "EV2", "EV3", "EV4", "EV5"]
        assert [entry.sid for entry in store.live("", 9)] == [make.sid("WR", 1)]
