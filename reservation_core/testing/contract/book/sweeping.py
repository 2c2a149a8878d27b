"""Contract tests of live entries, claims, deletions and purges."""

from collections.abc import Callable

import pytest

from reservation_core.book import Claim, Doubt, Store
from reservation_core.domain.lifecycle import Status
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import (
    StoreFixtures,
    claim_numbers,
    find_entry,
    write_entries,
)


class SweepingTests(StoreFixtures):
    """Contract tests of live entries, claims, deletions and purges."""

    def test_live_returns_pages_in_order_of_sid(self, store: Store) -> None:
        """Ended and deleted entries are left out."""
        ended = [
            make.entry(number, status) for number, status in enumerate(Status) if status.is_terminal
        ]
        pending = [make.entry(number) for number in (33, 31, 30, 32)]
        wrapping = [make.entry(number, Status.WRAPPING) for number in (29, 34)]
        deleted = make.entry(20, deleted=True)
        store.write([make.change(entry) for entry in (*ended, deleted, *pending, *wrapping)])
        first = store.live("", 4)
        assert [entry.sid for entry in first] == [make.sid("WR", n) for n in (29, 30, 31, 32)]
        assert list(store.live(first[-1].sid, 4)) == [
            make.entry(33),
            make.entry(34, Status.WRAPPING),
        ]

    def test_last_live_is_the_last_in_order_of_sid(self, store: Store) -> None:
        """Ended entries do not count. An empty string means that there is none."""
        assert store.last_live() == ""
        write_entries(store, make.entry(3), make.entry(7), make.entry(8, Status.TIMEOUT))
        assert store.last_live() == make.sid("WR", 7)

    @pytest.mark.parametrize(
        ("revision", "is_deleted"), [(2, True), (None, True), (1, False), (3, False), (0, False)]
    )
    def test_delete_needs_the_expected_revision(
        self, store: Store, revision: int | None, is_deleted: bool
    ) -> None:
        """Of one reservation, with its history, in any status."""
        store.write([make.change(make.entry(1), make.line(1, "EV1"))])
        write_entries(store, make.entry(1, revision=2, intent=make.intent()))
        store.write([make.change(make.entry(2), make.line(2, "EV2"))])
        assert store.delete(make.sid("WR", 1), revision) is is_deleted
        assert (find_entry(store, 1) is None) is is_deleted
        assert (len(store.history(make.sid("WR", 1))) == 0) is is_deleted
        assert find_entry(store, 2) == make.entry(2)
        seen = store.look_up([], [make.event_ref(1), make.event_ref(2)]).seen_events
        assert (make.event_ref(1) not in seen) is is_deleted
        assert make.event_ref(2) in seen

    def test_delete_deletes_a_history_without_an_entry(self, store: Store) -> None:
        """Its revision is 0. Deleting what does not exist is allowed."""
        store.write([make.history_change(make.line(1, "EV1"))])
        assert store.delete(make.sid("WR", 1), 1) is False
        assert store.delete(make.sid("WR", 1), 0) is True
        assert list(store.history(make.sid("WR", 1))) == []
        assert store.delete(make.sid("WR", 1), 0) is True
        assert store.delete(make.sid("WR", 1), None) is True

    def test_deleted_reservation_starts_anew(self, store: Store) -> None:
        """Its revision is 1, its events are new, and no claim holds."""
        store.write([make.change(make.entry(1), make.line(1, "EV1"))])
        assert claim_numbers(store, Claim.DUE, before=1) == [1]
        store.delete(make.sid("WR", 1), 1)
        assert claim_numbers(store, Claim.DUE, before=1) == []
        assert store.write([make.change(make.entry(1, revision=2))]) == [False]
        again = make.entry(1, intent=make.intent())
        assert store.write([make.change(again, make.line(1, "EV1"))]) == [True]
        assert list(store.history(make.sid("WR", 1))) == [make.line(1, "EV1")]
        assert claim_numbers(store, Claim.DUE, before=1) == [1]

    def test_due_claim_returns_the_longest_waiting_first(self, store: Store) -> None:
        """Due are live entries without news, and entries in doubt."""
        doubt = Doubt.CONTRADICTION
        entries = [
            *(make.entry(number, refreshed_at=make.later(100 - number)) for number in (1, 2, 3)),
            make.entry(4, refreshed_at=make.later(500)),
            make.entry(5, Status.COMPLETED, refreshed_at=make.later(0)),
            make.entry(6, Status.COMPLETED, refreshed_at=make.later(400), doubt=doubt),
            make.entry(7, deleted=True),
        ]
        write_entries(store, *entries)
        assert claim_numbers(store, Claim.DUE, before=99, limit=1) == [3]
        assert claim_numbers(store, Claim.DUE, before=99) == [2, 6]
        assert claim_numbers(store, Claim.DUE, before=501) == [1, 4]

    def test_open_claim_returns_the_oldest_intent_first(self, store: Store) -> None:
        """Of live and ended entries, if the intent is old enough."""
        entries = [
            *(
                make.entry(
                    number,
                    refreshed_at=make.later(-number),
                    intent=make.intent(None, make.later(number)),
                )
                for number in (3, 1, 2)
            ),
            make.entry(4),
            make.entry(5, Status.COMPLETED, intent=make.intent(None, make.later(0))),
        ]
        write_entries(store, *entries)
        assert claim_numbers(store, Claim.OPEN, before=3) == [5, 1, 2]

    def test_claim_holds_until_its_lease_ends(self, open_node: Callable[[], Store]) -> None:
        """For every node, and for both kinds of claim."""
        first, second = open_node(), open_node()
        first.write([make.change(make.entry(1, intent=make.intent()))])
        assert claim_numbers(first, Claim.DUE, before=1, now=10, lease=5) == [1]
        assert claim_numbers(second, Claim.DUE, before=1, now=14.9) == []
        assert claim_numbers(second, Claim.OPEN, before=1, now=14.9) == []
        assert claim_numbers(second, Claim.OPEN, before=1, now=15, lease=5) == [1]
        assert claim_numbers(first, Claim.DUE, before=1, now=16) == []

    def test_write_ends_a_claim_unless_an_intent_is_open(self, store: Store) -> None:
        """An entry with an open intent stays claimed."""
        store.write([make.change(make.entry(1)), make.change(make.entry(2, intent=make.intent()))])
        assert claim_numbers(store, Claim.DUE, before=1) == [1, 2]
        store.write(
            [
                make.change(make.entry(1, revision=2)),
                make.change(make.entry(2, revision=2, intent=make.intent())),
            ]
        )
        assert claim_numbers(store, Claim.DUE, before=1) == [1]
        write_entries(store, make.entry(2, revision=3))
        assert claim_numbers(store, Claim.DUE, before=1) == [2]

    def test_purge_deletes_ended_entries_with_their_history(self, store: Store) -> None:
        """Live, recent and open entries stay, and histories with a recent line."""
        kept = [
            make.entry(1),
            make.entry(2, Status.TIMEOUT, refreshed_at=make.later(50)),
            make.entry(3, Status.TIMEOUT, intent=make.intent()),
        ]
        ended = [make.entry(4, Status.TIMEOUT), make.entry(5, deleted=True)]
        store.write(
            [
                *(
                    make.change(entry, make.line(number, f"EV{number}"))
                    for number, entry in enumerate((*kept, *ended), 1)
                ),
                make.history_change(make.line(6, "EV6")),
                make.history_change(make.line(7, "EV7", make.later(50))),
                make.history_change(make.line(7, "EV8")),
            ]
        )
        assert store.purge(make.later(50)) == 2
        assert store.purge(make.later(50)) == 0
        numbers = range(1, 8)
        found = store.look_up(
            [make.sid("WR", n) for n in numbers], [make.event_ref(n) for n in numbers]
        )
        assert found.entries == {entry.sid: entry for entry in kept}
        assert found.seen_events == {make.event_ref(number) for number in (1, 2, 3, 7)}
        lengths = [len(store.history(make.sid("WR", number))) for number in numbers]
        assert lengths == [1, 1, 1, 0, 0, 0, 2]

    def test_purged_reservation_starts_anew(self, store: Store) -> None:
        """Its first revision is 1 again, and its events are new."""
        store.write([make.change(make.entry(1, Status.TIMEOUT), make.line(1, "EV1"))])
        store.purge(make.later(1))
        assert store.write([make.change(make.entry(1, revision=2))]) == [False]
        assert store.write([make.change(make.entry(1), make.line(1, "EV1"))]) == [True]
        assert list(store.history(make.sid("WR", 1))) == [make.line(1, "EV1")]
