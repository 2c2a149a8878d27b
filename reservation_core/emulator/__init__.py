"""Emulator of the platform: in process as a gateway, or over HTTP.

Reservations follow the same lifecycle, with time-outs, siblings, transfers and callbacks. What no
source settles is a setting. The room does not know delivery, the book or the test kit.

* ``platform``: workers, tasks, reservations and time. No I/O.
* ``api``: the emulated REST API, as :class:`InMemoryGateway`.
* ``callbacks``: assignment and event callbacks.
* ``offers``: the small routing of tasks to available workers.
* ``resources``: the resources of a workspace in the emulated API, and their gateway.
* ``control``: JSON routes and a page that steer the emulator.
* ``http``: the ASGI application. ``server`` runs it.
* ``state_file``: a file that stores the platform's state.
* ``faults``: fault injection. ``documents``: JSON documents.
"""

from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.callbacks.model import Callback, CallbackAlert, SentCallback
from reservation_core.emulator.callbacks.queue import CallbackQueue
from reservation_core.emulator.callbacks.settings import CallbackSettings
from reservation_core.emulator.platform.clock import Clock, ManualClock, RealClock
from reservation_core.emulator.platform.errors import StateConflict, TaskConflict, UnmetPrecondition
from reservation_core.emulator.platform.model import (
    Changes,
    JournalEntry,
    Record,
    ResourceEvent,
    ResourceEventType,
    Snapshot,
    StoredReservation,
    Task,
    TaskOrder,
    TaskStatus,
    Worker,
)
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.emulator.platform.settings_file import SettingsFileError

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
    "Record",
    "ResourceEvent",
    "ResourceEventType",
    "SentCallback",
    "Settings",
    "SettingsFileError",
    "Snapshot",
    "StateConflict",
    "StoredReservation",
    "Task",
    "TaskConflict",
    "TaskOrder",
    "TaskStatus",
    "UnmetPrecondition",
    "Worker",
]
