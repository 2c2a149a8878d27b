"""Contract tests of history lines and events."""

import attrs

from reservation_core.book.records import Ending, HistoryLine, ReportSource
from reservation_core.book.stores.port import Store
from reservation_core.domain.lifecycle import Status
from reservation_core.testing.contract.book.samples import (
    event_ref,
    find_entry,
    later,
    make_change,
    make_entry,
    make_history_change,
    make_line,
    sid_of,
)
from reservation_core.testing.contract.book.storing import StoreFixtures


class HistoryTests(StoreFixtures):
    """Contract tests of history lines and events."""

    def test_history_keeps_its_order(self, store: Store) -> None:
        """Lines of one reservation come back whole, in the order written."""
        reported = attrs.evolve(
            make_line(1, "EV1"),
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
        store.write(
            [
                make_change(make_entry(1), reported, make_line(1)),
                make_change(make_entry(2), make_line(2, "EV2")),
            ]
        )
        store.write([make_change(make_entry(1, revision=2), commanded)])
        assert list(store.history(sid_of("WR", 1))) == [reported, make_line(1), commanded]

    def test_event_is_in_the_history_once(self, store: Store) -> None:
        """A repeated event is skipped. Lines without an event are all written."""
        event, other = make_line(1, "EV1"), make_line(1)
        store.write([make_change(make_entry(1), event, event, other, other)])
        again = make_change(make_entry(1, revision=2), event, make_line(1, "EV2"))
        assert store.write([again]) == [True]
        keys = [line.event_key for line in store.history(sid_of("WR", 1))]
        assert keys == ["EV1", None, None, "EV2"]

    def test_event_belongs_to_its_reservation(self, store: Store) -> None:
        """The same event key of two reservations counts for each."""
        store.write([make_change(make_entry(1), make_line(1, "EV1"))])
        events = [event_ref(1), (sid_of("WR", 2), "EV1")]
        assert store.look_up([], events).seen_events == {event_ref(1)}
        store.write([make_change(make_entry(2), make_line(2, "EV1"))])
        assert [len(store.history(sid_of("WR", number))) for number in (1, 2)] == [1, 1]

    def test_history_can_exist_without_an_entry(self, store: Store) -> None:
        """A change without an entry adds lines and makes no entry."""
        assert store.write([make_history_change(make_line(1, "EV1"))]) == [True]
        assert find_entry(store, 1) is None
        assert list(store.history(sid_of("WR", 1))) == [make_line(1, "EV1")]
        assert store.look_up([], [event_ref(1)]).seen_events == {event_ref(1)}

    def test_change_without_an_entry_keeps_the_entry(self, store: Store) -> None:
        """Written before, with and after a change of the entry."""
        first, third, fourth = (
            make_history_change(make_line(1, key)) for key in ("EV1", "EV3", "EV4")
        )
        second = make_change(make_entry(1), make_line(1, "EV2"))
        assert store.write([first, second, third]) == [True, True, True]
        assert store.write([fourth]) == [True]
        assert find_entry(store, 1) == make_entry(1)
        assert store.write([make_change(make_entry(1, revision=2), make_line(1, "EV5"))]) == [True]
        assert find_entry(store, 1) == make_entry(1, revision=2)
        keys = [line.event_key for line in store.history(sid_of("WR", 1))]
        assert keys == ["EV1", "EV2", "EV3", "EV4", "EV5"]
        assert [entry.sid for entry in store.live("", 9)] == [sid_of("WR", 1)]
