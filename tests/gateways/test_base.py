"""Tests of the guards and error texts that the gateways share."""

import asyncio
from typing import TypeAlias

import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.rest.errors import NotSent
from reservation_core.rest.messages import Reply
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import LoopbackServer

AnyGateway: TypeAlias = (
    PyreqwestGateway | Httpx2Gateway | AsyncPyreqwestGateway | AsyncHttpx2Gateway | AiohttpGateway
)
ThreadGatewayClass: TypeAlias = type[PyreqwestGateway | Httpx2Gateway]
AsyncioGatewayClass: TypeAlias = type[AsyncPyreqwestGateway | AsyncHttpx2Gateway | AiohttpGateway]

THREAD_GATEWAYS: list[ThreadGatewayClass] = [PyreqwestGateway, Httpx2Gateway]
ASYNCIO_GATEWAYS: list[AsyncioGatewayClass] = [
    AsyncPyreqwestGateway,
    AsyncHttpx2Gateway,
    AiohttpGateway,
]


@pytest.mark.parametrize("gateway_class", [*THREAD_GATEWAYS, *ASYNCIO_GATEWAYS])
def test_credentials_default_to_the_environment(
    gateway_class: ThreadGatewayClass | AsyncioGatewayClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="TWILIO_ACCOUNT_SID"):
        gateway_class()
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC9")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hush")
    expected = f"<{gateway_class.__name__} https://taskrouter.twilio.com as AC9>"
    assert repr(gateway_class()) == expected


@pytest.mark.parametrize("gateway_class", THREAD_GATEWAYS)
def test_gateway_refuses_after_fork_and_after_close(
    gateway_class: ThreadGatewayClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer() as server:
        with gateway_class(CREDENTIALS, base_url=server.origin) as gateway:
            with monkeypatch.context() as child_process:
                child_process.setattr("os.getpid", lambda: -1)
                with pytest.raises(NotSent, match="before a fork"):
                    gateway.send(update_request())
            assert gateway.send(update_request()).status == 200
        with pytest.raises(NotSent, match="the gateway is closed"):
            gateway.send(update_request())


@pytest.mark.parametrize("gateway_class", [*THREAD_GATEWAYS, *ASYNCIO_GATEWAYS])
def test_child_that_closes_a_gateway_leaves_the_connections_to_its_parent(
    gateway_class: ThreadGatewayClass | AsyncioGatewayClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(origin: str) -> None:
        gateway = gateway_class(CREDENTIALS, base_url=origin)
        for _ in range(2):
            assert (await _send(gateway)).status == 200
            with monkeypatch.context() as child_process:
                child_process.setattr("os.getpid", lambda: -1)
                await _close(gateway)
            setattr(gateway, "_closed", False)  # noqa: B010 - the parent's object is another one
        await _close(gateway)

    with LoopbackServer() as server:
        asyncio.run(run(server.origin))
        assert server.connections == 1


async def _send(gateway: AnyGateway) -> Reply:
    if isinstance(gateway, PyreqwestGateway | Httpx2Gateway):
        return gateway.send(update_request())
    return await gateway.asend(update_request())


async def _close(gateway: AnyGateway) -> None:
    if isinstance(gateway, PyreqwestGateway | Httpx2Gateway):
        gateway.close()
    else:
        await gateway.aclose()


@pytest.mark.parametrize("gateway_class", ASYNCIO_GATEWAYS)
def test_async_gateway_refuses_after_close(gateway_class: AsyncioGatewayClass) -> None:
    async def run(origin: str) -> None:
        async with gateway_class(CREDENTIALS, base_url=origin) as gateway:
            assert (await gateway.asend(update_request())).status == 200
        with pytest.raises(NotSent, match="the gateway is closed"):
            await gateway.asend(update_request())

    with LoopbackServer() as server:
        asyncio.run(run(server.origin))


@pytest.mark.parametrize("gateway_class", ASYNCIO_GATEWAYS)
def test_async_gateway_closes_unused(gateway_class: AsyncioGatewayClass) -> None:
    async def run() -> None:
        async with gateway_class(CREDENTIALS):
            pass

    asyncio.run(run())
