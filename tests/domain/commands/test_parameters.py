"""The 54 parameters against the hand-written table."""

from __future__ import annotations

import inspect
import re
from typing import cast

import pytest

from reservation_core import Command, Evidence
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import (
    Boolean,
    Choice,
    Integer,
    Kind,
    MultipleChoice,
    Text,
    Uri,
)
from reservation_core.domain.commands.parameters import param, pop_declared_parameters
from reservation_core.domain.commands.types import CONTACT, SECONDS
from reservation_core.domain.redaction import Sensitivity
from reservation_core.testing.strategies import build
from tests.reference.oracle import load, rows

ROWS = rows("parameters")


OWN = [row for row in ROWS if row["name"] not in {"ReservationStatus", "Instruction"}]


BY_TRIGGER = {command.trigger: command for command in COMMANDS}


BY_NAME = {
    parameter.wire_name: parameter for command in COMMANDS for parameter in command.parameters
}


DESCRIBED = {
    operation["operationId"]: cast("dict[str, dict[str, object]]", operation["body"])
    for operation in cast("dict[str, list[dict[str, object]]]", load("openapi"))["operations"]
}


SID_PREFIXES = {"dequeue": "Dequeue", "call": "Call", "redirect": "Redirect"}


SAMPLES = {
    "sid": "WA0123456789abcdef0123456789abcdef",
    "caller": "5550006",
    "open-enum": "record-from-answer",
    "contact": "sip:alice@example.com",
    "url": "https://example.com/",
    "integer": 30,
    "boolean": True,
    "text": "WK0123456789abcdef0123456789abcdef",
    "secret": "abc",
}


def row_id(row: dict[str, str]) -> str:
    """Return the ID of one row."""
    return row["name"]


def sample(row: dict[str, str]) -> object:
    """Return a valid value for a row."""
    words = [word for word in row["values"].split() if word not in {"do-not-record", "false"}]
    right = SAMPLES.get(row["kind"], words[-1] if words else "")
    right = [words[-1]] if row["kind"] == "list" else right
    return "CA" + str(right)[2:] if row["pattern"].startswith("^CA") else right


def field(row: dict[str, str]) -> str:
    """Return the field of a row: its unprefixed name in snake case."""
    snake = re.sub(
        r"(?<!^)(?=[A-Z])", "_", row["name"].removeprefix(SID_PREFIXES.get(row["command"], ""))
    ).lower()
    return "from_" if snake == "from" else snake


def make(row: dict[str, str], *others: str) -> Command:
    """Build a command with the row, the required and these parameters."""
    wanted = {row["name"], *others}
    own = [other for other in OWN if other["command"] == row["command"]]
    return build(
        BY_TRIGGER[row["command"]],
        {
            field(other): sample(other)
            for other in own
            if other["required"] == "yes" or other["name"] in wanted
        },
    )


