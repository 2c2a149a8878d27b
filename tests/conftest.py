"""Plugins of the whole suite: pytester, and ours where no entry point loads it."""

from importlib.metadata import entry_points

import pytest

OURS = "_reservation_core_plugins.pytest_plugin"
INSTALLED = any(point.value == OURS for point in entry_points(group="pytest11"))

pytest_plugins = ["pytester", *([] if INSTALLED else [OURS])]
pytest.register_assert_rewrite(
    "reservation_core.testing.contract.gateway", "reservation_core.testing.contract.book"
)
