"""Plugins, hypothesis profile and number of workers of the whole suite."""

import os
from importlib.metadata import entry_points

import pytest
from hypothesis import HealthCheck, settings

OURS = "_reservation_core_plugins.pytest_plugin"
INSTALLED = any(point.value == OURS for point in entry_points(group="pytest11"))

pytest_plugins = ["pytester", *([] if INSTALLED else [OURS])]
pytest.register_assert_rewrite(
    "reservation_core.testing.contract.gateway", "reservation_core.testing.contract.book"
)
# The time that an example takes is the machine's, not the code's.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each processor: many tests wait for a server or a process."""
    return 2 * (os.cpu_count() or 1)
