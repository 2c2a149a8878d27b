"""The 54 parameters: each declaration against its row of the hand-written table."""

from __future__ import annotations

import inspect
import re
from typing import Annotated, Any, cast

import attrs
import pytest

from reservation_core import Accept, Call, Command, Conference, Evidence, InvalidCommand, Parameter
from reservation_core.domain.commands.base import PARAMETER_METADATA_KEY
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
from reservation_core.domain.commands.parameters import ParameterInfo, read_declared_parameters
from reservation_core.domain.commands.types import Contact, Seconds
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


def name(row: dict[str, str]) -> str:
    """Name one row."""
    return row["name"]


def sample(row: dict[str, str]) -> object:
    """Give a right value of a parameter by its row: of a set of words the last that switches something on."""
    words = [word for word in row["values"].split() if word not in {"do-not-record", "false"}]
    right = SAMPLES.get(row["kind"], words[-1] if words else "")
    right = [words[-1]] if row["kind"] == "list" else right
    return "CA" + str(right)[2:] if row["pattern"].startswith("^CA") else right


def field(row: dict[str, str]) -> str:
    """Give the Python name of a parameter by the official client's rule: its name in snake case, without its command's prefix."""
    snake = re.sub(
        r"(?<!^)(?=[A-Z])", "_", row["name"].removeprefix(SID_PREFIXES.get(row["command"], ""))
    ).lower()
    return "from_" if snake == "from" else snake


def make(row: dict[str, str], *others: str) -> Command:
    """Build the row's command with its parameter, what the command requires, and these others by their names on the wire."""
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


# --- what is declared ------------------------------------------------------------------------------------------------------------


