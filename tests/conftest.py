"""Plugins of the whole suite, and the number of its workers."""

import os
from importlib.metadata import entry_points

import pytest

OURS = "_reservation_core_plugins.pytest_plugin"
INSTALLED = any(point.value == OURS for point in entry_points(group="pytest11"))

pytest_plugins = ["pytester", *([] if INSTALLED else [OURS])]
pytest.register_assert_rewrite(
    "reservation_core.testing.contract.gateway", "reservation_core.testing.contract.book"
)


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each processor: many tests wait for a server or a process."""
    return 2 * (os.cpu_count() or 1)
