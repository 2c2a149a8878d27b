"""No test meets the machine's own proxies or credentials, and a failure within the contract shows its values."""

import pytest

pytest.register_assert_rewrite("reservation_core.testing.contract")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from reservation_core.testing.contract import forget_environment

    forget_environment(monkeypatch)
