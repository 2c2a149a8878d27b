"""Contract tests of entries and revisions."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import attrs
import pytest

from reservation_core.book.errors import StoreFailed
from reservation_core.book.records import Doubt, Entry, LookupResult
from reservation_core.book.stores.port import Claim, Store
from reservation_core.domain.commands.catalogue import Call, Conference
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links
from reservation_core.testing.contract.book.samples import (
    NOON,
    claim_numbers,
    event_ref,
    find_entry,
    later,
    make_change,
    make_entry,
    make_intent,
    make_line,
    make_reservation,
    sid_of,
)

_FULL_ENTRY: Final = Entry(
    reservation=make_reservation(
        1,
        worker_name="Käthe \x00 \ud83d \N{SNOWMAN} 'quoted' \\",
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
    intent=make_intent(
        Conference(
            to="client:alice",
            from_="+15005550006",
            conference_status_callback_event=("start", "end"),
        )
    ),
)


class StoreFixtures:
    """Fixtures of all contract tests."""

    exempt: ClassVar[Mapping[str, str]] = {}
    """Tests that do not hold for this store, by name, each with the reason."""

    @pytest.fixture(autouse=True)
    def _skip_exempt(self, request: pytest.FixtureRequest) -> None:
        name: str = request.node.name
        if reason := self.exempt.get(name.partition("[")[0]):
            pytest.skip(reason)

    @pytest.fixture
    def store(self, open_node: Callable[[], Store]) -> Store:
        """Open the book once."""
        return open_node()


class StoringTests(StoreFixtures):
    """Contract tests of entries and revisions."""

    @pytest.mark.parametrize(
        "entry",
        [
            _FULL_ENTRY,
            make_entry(1),
            make_entry(1, intent=make_intent(Call(from_="+15005550006", url="https://a.example"))),
        ],
    )
    def test_entry_is_read_as_it_was_written(self, store: Store, entry: Entry) -> None:
        """Every field comes back equal, with any characters."""
        assert store.write([make_change(entry)]) == [True]
        assert find_entry(store, 1) == entry

    @pytest.mark.parametrize("status", Status)
    def test_every_status_can_be_stored(self, store: Store, status: Status) -> None:
        """In an entry and in a history line."""
        line = attrs.evolve(make_line(1), status=status)
        store.write([make_change(make_entry(1, status), line)])
        entry = find_entry(store, 1)
        assert entry is not None
        assert (entry.status, store.history(entry.sid)[0].status) == (status, status)

    def test_empty_store_finds_nothing(self, store: Store) -> None:
        """Empty lists of SIDs, events and changes are allowed."""
        assert store.look_up([sid_of("WR", 1)], [event_ref(1)]) == LookupResult({}, frozenset())
        assert store.look_up([], []) == LookupResult({}, frozenset())
        assert store.write([]) == []
        assert list(store.history(sid_of("WR", 1))) == []
        assert list(store.live("", 10)) == []

    def test_look_up_finds_many_entries_and_events(self, store: Store) -> None:
        """Those that exist are found, and others are left out."""
        store.write(
            [
                make_change(make_entry(number), make_line(number, f"EV{number}"))
                for number in range(300)
            ]
        )
        found = store.look_up(
            [sid_of("WR", number) for number in range(200, 500)],
            [event_ref(number) for number in range(100, 400)],
        )
        assert found.entries == {
            sid_of("WR", number): make_entry(number) for number in range(200, 300)
        }
        assert found.seen_events == {event_ref(number) for number in range(100, 300)}

    def test_other_nodes_see_what_was_written(self, open_node: Callable[[], Store]) -> None:
        """A node that is open sees it, and one that opens the book later."""
        first, second = open_node(), open_node()
        first.write([make_change(make_entry(1), make_line(1, "EV1"))])
        assert second.look_up([sid_of("WR", 1)], [event_ref(1)]) == LookupResult(
            {sid_of("WR", 1): make_entry(1)}, frozenset({event_ref(1)})
        )
        first.close()
        assert find_entry(open_node(), 1) == make_entry(1)

    @pytest.mark.parametrize(
        ("present", "expected", "is_written"),
        [(0, 0, True), (0, 1, False), (1, 0, False), (1, 1, True), (2, 1, False)],
    )
    def test_write_needs_the_expected_revision(
        self, store: Store, present: int, expected: int, is_written: bool
    ) -> None:
        """Otherwise nothing of the change is written, not even its lines."""
        before = [make_entry(1, revision=revision) for revision in range(1, present + 1)]
        for entry in before:
            store.write([make_change(entry)])
        after = make_entry(1, Status.ACCEPTED, revision=expected + 1)
        assert store.write([make_change(after, make_line(1, "EV1"))]) == [is_written]
        assert find_entry(store, 1) == (after if is_written else before[-1] if before else None)
        assert list(store.history(after.sid)) == ([make_line(1, "EV1")] if is_written else [])
        assert store.look_up([], [event_ref(1)]).seen_events == (
            frozenset({event_ref(1)}) if is_written else frozenset()
        )

    def test_changes_of_one_write_are_independent(self, store: Store) -> None:
        """Each is written or not by itself, and the results are in their order."""
        store.write([make_change(make_entry(2))])
        changes = [
            make_change(make_entry(3)),
            make_change(make_entry(2)),
            make_change(make_entry(1)),
            make_change(make_entry(2, revision=2)),
            make_change(make_entry(2, revision=2)),
        ]
        assert store.write(changes) == [True, False, True, True, False]
        assert find_entry(store, 2) == make_entry(2, revision=2)

    def test_closed_store_raises_store_failed(self, open_node: Callable[[], Store]) -> None:
        """Closing twice is allowed."""
        store = open_node()
        store.write([make_change(make_entry(1))])
        store.close()
        store.close()
        with pytest.raises(StoreFailed, match="read the entry again"):
            store.write([make_change(make_entry(1, revision=2))])
        with pytest.raises(StoreFailed):
            store.look_up([sid_of("WR", 1)], [])
        with pytest.raises(StoreFailed):
            claim_numbers(store, Claim.DUE, before=0)
