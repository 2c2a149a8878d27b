"""The emulated platform: reservations that live by the same lifecycle, behind the same address."""

from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks.model import Callback, CallbackAlert, SentCallback
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.platform.clock import Clock, ManualClock, RealClock
from reservation_core.emulator.platform.errors import StateConflict, TaskConflict, UnmetPrecondition
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    Snapshot,
    StoredReservation,
    Task,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings

__all__ = [
    "Callback",
    "CallbackAlert",
    "CallbackQueue",
    "CallbackSettings",
    "Changes",
    "Clock",
    "InMemoryGateway",
    "JournalEntry",
    "ManualClock",
    "Platform",
    "RealClock",
    "SentCallback",
    "Settings",
    "Snapshot",
    "StateConflict",
    "StoredReservation",
    "Task",
    "TaskConflict",
    "TaskStatus",
    "UnmetPrecondition",
    "Worker",
]
