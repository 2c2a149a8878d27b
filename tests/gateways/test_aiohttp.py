"""Tests of the aiohttp gateway: the whole contract."""

import asyncio
import functools

import aiohttp
import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.rest.errors import NotSent
from reservation_core.testing.contract.gateway import CREDENTIALS, AsyncOwnClientContract
from reservation_core.testing.contract.gateway.support import update_request


class TestAiohttp(AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AiohttpGateway]:
        return functools.partial(AiohttpGateway, CREDENTIALS)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_close_during_name_lookup_is_not_sent_unless_cancelled(
    monkeypatch: pytest.MonkeyPatch, *, is_cancelled: bool
) -> None:
    async def look_up(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", look_up)
    monkeypatch.setattr(aiohttp.connector, "DefaultResolver", aiohttp.ThreadedResolver)

    async def close_during_lookup() -> None:
        gateway = AiohttpGateway(CREDENTIALS, base_url="https://slow.example")
        sending = asyncio.ensure_future(gateway.asend(update_request()))
        await asyncio.sleep(0.05)
        if is_cancelled:
            sending.cancel()
        await gateway.aclose()
        await sending

    expected = asyncio.CancelledError if is_cancelled else NotSent
    with pytest.raises(expected):
        asyncio.run(close_during_lookup())
