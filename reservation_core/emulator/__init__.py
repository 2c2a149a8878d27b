"""The platform's double: reservations that live by the same lifecycle, behind the same address."""

from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks.answers import CallbackAlert
from reservation_core.emulator.callbacks.queue import Callback, CallbackQueue, SentCallback
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.platform.clock import Clock, ManualClock, RealClock
from reservation_core.emulator.platform.model import (
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
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings

__all__ = [
    "Act",
    "Callback",
    "CallbackAlert",
    "CallbackQueue",
    "CallbackSettings",
    "Changes",
    "Clock",
    "Held",
    "InMemoryGateway",
    "ManualClock",
    "Platform",
    "Precondition",
    "RealClock",
    "SentCallback",
    "Settings",
    "Snapshot",
    "StateConflict",
    "Task",
    "TaskConflict",
    "TaskStatus",
    "Worker",
]
