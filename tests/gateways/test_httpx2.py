"""The httpx2 gateways keep every promise of the contract, and those of a client of their own."""

import functools

import pytest

from reservation_core.gateways.httpx2 import AsyncHttpx2Gateway, Httpx2Gateway
from reservation_core.testing.contract.gateway import (
    CREDENTIALS,
    AsyncOwnClientContract,
    OwnClientContract,
)


class TestHttpx2(OwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[Httpx2Gateway]:
        """Open the gateway for threads."""
        return functools.partial(Httpx2Gateway, CREDENTIALS)


class TestAsyncHttpx2(AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AsyncHttpx2Gateway]:
        """Open the gateway for asyncio."""
        return functools.partial(AsyncHttpx2Gateway, CREDENTIALS)
