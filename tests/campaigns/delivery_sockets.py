"""Gateways over sockets for the delivery campaign."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl

from reservation_core import Request
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.gateways.settings import Credentials
from reservation_core.rest.messages import IF_MATCH
from reservation_core.testing.contract.loopback import (
    MAX_WAIT,
    Connection,
    LoopbackServer,
    response_head,
)

GATEWAYS: Final = {
    "pyreqwest": "PyreqwestGateway",
    "pyreqwest-async": "AsyncPyreqwestGateway",
    "httpx2": "Httpx2Gateway",
    "httpx2-async": "AsyncHttpx2Gateway",
    "aiohttp": "AiohttpGateway",
    "twilio": "TwilioGateway",
    "twilio-async": "AsyncTwilioGateway",
}
"""The class of each gateway. A gateway is imported when it is used."""


class SocketGateway:
    """An open gateway and its server, for one platform at a time."""

    def __init__(self, name: str, runner: asyncio.Runner) -> None:
        self.exchanges = 0
        self.server: Final = LoopbackServer(self._answer, max_connections=8)
        self.runner: Final = runner
        self.is_async: Final = GATEWAYS[name].startswith("Async") or name == "aiohttp"
        self.gateway: Final[Any] = (
            runner.run(self._opened(name)) if self.is_async else self._open(name)
        )
        self._platform = InMemoryGateway()

    def connect(self, platform: Platform) -> Any:
        """Let the server answer for a platform, and return the gateway."""
        self._platform = InMemoryGateway(platform)
        self.server.requests.clear()  # keeps the record small
        return self.gateway

    def _answer(self, connection: Connection) -> bool:
        received = connection.receive()
        self.exchanges += 1
        method, path, _ = received.line.split(" ")
        versions = [(IF_MATCH, version) for version in received.all(IF_MATCH)]
        form = parse_qsl(
            received.body.decode(), keep_blank_values=True, strict_parsing=bool(received.body)
        )
        reply = self._platform.send(Request(method, path, versions, tuple(form)))
        length = ("Content-Length", str(len(reply.body)))
        connection.write(
            response_head(f"{reply.status} -", [*reply.headers.pairs, length]) + reply.body
        )
        return True

    async def _opened(self, name: str) -> Any:
        return self._open(name)

    def _open(self, name: str) -> Any:
        library, credentials = name.removesuffix("-async"), Credentials(f"AC{'0' * 32}", "token")
        kind: Any = getattr(import_module(f"reservation_core.gateways.{library}"), GATEWAYS[name])
        if library != "twilio":
            return kind(credentials, base_url=self.server.origin, timeout=MAX_WAIT)
        http: Any = (
            import_module("twilio.http.async_http_client").AsyncTwilioHttpClient()
            if self.is_async
            else None
        )
        twilio: Any = import_module("twilio.rest")
        self._client: Any = twilio.Client(
            credentials.username, credentials.password, http_client=http, environment={"": ""}
        )
        self._client.taskrouter.base_url = self.server.origin
        return kind(self._client, timeout=MAX_WAIT)

    def close(self) -> None:
        """Close the gateway, and the client that it was given."""
        client = getattr(self, "_client", None)
        if self.is_async:
            self.runner.run(self.gateway.aclose())
            if client:
                self.runner.run(client.http_client.close())
        else:
            self.gateway.close()
            if client:
                client.http_client.session.close()


@contextmanager
def open_sockets(name: str) -> Generator[SocketGateway]:
    """Open a gateway with a server of its own."""
    with asyncio.Runner() as runner:
        sockets = SocketGateway(name, runner)
        with sockets.server:
            try:
                yield sockets
            finally:
                sockets.close()
