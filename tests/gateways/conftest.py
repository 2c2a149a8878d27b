"""No test meets the machine's own proxies or credentials."""

import pytest

from reservation_core.testing.contract.gateway import clear_environment


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clear_environment(monkeypatch)
