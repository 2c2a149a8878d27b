"""Errors of the platform name what was refused, and can be pickled."""

from __future__ import annotations

import pickle

from reservation_core import (
    ReservationError,
    Status,
)
from reservation_core.emulator import (
    StateConflict,
    TaskConflict,
    TaskStatus,
    UnmetPrecondition,
)
from tests.emulator.platform.stage import HEX


def test_errors_name_their_subject_and_can_be_pickled() -> None:
    errors: list[ReservationError] = [
        StateConflict(f"WR{HEX}", Status.PENDING, "wrap"),
        TaskConflict(f"WT{HEX}", TaskStatus.ASSIGNED, "cancel"),
        UnmetPrecondition(f"WR{HEX}", "dequeue", 40140, "The task's attributes have no call_sid"),
    ]
    words = [
        (f"WR{HEX}", "pending", "wrap"),
        (f"WT{HEX}", "assigned", "cancel"),
        (f"WR{HEX}", "dequeue", "40140", "call_sid"),
    ]
    for error, parts in zip(errors, words, strict=True):
        assert pickle.loads(pickle.dumps(error)) == error
        assert all(word in str(error) for word in parts)
