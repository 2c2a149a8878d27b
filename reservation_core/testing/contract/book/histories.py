"""Contract test of whole histories: a store answers as the store in memory does."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias, cast

import pytest

from reservation_core.book import Change, Claim, Doubt, MemoryStore, Store
from reservation_core.domain.lifecycle import Status
from reservation_core.testing.contract.book import make
from reservation_core.testing.contract.book.fixtures import StoreFixtures

_CALLS = 120
_RESERVATIONS = 4

_Call: TypeAlias = Callable[[Store], object]


class HistoryRunTests(StoreFixtures):
    """Contract test of whole histories."""

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_store_answers_a_drawn_history_as_the_store_in_memory(
        self, store: Store, seed: int
    ) -> None:
        """Each call of every method has the same result."""
        expected, random = MemoryStore(), Random(seed)  # noqa: S311 - no secret
        for number in range(_CALLS):
            name, call = _draw(random, number, expected)
            assert _plain(call(store)) == _plain(call(expected)), f"call {number}: {name}"


def _plain(result: object) -> object:
    return list(cast("Sequence[object]", result)) if isinstance(result, (list, tuple)) else result


def _draw(random: Random, number: int, present: Store) -> tuple[str, _Call]:
    sid = make.sid("WR", random.randrange(_RESERVATIONS))
    now, before = make.later(number * 10), make.later(number * 10 - random.randrange(60))
    calls: dict[str, _Call] = {
        "look_up": lambda store: store.look_up([sid], [(sid, f"EV{number // 7}")]),
        "claim": lambda store: store.claim(
            claim, before=before, now=now, until=make.later(number * 10 + lease), limit=limit
        ),
        "live": lambda store: store.live(sid if limit % 2 else "", limit),
        "last_live": lambda store: store.last_live(),
        "history": lambda store: store.history(sid),
        "delete": lambda store: store.delete(sid, random_revision),
        "purge": lambda store: store.purge(before),
    }
    claim, lease = random.choice(list(Claim)), random.choice((0, 15, 60))
    limit, random_revision = random.randint(1, 3), random.choice((None, 0, 1, 2))
    if random.random() < 0.5:
        changes = [_draw_change(random, number, present) for _ in range(random.randint(1, 3))]
        return "write", lambda store: store.write(changes)
    name = random.choice(list(calls))
    if name in ("delete", "purge") and random.random() < 0.7:
        name = "look_up"
    return name, calls[name]


def _draw_change(random: Random, number: int, present: Store) -> Change:
    reservation = random.randrange(_RESERVATIONS)
    sid, time = make.sid("WR", reservation), make.later(number * 10)
    lines = [
        make.line(reservation, random.choice((None, f"EV{number // 7}", f"EV{number}")), time)
        for _ in range(random.randint(0, 2))
    ]
    found = present.look_up([sid], []).entries.get(sid)
    if random.random() < 0.15 and lines:
        return make.history_change(*lines)
    revision = (found.revision if found else 0) + random.choice((1, 1, 1, 1, 0, 2))
    entry = make.entry(
        reservation,
        random.choice(list(Status)),
        revision=max(1, revision),
        refreshed_at=time,
        doubt=random.choice((None, None, *Doubt)),
        deleted=random.random() < 0.1,
        intent=make.intent(created_at=time) if random.random() < 0.3 else None,
    )
    return make.change(entry, *lines)
