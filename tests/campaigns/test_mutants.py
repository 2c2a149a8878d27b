"""The kit finds every bug that was seeded into the example service, with its default settings, and none where there is none."""

import pytest

from tests.campaigns.mutants import MUTANTS, Found, Mutant, hunt
from tests.examples.desk import Desk


def test_there_are_enough() -> None:
    """At least twelve different bugs are seeded, each described."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
    assert all(mutant.says for mutant in MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_bug_is_found(mutant: Mutant) -> None:
    """A default run finds the bug, and says what is wrong."""
    found = hunt(mutant)
    assert found.lives is not None
    assert 1 <= found.lives <= 150  # 100 whole ones, and those that were given up
    assert "reservation" in found.how


def test_nothing_is_found_where_nothing_is() -> None:
    """The service without a bug passes the same hunt, with plain accepts and with conferences."""
    assert (
        hunt(Mutant(Desk), 15) == hunt(Mutant(Desk, connects=True), 15) == Found(None, "not found")
    )
