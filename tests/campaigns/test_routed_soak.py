"""A short soak of routed tasks. The long one is run by hand: :mod:`tests.campaigns.routed_soak`."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from tests.campaigns.routed_soak import WORKERS, RoutedSoakResult, soak
from tests.campaigns.soak import TENTHS

pytestmark = pytest.mark.slow


def test_routed_soak_ends_every_task_and_stores_recent_ones_only() -> None:
    """A task is deleted five minutes after its end. A time-out delays a task by seconds."""
    tasks = 1000
    result = soak(tasks)
    assert (len(result.sizes), len(result.costs)) == (TENTHS, TENTHS)
    assert result.stored <= 300 + WORKERS
    done = result.statuses["completed"]
    assert tasks - WORKERS <= done == result.statuses["accepted"] <= tasks
    # Of seven offers one is rejected, of eleven one times out, and 77 are both: that is a time-out.
    offers = result.statuses["pending"]
    assert result.statuses["rejected"] == offers // 7 - offers // 77
    assert offers // 11 - WORKERS <= result.statuses["timeout"] <= offers // 11


def test_growth_of_memory_or_cost_is_not_flat() -> None:
    flat = RoutedSoakResult(1, (100.0, 120.0), (50.0, 54.0), 0, Counter())
    assert flat.is_flat
    assert not attrs.evolve(flat, costs=(100.0, 126.0)).is_flat
    assert not attrs.evolve(flat, sizes=(50.0, 56.0)).is_flat
