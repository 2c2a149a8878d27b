"""Rules are reported as the platform shows them, also where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from reservation_core.emulator import Settings
from reservation_core.emulator.platform.settings import ErrorCodes, SystemStatus
from tests.parity.stage import Twist, change, find

DIFFERENT: Final[Mapping[str, tuple[str, Twist, object]]] = {
    "repeated accept": ("repeated_accept", change("=accepted", 409, {"code": 5}, first=1), "409 5"),
    "without a number": (
        "stale_version",
        change("=rejected", 412, {"code": None}),
        "412 without a number",
    ),
    "page refused": ("page_number", change("Page=1", 400), "refused"),
    "page empty": ("page_number", change("Page=1", body={"reservations": []}), "empty"),
    "filter": ("list_filter_case", change("PENDING", body={"reservations": []}), "matters"),
    "activity": (
        "activity_after_reject",
        change("GET .*/WK", body={"activity_sid": "WA" + "0" * 32}),
        "changed",
    ),
    "sibling": (
        "siblings_at_accept",
        change("GET .*/WR", body={"reservation_status": "pending"}),
        "pending",
    ),
    "etag": ("worker_route_etag", change("GET .*/Workers/.*/WR", headers={"ETag": "1"}), "present"),
    "unknown parameter": ("unknown_parameter", change("ParityUnknown", 400), "refused"),
    "bare version": ("if_match_spellings", change("=rejected", 412), "none"),
}
"""Experiment, change of the replies, and the reported value."""


@pytest.mark.parametrize(("name", "twist", "value"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_rule_is_reported(name: str, twist: Twist, value: object) -> None:
    finding = find(name, twist=twist)
    assert (finding.value, finding.is_as_expected) == (value, False)


def test_setting_changes_what_a_rule_reports() -> None:
    assert find("repeated_accept", Settings(state_codes=ErrorCodes.NONE)).value == (
        "400 without a number"
    )
    assert find("version_of_accept").value == 1


UNCLEAR: Final[Mapping[str, tuple[str, Twist, str]]] = {
    "version": ("version_of_accept", change("GET .*/WR", headers={"ETag": '"x"'}), "number: x"),
    "no version": ("version_of_hold", change("GET .*/WR", headers={}), "number: no ETag"),
    "state": (
        "commands_while_canceled",
        change("GET .*/WR", body={"reservation_status": "pending"}),
        "the reservation is pending, not canceled",
    ),
    "failed command": (
        "commands_while_wrapping",
        change("=rejected", 503),
        "the platform failed: 503",
    ),
    "command without credentials": (
        "commands_while_wrapping",
        change("=rejected", 401),
        "neither a success nor a 400: the answer was 401",
    ),
    "gone": ("letter_case", change("ReJeCtEd", 404), "neither a success nor a 400"),
    "failed page": ("page_number", change("Page=1", 404), "neither a success nor a 400"),
}
"""Experiment, change of the replies, and part of the reason."""


@pytest.mark.parametrize(("name", "twist", "reason"), UNCLEAR.values(), ids=UNCLEAR)
def test_unclear_rule_has_no_value(name: str, twist: Twist, reason: str) -> None:
    finding = find(name, twist=twist)
    assert not finding.is_known
    assert reason in finding.seen


def test_commands_of_a_state_follow_the_settings() -> None:
    """After a command that is carried out, a new reservation is made."""
    carried_out = Settings(system_status=SystemStatus.CARRIED_OUT, can_reject_on_hold=True)
    assert find("commands_while_pending", carried_out).value == {
        "accept": "accepted",
        "reject": "rejected",
        "wrap": "refused",
        "complete": "refused",
        "set_canceled": "canceled",
        "set_timeout": "timeout",
        "set_rescinded": "rescinded",
    }
    value = find("commands_while_onHold", carried_out).value
    assert isinstance(value, Mapping)
    assert (value["reject"], value["accept"]) == ("rejected", "refused")
