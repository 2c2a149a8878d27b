"""The seeds of the fuzzing raise no foreign exception in any reader."""

from __future__ import annotations

import pytest

from tests.campaigns.readers import READERS, read
from tests.fuzz.seeds import SEEDS


@pytest.mark.parametrize("name", READERS)
def test_seed_raises_no_foreign_exception(name: str) -> None:
    for seed in SEEDS:
        read(READERS[name], seed)
