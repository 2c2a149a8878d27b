"""Invalid SIDs, timeouts and attributes are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import pytest

from reservation_core.emulator import (
    Platform,
)
from tests.emulator.platform.stage import HEX, WORKSPACE

INVALID: Final[list[tuple[Callable[[Platform], object], str]]] = [
    (lambda p: p.add_task("WS1"), "workspace_sid must be a SID"),
    (lambda p: p.add_task(WORKSPACE, sid="WT1"), "task_sid must be a SID"),
    (lambda p: p.add_worker("x"), "workspace_sid must be a SID"),
    (lambda p: p.add_worker(WORKSPACE, sid=f"WT{HEX}"), "worker_sid must be a SID"),
    (
        lambda p: p.add_worker(WORKSPACE, attributes=cast("dict[str, object]", [1])),
        "attributes must be a JSON object",
    ),
    (
        lambda p: p.add_worker(WORKSPACE, attributes={"a": object()}),
        "attributes must be a JSON object",
    ),
    (lambda p: p.add_task(WORKSPACE, attributes={"a": float("nan")}), "JSON"),
    (lambda p: p.add_task(WORKSPACE, reservation_timeout=0), "from 1 to 86400"),
    (lambda p: p.add_task(WORKSPACE, sid=p.add_task(WORKSPACE).sid), "the SID is in use"),
]


@pytest.mark.parametrize(("add", "message"), INVALID)
def test_invalid_values_are_refused(add: Callable[[Platform], object], message: str) -> None:
    platform = Platform()
    with pytest.raises(ValueError, match=message):
        add(platform)
    assert len(platform.tasks()) + len(platform.workers()) <= 1
