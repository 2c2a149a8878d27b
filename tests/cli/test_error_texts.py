"""Texts of errors in the words of the command line."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reservation_core import (
    Accept,
    Conference,
    InvalidCommand,
    Reply,
    Reservation,
    SetStatus,
    Status,
    perform,
    prepare,
)
from reservation_core.cli.error_texts import describe_error
from reservation_core.domain.errors import ReservationError, Violation
from reservation_core.domain.refusals import require_allowed
from reservation_core.domain.reservation import IllegalSuccession
from reservation_core.gateways.settings import (
    ConfigurationError,
    Credentials,
    GatewaySettings,
    default_base_url,
)
from reservation_core.rest.errors import (
    GatewayError,
    Indistinguishable,
    OutcomeUnknown,
    ServerFailed,
    Unauthorized,
    UnknownStatus,
)
from tests.delivery.scripted import PENDING, ScriptedGateway

ACCEPTED = Reservation(status="accepted")
HELD = Reservation(status="pending", on_hold=True)
PYTHON_WORDS = re.compile(
    r"\bpass\b|=True|=False|Policy|\w\(\)|this error|base_url|Credentials|the gateway's|\bbook\b"
)


def configuration_errors() -> list[ConfigurationError]:
    found: list[ConfigurationError] = []
    credentials = Credentials("AC0", "hush")
    for fail in (
        lambda: Credentials.from_environment({}),
        lambda: Credentials.from_environment({"TWILIO_API_KEY": "SK0"}),
        lambda: default_base_url({"TWILIO_REGION": "a/b"}),
        lambda: GatewaySettings(credentials=credentials, base_url="x"),
        lambda: GatewaySettings(credentials=credentials, base_url="http://10.0.0.1"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            fail()
        found.append(caught.value)
    return found


ERRORS: list[ReservationError] = [
    ServerFailed(302),
    Unauthorized(401),
    UnknownStatus((), raw_status="sea"),
    IllegalSuccession(Status.COMPLETED, ACCEPTED),
    Indistinguishable("it is accepted", ACCEPTED, ACCEPTED),
    Indistinguishable("it is pending", HELD, HELD),
    OutcomeUnknown("the reservation could not be fetched", HELD),
    OutcomeUnknown("no fetch can show it", HELD, is_final=True),
    ServerFailed(503),
    GatewayError("no whole reply"),
]


@pytest.mark.parametrize("error", [*ERRORS, *configuration_errors()], ids=lambda e: repr(e)[:40])
def test_text_has_no_words_of_python(error: Exception) -> None:
    assert PYTHON_WORDS.search(str(error))
    assert not PYTHON_WORDS.search(describe_error(error))


@pytest.mark.parametrize(
    ("status", "on_hold", "text"),
    [
        ("pending", True, "accept is refused while on hold: "),
        ("pending", True, "Allowed instead: nothing until the platform reports."),
        ("completed", False, "Allowed instead: nothing, completed is terminal. --no-strict"),
        ("wrapping", False, "Allowed instead: supervise, complete. --no-strict sends it."),
    ],
)
def test_refusal_is_in_words_of_the_command_line(status: str, on_hold: bool, text: str) -> None:
    reservation = Reservation(status=status, on_hold=on_hold)
    with pytest.raises(ReservationError) as caught:
        require_allowed(reservation.state, Accept())
    assert text in describe_error(caught.value)


def test_outcome_names_the_command_as_it_is_typed() -> None:
    canceled = Reply(200, body=b'{"reservation_status": "canceled"}')
    gateway = ScriptedGateway(GatewayError("lost"), canceled)
    with pytest.raises(Indistinguishable) as caught:
        perform(PENDING, SetStatus(Status.CANCELED), gateway)
    text = describe_error(caught.value)
    assert text.startswith("the reservation is canceled, and this set-status cannot be told apart")


def test_violation_that_belongs_to_no_flag_keeps_its_name() -> None:
    with pytest.raises(InvalidCommand) as caught:
        prepare(Reservation(status="pending", etag="a\nb"), Accept())
    assert "accept cannot be sent:\n  If-Match = " in describe_error(caught.value)
    unknown = InvalidCommand("Command", (Violation("x", "y", "is unknown", "1"),))
    assert describe_error(unknown) == str(unknown)


def test_violation_of_an_extra_parameter_names_its_flag() -> None:
    with pytest.raises(InvalidCommand) as caught:
        Accept(extra=(("ReservationStatus", "x"),))
    assert "\n  --extra (ReservationStatus) = " in describe_error(caught.value)
    with pytest.raises(InvalidCommand) as caught:
        Conference(extra=(("From", "x"),))
    text = describe_error(caught.value)
    assert text.endswith("--extra (From) = <not shown>: is a known parameter. Use --from.")
    wrong: Any = ("x",)
    with pytest.raises(InvalidCommand) as caught:
        Accept(extra=wrong)
    assert "\n  --extra = <not shown>: must be pairs" in describe_error(caught.value)
