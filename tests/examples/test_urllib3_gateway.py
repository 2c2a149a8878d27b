"""Test suite of a custom gateway: it inherits the whole contract."""

from collections.abc import Callable
from functools import partial

import pytest

from reservation_core.testing.contract.gateway import CREDENTIALS, GatewayContract
from tests.examples.urllib3_gateway import Urllib3Gateway


class TestUrllib3Gateway(GatewayContract):
    @pytest.fixture
    def open_gateway(self) -> Callable[..., Urllib3Gateway]:
        """Return a function that opens the gateway."""
        return partial(Urllib3Gateway, CREDENTIALS)
