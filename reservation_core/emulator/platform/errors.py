"""Errors of the emulated platform."""

from __future__ import annotations

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import State
from reservation_core.emulator.platform.model import TaskStatus


class StorageFailure(ReservationError):
    """A transaction cannot be stored, such as on a full disk. Nothing has changed."""


@attrs.frozen(slots=False)
class StateConflict(ReservationError):
    """A command or fact is not a step from the reservation's state."""

    sid: str
    state: State
    trigger: str

    def __str__(self) -> str:
        """Name the trigger, the reservation and its state."""
        return f"cannot apply {self.trigger} to reservation {self.sid}: it is {self.state}"


@attrs.frozen(slots=False)
class TaskConflict(ReservationError):
    """An action is not possible in the task's status."""

    sid: str
    status: TaskStatus
    action: str

    def __str__(self) -> str:
        """Name the action, the task and its status."""
        return f"cannot {self.action} task {self.sid}: it is {self.status}"


@attrs.frozen(slots=False)
class UnmetPrecondition(ReservationError):
    """A command does not fit the task, the worker or the call.

    ``code`` is the platform's error number.
    """

    sid: str
    trigger: str
    code: int
    message: str

    def __str__(self) -> str:
        """Name the command, the reservation, the problem and the platform's error number."""
        return (
            f"cannot apply {self.trigger} to reservation {self.sid} ({self.code}): {self.message}"
        )
