"""The log of exchanges, with the reason of each refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.api.exchange_log import (
    MAX_EXCHANGES,
    ExchangeLog,
    LoggedExchange,
    RawRequest,
)
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.platform.settings import EmptyUpdate, SystemStatus
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from tests.emulator import worlds
from tests.emulator.worlds import WORKSPACE, World


def log_exchange(
    world: World, target: str, body: str = "", headers: Mapping[str, str] | None = None
) -> LoggedExchange:
    exchanges = ExchangeLog(world.platform)
    request = RawRequest(
        "POST",
        target,
        tuple({"Content-Type": FORM_CONTENT_TYPE, **(headers or {})}.items()),
        body.encode(),
    )
    reply = InMemoryGateway(world.platform).receive(*request)
    exchanges.add(7, world.platform.now(), request, reply, 0.001)
    (exchange,) = exchanges.since(0)
    assert (exchange.number, exchange.after, exchange.at, exchange.status) == (
        1,
        7,
        world.platform.now(),
        reply.status,
    )
    return exchange


def test_logged_exchange_hides_personal_data(world: World) -> None:
    sid = world.sid()
    exchange = log_exchange(
        world,
        worlds.path(sid),
        "Instruction=conference&From=%2B15005550006&To=client:alice&Timeout=20",
        {"Authorization": "Basic c2VjcmV0"},
    )
    assert exchange.request == "Conference(to=<personal>, from_=<personal>, timeout=20)"
    assert (exchange.status, exchange.reply, exchange.sid, exchange.reason) == (
        200,
        "200 pending, version 1",
        sid,
        "",
    )
    assert not any(word in repr(exchange) for word in ("5005550006", "alice", "c2VjcmV0"))


REFUSED_REQUESTS: Final[Mapping[str, tuple[str, dict[str, str], str, str]]] = {
    "no step": (
        "ReservationStatus=wrapping",
        {},
        "Wrap()",
        "wrap is refused while pending: only accepted work can be wrapped up",
    ),
    "stale": (
        "ReservationStatus=accepted",
        {"If-Match": "9"},
        "Accept()",
        "If-Match asked for version '9', but the",
    ),
    "invalid": (
        "Instruction=conference&Timeout=x",
        {},
        "conference",
        "Conference cannot be sent:\n  Timeout = 'x': must be",
    ),
    "unreadable": ("ReservationStatus=%ff", {}, "neither status nor instruction", ""),
    "lacking": ("Instruction=dequeue", {}, "Dequeue()", ""),
    "no form": ("ReservationStatus=accepted", {"Content-Type": "text/plain"}, "Accept()", ""),
}

"""Form, headers, description, and begin of the reason (empty if the reply says all)."""


@pytest.mark.parametrize(
    ("body", "headers", "described", "text"), REFUSED_REQUESTS.values(), ids=REFUSED_REQUESTS
)
def test_refused_request_has_a_reason(
    world: World, body: str, headers: dict[str, str], described: str, text: str
) -> None:
    worker = world.platform.add_worker(WORKSPACE)
    exchange = log_exchange(world, worlds.path(world.sid(worker.sid)), body, headers)
    assert exchange.status is not None
    assert exchange.status >= 400
    assert exchange.request == described
    assert exchange.reason.startswith(text)
    assert bool(exchange.reason) is bool(text)


def test_impossible_status_has_a_reason() -> None:
    settings = Settings(system_status=SystemStatus.CARRIED_OUT, neither_given=EmptyUpdate.UNCHANGED)
    world = worlds.people(Platform(ManualClock(), settings=settings))
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    exchange = log_exchange(world, worlds.path(sid), "ReservationStatus=timeout")
    assert (exchange.request, exchange.reason) == (
        "timeout",
        "The status timeout is not a step of the lifecycle from accepted.",
    )
    assert log_exchange(world, worlds.path(sid), "X=1").request == "neither status nor instruction"
    assert log_exchange(world, worlds.path(sid), "X=1", {"Content-Type": "text/plain"}).reason == ""


def test_unknown_address_has_a_reason(world: World) -> None:
    exchange = log_exchange(world, worlds.path("WR" + worlds.ZEROS), "ReservationStatus=accepted")
    assert (exchange.status, exchange.sid) == (404, "WR" + worlds.ZEROS)
    assert exchange.reason.startswith("There is no reservation at this address. Check ")
    assert log_exchange(world, "/v1/Nowhere").sid is None


def test_log_keeps_the_last_exchanges(world: World) -> None:
    exchanges = ExchangeLog(world.platform)
    request = RawRequest("GET", worlds.path(), (), b"")
    for _ in range(MAX_EXCHANGES + 2):
        exchanges.add(0, world.platform.now(), request, None, 0.0, "reset before acting")
    assert [exchange.number for exchange in exchanges.since(0)] == [*range(3, MAX_EXCHANGES + 3)]
    (last,) = exchanges.since(MAX_EXCHANGES + 1)
    assert (last.status, last.reply, last.fault, last.reason) == (
        None,
        "no reply",
        "reset before acting",
        "An injected fault: reset before acting.",
    )
    assert exchanges.last_number == MAX_EXCHANGES + 2


def test_repr_of_a_raw_request_shows_no_secret() -> None:
    headers = (("Authorization", "Basic c2VjcmV0"),)
    request = RawRequest("POST", "/v1?From=%2B15005550006", headers, b"From=%2B15005550006")
    assert repr(request) == "RawRequest(method='POST', 19 bytes)"