def test_the_table_has_54_rows_of_which_52_are_parameters_of_a_command() -> None:
    """The two rows that are no parameter of a command are the first pair of every form."""
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
    settable = {(row["command"], row["status"]) for row in rows("settable") if row["command"]}
    assert {
        (command.trigger, command.first_pair[1])
        for command in COMMANDS
        if command.first_pair[0] == "ReservationStatus"
    } == settable


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_a_command_has_its_parameters_in_the_order_of_the_reference(command: type[Command]) -> None:
    """Each command declares exactly the rows it owns, in their order."""
    assert [parameter.wire_name for parameter in command.parameters] == [
        row["name"] for row in OWN if row["command"] == command.trigger
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_names_order_and_types_are_those_of_the_api_description(command: type[Command]) -> None:
    """The platform's own machine-readable description has the same names in the same order, of the same types."""
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


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_name_follows_the_law(row: dict[str, str]) -> None:
    """The wire name is the command's prefix and the field in CamelCase, and the constructor takes the parameter under that field."""
    parameter = BY_NAME[row["name"]]
    assert parameter in BY_TRIGGER[row["command"]].parameters
    assert parameter.field == field(row)
    camel = "".join(word.title() for word in parameter.field.split("_"))
    assert SID_PREFIXES.get(row["command"], "") + camel == row["name"]
    taken = inspect.signature(BY_TRIGGER[row["command"]]).parameters[parameter.field]
    assert taken.kind is inspect.Parameter.KEYWORD_ONLY
    assert taken.default is None


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_parameter_is_required_exactly_where_the_table_says(row: dict[str, str]) -> None:
    """What every source requires is required; what sources dispute is optional, and its absence is a caution."""
    parameter = BY_NAME[row["name"]]
    assert parameter.is_required == (row["required"] == "yes")
    absent = parameter.find_violation(None)
    assert (absent is not None) == parameter.is_required
    if row["required"] == "disputed":
        assert row["name"] in {caution.parameter for caution in make({**row, "name": ""}).cautions}


def _facts(kind: Kind) -> tuple[str, list[str], str, str]:
    """Say of a kind what the table says of one: its name, its words, its limits."""
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


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_kind_is_that_of_the_table(row: dict[str, str]) -> None:
    """The kind, the words of a closed set in their order, and both limits of a number are those of the row."""
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
        assert kind.find_problem("record-from-answer-dual") is None
    if row["kind"] == "url":
        assert kind.find_problem("ftp://example.com/") is not None
    if row["kind"] in {"contact", "caller"}:
        for right in (
            "+15005550006",
            *(
                ("client:alice", "sip:alice@example.com")
                if row["kind"] == "contact"
                else ("18001234567", "bob")
            ),
        ):
            assert kind.find_problem(right) is None


@pytest.mark.parametrize("row", [row for row in OWN if row["pattern"]], ids=name)
def test_a_pattern_is_that_of_the_table(row: dict[str, str]) -> None:
    """A SID has the prefix of the row's pattern."""
    kind = BY_NAME[row["name"]].kind
    assert isinstance(kind, Text)
    assert kind.pattern == row["pattern"].strip("^$")
    assert DESCRIBED["UpdateTaskReservation"][row["name"]]["pattern"] == row["pattern"]
    for prefix in ("WA", "CA", "WK", "AC"):
        assert (kind.find_problem(f"{prefix}{'0' * 32}") is None) == (prefix == row["pattern"][1:3])


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_value_is_as_private_as_the_table_says(row: dict[str, str]) -> None:
    """What the platform marks as personal or secret is masked; two more are masked that may hold a person's contact or name."""
    also = {"Supervisor": Sensitivity.PERSONAL, "SipAuthUsername": Sensitivity.PERSONAL}
    marks = {
        "pii": Sensitivity.PERSONAL,
        "secret": Sensitivity.SECRET,
        "": also.get(row["name"], Sensitivity.PUBLIC),
    }
    assert BY_NAME[row["name"]].kind.sensitivity is marks[row["personal"]]


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_default_is_that_of_the_table(row: dict[str, str]) -> None:
    """What the platform does without the parameter is documented, begins as the table has it, and is never sent."""
    default = BY_NAME[row["name"]].info.default
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


@pytest.mark.parametrize("row", OWN, ids=name)
def test_an_error_number_is_one_of_the_table(row: dict[str, str]) -> None:
    """A violation carries the number the platform has for a missing or bad value, where it has one."""
    parameter = BY_NAME[row["name"]]
    violation = parameter.find_violation(object())
    assert violation is not None
    assert violation.code == parameter.info.code
    assert str(violation.code or "") in (row["code"].split() or [""])
    assert (f"platform error {violation.code}" in str(violation)) == bool(row["code"])


@pytest.mark.parametrize("row", OWN, ids=name)
def test_a_parameter_travels_the_routes_of_the_table(row: dict[str, str]) -> None:
    """The worker route has every parameter but those of supervise, in the table as in the API description."""
    command = BY_TRIGGER[row["command"]]
    assert (
        command.is_task_route_only
        == (row["worker_route"] == "no")
        == (row["name"] not in DESCRIBED["UpdateWorkerReservation"])
    )


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_callback_name_is_that_of_the_table(row: dict[str, str]) -> None:
    """In answer to an assignment callback a parameter has the name of the row; those of supervise cannot be said there."""
    if row["name"] not in BY_NAME:
        assert row["callback_name"] == "instruction"
        assert next(iter(build(BY_TRIGGER["accept"], {}).instruction())) == "instruction"
        return
    assert BY_TRIGGER[row["command"]].can_answer_callback == bool(row["callback_name"])
    if row["callback_name"]:
        assert BY_NAME[row["name"]].callback_name == row["callback_name"]
        said = make(row).instruction()
        assert row["callback_name"] in said
        assert said["instruction"] == row["command"]


# --- what a parameter needs ------------------------------------------------------------------------------------------------------

NEEDING = [row for row in OWN if row["needs"] and row["needs"] != "To"]


def _told(command: Command, wire: str) -> list[str]:
    """Give the inferred cautions about one parameter, in words."""
    return [
        str(caution)
        for caution in command.cautions
        if caution.parameter == wire and caution.evidence is Evidence.INFERRED
    ]


@pytest.mark.parametrize("row", NEEDING, ids=name)
def test_a_parameter_alone_is_idle_and_said_to_be(row: dict[str, str]) -> None:
    """Without what it needs a parameter is sent all the same, with one caution that names what is missing."""
    first, *_ = row["needs"].split()
    (told,) = _told(make(row), row["name"])
    assert any(other in told for other in first.split("|"))
    assert row["name"] in dict(make(row).form())


@pytest.mark.parametrize("row", NEEDING, ids=name)
def test_a_parameter_with_what_it_needs_is_not_idle(row: dict[str, str]) -> None:
    """With everything it needs (of alternatives any one) there is no such caution."""
    groups = [group.split("|") for group in row["needs"].split()]
    for one in groups[-1]:
        assert not _told(make(row, one, *(group[0] for group in groups[:-1])), row["name"])


@pytest.mark.parametrize("row", NEEDING, ids=name)
def test_each_missing_need_is_told(row: dict[str, str]) -> None:
    """Whichever of the needed parameters is missing, some caution of the command names it."""
    groups = [group.split("|") for group in row["needs"].split()]
    for missing in groups:
        command = make(row, *(group[0] for group in groups if group is not missing))
        told = " ".join(map(str, command.cautions))
        assert any(re.search(rf"\b{other}\b", told) for other in missing)


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
def test_a_need_that_is_switched_off_is_no_help(wire: str, off: dict[str, object]) -> None:
    """A recording that is expressly not made is as good as none."""
    (row,) = (row for row in OWN if row["name"] == wire)
    assert _told(build(BY_TRIGGER["conference"], {field(row): sample(row), **off}), wire)


@pytest.mark.parametrize("row", [row for row in OWN if row["needs"] == "To"], ids=name)
def test_sip_credentials_need_a_sip_address(row: dict[str, str]) -> None:
    """They are idle when the contact is none; when no contact is given the worker's own may be one, so nothing is said."""
    conference = BY_TRIGGER["conference"]
    for to, idle in (
        ("+15005550006", True),
        ("client:alice", True),
        ("sip:a@example.com", False),
        ("SIPS:a@example.com", False),
        (None, False),
    ):
        assert bool(_told(build(conference, {field(row): "abc", "to": to}), row["name"])) == idle
    assert not _told(build(conference, {"to": "client:alice"}), row["name"])


# --- how a declaration is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.trigger)
def test_a_declaration_is_found_on_its_field(command: type[Command]) -> None:
    """Each attrs field of a command holds its declaration under the one metadata key, and says what it does in a sentence."""
    held: list[Parameter] = [
        made.metadata[PARAMETER_METADATA_KEY] for made in attrs.fields(command)
    ]
    assert held == list(command.parameters)
    for parameter in held:
        assert re.fullmatch(r"[A-Z].*[^.]\.", parameter.info.summary)
    assert command.__doc__


def test_annotations_may_be_texts() -> None:
    """A declaration in a module that defers its annotations, as this one does, is read all the same."""

    class Later:
        ring_time: Annotated[Seconds | None, ParameterInfo("How long it rings.")] = None
        to: Annotated[Contact, ParameterInfo("Who is called.")]

    read = list(read_declared_parameters(Later, "Call"))
    assert [(p.field, p.wire_name, p.is_required, p.info.summary) for p in read] == [
        ("ring_time", "CallRingTime", False, "How long it rings."),
        ("to", "CallTo", True, "Who is called."),
    ]


def test_a_compiled_method_says_where_it_is_from() -> None:
    """What is written for a command when it is first used has a module and a file name that a traceback can show."""
    assert Accept().form() == (("ReservationStatus", "accepted"),)
    assert Conference(timeout=20).form()
    made = Conference.form
    assert made.__doc__ == Command.form.__doc__
    assert all(
        kind.__eq__ is Command.__eq__ and kind.__hash__ is Command.__hash__ for kind in COMMANDS
    )
    assert (made.__module__, made.__code__.co_filename) == (
        "reservation_core.domain.commands.compiled",
        "<compiled methods of Conference>",
    )


@attrs.frozen(kw_only=True, slots=False)
class Tagged(Call):
    """A command of a service's own, with a note of its own."""

    tag: str = "x"


@attrs.frozen(kw_only=True)
class Noted(Conference):
    """Another, whose methods attrs writes."""

    note: str = ""


def test_a_class_that_somebody_derives_is_a_command_too() -> None:
    """It may hold more; it is checked, sent and compared like what it derives of, first and ever after."""
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


def test_what_is_derived_shows_nothing_personal() -> None:
    """Whoever writes the repr, contacts and passwords are masked in it."""
    given: dict[str, Any] = {
        "to": "sip:alice@example.com",
        "sip_auth_username": "alice",
        "sip_auth_password": "hush-this",
    }
    shown = repr(Noted(**given, note="n"))
    assert "note='n'" in shown
    assert not [word for word in ("hush-this", "alice") if word in shown]
