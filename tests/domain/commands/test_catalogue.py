"""The nine commands: what is sent, what is refused and how it is said, what is only doubted, and what is never shown."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple, TypeAlias, cast
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import (
    Accept,
    Call,
    Caution,
    Command,
    CommandNotAllowed,
    Complete,
    Conference,
    Dequeue,
    Evidence,
    InvalidCommand,
    Parameter,
    Redirect,
    Reject,
    Source,
    Status,
    Supervise,
    Violation,
    Wrap,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import MultipleChoice
from reservation_core.testing.strategies import (
    arguments,
    build,
    commands,
    invalid_commands,
    near_misses,
)
from tests.reference.oracle import load, rows

Pairs: TypeAlias = tuple[tuple[str, str], ...]

some = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
HEX: Final = "0123456789abcdef" * 2
URL: Final = "https://example.com/"
BY_TRIGGER: Final = {command.trigger: command for command in COMMANDS}
WITH_PARAMETERS: Final = [command for command in COMMANDS if command.parameters]
SID_PREFIXES: Final = {"dequeue": "dequeue_", "call": "call_", "redirect": "redirect_"}


def trigger(command: type[Command]) -> str:
    """Name a command in a test's id."""
    return command.trigger


def refused(make: Callable[..., object], *given_: object, **named: object) -> InvalidCommand:
    """Do what is to be refused, and give the error."""
    with pytest.raises(InvalidCommand) as caught:
        make(*given_, **named)
    return caught.value


def blamed(error: InvalidCommand) -> list[str]:
    """Give the parameters that an error blames, in its order."""
    return [violation.parameter for violation in error.violations]


# --- what the official client sends ----------------------------------------------------------------------------------------------


@attrs.frozen
class Recorded:
    """One request of the official client, with our verdict."""

    case: str
    route: str
    arguments: dict[str, object]
    pairs: Pairs
    body: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.route}/{self.case}"


def _as_tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _recorded() -> list[Recorded]:
    requests = cast("dict[str, list[dict[str, object]]]", load("requests"))["requests"]
    return [
        Recorded(
            case=str(request["case"]),
            route=str(request["route"]),
            arguments=cast("dict[str, object]", request["call_arguments"]),
            pairs=tuple(
                (name, text) for name, text in cast("list[list[str]]", request["form_pairs"])
            ),
            body=str(request["body"]),
            verdict=str(request["verdict"]),
        )
        for request in requests
        if request["method"] == "POST"
    ]


RECORDED: Final = _recorded()
STATUS_COMMANDS: Final[Mapping[str, type[Command]]] = {
    "accepted": Accept,
    "rejected": Reject,
    "wrapping": Wrap,
    "completed": Complete,
}


def as_recorded(given_: Mapping[str, object]) -> Command:
    """Build the command that a call of the official client means: its class from the status or the instruction, the rest its fields."""
    rest = {
        name: value
        for name, value in given_.items()
        if value is not None and name not in {"if_match", "reservation_status", "instruction"}
    }
    if "reservation_status" in given_:
        return build(STATUS_COMMANDS[str(given_["reservation_status"])], rest)
    kind = BY_TRIGGER[str(given_["instruction"])]
    fields = {
        name.removeprefix(SID_PREFIXES.get(kind.trigger, "")): value for name, value in rest.items()
    }
    return build(
        kind, {"from_" if name == "from" else name: value for name, value in fields.items()}
    )


def test_every_recorded_update_has_a_verdict() -> None:
    """No recording of an update is left out: each is either reproduced or refused, and each refusal is spelt out below."""
    assert {request.verdict for request in RECORDED} == {"reproduce", "refuse"}
    assert {request.case for request in RECORDED if request.verdict == "refuse"} == set(REFUSALS)
    assert len(RECORDED) == 28


@pytest.mark.parametrize(
    "request_", [request for request in RECORDED if request.verdict == "reproduce"], ids=str
)
def test_a_recorded_request_is_reproduced(request_: Recorded) -> None:
    """Built from the very arguments of the official client, a command sends the very pairs, and is read back from them."""
    command = as_recorded(request_.arguments)
    assert command.form() == request_.pairs
    assert urlencode(command.form()) == request_.body
    assert Command.from_form(request_.pairs) == command


REFUSALS: Final[
    Mapping[str, tuple[list[str] | None, list[tuple[Callable[[], object], list[tuple[str, str]]]]]]
] = {
    # case: (what its form is blamed for, or None where the form is tolerated; what is refused when it is built, and the rules)
    "status_and_instruction_together": (["ReservationStatus"], []),
    "empty_update": (["Instruction"], []),
    "edge_empty_string_and_empty_list": (
        ["Instruction"],
        [
            (lambda: Dequeue(from_=""), [("DequeueFrom", "must be a caller ID")]),
            (
                lambda: Conference(status_callback_event=[]),
                [("StatusCallbackEvent", "must not be empty")],
            ),
        ],
    ),
    "edge_list_with_none_and_empty_item": (
        ["StatusCallbackEvent"],
        [
            (
                lambda: build(
                    Conference, {"status_callback_event": ["initiated", None, "", "completed"]}
                ),
                [("StatusCallbackEvent", "must hold only")],
            )
        ],
    ),
    "edge_tuple_and_plain_string_for_list": (
        ["ConferenceStatusCallbackEvent", "DequeueStatusCallbackEvent"],
        [
            (
                lambda: build(Conference, {"conference_status_callback_event": "start end"}),
                [("ConferenceStatusCallbackEvent", "must be a list")],
            ),
            (
                lambda: build(Dequeue, {"status_callback_event": "initiated,ringing"}),
                [("DequeueStatusCallbackEvent", "must be a list")],
            ),
        ],
    ),
    "edge_bool_in_string_params": (
        None,  # the official client writes them with a capital, and any letter case is read
        [
            (
                lambda: build(Conference, {"beep": True, "conference_record": False}),
                [("Beep", "must be one of"), ("ConferenceRecord", "must be one of")],
            )
        ],
    ),
    "edge_string_in_bool_params": (
        ["CallAccept", "RedirectAccept", "EarlyMedia"],
        [
            (
                lambda: build(
                    Conference, {"record": "TRUE", "muted": "False", "early_media": "banana"}
                ),
                [(name, "must be a boolean") for name in ("Record", "Muted", "EarlyMedia")],
            ),
            (
                lambda: build(Call, {"from_": "5550006", "url": URL, "accept": 1}),
                [("CallAccept", "must be a boolean")],
            ),
            (
                lambda: build(Redirect, {"call_sid": f"CA{HEX}", "url": URL, "accept": 0}),
                [("RedirectAccept", "must be a boolean")],
            ),
        ],
    ),
    "edge_numbers_as_strings_and_floats": (
        ["MaxParticipants"],
        [
            (
                lambda: build(Conference, {"timeout": "20", "max_participants": 10.5}),
                [
                    ("Timeout", "must be a whole number"),
                    ("MaxParticipants", "must be a whole number"),
                ],
            )
        ],
    ),
    "edge_unvalidated_status_and_sid": (
        ["ReservationStatus"],
        [
            (
                lambda: Reject(worker_activity_sid="not-a-sid"),
                [("WorkerActivitySid", "must be a SID of 34 characters")],
            )
        ],
    ),
}


