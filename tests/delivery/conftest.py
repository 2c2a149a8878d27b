"""Fixtures of the delivery tests."""

from typing import cast

import pytest

from tests.delivery.clients import AsyncClient, Client, SyncClient


@pytest.fixture(params=[SyncClient(), AsyncClient()], ids=["sync", "async"])
def client(request: pytest.FixtureRequest) -> Client:
    """Return the sync functions, then the async ones."""
    return cast("Client", request.param)
