"""Behaviour that all commands share."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    InvalidCommand,
    Parameter,
    Redirect,
    Reject,
    Supervise,
    Wrap,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.declaration import PARAMETER_METADATA_KEY
from reservation_core.domain.commands.kinds import (
    MultipleChoice,
)
from reservation_core.testing.strategies import (
    arguments,
    build,
    commands,
    invalid_commands,
    near_misses,
)
from tests.domain.commands.helpers import (
    CALLBACK_COMMANDS,
    HEX,
    URL,
    WITH_PARAMETERS,
    blamed,
    refused,
    some,
    trigger,
)
from tests.reference.oracle import rows


def list_to_tuple(value: object) -> object:
    """Convert a list to a tuple, as a command does."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@some
@given(data=st.data())
def test_one_broken_rule_gives_one_violation(kind: type[Command], data: st.DataObject) -> None:
    invalid = data.draw(invalid_commands(kind))
    error = refused(invalid.build)
    (violation,) = error.violations
    (wrong,) = (parameter for parameter in kind.parameters if parameter.field == invalid.field)
    assert error.command == kind.__name__
    assert (violation.parameter, violation.field) == (wrong.wire_name, wrong.field)
    if wrong.field in invalid.arguments:
        value: object = invalid.arguments[wrong.field]
        if isinstance(wrong.kind, MultipleChoice):
            value = list_to_tuple(value)
        assert violation.value == wrong.kind.show(value)
        assert violation.rule.startswith("must ")
    else:
        assert (violation.value, violation.rule) == ("<unset>", "is required")
    text = f"{wrong.wire_name} = {violation.value}: {violation.rule}"
    assert f"{kind.__name__} cannot be sent:\n  {text}" in str(error)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@some
@given(data=st.data())
def test_all_violations_are_reported_in_order(kind: type[Command], data: st.DataObject) -> None:
    right = data.draw(arguments(kind))
    wrong = data.draw(st.sets(st.sampled_from(kind.parameters), min_size=1))
    required = [p for p in kind.parameters if p.is_required]
    missing = data.draw(st.sets(st.sampled_from(required))) if required else set[Parameter]()
    keywords: dict[str, object] = {
        **right,
        **{p.field: data.draw(near_misses(p.kind)) for p in wrong},
    }
    for parameter in missing:
        keywords.pop(parameter.field)
    expected = [p.wire_name for p in kind.parameters if p in wrong | missing]
    assert blamed(refused(build, kind, keywords)) == expected


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Call, ["CallFrom", "CallUrl"]),
        (Redirect, ["RedirectCallSid", "RedirectUrl"]),
        (Supervise, ["SupervisorMode", "Supervisor"]),
        (Accept, []),
        (Reject, []),
        (Dequeue, []),
        (Conference, []),
        (Wrap, []),
        (Complete, []),
    ],
    ids=str,
)
def test_missing_required_parameter_is_a_violation(kind: type[Command], missing: list[str]) -> None:
    if not missing:
        assert build(kind, {}).form() == (kind.first_pair,)
        return
    for keywords in ({}, dict.fromkeys((p.field for p in kind.parameters if p.is_required), None)):
        error = refused(build, kind, keywords)
        assert blamed(error) == missing
        assert all(
            v.rule == "is required" and v.value == "<unset>" and v.remedy.startswith("give ")
            for v in error.violations
        )


def test_unpickled_command_works_before_any_is_built() -> None:
    sent = (Conference(to="client:alice", timeout=20), Conference(to="client:alice", timeout=21))
    for use in ("one == two", "one.form()"):
        code = (
            f"import pickle, sys; one, two = pickle.loads(bytes.fromhex(sys.argv[1])); print({use})"
        )
        run = [sys.executable, "-c", code, pickle.dumps(sent).hex()]
        printed = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
        assert printed.strip() == str(eval(use, {"one": sent[0], "two": sent[1]}))