@pytest.mark.parametrize(
    "request_", [request for request in RECORDED if request.verdict == "refuse"], ids=str
)
def test_a_recorded_request_is_refused(request_: Recorded) -> None:
    """What the official client sends unchecked cannot be built, and its form is refused, or read with a caution."""
    wrong, built = REFUSALS[request_.case]
    if wrong is None:
        command = Command.from_form(request_.pairs)
        odd = [name for name, text in request_.pairs if (name, text) not in command.form()]
        assert odd
        assert set(odd) <= {caution.parameter for caution in command.cautions}
    else:
        assert sorted(blamed(refused(Command.from_form, request_.pairs))) == sorted(wrong)
    for make, expected in built:
        error = refused(make)
        assert blamed(error) == [name for name, _ in expected]
        for violation, (_, rule) in zip(error.violations, expected, strict=True):
            assert violation.rule.startswith(rule)


class Stub:
    """Stands where the official client's transport does, and keeps the form it is handed."""

    is_async = False

    def __init__(self) -> None:
        self.data: dict[str, object] = {}

    def request(self, *_: object, data: dict[str, object], **__: object) -> Response:
        """Keep the form and answer with an empty success."""
        self.data = data
        return Response(200, "{}")


def as_official(command: Command) -> Pairs:
    """Give the form that the official client sends when it is asked for the same."""
    stub = Stub()
    client = Client(
        "AC" + HEX, "token", http_client=cast("HttpClient", stub), environment={"X": ""}
    )
    context = client.taskrouter.v1.workspaces("WS" + HEX).tasks("WT" + HEX).reservations("WR" + HEX)
    prefix = SID_PREFIXES.get(command.trigger, "")
    given_: dict[str, object] = {}
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            given_[prefix + (parameter.field.rstrip("_") if prefix else parameter.field)] = value
    words = {kind: word for word, kind in cast("dict[str, type[Command]]", STATUS_COMMANDS).items()}
    name, word = (
        ("reservation_status", words[type(command)])
        if type(command) in words
        else ("instruction", command.trigger)
    )
    cast("Callable[..., object]", context.update)(**{name: word}, **given_)
    return tuple((name, str(one)) for name, value in stub.data.items() for one in _each(value))


