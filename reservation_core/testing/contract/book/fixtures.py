"""Fixtures and helpers of all contract tests of a store."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest

from reservation_core.book import Claim, Entry, Store
from reservation_core.testing.contract.book import make


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


def write_entries(store: Store, *entries: Entry) -> None:
    """Write entries without history lines."""
    store.write([make.change(entry) for entry in entries])


def find_entry(store: Store, number: int) -> Entry | None:
    """Return the entry of a number from a store."""
    return store.look_up([make.sid("WR", number)], []).entries.get(make.sid("WR", number))


def claim_numbers(
    store: Store,
    claim: Claim,
    *,
    before: float,
    now: float = 1000,
    lease: float = 60,
    limit: int = 100,
) -> list[int]:
    """Claim entries and return their numbers. Times are in seconds after noon."""
    claimed = store.claim(
        claim,
        before=make.later(before),
        now=make.later(now),
        until=make.later(now + lease),
        limit=limit,
    )
    return [int(entry.sid.partition("R")[2], 16) for entry in claimed]
