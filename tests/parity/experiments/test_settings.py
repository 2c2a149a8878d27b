"""A run reports exactly the settings of the emulator that it asks.

The tables are written by hand. Together they name every setting and every value of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import attrs
import pytest

from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.platform.settings import (
    AttributesWithStatus,
    BlankValues,
    EmptyUpdate,
    ErrorCodes,
    ForeignParameters,
    OnHoldStatus,
    StatusAndInstruction,
    SystemStatus,
)
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.gateways.settings import Credentials
from reservation_core.parity.findings import Subject
from tests.parity.stage import Stage, Twist, change, find

FLAG: Final = (True, False)
TOLD: Final[Mapping[str, Sequence[Any]]] = {
    "state_codes": tuple(ErrorCodes),
    "instruction_codes": tuple(ErrorCodes),
    "both_given": tuple(StatusAndInstruction),
    "neither_given": tuple(EmptyUpdate),
    "checks_version_first": FLAG,
    "has_quoted_etag": FLAG,
    "on_hold_shown_as": tuple(OnHoldStatus),
    "can_reject_on_hold": FLAG,
    "can_rescind_on_hold": FLAG,
    "orchestrated_accept": FLAG,
    "dequeue_rescinds": FLAG,
    "system_status": tuple(SystemStatus),
    "foreign_parameters": tuple(ForeignParameters),
    "blank_values": tuple(BlankValues),
    "dequeue_needs_from": FLAG,
    "conference_needs_from": FLAG,
    "redirects_only_task_calls": FLAG,
    "strict": FLAG,
    "rate_limit": (None, 500, 1000),
    "attributes_with_status": tuple(AttributesWithStatus),
    "task_end_needs_reason": FLAG,
    "can_leave_with_pending": FLAG,
    "worker_capacity": (1, 2, 5),
    "refills_reservations": FLAG,
    "reservation_timeout": (1, 120, 86_400),
    "delete_after": (0, 5, 300),
    "max_rounds": (1, 2, 5),
}
"""Values that are reported exactly, by setting."""

UNTOLD: Final[Mapping[str, tuple[Sequence[Any], str]]] = {
    "accepts_unanswered": (FLAG, "the call did not end in time"),
    "accounts": (({},), "the accounts are secret"),
    "worker_capacity": ((6, 50), "it is 6 or more"),
    "max_rounds": ((6, 1000), "it is more than 5"),
    "callback_timeout": ((0.5, 5), "it needs a server that the platform can reach"),
    "max_body_bytes": ((65_536,), "it is a limit of the emulator"),
    "journal_length": ((10_000,), "it is a limit of the emulator"),
}
"""Values that cannot be told, with the reason.

