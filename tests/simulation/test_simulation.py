"""Short form of the simulation. The long one is ``python -m tests.simulation``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import attrs
import pytest

from reservation_core.book import MemoryStore, Store
from reservation_core.book.stores.postgres import PostgresStore
from reservation_core.book.transactions import Transactions
from reservation_core.delivery.reconciliation import find_traces
from tests.simulation.__main__ import main
from tests.simulation.invariants import Broken
from tests.simulation.orders import check_orders
from tests.simulation.runs import draw, explore, find_broken, sqlite_stores
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.world import WR, Budget, World

pytestmark = pytest.mark.slow

PAUSED = attrs.evolve(SCENARIOS[0], budget=Budget(jumps=1))
"""A node that is paused for two minutes, and another that recovers its call."""


def test_paused_node_and_another_never_deliver_a_command_twice() -> None:
    """In every interleaving."""
    explored = explore(PAUSED, MemoryStore)
    assert explored.runs > 100


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
def test_first_runs_of_a_scenario_keep_the_invariants(name: str) -> None:
    (scenario,) = [each for each in SCENARIOS if each.name == name]
    assert explore(scenario, MemoryStore, most_runs=25).runs > 1


def test_drawn_runs_keep_the_invariants() -> None:
    """Beyond the bound. A seed makes the same run again."""
    steps = [draw(seed, MemoryStore()).steps for seed in range(40)]
    assert draw(7, MemoryStore()).steps == steps[7]
    text = "\n".join(step for run in steps for step in run)
    for happened in ("crashes", "is lost", "is late", "late POST arrives", "seconds pass"):
        assert happened in text


async def _yes(*_: object) -> bool:
    return True


async def _same(_self: Transactions, _sid: str, intent: Any) -> Any:
    return intent


def test_simulation_finds_a_command_delivered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rules prevent it. Without both, a paused node sends again."""

    def believe_refusals(sent: Any, command: Any, refusal: Any) -> Any:
        return find_traces(sent, command, refusal) if refusal is None else ()

    monkeypatch.setattr(Transactions, "holds", _yes)
    monkeypatch.setattr(Transactions, "take_over", _same)
    monkeypatch.setattr("reservation_core.delivery.engine.find_traces", believe_refusals)
    broken = find_broken(PAUSED, MemoryStore)
    assert "the call acted 2 times" in str(broken)
    assert "121 seconds pass" in str(broken)


def test_simulation_finds_a_lost_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not compare the revision loses an intent."""

    def write(store: MemoryStore, change: Any) -> bool:
        present = store._entries.get(change.sid)  # pyright: ignore[reportPrivateUsage]
        if present is not None and change.entry is not None:
            store._entries[change.sid] = attrs.evolve(  # pyright: ignore[reportPrivateUsage]
                present, revision=change.entry.revision - 1
            )
        return right(store, change)

    right = MemoryStore._write  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(MemoryStore, "_write", write)
    broken = find_broken(attrs.evolve(SCENARIOS[3], budget=Budget()), MemoryStore)
    assert "intended" in str(broken)


def calls_of(world: World, store: Store) -> list[tuple[str, object, object]]:
    """Repeat the calls of a run on another store. Return those with another result."""
    different: list[tuple[str, object, object]] = []
    for name, args, kwargs, expected in world.calls:
        result: object = getattr(store, name)(*args, **kwargs)
        if _plain(result) != _plain(expected):
            different.append((name, result, expected))
    return different


def _plain(result: object) -> object:
    """Return a list for any sequence."""
    return list(cast("Sequence[object]", result)) if isinstance(result, (list, tuple)) else result


def test_sqlite_answers_every_call_of_a_run_as_the_store_in_memory() -> None:
    with sqlite_stores() as new_store:
        for seed in range(12):
            assert calls_of(draw(seed, MemoryStore()), new_store()) == []
        assert draw(3, new_store()).steps == draw(3, MemoryStore()).steps


def test_postgres_answers_every_call_of_a_run_as_the_store_in_memory(
    new_database: Callable[[], str],
) -> None:
    store = PostgresStore(new_database(), max_connections=1)
    for seed in range(8):
        assert calls_of(draw(seed, MemoryStore()), store) == []
        store.delete(WR, None)
    store.close()


def test_every_order_of_reports_ends_in_the_same_status() -> None:
    """Time, version and doubt differ as the documentation states."""
    for most_replies, delay in ((0, 0.4), (1, -1.5)):
        sets, orders, wrong = check_orders(most_replies, [delay])
        assert wrong == []
        assert orders > sets > 10


def test_main_prints_the_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--runs", "2", "--seed", "3", "--steps"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("seed 3\n")
    assert "2 runs, " in shown
    monkeypatch.setattr("tests.simulation.__main__.SCENARIOS", [PAUSED])
    monkeypatch.setattr("tests.simulation.__main__.explore", partial(explore, most_runs=5))
    assert main(["--store", "sqlite"]) == 0
    assert "       5 runs" in capsys.readouterr().out
    assert main(["--orders", "0"]) == 0
    assert capsys.readouterr().out.endswith("orders, 0 wrong\n")

    def fail(*_: object) -> None:
        raise Broken("the call acted 2 times")

    monkeypatch.setattr("tests.simulation.__main__.explore", fail)
    assert main([]) == 1
    assert "the call acted 2 times" in capsys.readouterr().out
