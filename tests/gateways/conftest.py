"""Every test that asks for ``flavour`` runs for each kind of gateway; no test meets the machine's own proxies or credentials."""

import os

import pytest

from .flavours import FLAVOURS, Flavour


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    """Give what opens a gateway, of one kind after the other."""
    return FLAVOURS[request.param]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TWILIO_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
