"""Workers are reserved for tasks that wait."""

from __future__ import annotations

from random import Random

import pytest

from reservation_core import (
    Accept,
)
from reservation_core.emulator import (
    Platform,
    StateConflict,
    TaskConflict,
)
from tests.emulator.platform.stage import WORKSPACE, Stage


def test_made_sids_come_again_only_for_a_seed() -> None:
    """None is used twice."""
    assert not {*Stage().sids} & {*Stage().sids}
    seeded = [Platform(random=Random(seed)).add_task(WORKSPACE).sid for seed in (7, 7, 8)]
    assert seeded[0] == seeded[1] != seeded[2]
    platform = Platform(random=Random(0))
    first = platform.add_task(WORKSPACE).sid
    platform._routing._random = Random(0)  # pyright: ignore[reportPrivateUsage]
    assert platform.add_task(WORKSPACE).sid != first


def test_reserve_needs_a_waiting_task_and_an_unused_sid() -> None:
    stage = Stage(2)
    platform, (first, second) = stage.platform, stage.sids
    with pytest.raises(ValueError, match="the SID is in use"):
        platform.reserve(stage.task, stage.workers[0], sid=first)
    with pytest.raises(ValueError, match="sid must be a SID"):
        platform.reserve(stage.task, stage.workers[0], sid="WR1")
    with pytest.raises(KeyError):
        platform.reserve(stage.task, f"WK{'f' * 32}")
    with pytest.raises(StateConflict):
        platform.transfer(second, stage.workers[0])
    platform.execute(first, Accept())
    platform.transfer(first, stage.workers[1])
    with pytest.raises(TaskConflict, match=r"cannot reserve a worker for task .* reserved"):
        platform.reserve(stage.task, stage.workers[0])
    platform.complete_task(stage.task)
    with pytest.raises(TaskConflict, match=r"cannot reserve a worker for task .* completed"):
        platform.reserve(stage.task, stage.workers[0])
    with pytest.raises(TaskConflict, match="cannot complete task"):
        platform.complete_task(stage.task)
