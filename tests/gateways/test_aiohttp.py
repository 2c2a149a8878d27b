"""Tests of the aiohttp gateway: the whole contract."""

import functools

import pytest

from reservation_core.gateways.aiohttp import AiohttpGateway
from reservation_core.testing.contract.gateway import CREDENTIALS, AsyncOwnClientContract


class TestAiohttp(AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AiohttpGateway]:
        return functools.partial(AiohttpGateway, CREDENTIALS)
