"""A short soak. The long one is run by hand (see :mod:`tests.campaigns.soak`)."""

from __future__ import annotations

import pytest

from tests.campaigns import soak

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", [soak.soak_in_process, soak.soak_over_http])
def test_soak_stores_only_recent_reservations(run: soak.Soak) -> None:
    """A reservation is deleted five minutes after its task has ended."""
    result = run(1200)
    assert len(result.sizes) == soak.TENTHS
    assert result.stored <= 300 + soak.IN_FLIGHT


def test_growth_of_more_than_a_tenth_is_not_flat() -> None:
    assert soak.SoakResult(1, 1.0, (100.0, 109.0, 90.0), 0).is_flat
    assert not soak.SoakResult(1, 1.0, (100.0, 101.0, 111.0), 0).is_flat
