"""The httpx2 gateways keep every promise of the contract."""

import functools

import pytest

from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.testing.contract import CREDENTIALS, AsyncGatewayContract, GatewayContract

EXEMPT = {"test_left_over_bytes_answer_nothing": "httpx2 keeps what came with the end of a reply, and takes it for the next one"}


class TestHttpx2(GatewayContract):
    exempt = EXEMPT

    @pytest.fixture
    def open_gateway(self) -> functools.partial[Httpx2Gateway]:
        """Open the gateway for threads."""
        return functools.partial(Httpx2Gateway, CREDENTIALS)


class TestAsyncHttpx2(AsyncGatewayContract):
    exempt = EXEMPT

    @pytest.fixture
    def open_gateway(self) -> functools.partial[AsyncHttpx2Gateway]:
        """Open the gateway for asyncio."""
        return functools.partial(AsyncHttpx2Gateway, CREDENTIALS)