def _each(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else [value]


@settings(some, max_examples=150)
@given(commands())
def test_the_official_client_sends_the_same(command: Command) -> None:
    """Any command that can be built is sent as the official client sends it: the same names, texts and order."""
    assert command.form() == as_official(command)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@settings(some, max_examples=15)
@given(data=st.data())
def test_the_official_client_sends_the_same_of_everything(
    kind: type[Command], data: st.DataObject
) -> None:
    """So it is with every parameter a command has, all at once."""
    command = build(kind, data.draw(arguments(kind, everything=True)))
    assert command.form() == as_official(command)
    assert {name for name, _ in command.form()[1:]} == {
        parameter.wire_name for parameter in kind.parameters
    }


# --- what is refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@some
@given(data=st.data())
def test_one_broken_rule_is_one_violation(kind: type[Command], data: st.DataObject) -> None:
    """A single broken rule gives a single violation, which names the parameter, the rule, the value as it may be shown, and the remedy."""
    invalid = data.draw(invalid_commands(kind))
    error = refused(invalid.build)
    (violation,) = error.violations
    (wrong,) = (parameter for parameter in kind.parameters if parameter.field == invalid.field)
    assert error.command == kind.__name__
    assert (violation.parameter, violation.field) == (wrong.wire_name, wrong.field)
    if wrong.field in invalid.arguments:
        value = invalid.arguments[wrong.field]
        taken = _as_tuple(value) if isinstance(wrong.kind, MultipleChoice) else value
        assert violation.value == wrong.kind.show(taken)
        assert violation.rule.startswith("must ")
    else:
        assert (violation.value, violation.rule) == ("nothing", "is required")
    assert (
        f"{kind.__name__} cannot be sent:\n  {wrong.wire_name} = {violation.value}: {violation.rule}"
        in str(error)
    )


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@some
@given(data=st.data())
def test_many_broken_rules_come_together_in_order(kind: type[Command], data: st.DataObject) -> None:
    """However many values are wrong or missing, the error names every one of them, in the order of the reference."""
    right = data.draw(arguments(kind))
    wrong = data.draw(st.sets(st.sampled_from(kind.parameters), min_size=1))
    required = [p for p in kind.parameters if p.is_required]
    missing = data.draw(st.sets(st.sampled_from(required))) if required else set[Parameter]()
    given_: dict[str, object] = {
        **right,
        **{p.field: data.draw(near_misses(p.kind)) for p in wrong},
    }
    for parameter in missing:
        given_.pop(parameter.field)
    expected = [p.wire_name for p in kind.parameters if p in wrong | missing]
    assert blamed(refused(build, kind, given_)) == expected


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
def test_what_is_required_is_missed(kind: type[Command], missing: list[str]) -> None:
    """A required parameter that is left out, or ``None``, is a violation like any other, and says what to give."""
    if not missing:
        assert build(kind, {}).form() == (kind.first_pair,)
        return
    for given_ in ({}, dict.fromkeys((p.field for p in kind.parameters if p.is_required), None)):
        error = refused(build, kind, given_)
        assert blamed(error) == missing
        assert all(
            v.rule == "is required" and v.value == "nothing" and v.remedy.startswith("give ")
            for v in error.violations
        )


SIP: Final = "sip:agent@example.com"
CROSS: Final[list[tuple[type[Command], dict[str, object], str | None]]] = [
    (Dequeue, {"to": SIP, "timeout": 600}, None),
    (Dequeue, {"to": SIP, "timeout": 601}, "DequeueTimeout"),
    (Dequeue, {"to": "SIPS:a@b", "timeout": 999}, "DequeueTimeout"),
    (Dequeue, {"to": "client:sip:a@b", "timeout": 999}, None),
    (Dequeue, {"to": "+15005550006", "timeout": 999}, None),
    (Dequeue, {"timeout": 999}, None),
    (Dequeue, {"to": SIP, "from_": "not a user part"}, None),
    (Dequeue, {"to": "+15005550006", "from_": "bob"}, "DequeueFrom"),
    (Dequeue, {"to": "+15005550006", "from_": "18001234567"}, None),
    (Dequeue, {"to": "+442071838750", "from_": "bob"}, "DequeueFrom"),
    (Dequeue, {"to": "+15005550006"}, None),
    (Dequeue, {"to": "client:alice", "from_": "bob"}, None),
    (Dequeue, {"from_": "bob"}, None),
    (Call, {"from_": "5550006", "url": URL, "to": SIP, "timeout": 601}, "CallTimeout"),
    (Call, {"from_": "5550006", "url": URL, "to": SIP, "timeout": 600}, None),
    (Call, {"from_": "bob", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "12", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "123", "url": URL, "to": "+15005550006"}, None),
    (Call, {"from_": "+123456789012345", "url": URL, "to": "+15005550006"}, None),
    (Call, {"from_": "+1234567890123456", "url": URL, "to": "+15005550006"}, "CallFrom"),
    (Call, {"from_": "bob", "url": URL, "to": "joey"}, None),
    (Conference, {"to": SIP, "timeout": 601}, "Timeout"),
    (Conference, {"to": SIP, "timeout": 600}, None),
    (Conference, {"to": "+15005550006", "from_": "bob"}, "From"),
    (Conference, {"to": "+15005550006", "from_": "+15005550007"}, None),
    (Conference, {"to": SIP, "from_": "agent.7"}, None),
    (Conference, {"to": SIP, "from_": "sip:agent@example.com"}, "From"),
    (Conference, {"to": SIP, "from_": "an agent"}, "From"),
    (Conference, {"to": SIP, "from_": "agent@example.com"}, "From"),
    (Conference, {"to": "client:alice", "from_": "an agent"}, None),
    (Conference, {"from_": "an agent"}, None),
]


@pytest.mark.parametrize(("kind", "given_", "wrong"), CROSS, ids=str)
def test_a_rule_over_several_parameters(
    kind: type[Command], given_: dict[str, object], wrong: str | None
) -> None:
    """A SIP address rings at most 600 seconds, a number is called by a number, and a conference calls a SIP address by a user part."""
    if wrong is None:
        assert build(kind, given_).form()
        return
    (violation,) = refused(build, kind, given_).violations
    assert violation.parameter == wrong
    assert "when the contact is" in violation.rule


def test_rules_over_several_parameters_come_with_the_others_in_order() -> None:
    """Two such rules and a wrong value are told together; a rule whose own parameters are wrong is not asked."""
    assert blamed(
        refused(build, Conference, {"to": SIP, "from_": "an agent", "timeout": 601, "muted": 1})
    ) == [
        "From",
        "Timeout",
        "Muted",
    ]
    assert blamed(
        refused(build, Conference, {"to": "sip:", "from_": "an agent", "timeout": 601})
    ) == ["To"]
    assert blamed(refused(build, Conference, {"to": SIP, "timeout": 1000})) == ["Timeout"]
    assert blamed(refused(build, Dequeue, {"to": 15005550006, "from_": "bob"})) == ["DequeueTo"]


# --- what is doubted -------------------------------------------------------------------------------------------------------------

Sources: TypeAlias = tuple[Source, Source]
REST, CALLBACK = Source.RESERVATIONS, Source.ASSIGNMENT_CALLBACK
DISPUTED: Final[
    Mapping[tuple[str, str, str], tuple[Sources, Sequence[Command], Sequence[Command]]]
] = {
    # (number, command, parameter): whose the two readings are, commands that meet the dispute, and commands just beside it
    ("3", "dequeue", "DequeueFrom"): ((REST, CALLBACK), [Dequeue()], [Dequeue(from_="5550006")]),
    ("4", "conference", "From"): (
        (REST, Source.ERROR_DICTIONARY),
        [Conference()],
        [Conference(from_="5550006")],
    ),
    ("5", "reject", "WorkerActivitySid"): (
        (REST, CALLBACK),
        [Reject()],
        [Reject(worker_activity_sid=f"WA{HEX}")],
    ),
    ("6", "redirect", "RedirectAccept"): (
        (REST, CALLBACK),
        [Redirect(call_sid=f"CA{HEX}", url=URL)],
        [Redirect(call_sid=f"CA{HEX}", url=URL, accept=accept) for accept in (True, False)],
    ),
    ("7", "dequeue", "DequeueTimeout"): (
        (REST, Source.CALLS),
        [Dequeue(timeout=601), Dequeue(timeout=999)],
        [Dequeue(timeout=600), Dequeue(timeout=1), Dequeue()],
    ),
    ("7", "call", "CallTimeout"): (
        (REST, Source.CALLS),
        [Call(from_="5550006", url=URL, timeout=601), Call(from_="5550006", url=URL, timeout=999)],
        [
            Call(from_="5550006", url=URL, timeout=600),
            Call(from_="5550006", url=URL, timeout=1),
            Call(from_="5550006", url=URL),
        ],
    ),
    ("7", "conference", "Timeout"): (
        (REST, Source.PARTICIPANTS),
        [Conference(timeout=601), Conference(timeout=4)],
        [Conference(timeout=600), Conference(timeout=5), Conference()],
    ),
    ("8", "wrap", "ReservationStatus"): (
        (REST, Source.LIFECYCLE),
        [Wrap()],
        [Complete(), Accept()],
    ),
    ("9", "conference", "Instruction"): (
        (CALLBACK, Source.CALL_CONTROL),
        [Conference()],
        [Dequeue(), Accept()],
    ),
    ("10", "supervise", "Instruction"): (
        (REST, Source.OPENAPI),
        [Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}")],
        [Conference(), Dequeue()],
    ),
    ("11", "conference", "MaxParticipants"): (
        (REST, Source.WORKER_SDK),
        [Conference(), Conference(max_participants=None)],
        [Conference(max_participants=250), Conference(max_participants=10)],
    ),
    ("12", "conference", "Region"): (
        (REST, Source.WORKER_SDK),
        [Conference(region="us2"), Conference(region="de1")],
        [
            Conference(),
            *(Conference(region=region) for region in ("us1", "ie1", "sg1", "br1", "au1", "jp1")),
        ],
    ),
    ("13", "conference", "Record"): (
        (REST, Source.WORKER_SDK),
        [Conference(record=True), Conference(record=False)],
        [Conference(), Conference(conference_record="true")],
    ),
    ("16", "dequeue", "DequeueStatusCallbackUrl"): (
        (CALLBACK, REST),
        [Dequeue(status_callback_url=URL)],
        [Dequeue(), Call(from_="5550006", url=URL, status_callback_url=URL)],
    ),
}
ELSEWHERE: Final = {
    "1": "about a report, not a command",
    "2": "no command sets the other four statuses",
    "14": "about lists",
    "15": "about events",
    "17": "about a header",
}


def _about(command: Command, parameter: str) -> list[Caution]:
    return [
        caution
        for caution in command.cautions
        if caution.parameter == parameter and caution.evidence is Evidence.DOCUMENTED
    ]


def test_every_dispute_of_the_table_is_met_or_is_no_command_s() -> None:
    """The table's rows are either tested below or concern something else than a command."""
    told = {
        (row["number"], row["command"], row["parameter"])
        for row in rows("cautions")
        if row["number"] not in ELSEWHERE
    }
    assert told == set(DISPUTED)
    assert Conference().instruction() == {"instruction": "conference"}
    for status in ("pending", "timeout", "canceled", "rescinded"):
        assert blamed(refused(Command.from_form, [("ReservationStatus", status)])) == [
            "ReservationStatus"
        ]


@pytest.mark.parametrize("row", DISPUTED, ids="-".join)
def test_a_disputed_rule_is_a_caution(row: tuple[str, str, str]) -> None:
    """A command that meets the dispute is built, with one caution that gives both readings, their sources, and the one taken."""
    sources, met, _ = DISPUTED[row]
    for command in met:
        assert command.trigger == row[1]
        (caution,) = _about(command, row[2])
        first, second = caution.interpretations
        assert {first.source, second.source} == set(sources)
        assert first.statement != second.statement
        assert str(caution).startswith(f"{row[2]}: ")
        for part in (
            first.statement,
            second.statement,
            str(first.source),
            str(second.source),
            f"Applied here: {caution.applied}.",
        ):
            assert part in str(caution)


@pytest.mark.parametrize("row", DISPUTED, ids="-".join)
def test_a_disputed_rule_is_quiet_beside_its_case(row: tuple[str, str, str]) -> None:
    """A command just beside the dispute meets no caution about it."""
    _, met, beside = DISPUTED[row]
    texts = {caution.interpretations for command in met for caution in _about(command, row[2])}
    for command in beside:
        assert not [caution for caution in command.cautions if caution.interpretations in texts]


def _expected(command: Command) -> Counter[str]:
    """Say by hand which documented disputes a command meets, a name per dispute."""
    sent = dict(command.form())
    timeout = int(sent.get("Timeout", sent.get("CallTimeout", sent.get("DequeueTimeout", "60"))))
    met: dict[str, bool] = {
        "DequeueFrom": isinstance(command, Dequeue) and "DequeueFrom" not in sent,
        "From": isinstance(command, Conference) and "From" not in sent,
        "WorkerActivitySid": isinstance(command, Reject)
        and not sent.keys() & {"WorkerActivitySid"},
        "RedirectAccept": isinstance(command, Redirect) and "RedirectAccept" not in sent,
        "DequeueTimeout": "DequeueTimeout" in sent and timeout > 600,
        "CallTimeout": "CallTimeout" in sent and timeout > 600,
        "Timeout": "Timeout" in sent and not 5 <= timeout <= 600,
        "ReservationStatus": isinstance(command, Wrap),
        "Instruction": isinstance(command, (Conference, Supervise)),
        "MaxParticipants": isinstance(command, Conference) and "MaxParticipants" not in sent,
        "Region": sent.get("Region") in {"us2", "de1"},
        "Record": "Record" in sent,
        "DequeuePostWorkActivitySid": "DequeuePostWorkActivitySid"
        in sent,  # deprecated, and not valid everywhere (40139, 40143)
        "PostWorkActivitySid": "PostWorkActivitySid" in sent,
        "DequeueRecord": sent.get("DequeueRecord", "do-not-record")
        not in {"do-not-record", "record-from-answer"},  # which leg?
        "CallRecord": sent.get("CallRecord", "do-not-record")
        not in {"do-not-record", "record-from-answer"},
    }
    for name in (
        "To",
        "CallTo",
        "DequeueTo",
    ):  # an application's SID; a client's bare name, which only a call takes
        met[name] = name in sent and not re.match(r"\+|client:|sips?:", sent[name], re.IGNORECASE)
    counted = Counter(name for name, is_met in met.items() if is_met)
    counted.update(
        name
        for name, text in sent.items()
        if text.lower().startswith("http") and name.endswith(("Url", "Callback")) and " " in text
    )
    counted.update(["DequeueStatusCallbackUrl"] if "DequeueStatusCallbackUrl" in sent else [])
    return counted


@settings(some, max_examples=200)
@given(commands())
def test_exactly_the_disputes_a_command_meets_are_told(command: Command) -> None:
    """Of any command the documented disputes are told that it meets, each once, and no other."""
    told = Counter(
        caution.parameter for caution in command.cautions if caution.evidence is Evidence.DOCUMENTED
    )
    assert told == _expected(command)


# --- forms -----------------------------------------------------------------------------------------------------------------------


@settings(some, max_examples=150)
@given(commands())
def test_a_command_is_read_back_from_its_form(command: Command) -> None:
    """Reading what was written gives the same command, of the same class, with nothing odd about it."""
    for reader in (Command, type(command)):
        back = reader.from_form(command.form())
        assert back == command
        assert hash(back) == hash(command)
        assert back.cautions == command.cautions
        assert back.form() == command.form()


def test_a_command_may_arrive_before_any_was_built() -> None:
    """A process that has built none of a class can compare and write what another process pickled."""
    sent = (Conference(to="client:alice", timeout=20), Conference(to="client:alice", timeout=21))
    for use in ("one == two", "one.form()"):
        code = (
            f"import pickle, sys; one, two = pickle.loads(bytes.fromhex(sys.argv[1])); print({use})"
        )
        run = [sys.executable, "-c", code, pickle.dumps(sent).hex()]
        printed = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60).stdout
        assert printed.strip() == str(eval(use, {"one": sent[0], "two": sent[1]}))


