"""The platform's double: reservations that live by the same lifecycle, behind the same address."""

from reservation_core.emulator.answers import Alert
from reservation_core.emulator.callbacks import Callbacks
from reservation_core.emulator.clock import Clock, HandClock, RealClock
from reservation_core.emulator.notices import Notice, Notices, Sent
from reservation_core.emulator.platform import Platform
from reservation_core.emulator.routes import InMemoryGateway
from reservation_core.emulator.settings import Settings
from reservation_core.emulator.world import (
    Act,
    Changes,
    Held,
    Precondition,
    Snapshot,
    StateConflict,
    Task,
    TaskConflict,
    TaskStatus,
    Worker,
)

__all__ = [
    "Act",
    "Alert",
    "Callbacks",
    "Changes",
    "Clock",
    "HandClock",
    "Held",
    "InMemoryGateway",
    "Notice",
    "Notices",
    "Platform",
    "Precondition",
    "RealClock",
    "Sent",
    "Settings",
    "Snapshot",
    "StateConflict",
    "Task",
    "TaskConflict",
    "TaskStatus",
    "Worker",
]
