"""The aiohttp gateway keeps every promise of the contract, and those of a client of its own."""

import functools

import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.testing.contract.gateway import CREDENTIALS, AsyncOwnClientContract


class TestAiohttp(AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AiohttpGateway]:
        """Open the gateway for asyncio."""
        return functools.partial(AiohttpGateway, CREDENTIALS)
