"""Rows 9 and 10: whole updates over loopback, 32 in flight.

The figure is the processor time of this process, which is the client's: all its threads, and not
the server, which is a process of its own. So a busy machine does not change it. Every side keeps
its connections, and every reply is checked.
"""

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeAlias

from pyreqwest.client import Client as PyreqwestClient
from pyreqwest.client import ClientBuilder
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import Accept, AsyncGateway, Gateway, conclude, prepare
from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.gateways.settings import Credentials
from reservation_core.gateways.twilio import AsyncTwilioGateway, TwilioGateway
from tests.benchmarks import samples
from tests.benchmarks.measure import OPEN, QUICK, Comparison, Effort, Meter, Relation
from tests.benchmarks.server import serving

IN_FLIGHT: Final = 32
_EACH: Final = 60
"""Updates that each of those in flight does, one after the other, in a round."""

_TASKS: Final = f"update over loopback, {IN_FLIGHT} tasks"
_THREADS: Final = f"update over loopback, {IN_FLIGHT} threads"
_CREDENTIALS: Final = Credentials("AC" + "0" * 32, "token")

_Update: TypeAlias = Callable[[], str]
_AsyncUpdate: TypeAlias = Callable[[], Awaitable[str]]


@cache
def _origin() -> str:
    return OPEN.enter_context(serving())


@cache
def _runner() -> "asyncio.Runner":
    return OPEN.enter_context(asyncio.Runner())


@cache
def _pool() -> ThreadPoolExecutor:
    return OPEN.enter_context(ThreadPoolExecutor(IN_FLIGHT))


def _keep_async(closing: Callable[[], Awaitable[object]]) -> None:
    async def close() -> None:
        await closing()

    OPEN.callback(lambda: _runner().run(close()))


# --- the sides -----------------------------------------------------------------------------------


def _client(**settings: Any) -> Any:
    client: Any = Client(
        _CREDENTIALS.username, _CREDENTIALS.password, environment={"": ""}, **settings
    )
    client.taskrouter.base_url = _origin()
    return client


async def _async_client() -> Any:
    client = _client(http_client=AsyncTwilioHttpClient())
    _keep_async(client.http_client.close)
    return client


def _official(client: Any) -> Any:
    """Address the reservation as the client's page shows it."""
    reservations = (
        client.taskrouter.v1.workspaces(samples.WORKSPACE).tasks(samples.TASK).reservations
    )
    return reservations(samples.RESERVATION)


async def _official_async(client: Any) -> str:
    """Update as the client's page shows it, deprecation warnings ignored."""
    return str(
        (await _official(client).update_async(reservation_status="accepted")).reservation_status
    )


def _ours(gateway: Gateway) -> _Update:
    """Prepare an accept, send it and conclude."""
    reservation = samples.pending()
    return lambda: str(
        conclude(reservation, Accept(), gateway.send(prepare(reservation, Accept()))).status
    )


def _ours_async(gateway: AsyncGateway) -> _AsyncUpdate:
    """Prepare an accept, send it and conclude, awaiting the reply."""
    reservation = samples.pending()

    async def update() -> str:
        return str(
            conclude(
                reservation, Accept(), await gateway.asend(prepare(reservation, Accept()))
            ).status
        )

    return update


def _bare(client: PyreqwestClient) -> _AsyncUpdate:
    """Post the same body with pyreqwest alone, and read the reply. Nothing is parsed."""
    request = prepare(samples.pending(), Accept())
    url, body = _origin() + request.path, request.body
    headers = {**request.headers, "Authorization": _CREDENTIALS.authorization}

    async def update() -> str:
        sending = client.post(url).headers(headers).body_bytes(body).build()
        reply = await (await sending.send()).bytes()
        return "accepted" if b'"accepted"' in reply.to_bytes() else ""

    return update


# --- the meters ----------------------------------------------------------------------------------


def _tasks(update: _AsyncUpdate, effort: Effort) -> Meter:
    """Time an update in 32 asyncio tasks: microseconds of processor time, all threads counted."""
    each = 1 if effort is QUICK else _EACH

    async def several() -> None:
        for _ in range(each):
            assert await update() == "accepted"

    async def all_of_them() -> float:
        start = time.process_time()
        await asyncio.gather(*(several() for _ in range(IN_FLIGHT)))
        return (time.process_time() - start) / (each * IN_FLIGHT) * 1e6

    def meter() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return _runner().run(all_of_them())

    meter()  # opens the connections
    return meter


def _threads(update: _Update, effort: Effort) -> Meter:
    """Time an update in 32 threads: microseconds of processor time, all threads counted."""
    each = 1 if effort is QUICK else _EACH

    def several(_: int) -> None:
        for _ in range(each):
            assert update() == "accepted"

    def meter() -> float:
        start = time.process_time()
        list(_pool().map(several, range(IN_FLIGHT)))
        return (time.process_time() - start) / (each * IN_FLIGHT) * 1e6

    meter()  # opens the connections
    return meter


# --- the rows ------------------------------------------------------------------------------------


async def _bare_client() -> PyreqwestClient:
    client = ClientBuilder().max_connections(IN_FLIGHT).no_proxy().build()
    _keep_async(client.close)
    return client


async def _wrapped() -> AsyncTwilioGateway:
    return AsyncTwilioGateway(await _async_client())


def tasks(effort: Effort) -> list[Comparison]:
    """Accept in an event loop, 32 in flight."""
    runner = _runner()
    default, httpx2, aiohttp = (
        kind(_CREDENTIALS, base_url=_origin())
        for kind in (AsyncPyreqwestGateway, AsyncHttpx2Gateway, AiohttpGateway)
    )
    for gateway in (default, httpx2, aiohttp):
        _keep_async(gateway.aclose)
    client = runner.run(_async_client())
    ours = _tasks(_ours_async(default), effort)
    bare = _bare(runner.run(_bare_client()))
    return [
        Comparison(
            row=9,
            measure=_TASKS,
            against="pyreqwest alone",
            ours=ours,
            peer=_tasks(bare, effort),
            reach=1.25,
            relation=Relation.SHARE,
        ),
        *(
            Comparison(
                row=9,
                measure=_TASKS,
                against=against,
                ours=ours,
                peer=_tasks(peer, effort),
                reach=reach,
            )
            for against, peer, reach in (
                ("official async client", lambda: _official_async(client), 2.2),
                ("our gateway on aiohttp", _ours_async(aiohttp), 1),
                ("our gateway on httpx2", _ours_async(httpx2), 1),
                ("our gateway on the twilio client", _ours_async(runner.run(_wrapped())), 1),
            )
        ),
    ]


def threads(effort: Effort) -> list[Comparison]:
    """Accept in 32 threads."""
    default = OPEN.enter_context(PyreqwestGateway(_CREDENTIALS, base_url=_origin()))
    httpx2 = OPEN.enter_context(Httpx2Gateway(_CREDENTIALS, base_url=_origin()))
    client, wrapped = _client(), _client()
    for opened in (client, wrapped):
        OPEN.callback(opened.http_client.session.close)
    ours = _threads(_ours(default), effort)
    return [
        Comparison(
            row=10,
            measure=_THREADS,
            against=against,
            ours=ours,
            peer=_threads(peer, effort),
            reach=reach,
        )
        for against, peer, reach in (
            (
                "official client",
                lambda: str(
                    _official(client).update(reservation_status="accepted").reservation_status
                ),
                5,
            ),
            ("our gateway on httpx2", _ours(httpx2), 1),
            ("our gateway on the twilio client", _ours(TwilioGateway(wrapped)), 1),
        )
    ]
