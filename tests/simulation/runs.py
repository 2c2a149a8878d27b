"""Runs of a scenario: all of them, or drawn ones."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from reservation_core.book import MemoryStore, SQLiteStore, Store
from tests.simulation.choices import Chooser, DrawnChoices, Explorer, SeenBefore
from tests.simulation.invariants import Broken, Checks, finish
from tests.simulation.scenarios import draw_scenario
from tests.simulation.world import Scenario, World

NewStore = Callable[[], Store]
"""Returns an empty store."""


def run_once(scenario: Scenario, chooser: Chooser, store: Store) -> World:
    """Run a scenario once, and check it.

    :raises Broken: if an invariant does not hold.
    :raises SeenBefore: if nothing new can follow.
    """
    world = World(scenario, chooser, store)
    world.run(Checks().after_step)
    finish(world)
    return world


def explore(scenario: Scenario, new_store: NewStore, *, most_runs: int | None = None) -> Explorer:
    """Run a scenario in every way within its bound.

    :param most_runs: stop after that many runs.
    :raises Broken: if an invariant does not hold.
    """
    explorer = Explorer()
    while (most_runs is None or explorer.runs < most_runs) and explorer.begin():
        try:
            run_once(scenario, explorer, new_store())
        except SeenBefore:
            continue
    return explorer


def find_broken(scenario: Scenario, new_store: NewStore) -> Broken | None:
    """Return the first run in which an invariant does not hold."""
    try:
        explore(scenario, new_store)
    except Broken as broken:
        return broken
    return None


def draw(seed: int, store: Store) -> World:
    """Run a drawn scenario with drawn choices.

    :raises Broken: if an invariant does not hold.
    """
    return run_once(draw_scenario(seed), DrawnChoices(seed), store)


@contextmanager
def memory_stores() -> Generator[NewStore]:
    """Give a function that makes an empty store in memory."""
    yield MemoryStore


@contextmanager
def sqlite_stores() -> Generator[NewStore]:
    """Give a function that empties one SQLite file and returns its store."""
    in_memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=in_memory) as directory:
        path = Path(directory) / "book.db"
        store = SQLiteStore(path)
        other = sqlite3.connect(path, isolation_level=None)

        def new_store() -> Store:
            other.execute("DELETE FROM line")
            other.execute("DELETE FROM entry")
            return store

        yield new_store
        other.close()
        store.close()


STORES: Final[Mapping[str, Callable[[], AbstractContextManager[NewStore]]]] = {
    "memory": memory_stores,
    "sqlite": sqlite_stores,
}
