"""Requests and replies as ASGI messages, without a server."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Scope

from reservation_core.emulator import InMemoryGateway
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.http import asgi_messages
from reservation_core.emulator.http.asgi import EmulatorApplication
from reservation_core.emulator.http.sites import Sites
from tests.emulator import worlds
from tests.emulator.http.helpers import ACCEPT
from tests.emulator.worlds import World


def make_application(world: World) -> EmulatorApplication:
    faults = FaultPlan()
    gateway, control = InMemoryGateway(world.platform), Control(world.platform, faults)
    return EmulatorApplication(gateway, control, faults, Sites("http://127.0.0.1:80", "127.0.0.1"))


def make_scope(method: str, path: str, host: str = "localhost") -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "http_version": "1.1",
        "client": None,
    }


def run_without_server(
    world: World, method: str, path: str, *messages: Message, host: str = "localhost"
) -> list[Message]:
    incoming = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(make_application(world)(make_scope(method, path, host), receive, send))
    return sent


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("path", ["", "/_emulator/clock"])
def test_body_in_parts_is_read(world: World, path: str) -> None:
    body = ACCEPT.encode() if not path else b'{"seconds": 1}'
    start, end = run_without_server(
        world,
        "POST",
        path or worlds.path(world.sid()),
        part(body[:5], more=True),
        part(body[5:], more=False),
    )
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(end["body"])


@pytest.mark.parametrize(
    "rest",
    [
        [part(b"b", more=True), part(b"c", more=True), part(b"d", more=False)],
        [part(b"b", more=True), {"type": "http.disconnect"}],
        [part(b"b", more=False)],
    ],
)
def test_too_long_body_is_refused_early(world: World, rest: list[Message]) -> None:
    """Its rest is dropped before the connection is closed."""
    limit = world.platform.settings.max_body_bytes
    path = worlds.path(world.sid())
    start, *body = run_without_server(world, "POST", path, part(b"a" * limit, more=True), *rest)
    assert (start["status"], dict(start["headers"])[b"connection"]) == (413, b"close")
    assert b"bytes" in body[0]["body"]
    assert [each.get("more_body", False) for each in body] == [True, False][-len(body) :]


def test_rest_of_a_too_long_body_is_awaited_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi_messages, "LINGER_SECONDS", 0.01)
    limit, sent = world.platform.settings.max_body_bytes, list[Message]()
    messages = [part(b"a" * limit, more=True), part(b"b", more=True)]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = make_scope("POST", worlds.path(world.sid()))
    asyncio.run(make_application(world)(scope, receive, send))
    assert [each.get("status") for each in sent] == [413, None, None]


@pytest.mark.parametrize("path", [worlds.path("WR" + "9" * 32), "/_emulator/reset"])
@pytest.mark.parametrize("first_messages", [[], [part(b"Reser", more=True)]])
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_disconnected_client_gets_no_reply(
    world: World, path: str, first_messages: list[Message], host: str
) -> None:
    messages = (*first_messages, {"type": "http.disconnect"})
    assert run_without_server(world, "POST", path, *messages, host=host) == []
    assert world.platform.workers()


def test_cancellation_is_not_hidden_before_the_end(world: World) -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        return {}

    async def send(_: Message) -> None:
        raise AssertionError

    async def cancel(*, stops: bool) -> bool:
        application = make_application(world)
        scope = make_scope("POST", worlds.path())
        task = asyncio.ensure_future(application(scope, receive, send))
        await asyncio.sleep(0)
        if stops:
            application.stop()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancel(stops=False))
    assert not asyncio.run(cancel(stops=True))
