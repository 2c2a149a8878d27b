"""What the gateways of this library share beyond the contract, each in its own file."""

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.gateways.pyreqwest import AsyncPyreqwestGateway, PyreqwestGateway
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract.gateway import CREDENTIALS, update_request
from reservation_core.testing.contract.loopback import LoopbackServer, closed_port, json_response

Kind: TypeAlias = type[PyreqwestGateway | Httpx2Gateway]
AsyncKind: TypeAlias = type[AsyncPyreqwestGateway | AsyncHttpx2Gateway | AiohttpGateway]

KINDS: list[Kind] = [PyreqwestGateway, Httpx2Gateway]
ASYNC_KINDS: list[AsyncKind] = [AsyncPyreqwestGateway, AsyncHttpx2Gateway, AiohttpGateway]


@pytest.mark.parametrize("kind", [*KINDS, *ASYNC_KINDS])
def test_credentials_come_from_the_environment(
    kind: Kind | AsyncKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials, a gateway takes those of the environment and goes to the platform; it shows where to and as whom."""
    with pytest.raises(ValueError, match="TWILIO_ACCOUNT_SID"):
        kind()
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC9")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hush")
    assert repr(kind()) == f"<{kind.__name__} https://taskrouter.twilio.com as AC9>"


@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [
        ("pyreqwest", "pyreqwest.bytes", "http"),
        ("httpx2", "httpx2", "httpx2"),
        ("aiohttp", "aiohttp", "aiohttp"),
        ("twilio", "twilio.rest", "twilio"),
    ],
)
def test_a_missing_extra_is_named(
    name: str, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its library, importing a gateway says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"reservation_core.gateways.{name}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'reservation-core\[{extra}\]'"):
        importlib.import_module(f"reservation_core.gateways.{name}")


@pytest.mark.parametrize("kind", KINDS)
def test_threads_have_one_way_out(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway closes at the end of its block, and in another process than the one that opened it, it refuses."""
    with LoopbackServer() as server:
        with kind(CREDENTIALS, base_url=server.origin) as gateway:
            with monkeypatch.context() as forked:
                forked.setattr("os.getpid", lambda: -1)
                with pytest.raises(NotSent, match="before a fork"):
                    gateway.send(update_request())
            assert gateway.send(update_request()).status == 200
        with pytest.raises(NotSent, match="the gateway is closed"):
            gateway.send(update_request())


@pytest.mark.parametrize("kind", ASYNC_KINDS)
def test_tasks_have_one_way_out(kind: AsyncKind) -> None:
    """A gateway closes at the end of its block, and that even where it was never used."""

    async def scene(origin: str) -> None:
        async with kind(CREDENTIALS, base_url=origin) as gateway:
            assert (await gateway.asend(update_request())).status == 200
        with pytest.raises(NotSent, match="the gateway is closed"):
            await gateway.asend(update_request())
        async with kind(CREDENTIALS, base_url=origin):
            pass

    with LoopbackServer() as server:
        asyncio.run(scene(server.origin))


def why(send: Callable[[], object]) -> str:
    """Give the reason of the failure that sending ends with."""
    with pytest.raises(GatewayError) as caught:
        send()
    return caught.value.reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_names_the_place(kind: Kind) -> None:
    """A failure says which place it was, and the time-out or the limit that was met."""
    options = {"timeout": 0.2, "max_reply_bytes": 10}
    with closed_port() as origin, kind(CREDENTIALS, base_url=origin) as gateway:
        assert why(lambda: gateway.send(update_request())).startswith(
            f"no connection to {origin}: "
        )
    with (
        LoopbackServer(json_response(pause=1), json_response(b"x" * 11)) as server,
        kind(CREDENTIALS, base_url=server.origin, **options) as gateway,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as named
    ):
        assert (
            why(lambda: gateway.send(update_request()))
            == f"no whole reply from {server.origin} in 0.2 s"
        )
        assert (
            why(lambda: gateway.send(update_request()))
            == f"the reply of {server.origin} (HTTP 200) is longer than max_reply_bytes, 10"
        )
