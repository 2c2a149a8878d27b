"""Fixtures of the command-line tests."""

import os
import threading
from collections.abc import Generator

import pytest

from tests.cli.platform_server import PlatformServer
from tests.emulator.conftest import emulator as emulator  # noqa: PLC0414 - a fixture
from tests.emulator.conftest import running as running  # noqa: PLC0414 - a fixture


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that change the output, and set 80 columns."""
    for name in os.environ:
        if name.startswith(("TWILIO_", "RESERVATION_CORE_")) or name in {
            "FORCE_COLOR",
            "NO_COLOR",
            "TTY_COMPATIBLE",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Generator[PlatformServer]:
    """Serve a platform, with credentials in the environment."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC0")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hush")
    with PlatformServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
