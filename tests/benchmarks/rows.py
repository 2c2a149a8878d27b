"""All comparisons, by row."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.benchmarks import (
    books,
    conferences,
    emulators,
    imports,
    lifecycle,
    network,
    replies,
    updates,
    webhooks,
)
from tests.benchmarks.measure import FULL, QUICK, Comparison, Effort, Result, compare

ROWS: Final[Mapping[int, Callable[[Effort], list[Comparison]]]] = {
    1: lifecycle.decide_and_renew,
    2: lifecycle.is_it_allowed,
    3: lifecycle.weight,
    4: conferences.build,
    5: conferences.encode,
    6: replies.read,
    7: updates.accept,
    8: updates.conference,
    9: network.tasks,
    10: network.threads,
    11: emulators.emulators,
    12: imports.imports,
    13: webhooks.verify,
    14: books.writers,
    15: books.pipeline,
    16: books.replay,
}


def run(
    rows: Iterable[int] = tuple(ROWS), rounds: int = 15, *, quick: bool = False
) -> list[Result]:
    """Measure the given rows.

    Setting up a row checks that both sides give equal results.

    :param quick: do only as much as shows that every comparison works.
    """
    effort = QUICK if quick else FULL
    return [compare(comparison, rounds) for row in rows for comparison in ROWS[row](effort)]