def test_commands_that_differ_have_different_hashes() -> None:
    """The class and every parameter count, so that a set of commands finds its members fast."""
    assert len({hash(command) for command in (Accept(), Wrap(), Complete())}) == 3
    assert len({hash(Conference(timeout=seconds)) for seconds in range(1, 100)}) == 99


@some
@given(commands(), st.randoms(use_true_random=False))
def test_the_order_of_a_form_does_not_matter(command: Command, random: object) -> None:
    """Parameters may come in any order; only the words of one list keep theirs."""
    names = list(dict.fromkeys(name for name, _ in command.form()))
    cast("Callable[[list[str]], None]", getattr(random, "shuffle"))(names)  # noqa: B009 - the drawn generator is typed as an object
    shuffled = [pair for name in names for pair in command.form() if pair[0] == name]
    assert Command.from_form(iter(shuffled)) == command


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
@settings(some, max_examples=25)
@given(data=st.data())
def test_a_form_is_in_the_order_of_the_reference(kind: type[Command], data: st.DataObject) -> None:
    """The first pair is the status or the instruction, the others are the parameters that are set, in the reference's order."""
    given_ = data.draw(arguments(kind))
    form = build(kind, given_).form()
    order = [row["name"] for row in rows("parameters")]
    assert form[0] == kind.first_pair
    assert [order.index(name) for name, _ in form[1:]] == sorted(
        order.index(name) for name, _ in form[1:]
    )
    assert {name for name, _ in form[1:]} == {
        parameter.wire_name for parameter in kind.parameters if parameter.field in given_
    }
    assert all(type(name) is str and type(text) is str for name, text in form)