def test_commands_declare_52_of_the_54_rows() -> None:
    assert [int(row["number"]) for row in ROWS] == list(range(1, 55))
    assert len(OWN) == sum(len(command.parameters) for command in COMMANDS) == len(BY_NAME) == 52
    (statuses,) = (row["values"].split() for row in ROWS if row["kind"] == "status")
    (instructions,) = (row["values"].split() for row in ROWS if row["name"] == "Instruction")
    assert {
        command.first_pair[1] for command in COMMANDS if command.first_pair[0] == "Instruction"
    } == set(instructions)
    assert {
        command.first_pair[1]
        for command in COMMANDS
        if command.first_pair[0] == "ReservationStatus"
    } < set(statuses)
    settable = {
        (row["command"], row["status"])
        for row in rows("settable")
        if row["settable_by_client"] == "yes"
    }
    assert {
        (command.trigger, command.first_pair[1])
        for command in COMMANDS
        if command.first_pair[0] == "ReservationStatus"
    } == settable


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_parameters_follow_order_of_reference(command: type[Command]) -> None:
    assert [parameter.wire_name for parameter in command.parameters] == [
        row["name"] for row in OWN if row["command"] == command.trigger
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_parameters_agree_with_api_description(command: type[Command]) -> None:
    described = {
        wire: fact
        for wire, fact in DESCRIBED["UpdateTaskReservation"].items()
        if wire in BY_NAME and BY_NAME[wire] in command.parameters
    }
    assert list(described) == [parameter.wire_name for parameter in command.parameters]
    for wire, fact in described.items():
        kind = BY_NAME[wire].kind
        types = {
            "string": (Text, Choice),
            "integer": (Integer,),
            "boolean": (Boolean,),
            "array": (MultipleChoice,),
        }
        assert isinstance(kind, types[str(fact["type"])])
        assert isinstance(kind, MultipleChoice) == (fact["type"] == "array")
        assert isinstance(kind, Uri) == (fact.get("format") == "uri")


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_wire_name_is_prefix_and_camel_case_field(row: dict[str, str]) -> None:
    parameter = BY_NAME[row["name"]]
    assert parameter in BY_TRIGGER[row["command"]].parameters
    assert parameter.field == field(row)
    camel = "".join(word.title() for word in parameter.field.split("_"))
    assert SID_PREFIXES.get(row["command"], "") + camel == row["name"]
    taken = inspect.signature(BY_TRIGGER[row["command"]]).parameters[parameter.field]
    assert taken.kind is inspect.Parameter.KEYWORD_ONLY
    assert taken.default is None


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_required_parameters_are_those_of_the_table(row: dict[str, str]) -> None:
    parameter = BY_NAME[row["name"]]
    assert parameter.is_required == (row["required"] == "yes")
    absent = parameter.find_violation(None)
    assert (absent is not None) == parameter.is_required
    if row["required"] == "disputed":
        assert row["name"] in {caution.parameter for caution in make({**row, "name": ""}).cautions}


def _facts(kind: Kind[object]) -> tuple[str, list[str], str, str]:
    """Return name, words, minimum and maximum of a kind."""
    if isinstance(kind, Integer):
        return "integer", [], str(kind.minimum), str(kind.maximum)
    if isinstance(kind, Boolean):
        return "boolean", [], "", ""
    if isinstance(kind, Choice):
        word = (
            "list"
            if isinstance(kind, MultipleChoice)
            else "method"
            if kind.words == ("GET", "POST")
            else "enum"
        )
        return word, list(kind.words), "", ""
    return "url" if isinstance(kind, Uri) else "text", [], "", ""


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_kind_is_that_of_the_table(row: dict[str, str]) -> None:
    kind = BY_NAME[row["name"]].kind
    words = row["values"].split() if row["kind"] != "open-enum" else []
    free = {"sid", "caller", "contact", "text", "secret", "open-enum"}
    assert _facts(kind) == (
        "text" if row["kind"] in free else row["kind"],
        words,
        row["minimum"],
        row["maximum"],
    )
    for word in row["values"].split():
        assert kind.find_problem((word,) if row["kind"] == "list" else word) is None
    if row["kind"] == "open-enum":
        for word in ("record-from-answer-dual", "record_from_answer", "1", "worker leg"):
            assert kind.find_problem(word) is None
        assert kind.find_problem(" ") is not None
    if row["kind"] == "url":
        assert kind.find_problem("ftp://example.com/") is not None
    if row["kind"] in {"contact", "caller"}:
        for right in (
            "+15005550006",
            *(
                ("client:alice", "sip:alice@example.com", "whatsapp:+15005550006")
                if row["kind"] == "contact"
                else ("18001234567", "bob")
            ),
        ):
            assert kind.find_problem(right) is None


@pytest.mark.parametrize("row", [row for row in OWN if row["pattern"]], ids=row_id)
def test_sid_pattern_is_that_of_the_table(row: dict[str, str]) -> None:
    kind = BY_NAME[row["name"]].kind
    assert isinstance(kind, Text)
    assert kind.pattern == row["pattern"].strip("^$")
    assert DESCRIBED["UpdateTaskReservation"][row["name"]]["pattern"] == row["pattern"]
    for prefix in ("WA", "CA", "WK", "AC"):
        assert (kind.find_problem(f"{prefix}{'0' * 32}") is None) == (prefix == row["pattern"][1:3])


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_sensitivity_is_that_of_the_table(row: dict[str, str]) -> None:
    also = {"Supervisor": Sensitivity.PERSONAL, "SipAuthUsername": Sensitivity.PERSONAL}
    marks = {
        "pii": Sensitivity.PERSONAL,
        "secret": Sensitivity.SECRET,
        "": also.get(row["name"], Sensitivity.PUBLIC),
    }
    assert BY_NAME[row["name"]].kind.sensitivity is marks[row["personal"]]


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_default_is_that_of_the_table_and_never_sent(row: dict[str, str]) -> None:
    default = BY_NAME[row["name"]].info.if_unset
    if row["default"]:
        assert default is not None
        assert default.replace(",", "").partition(" (")[0] == row["default"]
    else:
        fallbacks = {
            "DequeueTo": "contact_uri",
            "CallTo": "contact_uri",
            "To": "contact_uri",
            "WaitUrl": "music",
        }
        assert (default is not None) == (row["name"] in fallbacks)
        assert fallbacks.get(row["name"], "") in (default or "")
    assert row["name"] not in dict(make({**row, "name": ""}).form()) or row["required"] == "yes"


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_error_code_is_one_of_the_table(row: dict[str, str]) -> None:
    parameter = BY_NAME[row["name"]]
    violation = parameter.find_violation(object())
    assert violation is not None
    assert violation.code == parameter.info.code
    assert str(violation.code or "") in (row["code"].split() or [""])
    assert (f"platform error {violation.code}" in str(violation)) == bool(row["code"])


@pytest.mark.parametrize("row", OWN, ids=row_id)
def test_routes_are_those_of_the_table(row: dict[str, str]) -> None:
    command = BY_TRIGGER[row["command"]]
    assert (
        command.is_task_route_only
        == (row["worker_route"] == "no")
        == (row["name"] not in DESCRIBED["UpdateWorkerReservation"])
    )


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_callback_name_is_that_of_the_table(row: dict[str, str]) -> None:
    if row["name"] not in BY_NAME:
        assert row["callback_name"] == "instruction"
        assert next(iter(build(BY_TRIGGER["accept"], {}).instruction())) == "instruction"
        return
    assert BY_TRIGGER[row["command"]].can_answer_callback == bool(row["callback_name"])
    if row["callback_name"]:
        assert BY_NAME[row["name"]].callback_name == row["callback_name"]
        document = make(row).instruction()
        assert row["callback_name"] in document
        assert document["instruction"] == row["command"]


DEPENDENT = [row for row in OWN if row["needs"] and row["needs"] != "To"]


def _inferred_cautions(command: Command, wire: str) -> list[str]:
    """Return the texts of the inferred cautions about one parameter."""
    return [
        str(caution)
        for caution in command.cautions
        if caution.parameter == wire and caution.evidence is Evidence.INFERRED
    ]


@pytest.mark.parametrize("row", DEPENDENT, ids=row_id)
def test_parameter_without_its_dependency_gives_caution(row: dict[str, str]) -> None:
    first, *_ = row["needs"].split()
    (text,) = _inferred_cautions(make(row), row["name"])
    assert any(other in text for other in first.split("|"))
    assert row["name"] in dict(make(row).form())


@pytest.mark.parametrize("row", DEPENDENT, ids=row_id)
def test_parameter_with_its_dependencies_gives_no_caution(row: dict[str, str]) -> None:
    groups = [group.split("|") for group in row["needs"].split()]
    for one in groups[-1]:
        assert not _inferred_cautions(
            make(row, one, *(group[0] for group in groups[:-1])), row["name"]
        )


@pytest.mark.parametrize("row", DEPENDENT, ids=row_id)
def test_each_missing_dependency_is_named(row: dict[str, str]) -> None:
    groups = [group.split("|") for group in row["needs"].split()]
    for missing in groups:
        command = make(row, *(group[0] for group in groups if group is not missing))
        texts = " ".join(map(str, command.cautions))
        assert any(re.search(rf"\b{other}\b", texts) for other in missing)


@pytest.mark.parametrize(
    "wire",
    [
        "RecordingChannels",
        "RecordingStatusCallback",
        "ConferenceTrim",
        "ConferenceRecordingStatusCallback",
    ],
)
@pytest.mark.parametrize(
    "off",
    [{"record": False}, {"conference_record": "false"}, {"conference_record": "do-not-record"}],
)
def test_dependency_that_is_switched_off_does_not_count(wire: str, off: dict[str, object]) -> None:
    (row,) = (row for row in OWN if row["name"] == wire)
    assert _inferred_cautions(
        build(BY_TRIGGER["conference"], {field(row): sample(row), **off}), wire
    )


@pytest.mark.parametrize("row", [row for row in OWN if row["needs"] == "To"], ids=row_id)
def test_sip_credentials_without_sip_contact_give_caution(row: dict[str, str]) -> None:
    conference = BY_TRIGGER["conference"]
    for to, idle in (
        ("+15005550006", True),
        ("client:alice", True),
        ("sip:a@example.com", False),
        ("SIPS:a@example.com", False),
        (None, False),
    ):
        assert (
            bool(_inferred_cautions(build(conference, {field(row): "abc", "to": to}), row["name"]))
            == idle
        )
    assert not _inferred_cautions(build(conference, {"to": "client:alice"}), row["name"])


def test_declarations_are_replaced_by_parameters() -> None:
    class Later:
        other: int = 1
        ring_time: int | None = param(SECONDS, default=None, if_unset="60")
        to: str = param(CONTACT, code=40137)

    read = list(pop_declared_parameters(Later, "Call"))
    assert [(p.field, p.wire_name, p.kind, p.is_required) for p in read] == [
        ("ring_time", "CallRingTime", SECONDS, False),
        ("to", "CallTo", CONTACT, True),
    ]
    assert [(p.info.if_unset, p.info.code) for p in read] == [("60", None), (None, 40137)]
    assert vars(Later).keys() & {"other", "ring_time", "to"} == {"other"}
