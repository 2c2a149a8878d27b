"""A short campaign of interrupts. The long one is run by hand."""

from __future__ import annotations

import subprocess

import pytest

from tests.campaigns import interrupts

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", interrupts.THREAD_GATEWAYS)
def test_interrupts_take_no_place_of_a_gateway_for_threads(name: str) -> None:
    result = interrupts.run_apart(name, 100, 1, 60)
    assert result.lost == 0
    assert result.interrupts == 100
    assert result.others > 0


@pytest.mark.parametrize("name", interrupts.ASYNCIO_GATEWAYS)
def test_cancellations_take_no_place_of_a_gateway_for_asyncio(name: str) -> None:
    result = interrupts.interrupt_gateway(name, 100, 1)
    assert result.lost == 0
    assert result.interrupts == 100
    assert result.others > 0


def test_gateway_that_hangs_is_reported() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        interrupts.run_apart("httpx2", 100, 1, 0.01)