def test_hash_covers_class_and_every_parameter() -> None:
    assert len({hash(command) for command in (Accept(), Wrap(), Complete())}) == 3
    assert len({hash(Conference(timeout=seconds)) for seconds in range(1, 100)}) == 99


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
@settings(some, max_examples=25)
@given(data=st.data())
def test_form_follows_order_of_reference(kind: type[Command], data: st.DataObject) -> None:
    keywords = data.draw(arguments(kind))
    form = build(kind, keywords).form()
    order = [row["name"] for row in rows("parameters")]
    assert form[0] == kind.first_pair
    assert [order.index(name) for name, _ in form[1:]] == sorted(
        order.index(name) for name, _ in form[1:]
    )
    assert {name for name, _ in form[1:]} == {
        parameter.wire_name for parameter in kind.parameters if parameter.field in keywords
    }
    assert all(type(name) is str and type(text) is str for name, text in form)


@settings(some, max_examples=100)
@given(commands(*CALLBACK_COMMANDS))
def test_instruction_uses_callback_names_and_json_types(command: Command) -> None:
    document = json.loads(json.dumps(command.instruction()))
    names = {row["name"]: row["callback_name"] for row in rows("parameters")}
    expected: dict[str, object] = {"instruction": command.trigger}
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            expected[names[parameter.wire_name]] = (
                ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
            )
    assert document == expected
    assert list(document) == list(expected)
    assert all(type(value) in {str, int, bool} for value in document.values())


@pytest.mark.parametrize(
    "command",
    [Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}"), Wrap(), Complete()],
    ids=repr,
)
def test_instruction_refuses_command_that_cannot_answer_callback(command: Command) -> None:
    error = refused(command.instruction)
    assert blamed(error) == [command.first_pair[0]]
    assert "perform" in str(error)
    assert error.command == type(command).__name__


def test_is_accepting_equals_accept_flag() -> None:
    call = Call(from_="5550006", url=URL, accept=True)
    redirect = Redirect(call_sid=f"CA{HEX}", url=URL, accept=True)
    assert (call.is_accepting, redirect.is_accepting) == (True, True)
    for command in (
        attrs.evolve(call, accept=False),
        attrs.evolve(call, accept=None),
        Accept(),
        Conference(),
        Dequeue(),
    ):
        assert not command.is_accepting


@some
@given(commands())
def test_command_is_an_immutable_value(command: Command) -> None:
    same = (
        copy.copy(command),
        copy.deepcopy(command),
        pickle.loads(pickle.dumps(command)),
        attrs.evolve(command),
    )
    for one in same:
        assert one == command
        assert hash(one) == hash(command)
        assert type(one) is type(command)
        assert one.form() == command.form()
    assert command != cast("object", command.form())
    for name in (
        *(parameter.field for parameter in command.parameters),
        "trigger",
        "anything",
        "_parse_cautions",
    ):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(command, name, None)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(command, name)


def test_commands_of_different_classes_are_unequal() -> None:
    assert len({Accept(), Reject(), Wrap(), Complete(), Dequeue(), Conference()}) == 6
    assert Accept() == Accept() != cast("Command", Reject())
    assert Conference(muted=False) != Conference(muted=True) != Conference()
    assert Conference(timeout=20) == Conference(timeout=20, muted=None)


def test_list_is_copied_to_a_tuple() -> None:
    events: list[str] = ["start", "end"]
    command = build(Conference, {"conference_status_callback_event": events})
    events.append("bogus")
    assert command == Conference(conference_status_callback_event=("start", "end"))
    assert dict(command.form())["ConferenceStatusCallbackEvent"] == "end"
    assert hash(command) == hash(Conference(conference_status_callback_event=["start", "end"]))


class Word(str, Enum):  # noqa: UP042 - on purpose not StrEnum: str() returns the member's name
    """A service's own enumeration of the platform's words."""

    GET = "GET"
    START = "start"
    CONTACT = "client:alice"


