import pytest

from tests.campaigns.mutants import MUTANTS, Found, Mutant, hunt
from tests.examples.desk import Desk

pytestmark = pytest.mark.slow


def test_mutants_are_distinct_and_described() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
    assert all(mutant.description for mutant in MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_default_settings_find_each_mutant(mutant: Mutant) -> None:
    found = hunt(mutant)
    assert found.run is not None
    assert 1 <= found.run <= 150  # 100 whole runs, and those that hypothesis discards
    assert "reservation" in found.message


@pytest.mark.parametrize("connects", [False, True])
def test_service_without_a_bug_passes_the_hunt(*, connects: bool) -> None:
    assert hunt(Mutant(Desk, connects=connects), 15) == Found(None, "not found")
