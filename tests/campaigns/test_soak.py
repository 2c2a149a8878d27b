"""The soak does what it says; the long one is run by hand (see :mod:`tests.campaigns.soak`)."""

from __future__ import annotations

import pytest

from tests.campaigns import soak


@pytest.mark.parametrize("run", [soak.in_process, soak.over_http])
def test_what_is_held_stays_bounded(run: soak.Run) -> None:
    """After many lives only those are held whose tasks have ended within the last five minutes, in process and over HTTP."""
    soaked = run(1200)
    assert len(soaked.sizes) == soak.TENTHS
    assert soaked.held <= 300 + soak.IN_FLIGHT


def test_growth_is_noticed() -> None:
    """A memory that grows by more than a tenth after the first tenth is not flat."""
    assert soak.Soaked(1, 1.0, (100.0, 109.0, 90.0), 0).is_flat
    assert not soak.Soaked(1, 1.0, (100.0, 101.0, 111.0), 0).is_flat