REQUIRED: Final[Mapping[str, Pairs]] = {
    "call": (("Instruction", "call"), ("CallFrom", "5550006"), ("CallUrl", URL)),
    "redirect": (
        ("Instruction", "redirect"),
        ("RedirectCallSid", f"CA{HEX}"),
        ("RedirectUrl", URL),
    ),
    "supervise": (
        ("Instruction", "supervise"),
        ("SupervisorMode", "barge"),
        ("Supervisor", f"WK{HEX}"),
    ),
}
EVENTS: Final = "DequeueStatusCallbackEvent"
TOLERATED: Final[list[tuple[Pairs, Command, str, Source]]] = [
    # the form, the command it is read as, the parameter that was odd, and who is known to write so
    ((("Instruction", "Conference"),), Conference(), "Instruction", REST),
    ((("Instruction", "DEQUEUE"),), Dequeue(), "Instruction", REST),
    (
        (("ReservationStatus", "accepted"), ("Transcribe", "true")),
        Accept(),
        "Transcribe",
        Source.ERROR_DICTIONARY,
    ),
    ((("ReservationStatus", "accepted"), ("", "")), Accept(), "", Source.ERROR_DICTIONARY),
    (
        (("Instruction", "conference"), ("to", "client:alice")),
        Conference(),
        "to",
        Source.ERROR_DICTIONARY,
    ),
    (
        (("Instruction", "conference"), ("Record", "TRUE")),
        Conference(record=True),
        "Record",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "conference"), ("Record", "False")),
        Conference(record=False),
        "Record",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "conference"), ("Beep", "True")),
        Conference(beep="true"),
        "Beep",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "conference"), ("Beep", "onenter")),
        Conference(beep="onEnter"),
        "Beep",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "conference"), ("WaitMethod", "get")),
        Conference(wait_method="GET"),
        "WaitMethod",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "dequeue"), (EVENTS, "initiated,ringing")),
        Dequeue(status_callback_event=["initiated", "ringing"]),
        EVENTS,
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "dequeue"), (EVENTS, "initiated, ringing"), (EVENTS, "Completed")),
        Dequeue(status_callback_event=["initiated", "ringing", "completed"]),
        EVENTS,
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "dequeue"), (f"{EVENTS}s", "answered")),
        Dequeue(status_callback_event=["answered"]),
        f"{EVENTS}s",
        Source.WORKER_SDK,
    ),
    (
        (("Instruction", "dequeue"), (f"{EVENTS}s", "answered,completed")),
        Dequeue(status_callback_event=["answered", "completed"]),
        f"{EVENTS}s",
        Source.WORKER_SDK,
    ),
]


@pytest.mark.parametrize(("form", "command", "odd", "source"), TOLERATED, ids=str)
def test_an_odd_form_is_read_with_a_caution(
    form: Pairs, command: Command, odd: str, source: Source
) -> None:
    """What other clients are known to send, and what the platform ignores, is read, equal to the plain command, and said to be odd."""
    back = Command.from_form(form)
    assert back == command
    assert back.form() == command.form()
    (caution,) = [
        caution
        for caution in back.cautions
        if caution.parameter == odd and caution not in command.cautions
    ]
    assert source in {reading.source for reading in caution.interpretations}
    assert caution.evidence is Evidence.OBSERVED
    assert pickle.loads(pickle.dumps(back)).cautions == back.cautions == copy.copy(back).cautions


IMPOSSIBLE: Final[list[tuple[Pairs, list[tuple[str, str]]]]] = [
    ((), [("Instruction", "exactly one status or instruction must be given")]),
    (
        (("To", "client:alice"),),
        [("Instruction", "exactly one status or instruction must be given")],
    ),
    (
        (("ReservationStatus", "accepted"), ("Instruction", "call")),
        [("ReservationStatus", "exactly one status or instruction must be given")],
    ),
    (
        (("Instruction", "call"), ("ReservationStatus", "accepted")),
        [("ReservationStatus", "exactly one status or instruction must be given")],
    ),
    (
        (("Instruction", "call"), ("Instruction", "call")),
        [("Instruction", "exactly one status or instruction must be given, once")],
    ),
    (
        (("ReservationStatus", "accepted"), ("ReservationStatus", "rejected")),
        [("ReservationStatus", "exactly one status or instruction must be given, once")],
    ),
    *(
        (
            (("ReservationStatus", word),),
            [("ReservationStatus", "is not a status that a client may set")],
        )
        for word in (
            "pending",
            "timeout",
            "canceled",
            "rescinded",
            "accept",
            "Accepted",
            "ACCEPTED",
            "bogus",
            "",
            "onHold",
            "accepted\n",
        )
    ),
    *(
        ((("Instruction", word),), [("Instruction", "is not an instruction")])
        for word in ("accept", "reject", "wrap", "bogus", "", "call ", "accepted")
    ),
    (
        (("ReservationStatus", "accepted"), ("WorkerActivitySid", f"WA{HEX}")),
        [("WorkerActivitySid", "is not a parameter of Accept")],
    ),
    (
        (("Instruction", "conference"), ("CallTo", "client:a")),
        [("CallTo", "is not a parameter of Conference")],
    ),
    (
        (("Instruction", "dequeue"), ("To", "client:a"), ("Record", "true")),
        [("To", "is not a parameter of Dequeue"), ("Record", "is not a parameter of Dequeue")],
    ),
    (
        (("Instruction", "conference"), (f"{EVENTS}s", "initiated")),
        [(EVENTS, "is not a parameter of Conference")],
    ),
    (
        (("Instruction", "conference"), ("To", "client:a"), ("To", "client:a")),
        [("To", "is given more than once")],
    ),
    ((*REQUIRED["call"], ("CallFrom", "5550007")), [("CallFrom", "is given more than once")]),
    (
        (("Instruction", "call"), ("CallFrom", "5550006"), ("CallFrom", "5550006")),
        [("CallFrom", "is given more than once"), ("CallUrl", "is required")],
    ),
    (
        (("Instruction", "supervise"),),
        [("SupervisorMode", "is required"), ("Supervisor", "is required")],
    ),
    (
        (("Instruction", "conference"), ("Timeout", "020")),
        [("Timeout", "must be a whole number of seconds from 1 to 999")],
    ),
    (
        (("Instruction", "conference"), ("Timeout", "")),
        [("Timeout", "must be a whole number of seconds from 1 to 999")],
    ),
    ((("Instruction", "conference"), ("Muted", "1")), [("Muted", "must be a boolean")]),
    (
        (("Instruction", "conference"), ("ConferenceStatusCallbackEvent", "")),
        [
            (
                "ConferenceStatusCallbackEvent",
                "must hold only start, end, join, leave, mute, hold, speaker",
            )
        ],
    ),
    (
        (("Instruction", "conference"), ("ConferenceStatusCallbackEvent", "start,,end")),
        [
            (
                "ConferenceStatusCallbackEvent",
                "must hold only start, end, join, leave, mute, hold, speaker",
            )
        ],
    ),
    (
        (("Instruction", "dequeue"), ("DequeueTo", SIP), ("DequeueTimeout", "601")),
        [("DequeueTimeout", "must be at most 600 seconds when the contact is a SIP address")],
    ),
]