def test_string_enum_member_is_sent_as_plain_text() -> None:
    keywords = {
        "to": Word.CONTACT,
        "wait_method": Word.GET,
        "conference_status_callback_event": [Word.START],
    }
    command = build(Conference, keywords)
    plain = Conference(
        to="client:alice", wait_method="GET", conference_status_callback_event=["start"]
    )
    assert command == plain
    assert hash(command) == hash(plain)
    assert [(name, type(text), text) for name, text in command.form()] == [
        (name, str, text) for name, text in plain.form()
    ]
    assert json.dumps(command.instruction()) == json.dumps(plain.instruction())
    assert "alice" not in repr(command)


class Events(NamedTuple):
    """A subclass of tuple."""

    first: str
    last: str


def test_named_tuple_is_accepted_as_list() -> None:
    command = build(Conference, {"conference_status_callback_event": Events("start", "end")})
    assert command == Conference(conference_status_callback_event=("start", "end"))
    assert Command.from_form(command.form()) == command
    assert blamed(
        refused(build, Conference, {"conference_status_callback_event": Events("start", "bogus")})
    ) == ["ConferenceStatusCallbackEvent"]


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
def test_constructor_accepts_only_known_keywords(kind: type[Command]) -> None:
    make = cast("Callable[..., Command]", kind)
    with pytest.raises(TypeError):
        make("client:alice")
    with pytest.raises(TypeError, match="bogus"):
        make(bogus=1)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@settings(some, max_examples=30)
@given(data=st.data())
def test_evolved_copy_is_validated(kind: type[Command], data: st.DataObject) -> None:
    command = build(kind, data.draw(arguments(kind)))
    wrong = data.draw(st.sampled_from(kind.parameters))
    value = data.draw(near_misses(wrong.kind))
    assert blamed(refused(attrs.evolve, command, **{wrong.field: value})) == [wrong.wire_name]


def test_base_class_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="Build one of the nine"):
        Command()


def test_unpickled_command_writes_form_in_new_process() -> None:
    command = Conference(
        to="client:alice",
        from_="+15005550006",
        timeout=20,
        muted=False,
        conference_status_callback_event=["start", "end"],
    )
    program = (
        "import pickle, sys; command = pickle.load(sys.stdin.buffer); "
        "print((command, command.form(), hash(command) == hash(command)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(command),
        capture_output=True,
        check=True,
    ).stdout
    assert printed.decode().strip() == repr((command, command.form(), True))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_attrs_field_holds_parameter_in_metadata(command: type[Command]) -> None:
    declared: list[Parameter] = [
        field.metadata[PARAMETER_METADATA_KEY]
        for field in attrs.fields(command)
        if field.name != "extra"
    ]
    assert declared == list(command.parameters)


@attrs.frozen(kw_only=True, slots=False)
class Tagged(Call):
    """A derived command with a field that is not a parameter."""

    tag: str = "x"


@attrs.frozen(kw_only=True)
class Noted(Conference):
    """A derived command whose methods attrs generates."""

    note: str = ""


def test_derived_class_is_validated_sent_and_compared() -> None:
    given: dict[str, Any] = {"from_": "+15005550006", "url": "https://example.com"}
    wrong: dict[str, Any] = {**given, "timeout": 0}
    other: dict[str, Any] = {**given, "timeout": 9}
    for _ in range(2):
        tagged = Tagged(**given, tag="y")
        assert tagged.form() == Call(**given).form()
        assert (tagged.tag, tagged.trigger) == ("y", "call")
        with pytest.raises(InvalidCommand, match="Timeout"):
            Tagged(**wrong)
        assert tagged != Tagged(**other, tag="y")


def test_derived_class_redacts_its_repr() -> None:
    given: dict[str, Any] = {
        "to": "sip:alice@example.com",
        "sip_auth_username": "alice",
        "sip_auth_password": "hush-this",
        "timeout": 20,
    }
    shown = repr(Noted(**given, note="n"))
    assert "note='n'" in shown
    assert "sip_auth_password=<secret>" in shown
    assert not [word for word in ("hush-this", "alice") if word in shown]
    assert "sip_auth_password=None" in repr(Noted())
    assert "timeout=20" in shown
