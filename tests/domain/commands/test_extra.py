"""Parameters that the library does not know, and statuses without a command."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given

from reservation_core import (
    ON_HOLD,
    Accept,
    Call,
    Command,
    CommandNotAllowed,
    Conference,
    Dequeue,
    Evidence,
    Reply,
    Reservation,
    Status,
    conclude,
    decide,
    explain,
    prepare,
)
from reservation_core.domain.commands.catalogue import COMMANDS, SetStatus
from reservation_core.domain.commands.extra import redacted_extra_parts
from reservation_core.domain.redaction import Sensitivity
from reservation_core.rest.errors import Refused
from reservation_core.testing.strategies import commands
from tests.domain.commands.helpers import HEX, refused, some

EXTRA = (("Transcribe", "true"), ("TranscriptionConfiguration", '{"name": "hush-hush"}'))
SIDS: dict[str, Any] = {
    "sid": f"WR{HEX}",
    "workspace_sid": f"WS{HEX}",
    "task_sid": f"WT{HEX}",
}
SETTABLE = (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED)


@some
@given(commands(extra=True))
def test_extra_pairs_follow_the_known_ones(command: Command) -> None:
    known = attrs.evolve(command, extra=())
    assert command.form() == known.form() + command.extra
    assert (command == known) == (command.extra == ())
    assert Command.form(command) == command.form()
    assert pickle.loads(pickle.dumps(command)) == copy.copy(command) == command


def test_extra_pairs_are_a_caution_and_hide_their_values() -> None:
    command = Conference(timeout=20, extra=EXTRA)
    assert [caution.parameter for caution in command.cautions[-2:]] == [name for name, _ in EXTRA]
    assert {caution.evidence for caution in command.cautions[-2:]} == {Evidence.UNKNOWN}
    assert "sent as given" in str(command.cautions[-1])
    shown = repr(command)
    assert shown == (
        "Conference(timeout=20, extra=(('Transcribe', <not shown>), "
        "('TranscriptionConfiguration', <not shown>),))"
    )
    assert "extra" not in repr(Conference())


def test_extra_may_be_given_as_lists() -> None:
    pairs: Any = [["Transcribe", "true"]]
    assert Accept(extra=pairs) == Accept(extra=(("Transcribe", "true"),))


def test_values_of_extra_are_redacted_in_errors() -> None:
    reservation = Reservation(status=Status.PENDING, **SIDS)
    command = Conference(extra=(*EXTRA, ("Pin", "123")))
    reply = Reply(400, {}, b'{"message": "bad hush-value", "status": 400}')
    with pytest.raises(Refused) as caught:
        conclude(reservation, attrs.evolve(command, extra=(("A", "hush-value"),)), reply)
    assert "hush" not in str(caught.value)
    parts = redacted_extra_parts(command.extra)
    assert parts == {EXTRA[1][1]: Sensitivity.SECRET}


@pytest.mark.parametrize(
    ("kind", "extra", "parameter", "said"),
    [
        (Conference, (("Timeout", "20"),), "Timeout", "Use the field timeout."),
        (Conference, (("From", "bob"),), "From", "Use the field from_."),
        (Conference, (("CallTo", "x"),), "CallTo", "Use the command it belongs to: Call."),
        (Dequeue, (("DequeueStatusCallbackEvents", "x"),), None, "field status_callback_event."),
        (Conference, (("DequeueStatusCallbackEvents", "x"),), None, "belongs to: Dequeue."),
        (Accept, (("Instruction", "call"),), "Instruction", "chosen by the class"),
        (SetStatus, (("ReservationStatus", "x"),), "ReservationStatus", "chosen by the class"),
        (Accept, (("a\ud800", "x"),), "'a\\ud800'", "cannot be encoded"),
        (Accept, (("a", "\ud800"),), "'a'", "cannot be encoded"),
        (Accept, None, "extra", "must be pairs"),
        (Accept, "ab", "extra", "must be pairs"),
        (Accept, {"a": "b"}, "extra", "must be pairs"),
        (Accept, ("ab",), "extra", "each a text"),
        (Accept, (("a", 1),), "extra", "each a text"),
        (Accept, (("a", "b", "c"),), "extra", "each a text"),
        (Accept, (("a", "b"), None), "extra", "each a text"),
    ],
)
def test_wrong_extra_is_refused(
    kind: type[Command], extra: object, parameter: str | None, said: str
) -> None:
    given = {"status": Status.CANCELED} if kind is SetStatus else {}
    (violation,) = refused(kind, extra=extra, **given).violations
    assert violation.parameter == (parameter or "DequeueStatusCallbackEvents")
    assert violation.field == "extra"
    assert said in str(violation)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (Conference(to="client:alice", extra=(("to", "client:bob"),)), "Use the field to."),
        (Conference(extra=(("from", "bob"),)), "Use the field from_."),
        (Dequeue(extra=(("status_callback_events", "x"),)), "Use the field status_callback_event."),
        (Accept(extra=(("instruction", "reject"),)), "chosen by the class"),
    ],
)
def test_extra_with_a_known_name_of_a_callback_cannot_answer_it(
    command: Command, said: str
) -> None:
    """One of the two values would be lost."""
    assert Command.from_form(command.form()) == command
    (violation,) = refused(command.instruction).violations
    assert (violation.parameter, violation.field) == (command.extra[0][0], "extra")
    assert said in str(violation)


def test_wrong_extra_is_reported_with_the_other_violations() -> None:
    error = refused(Call, extra=(("CallUrl", "x"),), timeout=0, url="x")
    assert [violation.parameter for violation in error.violations] == [
        "CallFrom",
        "CallTimeout",
        "CallUrl",
        "CallUrl",
    ]


@pytest.mark.parametrize("kind", [*COMMANDS, SetStatus])
def test_docstring_and_signature_end_with_extra(kind: type[Command]) -> None:
    *_, last = inspect.signature(kind).parameters.values()
    assert str(last) == "extra: tuple[tuple[str, str], ...] = ()"
    assert ":param extra: Further parameters, as pairs of a name and a value." in (
        kind.__doc__ or ""
    )


# --- statuses without a command ------------------------------------------------------------------


@pytest.mark.parametrize("status", SETTABLE)
def test_set_status_sends_a_status_of_the_platform(status: Status) -> None:
    command = SetStatus(status)
    assert command == SetStatus(status=status) == SetStatus.from_form(command.form())
    assert command.form() == (("ReservationStatus", status.value),)
    assert command.trigger == f"set_{status}"
    assert command.first_pair == command.form()[0]
    assert Command.from_form([("ReservationStatus", status.upper())]) == command
    assert hash(command) == hash(SetStatus(status))
    assert len({SetStatus(other) for other in SETTABLE}) == 3
    assert pickle.loads(pickle.dumps(command)) == command
    (caution,) = command.cautions
    assert caution.evidence is Evidence.UNKNOWN
    assert status in repr(command)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.ACCEPTED, "Use Accept()."),
        (Status.REJECTED, "Use Reject()."),
        (Status.WRAPPING, "Use Wrap()."),
        (Status.COMPLETED, "Use Complete()."),
        (Status.PENDING, "a reservation begins with it"),
        ("onHold", "must be one of canceled, timeout, rescinded"),
        (None, "is required"),
    ],
)
def test_set_status_refuses_other_statuses(status: object, said: str) -> None:
    assert said in str(refused(SetStatus, status))


@pytest.mark.parametrize("status", SETTABLE)
@pytest.mark.parametrize("state", [*Status, ON_HOLD])
def test_set_status_is_allowed_only_before_the_end(status: Status, state: Any) -> None:
    decision = explain(state, SetStatus(status))
    is_open = state in (Status.PENDING, Status.ACCEPTED, Status.WRAPPING)
    assert decision.is_allowed == explain(state, SetStatus).is_allowed == is_open
    assert decision.edge is None or decision.edge.target is status
    assert not set(decision.alternatives) & {f"set_{one}" for one in SETTABLE}
    if is_open:
        assert "[unknown: " in str(decision)
    elif state != ON_HOLD:
        assert "no status can follow a terminal one [inferred" in str(decision)
    assert decide(state, f"set_{status}") == decision


def test_set_status_is_never_among_the_allowed_commands() -> None:
    assert SetStatus not in COMMANDS
    for status in Status:
        assert SetStatus not in Reservation(status=status).allowed
    assert Reservation(status=Status.ACCEPTED).allows(SetStatus(Status.CANCELED))


def test_set_status_is_prepared_and_concluded_like_a_command() -> None:
    held = Reservation(status=Status.ACCEPTED, etag="3", **SIDS)
    command = SetStatus(Status.CANCELED)
    request = prepare(held, command)
    assert request.form == command.form()
    assert request.headers["If-Match"] == "3"
    with pytest.raises(CommandNotAllowed, match="no status can follow"):
        prepare(held.with_status(Status.REJECTED), command)
    with pytest.raises(Refused):
        conclude(held, command, Reply(400, {}, b"{}"))


def test_set_status_cannot_answer_a_callback() -> None:
    assert "cannot answer" in str(refused(SetStatus(Status.CANCELED).instruction))
    for trigger in ("set_canceled", "canceled"):
        refused(Command.from_instruction, {"instruction": trigger})
