"""The seeds of the fuzzing raise no foreign exception in any reader."""

from __future__ import annotations

import pytest

from tests.campaigns.readers import READERS, read, read_by_first_byte
from tests.fuzz.seeds import SEEDS


@pytest.mark.parametrize("name", READERS)
def test_seed_raises_no_foreign_exception(name: str) -> None:
    for seed in SEEDS:
        read(READERS[name], seed)


def test_first_byte_chooses_the_reader() -> None:
    readers = [*READERS]
    form = b"ReservationStatus=accepted"
    assert repr(read_by_first_byte(bytes([readers.index("from_form")]) + form)) == "Accept()"
    assert read_by_first_byte(b"") is None
