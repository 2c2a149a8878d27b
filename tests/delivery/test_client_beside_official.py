"""Comparison with the official client on a failing platform."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import OutcomeUnknown, Reply, Request, perform
from reservation_core.emulator import InMemoryGateway
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import Credentials
from tests.campaigns.delivery import acts_of
from tests.campaigns.delivery_cases import SID, WHERE
from tests.delivery.scripted import CALL


class FailsAfterActing(BaseHTTPRequestHandler):
    """Carries out each update on the emulator, then answers 503. Answers fetches."""

    protocol_version = "HTTP/1.1"
    emulator: ClassVar[InMemoryGateway]

    def do_POST(self) -> None:
        form = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert self.emulator.send(Request("POST", self.path, form=tuple(form))).status == 200
        self._answer(Reply(503))

    def do_GET(self) -> None:
        self._answer(self.emulator.send(Request("GET", self.path)))

    def _answer(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class named it
        """Log nothing."""


@pytest.fixture
def fails_after_acting() -> Iterator[str]:
    """Serve a platform that acts and then fails, on this machine."""
    FailsAfterActing.emulator = InMemoryGateway()
    FailsAfterActing.emulator.platform.add(WHERE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), FailsAfterActing)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_official_async_client_with_retries_calls_the_worker_three_times(
    fails_after_acting: str,
) -> None:

    async def official() -> None:
        async with AsyncTwilioHttpClient(max_retries=3) as http:
            client = Client("AC" + "0" * 32, "token", http_client=http, environment={"": ""})
            client.taskrouter.base_url = fails_after_acting
            reservations = (
                client.taskrouter.v1.workspaces(str(WHERE.workspace_sid))
                .tasks(str(WHERE.task_sid))
                .reservations
            )
            await reservations(SID).update_async(
                instruction="call", call_from="+15005550006", call_url="https://example.com"
            )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own use of aiohttp
        with pytest.raises(TwilioRestException):
            asyncio.run(official())
    assert acts_of(FailsAfterActing.emulator.platform, "client") == 3


def test_perform_calls_the_worker_once_and_reports_an_unknown_outcome(
    fails_after_acting: str,
) -> None:
    with (
        PyreqwestGateway(
            Credentials("AC" + "0" * 32, "token"), base_url=fails_after_acting
        ) as gateway,
        pytest.raises(OutcomeUnknown),
    ):
        perform(WHERE, CALL, gateway)
    assert acts_of(FailsAfterActing.emulator.platform, "client") == 1
