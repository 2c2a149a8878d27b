"""Tests of the httpx2 gateways: the whole contract."""

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
        return functools.partial(Httpx2Gateway, CREDENTIALS)


class TestAsyncHttpx2(AsyncOwnClientContract):
    @pytest.fixture
    def open_gateway(self) -> functools.partial[AsyncHttpx2Gateway]:
        return functools.partial(AsyncHttpx2Gateway, CREDENTIALS)
