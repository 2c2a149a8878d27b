"""World, gateways and register of the followers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    Conference,
    GatewayError,
    Policy,
    Reply,
    Request,
    Reservation,
    Status,
    fetch,
    perform,
    prepare,
)
from reservation_core.book import Book, MemoryStore
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform
from reservation_core.testing.faults import Fault, FaultKind, FaultyGateway
from reservation_core.webhooks import Verifier
from tests.book.scenario import pending
from tests.webhooks.examples import TOKEN

NO_WAIT: Final = Policy(backoff=0.0)
SID: Final = str(pending(0).sid)
CONFERENCE: Final = Conference(to="client:alice")
VERIFIER: Final = Verifier(TOKEN)

Follower = Callable[[], str]
FOLLOWERS: Final[dict[str, Follower]] = {}

STATEMENTS: Final = {
    "{} {}",
    "{} must be a number of seconds from 0.001 to {}",
    "{} must be a whole number from 1 to {}",
    "none of {} connections to {} became free in time",
    "no connection to {}: {}",
    "{} must be True or False, not {}",
    "{} cannot be sent:",
    "the address has no valid {}. {}",
    "{} is refused while {}: {}.",
    "No command is allowed any more: {} is terminal.",
    "no command sets it: a reservation begins with it",
    "it is chosen by the class of the command",
    "a URL is not a text",
    "the payload cannot be read",
    " as {}",
    "{} (checked against the URL {})",
    "The platform sends the host of its configured URL, and nothing else.",
    "If it is the platform's, it sends it again: its connection broke off.",
    "Let the server refuse such a request, as HTTP demands.",
    ". If it is pending, it may be on hold",
    "The reservation may be on hold. ",
}
"""Texts without a remedy, or with one for the platform or the server."""


def follows(*texts: str) -> Callable[[Follower], Follower]:
    """Register the follower of some texts."""

    def register(follower: Follower) -> Follower:
        FOLLOWERS.update(dict.fromkeys(texts, follower))
        return follower

    return register


def text_of(kind: type[Exception], ask: Callable[[], object]) -> str:
    """Return the text of the error that is raised."""
    return str(error_of(kind, ask))


def error_of(kind: type[Exception], ask: Callable[[], object]) -> Any:
    with pytest.raises(kind) as caught:
        ask()
    return caught.value


class World:
    """A platform with one reservation, as the caller holds it."""

    def __init__(self, *faults: Fault, status: Status = Status.PENDING) -> None:
        self.platform = Platform(ManualClock())
        self.held = self.platform.add(attrs.evolve(pending(0), status=status))
        self.gateway = FaultyGateway(InMemoryGateway(self.platform), faults, platform=self.platform)

    def perform(self, command: Command, **more: Any) -> Reservation:
        given: dict[str, Any] = {"policy": NO_WAIT, **more}
        return perform(self.held, command, self.gateway, **given)

    def fetch(self) -> Reservation:
        return fetch(self.held, self.gateway)

    def book(self) -> Book:
        book = Book(MemoryStore(), sleep=lambda _: None)
        book.record(self.held)
        return book

    @property
    def status(self) -> Status:
        return self.platform.get(SID).status


def times(kind: FaultKind, count: int) -> Fault:
    return Fault(kind, times=count)


def cast_any(value: object) -> Any:
    return value


def world_path(world: World) -> str:
    return prepare(world.held, Accept()).path


class LoopGateway:
    """Gateway for an event loop."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def asend(self, request: Request) -> Reply:
        return self._world.gateway.send(request)


class Answering:
    """Gateway that gives one reply."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def send(self, request: Request) -> Reply:
        assert request.path
        return self._reply


class Scripted:
    """Gateway that gives its replies in order."""

    def __init__(self, *replies: Reply | GatewayError) -> None:
        self._replies = list(replies)

    def send(self, request: Request) -> Reply:
        assert request.path
        reply = self._replies.pop(0)
        if isinstance(reply, GatewayError):
            raise reply
        return reply


def shows(held: Reservation, status: str) -> bytes:
    return f'{{"reservation_status": "{status}", "sid": "{held.sid}"}}'.encode()
