"""Tests of connections and replies of aiohttp that are guarded."""

import asyncio
import functools
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import http_parser
from aiohttp.client_proto import ResponseHandler

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.aiohttp_connections import (
    UnaskedReplyError,
    guard_connector,
    is_between_replies,
)
from reservation_core.gateways.sockets import is_readable
from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import (
    Connection,
    LoopbackServer,
    json_response,
    raw_response,
    response_head,
)

REPLY = response_head(headers=[("Content-Length", "2")]) + b"{}"

PARSERS = [
    http_parser.HttpResponseParserPy,
    pytest.param(
        http_parser.HttpResponseParser,
        marks=pytest.mark.skipif(
            http_parser.HttpResponseParser is http_parser.HttpResponseParserPy,
            reason="aiohttp was installed without its extension in C",
        ),
    ),
]


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (REPLY, True),
        (REPLY + b"H", False),
        (REPLY + REPLY[:20], False),
        (REPLY[:-1], False),
        (REPLY + b"HTTP/1.1 200 OK\r\n", False),
    ],
)
def test_parser_is_between_replies_only_after_a_whole_one(
    kind: Callable[..., Any], received: bytes, *, expected: bool
) -> None:
    async def run() -> bool:
        loop = asyncio.get_running_loop()
        parser = kind(ResponseHandler(loop), loop, 2**16)
        parser.feed_data(received)
        return is_between_replies(parser)

    assert asyncio.run(run()) is expected


@pytest.mark.parametrize("parser", [None, object()])
def test_unknown_parser_is_not_between_replies(parser: object) -> None:
    assert not is_between_replies(parser)


def test_socket_is_readable_once_bytes_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not is_readable(here.fileno())
        there.send(b"x")
        assert is_readable(here.fileno())
        monkeypatch.delattr(select, "poll", raising=False)
        assert is_readable(here.fileno())
        assert not is_readable(there.fileno())


def test_guard_is_put_on_once() -> None:
    async def run() -> None:
        async with aiohttp.TCPConnector() as connector:
            guard_connector(connector)
            guarded = connector.connect
            guard_connector(connector)
            assert connector.connect is guarded

    asyncio.run(run())


def early(write: Callable[[Connection], None]) -> LoopbackServer:
    """Return a server that acts before it reads the request."""

    class Early(LoopbackServer):
        def _serve(self, connection: Connection) -> None:
            write(connection)
            super()._serve(connection)

    return Early(json_response(b"next"))


@pytest.mark.parametrize(
    "write",
    [functools.partial(Connection.write, raw=REPLY), Connection.shut_down],
    ids=["reply", "end"],
)
def test_bytes_on_a_new_connection_are_not_sent(
    write: Callable[[Connection], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, is_written = aiohttp.TCPConnector.connect, threading.Event()

    def act(connection: Connection) -> None:
        write(connection)
        is_written.set()

    async def connect_slowly(*given: Any, **named: Any) -> Any:
        connection = await connect(*given, **named)
        assert await asyncio.to_thread(is_written.wait, 5)
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect_slowly)

    async def run(origin: str) -> None:
        async with AiohttpGateway(CREDENTIALS, base_url=origin) as gateway:
            with pytest.raises(NotSent, match="did not wait for the request"):
                await gateway.asend(update_request())

    with early(act) as server:
        asyncio.run(run(server.origin))
    assert server.requests == []


def test_connection_that_is_lost_while_it_is_taken_is_not_sent() -> None:
    class Lost:
        transport = None
        protocol = None
        is_closed = False

        async def connect(self, _request: object) -> "Lost":
            return self

        def close(self) -> None:
            self.is_closed = True

    async def run() -> None:
        connector: Any = Lost()
        guard_connector(connector)
        with pytest.raises(UnaskedReplyError):
            await connector.connect(None)
        assert connector.is_closed

    asyncio.run(run())


def test_flow_control_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("pause_writing", "resume_writing"):

        def record(_self: object, name: str = name) -> None:
            calls.append(name)

        monkeypatch.setattr(ResponseHandler, name, record)

    async def run(origin: str) -> None:
        async with aiohttp.TCPConnector() as connector:
            guard_connector(connector)
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.get(origin) as response,
            ):
                transport = response.connection and response.connection.transport
                assert transport is not None
                protocol: Any = transport.get_protocol()
                protocol.pause_writing()
                protocol.resume_writing()

    with LoopbackServer(raw_response(REPLY[:-1], keep=True)) as server:
        asyncio.run(run(server.origin))
    assert calls == ["pause_writing", "resume_writing"]


def test_bytes_close_an_idle_connection_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transports: list[Any] = []

    async def run(origin: str) -> None:
        async with aiohttp.TCPConnector() as connector:
            guard_connector(connector)
            connect = connector.connect

            async def connect_and_note(*given: Any, **named: Any) -> Any:
                connection = await connect(*given, **named)
                transports.append(connection.transport)
                return connection

            monkeypatch.setattr(connector, "connect", connect_and_note)
            async with aiohttp.ClientSession(connector=connector) as session:
                async with session.get(origin) as response:
                    await response.read()
                (transport,) = transports
                assert not transport.is_closing()
                transport.get_protocol().data_received(b"H")
                assert transport.is_closing()

    with LoopbackServer() as server:
        asyncio.run(run(server.origin))
