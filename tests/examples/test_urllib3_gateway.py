"""The suite of a gateway of one's own: the whole contract is inherited."""

from collections.abc import Callable
from functools import partial

import pytest

from reservation_core.testing.contract.gateway import CREDENTIALS, GatewayContract
from reservation_core.testing.contract.gateway.drivers import GatewayUnderTest
from tests.examples.urllib3_gateway import Urllib3Gateway


class TestUrllib3Gateway(GatewayContract):
    """Every promise a gateway makes."""

    @pytest.fixture
    def open_gateway(self) -> Callable[..., GatewayUnderTest]:
        """Give what opens the gateway."""
        return partial(Urllib3Gateway, CREDENTIALS)
