"""Canaries in gateways: credentials, what is sent, and errors of HTTP clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from twilio.http.http_client import TwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import GatewayError, prepare
from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.base import AsyncioGatewayBase
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import ConfigurationError, Credentials, default_base_url
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from reservation_core.testing.contract.loopback import (
    LoopbackServer,
    Responder,
    closed_port,
    json_response,
    no_response,
    raw_response,
)
from tests.gateways.twilio_clients import AsyncOwningGateway, OwningGateway, make_async_http_client
from tests.project.secrecy.canaries import CREDENTIALS, NAME, PASSWORD, PHONE, TOKEN, Case
from tests.project.secrecy.commands import CONFERENCE, RESERVATION

_TIMEOUT: Final = 0.1
REQUEST: Final = prepare(RESERVATION, CONFERENCE)
OpenGateway: TypeAlias = (
    PyreqwestGateway
    | AsyncPyreqwestGateway
    | Httpx2Gateway
    | AsyncHttpx2Gateway
    | AiohttpGateway
    | TwilioGateway
    | AsyncTwilioGateway
)
MakeGateway: TypeAlias = Callable[[str], OpenGateway]


def _make(kind: Callable[..., OpenGateway], origin: str) -> OpenGateway:
    return kind(CREDENTIALS, base_url=origin, timeout=_TIMEOUT, max_reply_bytes=200)


def _client(origin: str, http_client: Any) -> Any:
    client: Any = Client(CREDENTIALS.username, PASSWORD, http_client=http_client)
    client.taskrouter.base_url = origin
    return client


def _twilio(origin: str) -> TwilioGateway:
    return OwningGateway(_client(origin, TwilioHttpClient()), timeout=_TIMEOUT)


def _async_twilio(origin: str) -> AsyncTwilioGateway:
    http_client = make_async_http_client()
    return AsyncOwningGateway(_client(origin, http_client), timeout=_TIMEOUT)


_GATEWAYS: Final[Mapping[str, MakeGateway]] = {
    **{
        kind.__name__: partial(_make, kind)
        for kind in (
            PyreqwestGateway,
            AsyncPyreqwestGateway,
            Httpx2Gateway,
            AsyncHttpx2Gateway,
            AiohttpGateway,
        )
    },
    "TwilioGateway": _twilio,
    "AsyncTwilioGateway": _async_twilio,
}
_ANSWERS: Final[Mapping[str, Responder]] = {
    "no reply": no_response(),
    "a truncated reply": raw_response(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", f"{PHONE} {NAME}".encode()
    ),
    "a reply that is no HTTP": raw_response(f"{PHONE} {NAME} {PASSWORD}\r\n\r\n".encode()),
    "a broken gzip": json_response(PHONE.encode(), headers=[("Content-Encoding", "gzip")]),
    "a long reply": json_response(PHONE.encode() * 100_000),
}


async def _send(gateway: OpenGateway) -> object:
    if isinstance(gateway, AsyncioGatewayBase):
        async with gateway:
            return await gateway.asend(REQUEST)
    with gateway:
        return gateway.send(REQUEST)


def _open(make: MakeGateway) -> Case:
    async def run() -> object:
        gateway = make("http://127.0.0.1")
        if isinstance(gateway, AsyncioGatewayBase):
            await gateway.aclose()
        else:
            gateway.close()
        return gateway

    return Case(run)


def _refused(make: MakeGateway) -> Case:
    async def run() -> None:
        with closed_port() as origin:
            await _send(make(origin))

    return Case(run, GatewayError)


def _answered(make: MakeGateway, respond: Responder) -> Case:
    async def run() -> None:
        with LoopbackServer(respond) as server:
            await _send(make(server.origin))

    return Case(run, GatewayError)


def _cancelled(make: MakeGateway) -> Case:
    async def run() -> None:
        with LoopbackServer(no_response()) as server:
            await asyncio.wait_for(_send(make(server.origin)), 0.05)

    return Case(run, TimeoutError)


class _ForeignError(Exception):
    pass


def _fail() -> object:
    error = _ForeignError(PHONE, {"authorization": CREDENTIALS.authorization})
    error.add_note(f"sent to https://user:{PASSWORD}@proxy")
    error.__cause__ = OSError(5, f"no route for {PHONE}", TOKEN)
    raise error


class _FailingClient:
    is_async = False

    def request(self, *_: object, **__: object) -> object:
        return _fail()


class _AsyncFailingClient:
    is_async = True

    async def request(self, *_: object, **__: object) -> object:
        return _fail()


def _configuration(make: Callable[[], object]) -> Case:
    return Case(make, ConfigurationError)


CASES: Final = {
    "credentials": Case(lambda: CREDENTIALS),
    "a password in the URL of a client": _configuration(
        lambda: TwilioGateway(_client(f"https://u:{PASSWORD}@example.com", TwilioHttpClient()))
    ),
    "a password with a line break": _configuration(lambda: Credentials("SK", f"{PASSWORD}\n")),
    "a password in the username": _configuration(lambda: Credentials(f"SK:{PASSWORD}", PASSWORD)),
    "half a pair in the environment": _configuration(
        lambda: Credentials.from_environment({"TWILIO_API_SECRET": PASSWORD})
    ),
    "a line break in the environment": _configuration(
        lambda: Credentials.from_environment(
            {"TWILIO_API_KEY": "SK", "TWILIO_API_SECRET": f"{PASSWORD}\n"}
        )
    ),
    "a wrong region in the environment": _configuration(
        lambda: default_base_url({"TWILIO_REGION": "?", "TWILIO_AUTH_TOKEN": TOKEN})
    ),
    **{name: _open(make) for name, make in _GATEWAYS.items()},
    **{
        f"{name} with a password in the URL": _configuration(
            partial(make, f"https://user:{PASSWORD}@example.com")
        )
        for name, make in _GATEWAYS.items()
        if "Twilio" not in name
    },
    **{f"{name}, refused": _refused(make) for name, make in _GATEWAYS.items()},
    **{
        f"{name}, {answer}": _answered(make, respond)
        for name, make in _GATEWAYS.items()
        for answer, respond in _ANSWERS.items()
    },
    **{f"{name}, cancelled": _cancelled(make) for name, make in _GATEWAYS.items() if "A" in name},
    "a failing client for threads": Case(
        lambda: _send(TwilioGateway(_client("http://127.0.0.1", _FailingClient()))), GatewayError
    ),
    "a failing client for asyncio": Case(
        lambda: _send(AsyncTwilioGateway(_client("http://127.0.0.1", _AsyncFailingClient()))),
        GatewayError,
    ),
}