@pytest.mark.parametrize(
    ("form", "wrong"), [pytest.param(*case, id=urlencode(case[0])) for case in IMPOSSIBLE]
)
def test_a_form_that_leaves_open_what_is_meant_is_refused(
    form: Pairs, wrong: list[tuple[str, str]]
) -> None:
    """Neither, both or repeated; a status no client sets; another command's parameter; a scalar given twice: all at once, with remedies."""
    error = refused(Command.from_form, form)
    assert [(violation.parameter, violation.rule) for violation in error.violations] == wrong
    assert error.__cause__ is None
    assert "During handling" not in everything_said(error)


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
def test_a_form_is_read_as_the_command_that_was_asked_for(kind: type[Command]) -> None:
    """Asked of one command, the form of any other is refused, naming what it is."""
    for other in COMMANDS:
        form = REQUIRED.get(other.trigger, (other.first_pair,))
        if other is kind:
            assert type(kind.from_form(form)) is kind
            continue
        error = refused(kind.from_form, form)
        assert blamed(error) == [other.first_pair[0]]
        assert error.command == kind.__name__
        assert kind.__name__ in str(error)
        assert other.first_pair[1] in str(error)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@settings(some, max_examples=30)
@given(data=st.data())
def test_a_parameter_of_another_command_is_refused_by_name(
    kind: type[Command], data: st.DataObject
) -> None:
    """Whichever foreign parameter is added to a form, it alone is blamed, and the remedy names its owner."""
    command = build(kind, data.draw(arguments(kind)))
    foreign = data.draw(
        st.sampled_from(
            [p for other in WITH_PARAMETERS if other is not kind for p in other.parameters]
        )
    )
    (owner,) = (other for other in WITH_PARAMETERS if foreign in other.parameters)
    (violation,) = refused(
        Command.from_form, [*command.form(), (foreign.wire_name, "anything")]
    ).violations
    assert violation.parameter == foreign.wire_name
    assert owner.__name__ in violation.remedy
    assert "anything" not in str(violation)


# --- the assignment-callback dialect ---------------------------------------------------------------------------------------------


@settings(some, max_examples=100)
@given(
    commands(
        *(
            command
            for command in COMMANDS
            if command.trigger not in {"supervise", "wrap", "complete"}
        )
    )
)
def test_a_command_is_said_to_a_callback(command: Command) -> None:
    """In JSON a command has its own name, its parameters the table's, numbers and booleans stay what they are, lists are joined."""
    said = json.loads(json.dumps(command.instruction()))
    names = {row["name"]: row["callback_name"] for row in rows("parameters")}
    expected: dict[str, object] = {"instruction": command.trigger}
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            expected[names[parameter.wire_name]] = (
                ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
            )
    assert said == expected
    assert list(said) == list(expected)
    assert all(type(value) in {str, int, bool} for value in said.values())


@settings(some, max_examples=100)
@given(
    commands(
        *(
            command
            for command in COMMANDS
            if command.trigger not in {"supervise", "wrap", "complete"}
        )
    )
)
def test_what_is_said_to_a_callback_is_read_back(command: Command) -> None:
    """The JSON of every command is read back as that command, with no caution but its own; so it is by its class."""
    said: object = json.loads(json.dumps(command.instruction()))
    back = Command.from_instruction(cast("Mapping[str, object]", said))
    assert back == command
    assert back.cautions == command.cautions
    assert type(command).from_instruction(cast("Mapping[str, object]", said)) == command


SPOKEN: Final[Mapping[str, object]] = {"instruction": "call", "from": "5550006", "url": URL}
ODDLY_SPOKEN: Final[list[tuple[dict[str, object], Command, list[str]]]] = [
    # what is said, the command it is read as, and the names that were odd
    ({"instruction": "ACCEPT"}, Accept(), ["instruction"]),
    ({"instruction": "accept", "to": "client:alice"}, Accept(), ["to"]),
    ({"instruction": "conference", "room_name": "x"}, Conference(), ["room_name"]),
    (
        {"instruction": "conference", "record": "True", "muted": "false"},
        Conference(record=True, muted=False),
        ["record", "muted"],
    ),
    (
        {"instruction": "conference", "conference_record": True},
        Conference(conference_record="true"),
        ["conference_record"],
    ),
    ({"instruction": "conference", "timeout": "20"}, Conference(timeout=20), ["timeout"]),
    (
        {"instruction": "conference", "beep": "onenter", "to": None},
        Conference(beep="onEnter"),
        ["beep"],
    ),
    ({"instruction": "conference", "From": "x"}, Conference(), ["From"]),
    (
        {"instruction": "dequeue", "status_callback_events": ["answered", "Completed"]},
        Dequeue(status_callback_event=["answered", "completed"]),
        ["status_callback_events"],
    ),
    (
        {"instruction": "dequeue", "status_callback_events": "answered, completed"},
        Dequeue(status_callback_event=["answered", "completed"]),
        ["status_callback_events"],
    ),
    ({**SPOKEN, "accept": "TRUE"}, Call(from_="5550006", url=URL, accept=True), ["accept"]),
    ({**SPOKEN, "from": 5550006}, Call(from_="5550006", url=URL), ["from"]),
]


