"""The aiohttp gateway keeps every promise of the contract."""

import functools

import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.testing.contract import CREDENTIALS, AsyncGatewayContract


class TestAiohttp(AsyncGatewayContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AiohttpGateway]:
        """Open the gateway for asyncio."""
        return functools.partial(AiohttpGateway, CREDENTIALS)
