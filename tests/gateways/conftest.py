"""Keep the machine's own proxies and credentials out of the gateway tests."""

import pytest

from reservation_core.testing.contract.gateway import clear_environment


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)