@pytest.mark.parametrize(("said", "command", "odd"), ODDLY_SPOKEN, ids=str)
def test_an_odd_answer_is_read_with_a_caution(
    said: dict[str, object], command: Command, odd: list[str]
) -> None:
    """Letter case, texts for flags and numbers, lists and unknown names are read, and said to be odd; null is nothing."""
    back = Command.from_instruction(said)
    assert back == command
    assert [
        caution.parameter for caution in back.cautions if caution not in command.cautions
    ] == odd


WRONGLY_SPOKEN: Final[list[tuple[dict[str, object], list[tuple[str, int | None]]]]] = [
    # what is said, and each name that is wrong with the platform's number for it
    ({}, [("instruction", None)]),
    ({"instruction": None}, [("instruction", None)]),
    ({"instruction": "banana"}, [("instruction", 55555)]),
    ({"instruction": ["accept"]}, [("instruction", 55555)]),
    ({"instruction": "wrap"}, [("instruction", 55555)]),
    ({"instruction": "supervise"}, [("instruction", 55555)]),
    ({"instruction": "call"}, [("from", 40111), ("url", 40112)]),
    (
        {**SPOKEN, "to": {}, "accept": 1, "timeout": True},
        [("to", 40110), ("timeout", None), ("accept", None)],
    ),
    ({**SPOKEN, "timeout": 20.0}, [("timeout", None)]),
    ({**SPOKEN, "to": ["client:a", "client:b"]}, [("to", 40110)]),
    ({"instruction": "dequeue", "status_callback_events": []}, [("status_callback_events", 40134)]),
    (
        {"instruction": "dequeue", "status_callback_events": ["answered", 1]},
        [("status_callback_events", 40134)],
    ),
    (
        {"instruction": "dequeue", "status_callback_events": "answered,banana"},
        [("status_callback_events", 40134)],
    ),
    ({"instruction": "reject", "activity_sid": "WA1"}, [("activity_sid", 40100)]),
]


def test_a_number_without_end_is_refused() -> None:
    """What Python itself would not write is a violation like any other."""
    error = refused(lambda: Command.from_instruction({**SPOKEN, "timeout": 10**5000}))
    assert [violation.parameter for violation in error.violations] == ["timeout"]


@pytest.mark.parametrize(("said", "wrong"), WRONGLY_SPOKEN, ids=str)
def test_a_wrong_answer_is_refused(
    said: dict[str, object], wrong: list[tuple[str, int | None]]
) -> None:
    """Everything that is wrong is named at once, by the names of that dialect, with the platform's numbers."""
    error = refused(lambda: Command.from_instruction(said))
    assert sorted(
        (violation.parameter, violation.code) for violation in error.violations
    ) == sorted(wrong)


def test_an_answer_of_another_command_is_refused() -> None:
    """Who asks for a certain command and is given another is told so."""
    error = refused(lambda: Accept.from_instruction({"instruction": "reject"}))
    assert [(violation.parameter, violation.rule) for violation in error.violations] == [
        ("instruction", "is not the one of Accept")
    ]


@pytest.mark.parametrize(
    "command",
    [Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}"), Wrap(), Complete()],
    ids=repr,
)
def test_what_the_dialect_cannot_say_is_refused(command: Command) -> None:
    """Supervise, wrap and complete are no answers to a callback; the error says how to send them."""
    error = refused(command.instruction)
    assert blamed(error) == [command.first_pair[0]]
    assert "perform" in str(error)
    assert error.command == type(command).__name__


def test_accepting_is_told_by_the_flag() -> None:
    """Only a call or a redirect whose accept flag is true accepts at once."""
    call, redirect = (
        Call(from_="5550006", url=URL, accept=True),
        Redirect(call_sid=f"CA{HEX}", url=URL, accept=True),
    )
    assert (call.is_accepting, redirect.is_accepting) == (True, True)
    for command in (
        attrs.evolve(call, accept=False),
        attrs.evolve(call, accept=None),
        Accept(),
        Conference(),
        Dequeue(),
    ):
        assert not command.is_accepting


# --- what is never shown ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class Private:
    """Things that must not be seen; each is long enough to be found wherever it is."""

    phone: str
    client: str
    sip: str
    name: str
    password: str

    def seen_in(self, text: str) -> list[str]:
        """Name those that a text gives away."""
        parts = {
            **attrs.asdict(self),
            "digits": self.phone[1:],
            "identity": self.client[7:],
            "user": self.sip[4:].partition("@")[0],
        }
        return [part for part, value in parts.items() if value in text]


def _word(prefix: str) -> st.SearchStrategy[str]:
    return st.text("bcdfghjkmnpqrstvwxyz", min_size=6, max_size=10).map(prefix.__add__)


PRIVATE: Final = st.builds(
    Private,
    phone=st.integers(10**9, 10**10 - 1).map("+1{}".format),
    client=_word("client:Zoë"),
    sip=_word("sip:Q").map("{}@example.com".format),
    name=_word("Jürgen "),
    password=_word("pwd-"),
)


def holding(private: Private) -> list[tuple[type[Command], dict[str, object]]]:
    """Give arguments of commands that hold these things wherever they belong."""
    return [
        (Dequeue, {"to": private.phone, "from_": private.phone}),
        (Dequeue, {"to": private.client, "from_": private.name}),
        (
            Call,
            {
                "to": private.sip,
                "from_": private.name,
                "url": f"https://u:{private.password}@example.com/?to={private.phone}",
            },
        ),
        (
            Conference,
            {
                "to": private.sip,
                "from_": private.phone,
                "sip_auth_username": private.name,
                "sip_auth_password": private.password,
            },
        ),
        (
            Conference,
            {
                "to": private.client,
                "wait_url": f"https://example.com/{private.phone[1:]}?pw={private.password}",
            },
        ),
        (Supervise, {"supervisor": private.client, "supervisor_mode": "barge"}),
        (Supervise, {"supervisor": private.phone, "supervisor_mode": "barge"}),
    ]


def everything_said(error: BaseException) -> str:
    """Give all that Python may print of an error: text, repr, arguments, traceback with causes and contexts; also after a pickle."""
    return "\n".join(
        "".join([str(one), repr(one), repr(one.args), *traceback.format_exception(one)])
        for one in (error, pickle.loads(pickle.dumps(error)))
    )


@some
@given(PRIVATE)
def test_a_command_shows_nobody_and_no_secret(private: Private) -> None:
    """Neither a command's text nor its cautions hold a number, a contact, a name or a password; what it sends does."""
    for kind, given_ in holding(private):
        command = build(kind, given_)
        assert not private.seen_in(
            f"{command!r} {command} {command.cautions!r} {' '.join(map(str, command.cautions))}"
        )
        assert private.seen_in(str(command.form()))
        assert set(re.findall(r"(\w+)=", repr(command))) >= set(given_)


