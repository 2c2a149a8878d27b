"""Callback URLs, a small world with a queue, and helpers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

from reservation_core.emulator import (
    Callback,
    CallbackQueue,
    CallbackSettings,
    ManualClock,
    Platform,
    Settings,
)
from reservation_core.emulator.callbacks.dispatcher import CallbackDispatcher
from reservation_core.emulator.callbacks.model import CallbackKind
from tests.emulator.receiver import Receiver
from tests.emulator.worlds import World, people

ASSIGNMENT_URL: Final = "https://example.com/assign?team=a"
FALLBACK_URL: Final = "https://example.com/fallback"
EVENT_URL: Final = "https://example.com/events"
TOKEN: Final = "12345"
URL: Final = "https://example.com/twiml"
NUMBER: Final = "+15005550006"


ALL_URLS: Final = CallbackSettings(
    assignment_url=ASSIGNMENT_URL, fallback_url=FALLBACK_URL, event_url=EVENT_URL, auth_token=TOKEN
)


Connect: TypeAlias = Callable[..., socket.socket]
"""Signature of ``socket.create_connection``."""


class CallbackScene:
    """A small world with a queue of its callbacks."""

    def __init__(
        self, callbacks: CallbackSettings = ALL_URLS, settings: Settings | None = None
    ) -> None:
        world = people(Platform(ManualClock(), settings=settings or Settings()))
        self.platform, self.reserve, self.sid = world.platform, world.reserve, world.sid
        self.queue = CallbackQueue(self.platform, callbacks)

    def take_assignment(self) -> Callback:
        """Reserve a worker, return its assignment callback and drop the event."""
        self.reserve()
        return next(
            callback for callback in self.queue.take() if callback.kind is CallbackKind.ASSIGNMENT
        )

    def events(self) -> list[str]:
        """Take all callbacks and return the types of the events."""
        return [callback.event for callback in self.queue.take() if callback.event is not None]


def only_alert_code(scene: CallbackScene) -> int | None:
    (alert,) = scene.queue.alerts
    return alert.code


def world_with_timeout(seconds: float) -> World:
    return people(Platform(ManualClock(), settings=Settings(callback_timeout=seconds)))


def all_callbacks(receiver: Receiver) -> CallbackSettings:
    url = receiver.url
    return CallbackSettings(
        assignment_url=f"{url}/assign",
        fallback_url=f"{url}/fallback",
        event_url=f"{url}/events",
        auth_token=TOKEN,
    )


def outcomes(
    dispatcher: CallbackDispatcher, kind: CallbackKind = CallbackKind.ASSIGNMENT
) -> list[str]:
    return [sent.outcome for sent in dispatcher.queue.sent if sent.callback.kind is kind]


def dispatcher_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("emulator: ")]


def without_events(callbacks: CallbackSettings) -> CallbackSettings:
    return CallbackSettings(
        assignment_url=callbacks.assignment_url,
        fallback_url=callbacks.fallback_url,
        auth_token=callbacks.auth_token,
    )
