"""Tests of the wording of gateway errors."""

import pytest

from reservation_core.gateways.failures import ErrorFactory, describe_cause
from reservation_core.gateways.httpx2 import Httpx2Gateway
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import GatewaySettings
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.contract.gateway.support import update_request
from reservation_core.testing.contract.loopback import LoopbackServer, closed_port, json_response

ORIGIN = "https://gateway.example"
ERRORS = ErrorFactory(
    GatewaySettings(
        credentials=CREDENTIALS,
        base_url=f"{ORIGIN}/prefix",
        connect_timeout=2,
        timeout=9,
        max_reply_bytes=10,
        max_connections=3,
    )
)


@pytest.mark.parametrize(
    ("error", "reason", "is_not_sent"),
    [
        (
            ERRORS.no_free_connection(),
            f"none of 3 connections to {ORIGIN} became free in time",
            True,
        ),
        (ERRORS.connect_failed("refused"), f"no connection to {ORIGIN}: refused", True),
        (ERRORS.connect_timed_out(2), f"no connection to {ORIGIN}: timed out after 2 s", True),
        (ERRORS.exchange_failed("reset"), f"the exchange with {ORIGIN} failed: reset", False),
        (ERRORS.exchange_timed_out(), f"no complete reply from {ORIGIN} within 9 s", False),
        (
            ERRORS.reply_too_long(200),
            f"the reply from {ORIGIN} (HTTP 200) exceeds max_reply_bytes: 10",
            False,
        ),
    ],
)
def test_error_names_the_origin_and_the_limit(
    error: GatewayError, reason: str, *, is_not_sent: bool
) -> None:
    assert error.reason == reason
    assert isinstance(error, NotSent) is is_not_sent


def test_cause_is_the_message_of_the_system() -> None:
    wrapper = ValueError("https://secret@host/path")
    wrapper.__cause__ = TypeError()
    wrapper.__cause__.__context__ = ConnectionRefusedError(111, "Connection refused")
    assert describe_cause(wrapper) == "Connection refused"


def test_cause_without_a_system_message_is_the_class_of_the_error() -> None:
    assert describe_cause(ValueError("https://secret@host/path")) == "ValueError"


def test_cause_of_an_error_that_is_its_own_cause_is_its_class() -> None:
    first, second = ValueError(), TypeError()
    first.__cause__, second.__cause__ = second, first
    assert describe_cause(first) == "ValueError"
    first.__cause__ = first
    assert describe_cause(first) == "ValueError"


@pytest.mark.parametrize("gateway_class", [PyreqwestGateway, Httpx2Gateway])
def test_gateway_reports_its_failures_in_these_words(
    gateway_class: type[PyreqwestGateway | Httpx2Gateway],
) -> None:
    with (
        closed_port() as origin,
        gateway_class(CREDENTIALS, base_url=origin) as gateway,
        pytest.raises(NotSent, match=f"no connection to {origin}: "),
    ):
        gateway.send(update_request())
    with (
        LoopbackServer(json_response(pause=1), json_response(b"x" * 11)) as server,
        gateway_class(
            CREDENTIALS, base_url=server.origin, timeout=0.2, max_reply_bytes=10
        ) as gateway,
    ):
        with pytest.raises(GatewayError, match=f"no complete reply from {server.origin} within 0"):
            gateway.send(update_request())
        with pytest.raises(GatewayError, match="exceeds max_reply_bytes: 10"):
            gateway.send(update_request())