@settings(some, max_examples=12)
@given(PRIVATE, st.sampled_from(["\n", "\x00", "\ud800"]))
def test_an_error_shows_nobody_and_no_secret(private: Private, spoil: str) -> None:
    """So with every error about a command, however it is printed: wrong values, foreign and repeated parameters, a refusal by the state."""
    for kind, given_ in holding(private):
        command = build(kind, given_)
        wrong = {name: f"{value}{spoil}" for name, value in given_.items()}
        errors: list[BaseException] = [
            refused(build, kind, wrong),
            refused(build, kind, {name: [value] for name, value in given_.items()}),
            refused(Command.from_form, [*command.form(), *command.form()[1:]]),
            refused(Command.from_form, [("Instruction", "redirect"), *command.form()[1:]]),
            refused(Accept.from_form, command.form()),
            refused(
                Command.from_form,
                [
                    kind.first_pair,
                    *((p.wire_name, wrong[p.field]) for p in kind.parameters if p.field in wrong),
                ],
            ),
            CommandNotAllowed(command, Status.COMPLETED, (), "it has ended [inferred: somewhere]"),
        ]
        for error in errors:
            assert not private.seen_in(everything_said(error))


@settings(some, max_examples=15)
@given(PRIVATE)
def test_a_contact_in_the_wrong_place_is_not_shown_either(private: Private) -> None:
    """A number or a contact is masked where a mode, a word, a list, an address, a status or an instruction should stand."""
    for value in (private.phone, private.client, private.sip, private.phone[1:]):
        for given_ in (
            {"beep": value},
            {"wait_url": value},
            {"status_callback_event": [value]},
            {"timeout": value},
            {"post_work_activity_sid": value},
        ):
            assert not private.seen_in(everything_said(refused(build, Conference, given_)))
        for form in (
            [("Instruction", value)],
            [("ReservationStatus", value)],
            [("Instruction", "call"), ("ReservationStatus", value)],
        ):
            assert not private.seen_in(everything_said(refused(Command.from_form, form)))


def test_a_head_is_shown_on_one_line() -> None:
    """What stands where a status or an instruction should is shown short and printable, however it came."""
    nasty = "call\x1b[2J\n" + "x" * 5000
    for form in (
        [("Instruction", nasty)],
        [("Instruction", nasty), ("ReservationStatus", nasty)],
        [("Instruction", nasty)] * 300,
    ):
        (violation,) = refused(Command.from_form, form).violations
        assert violation.value.isprintable()
        assert len(violation.value) <= 500


# --- commands are values ---------------------------------------------------------------------------------------------------------


@some
@given(commands())
def test_a_command_is_a_value(command: Command) -> None:
    """A command is equal to and hashes as its copies, its pickle and what is built of the same arguments; and it cannot be changed."""
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


def test_commands_of_different_classes_differ() -> None:
    """Commands without parameters are told apart by their class."""
    assert len({Accept(), Reject(), Wrap(), Complete(), Dequeue(), Conference()}) == 6
    assert Accept() == Accept() != cast("Command", Reject())
    assert Conference(muted=False) != Conference(muted=True) != Conference()
    assert Conference(timeout=20) == Conference(timeout=20, muted=None)


def test_a_list_is_taken_over() -> None:
    """A list becomes a tuple, so that neither the caller's later changes nor ours are seen on the other side."""
    events: list[str] = ["start", "end"]
    command = build(Conference, {"conference_status_callback_event": events})
    events.append("bogus")
    assert command == Conference(conference_status_callback_event=("start", "end"))
    assert dict(command.form())["ConferenceStatusCallbackEvent"] == "end"
    assert hash(command) == hash(Conference(conference_status_callback_event=["start", "end"]))


class Word(str, Enum):  # noqa: UP042 - written as before StrEnum on purpose: str() of it gives the member's name
    """Somebody's own names for the platform's words."""

    GET = "GET"
    START = "start"
    WHO = "client:alice"


def test_somebody_s_own_words_are_sent_as_plain_texts() -> None:
    """Members of a string enumeration are sent, said and compared as the texts they are, by type as well."""
    given_ = {
        "to": Word.WHO,
        "wait_method": Word.GET,
        "conference_status_callback_event": [Word.START],
    }
    command = build(Conference, given_)
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
    """Words that are a tuple, and more than a tuple."""

    first: str
    last: str


def test_what_is_more_than_a_tuple_is_taken_where_a_tuple_is() -> None:
    """A named tuple of words is a tuple of words, written and read like one; wrong words in it are wrong."""
    command = build(Conference, {"conference_status_callback_event": Events("start", "end")})
    assert command == Conference(conference_status_callback_event=("start", "end"))
    assert Command.from_form(command.form()) == command
    assert blamed(
        refused(build, Conference, {"conference_status_callback_event": Events("start", "bogus")})
    ) == ["ConferenceStatusCallbackEvent"]


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
def test_a_command_takes_keywords_only(kind: type[Command]) -> None:
    """No argument goes by its place, and a name that is no parameter is refused by Python itself."""
    make = cast("Callable[..., Command]", kind)
    with pytest.raises(TypeError):
        make("client:alice")
    with pytest.raises(TypeError, match="bogus"):
        make(bogus=1)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@settings(some, max_examples=30)
@given(data=st.data())
def test_a_changed_copy_is_checked_again(kind: type[Command], data: st.DataObject) -> None:
    """A copy with one value changed is checked like any other command."""
    command = build(kind, data.draw(arguments(kind)))
    wrong = data.draw(st.sampled_from(kind.parameters))
    value = data.draw(near_misses(wrong.kind))
    assert blamed(refused(attrs.evolve, command, **{wrong.field: value})) == [wrong.wire_name]


def test_a_violation_is_said_with_or_without_a_number() -> None:
    """The platform's error number stands in the text where one is known."""
    assert (
        str(Violation("To", "to", "must be", "5", "give", 40137))
        == "To = 5: must be (platform error 40137). Give."
    )
    assert str(Violation("To", "to", "must be", "5", "give")) == "To = 5: must be. Give."


def test_the_base_of_commands_is_no_command() -> None:
    """What the nine have in common cannot be built by itself."""
    with pytest.raises(TypeError, match="Build one of the nine"):
        Command()


def test_a_command_unpickled_where_none_was_built_writes_its_form() -> None:
    """A class is given its quick methods by whichever of its commands is there first, be it one that was never built here."""
    command = Conference(
        to="client:alice",
        from_="+15005550006",
        timeout=20,
        muted=False,
        conference_status_callback_event=["start", "end"],
    )
    program = "import pickle, sys; command = pickle.load(sys.stdin.buffer); print((command, command.form(), hash(command) == hash(command)))"
    said = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(command),
        capture_output=True,
        check=True,
    ).stdout
    assert said.decode().strip() == repr((command, command.form(), True))