In the emulator a call rings until a test answers it, so that ``accepts_unanswered`` never shows.
"""

UNTOLD_WITHOUT_VOICE: Final = {
    "on_hold_shown_as": "a reservation on hold needs a voice instruction",
    "can_reject_on_hold": "a reservation on hold needs a voice instruction",
    "state_codes": "the number of a refused instruction needs --voice",
}
"""Settings whose value needs consent to voice instructions, with the reason."""

NOT_ASKED_WITHOUT_VOICE: Final = {
    "accepts_unanswered",
    "can_rescind_on_hold",
    "conference_needs_from",
    "dequeue_needs_from",
    "dequeue_rescinds",
    "redirects_only_task_calls",
}
"""Settings that a run without consent does not ask about."""

EVERY_SETTING: Final = [field.name for field in attrs.fields(Settings)]


def test_tables_name_every_setting_and_every_value() -> None:
    assert {*TOLD, *UNTOLD} == {*EVERY_SETTING}
    for field in attrs.fields(Settings):
        default = getattr(Settings(), field.name)
        listed = [*TOLD.get(field.name, ()), *UNTOLD.get(field.name, ((), ""))[0]]
        every = list(type(default)) if isinstance(default, Enum) else [default]
        every = [True, False] if isinstance(default, bool) else every
        assert all(value in listed for value in every), field.name


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in TOLD.items() for value in values]
)
def test_value_of_a_setting_is_reported_exactly(name: str, value: Any) -> None:
    finding = find(name, Settings(**{name: value}))
    assert (finding.is_known, finding.value) == (True, value), finding.seen


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [(name, value, reason) for name, (values, reason) in UNTOLD.items() for value in values],
)
def test_value_that_cannot_be_told_has_a_reason(name: str, value: Any, reason: str) -> None:
    finding = find(name, Settings(**{name: value}))
    assert (finding.is_known, finding.answer) == (False, "could not tell")
    assert reason in finding.seen


def test_run_without_voice_tells_the_same_or_nothing() -> None:
    """And it sends no instruction that calls somebody."""
    stage = Stage(voice=None, slow=True)
    findings = {finding.name: finding for finding in stage.run().findings}
    asked = {name for name in findings if name in EVERY_SETTING}
    assert asked == {*EVERY_SETTING} - NOT_ASKED_WITHOUT_VOICE
    for name in asked:
        finding = findings[name]
        default = getattr(Settings(), name)
        if name in UNTOLD_WITHOUT_VOICE or default in UNTOLD.get(name, ((), ""))[0]:
            assert not finding.is_known
            assert UNTOLD_WITHOUT_VOICE.get(name, "") in finding.seen
        else:
            assert finding.value == default, finding.seen
    sent = {each.partition("Instruction=")[2].partition("&")[0] for each in stage.gateway.requests}
    assert sent == {"", "parity"}


@pytest.mark.parametrize("value", StatusAndInstruction)
def test_both_given_is_told_by_an_unknown_instruction(value: StatusAndInstruction) -> None:
    """It places no call. If the platform takes it, nothing can be told."""
    assert find("both_given", Settings(both_given=value), voice=None).value == value
    finding = find("both_given", voice=None, twist=change("Instruction=parity", 200))
    assert "an unknown instruction was taken: the answer was 200" in finding.seen


@pytest.mark.parametrize("codes", [ErrorCodes.NONE, ErrorCodes.DICTIONARY])
def test_missing_error_number_needs_no_voice(codes: ErrorCodes) -> None:
    finding = find("state_codes", Settings(state_codes=codes), voice=None)
    assert finding.is_known is (codes is ErrorCodes.NONE)


def test_orchestrated_accept_makes_a_hold_without_voice() -> None:
    settings = Settings(
        orchestrated_accept=True, on_hold_shown_as=OnHoldStatus.ACCEPTED, can_reject_on_hold=True
    )
    assert find("on_hold_shown_as", settings, voice=None).value == "accepted"
    assert find("can_reject_on_hold", settings, voice=None).value is True


OTHERS: Final = (
    Settings(),
    Settings(
        state_codes=ErrorCodes.DICTIONARY,
        instruction_codes=ErrorCodes.GENERIC,
        both_given=StatusAndInstruction.STATUS,
        neither_given=EmptyUpdate.UNCHANGED,
        checks_version_first=False,
        has_quoted_etag=True,
        on_hold_shown_as=OnHoldStatus.ON_HOLD,
        can_reject_on_hold=True,
        can_rescind_on_hold=True,
        system_status=SystemStatus.CARRIED_OUT,
        foreign_parameters=ForeignParameters.REFUSED,
        blank_values=BlankValues.CHECKED,
        dequeue_needs_from=True,
        conference_needs_from=True,
        redirects_only_task_calls=True,
        attributes_with_status=AttributesWithStatus.APPLIED,
        task_end_needs_reason=True,
        can_leave_with_pending=False,
        worker_capacity=3,
        refills_reservations=False,
        rate_limit=2000,
        reservation_timeout=45,
        max_rounds=4,
    ),
    Settings(
        state_codes=ErrorCodes.NONE,
        instruction_codes=ErrorCodes.NONE,
        both_given=StatusAndInstruction.REFUSED,
        on_hold_shown_as=OnHoldStatus.ACCEPTED,
        dequeue_rescinds=True,
        attributes_with_status=AttributesWithStatus.REFUSED,
        worker_capacity=2,
        reservation_timeout=300,
        delete_after=10,
    ),
)


@pytest.mark.parametrize("settings", OTHERS, ids=["defaults", "other values", "third values"])
def test_settings_of_an_emulator_over_http_are_reported_exactly(settings: Settings) -> None:
    """By the default gateway. The file of the report makes the same emulator again."""
    platform = Platform(ManualClock(), settings=settings)
    names = [name for name in EVERY_SETTING if name != "accepts_unanswered"]
    with (
        running_emulator(platform) as emulator,
        PyreqwestGateway(Credentials("AC1", "token"), base_url=emulator.url) as gateway,
    ):
        stage = Stage(platform=platform, gateway=gateway, names=names, slow=True)
        report = stage.run()
        assert stage.is_empty
    for finding in report.findings:
        if finding.is_known:
            assert finding.value == getattr(settings, finding.name), finding
    untold = {finding.name for finding in report.findings if not finding.is_known}
    hidden = {"can_rescind_on_hold"} if settings.dequeue_rescinds else UNTOLD.keys()
    assert untold <= UNTOLD.keys() | hidden


UNCLEAR: Final[Mapping[str, tuple[str, Twist, str]]] = {
    "other number": (
        "instruction_codes",
        change("WorkerActivitySid=WA1", body={"code": 1}),
        "another one",
    ),
    "no refusal": ("instruction_codes", change("WA1", 200), "a refusal was expected, but the"),
    "server error": (
        "neither_given",
        change("POST .*/Reservations/WR", 503),
        "the platform failed: 503",
    ),
    "other conflict": ("checks_version_first", change("accepted", 409, first=1), "neither a 412"),
    "no version": ("has_quoted_etag", change("GET .*/WR", headers={}), "the reply has no ETag"),
    "no effect": ("system_status", change("=canceled", 200), "but the reservation is pending"),
    "refused anyway": (
        "blank_values",
        change("ReservationStatus=rejected", 400),
        "without it the request is refused, too",
    ),
    "half strict": ("strict", change("PageSize=0", 400), "it is strict in one thing only"),
    "no unit": (
        "rate_limit",
        change("GET .*/WR", headers={"X-Rate-Limit-Limit": "9"}),
        "the unit is not stated",
    ),
    "sibling ended": (
        "refills_reservations",
        change("GET .*/WR", body={"reservation_status": "timeout"}),
        "the other reservation is timeout",
    ),
    "no timeout": (
        "reservation_timeout",
        change("GET .*/WW", body={"task_reservation_timeout": None}),
        "shows no reservation timeout",
    ),
    "worker left": (
        "can_leave_with_pending",
        change("GET .*/WR", body={"reservation_status": "rejected"}),
        "the reservation is rejected",
    ),
    "no need": ("task_end_needs_reason", change("AssignmentStatus=", 400), "is refused, too"),
    "no attributes": ("attributes_with_status", change("Attributes=", 400), ""),
    "both and none": ("both_given", change("=conference", 400), "is refused, too"),
    "no list": ("both_given", change("GET .*/Reservations", 404), "listing the reservations was"),
    "no offer": (
        "both_given",
        change("GET .*/Reservations", body={"reservations": None}),
        "the task was offered to 0 of 1 workers",
    ),
    "no sid": ("both_given", change("POST .*/Tasks ", body={"sid": 3}), "the reply has no sid"),
    "no worker": ("both_given", change("POST .*/Workers ", 403), "creating parity-"),
}
"""Setting, change of the replies, and part of the reason."""


@pytest.mark.parametrize(("name", "twist", "reason"), UNCLEAR.values(), ids=UNCLEAR)
def test_unclear_answer_is_no_value(name: str, twist: Twist, reason: str) -> None:
    stage = Stage(names=[name], twist=twist)
    (finding,) = stage.run().findings
    assert (finding.is_known, finding.subject) == (False, Subject.SETTING)
    assert reason in finding.seen
