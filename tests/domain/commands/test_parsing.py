"""Parsing of forms and callback instructions."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Final, cast
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import (
    Accept,
    Call,
    Command,
    Conference,
    Dequeue,
    Evidence,
    InvalidCommand,
    SetStatus,
    Source,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.testing.strategies import arguments, build, commands
from tests.domain.commands.helpers import (
    BY_TRIGGER,
    CALLBACK_COMMANDS,
    HEX,
    SIP,
    URL,
    WITH_PARAMETERS,
    Pairs,
    blamed,
    everything_printed,
    refused,
    some,
    trigger,
)
from tests.reference.oracle import rows


def has_distinct_names(command: Command) -> bool:
    """Return True unless an extra parameter is repeated.

    Callback JSON joins its values.
    """
    return len({name for name, _ in command.extra}) == len(command.extra)


@settings(some, max_examples=150)
@given(commands(extra=True) | commands(SetStatus, extra=True))
def test_from_form_restores_command(command: Command) -> None:
    for reader in (Command, type(command)):
        back = reader.from_form(command.form())
        assert back == command
        assert hash(back) == hash(command)
        assert back.cautions == command.cautions
        assert back.form() == command.form()


@some
@given(commands(), st.randoms(use_true_random=False))
def test_from_form_ignores_order_of_pairs(command: Command, random: object) -> None:
    names = list(dict.fromkeys(name for name, _ in command.form()))
    cast("Callable[[list[str]], None]", getattr(random, "shuffle"))(names)  # noqa: B009 - the drawn generator is typed as an object
    shuffled = [pair for name in names for pair in command.form() if pair[0] == name]
    assert Command.from_form(iter(shuffled)) == command


MINIMAL_FORMS: Final[Mapping[str, Pairs]] = {
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


TOLERATED_FORMS: Final[list[tuple[Pairs, Command, str, Source]]] = [
    # the form, the parsed command, the tolerated parameter, and the source of the deviation
    ((("Instruction", "Conference"),), Conference(), "Instruction", Source.RESERVATIONS),
    ((("Instruction", "DEQUEUE"),), Dequeue(), "Instruction", Source.RESERVATIONS),
    (
        (("ReservationStatus", "accepted"), ("Transcribe", "true")),
        Accept(extra=(("Transcribe", "true"),)),
        "Transcribe",
        Source.ERROR_DICTIONARY,
    ),
    (
        (("ReservationStatus", "accepted"), ("", "")),
        Accept(extra=(("", ""),)),
        "",
        Source.ERROR_DICTIONARY,
    ),
    (
        (("Instruction", "conference"), ("to", "client:alice")),
        Conference(extra=(("to", "client:alice"),)),
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


@pytest.mark.parametrize("row", rows("spellings"), ids=str)
def test_from_form_reads_tolerated_spelling_of_the_table(row: dict[str, str]) -> None:
    kind = BY_TRIGGER[row["command"]]
    name, text = row["parameter"], row["text"]
    command = Command.from_form(
        [(name, text)] if name == kind.first_pair[0] else [kind.first_pair, (name, text)]
    )
    assert type(command) is kind
    assert " ".join(value for key, value in command.form() if key == name) == row["value"]
    (caution,) = [caution for caution in command.cautions if caution.applied.startswith("read as ")]
    assert caution.parameter == name
    if name in ("ReservationStatus", "Instruction"):
        assert caution.evidence[0].upper() == row["evidence"]


@pytest.mark.parametrize(("form", "command", "tolerated", "source"), TOLERATED_FORMS, ids=str)
def test_from_form_reads_tolerated_deviation_with_caution(
    form: Pairs, command: Command, tolerated: str, source: Source
) -> None:
    back = Command.from_form(form)
    assert back == command
    assert back.form() == command.form()
    is_extra = tolerated in dict(command.extra)
    (caution,) = [
        caution
        for caution in back.cautions
        if caution.parameter == tolerated and (is_extra or caution not in command.cautions)
    ]
    assert source in {reading.source for reading in caution.interpretations}
    known = {Evidence.OBSERVED, Evidence.DOCUMENTED}
    assert caution.evidence in ({Evidence.UNKNOWN} if is_extra else known)
    assert pickle.loads(pickle.dumps(back)).cautions == back.cautions == copy.copy(back).cautions


AMBIGUOUS_FORMS: Final[list[tuple[Pairs, list[tuple[str, str]]]]] = [
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
            "Pending",
            "accept",
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
    ((*MINIMAL_FORMS["call"], ("CallFrom", "5550007")), [("CallFrom", "is given more than once")]),
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
    ((("Instruction", "conference"), ("Muted", "1")), [("Muted", "must be true or false")]),
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
    ("form", "wrong"), [pytest.param(*case, id=urlencode(case[0])) for case in AMBIGUOUS_FORMS]
)
def test_from_form_refuses_ambiguous_form(form: Pairs, wrong: list[tuple[str, str]]) -> None:
    error = refused(Command.from_form, form)
    assert [(violation.parameter, violation.rule) for violation in error.violations] == wrong
    assert error.__cause__ is None
    assert "During handling" not in everything_printed(error)


@pytest.mark.parametrize("kind", COMMANDS, ids=trigger)
def test_from_form_of_subclass_refuses_other_commands(kind: type[Command]) -> None:
    for other in COMMANDS:
        form = MINIMAL_FORMS.get(other.trigger, (other.first_pair,))
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
def test_from_form_refuses_parameter_of_another_command(
    kind: type[Command], data: st.DataObject
) -> None:
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


@settings(some, max_examples=100)
@given(commands(*CALLBACK_COMMANDS, extra=True).filter(has_distinct_names))
def test_from_instruction_restores_command(command: Command) -> None:
    document: object = json.loads(json.dumps(command.instruction()))
    back = Command.from_instruction(cast("Mapping[str, object]", document))
    assert back == command
    assert back.cautions == command.cautions
    assert type(command).from_instruction(cast("Mapping[str, object]", document)) == command


CALL_INSTRUCTION: Final[Mapping[str, object]] = {
    "instruction": "call",
    "from": "5550006",
    "url": URL,
}


TOLERATED_INSTRUCTIONS: Final[list[tuple[dict[str, object], Command, list[str]]]] = [
    # the instruction, the parsed command, and the tolerated names
    ({"instruction": "ACCEPT"}, Accept(), ["instruction"]),
    ({"instruction": "conference", "room_name": {}}, Conference(), ["room_name"]),
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
        {"instruction": "conference", "record": "do-not-record"},
        Conference(record=False),
        ["record"],
    ),
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
        {"instruction": "dequeue", "status_callback_events": "answered completed"},
        Dequeue(status_callback_event=["answered", "completed"]),
        ["status_callback_events"],
    ),
    (
        {**CALL_INSTRUCTION, "accept": "TRUE"},
        Call(from_="5550006", url=URL, accept=True),
        ["accept"],
    ),
    ({**CALL_INSTRUCTION, "from": 5550006}, Call(from_="5550006", url=URL), ["from"]),
]


@pytest.mark.parametrize(("document", "command", "tolerated"), TOLERATED_INSTRUCTIONS, ids=str)
def test_from_instruction_reads_tolerated_deviation_with_caution(
    document: dict[str, object], command: Command, tolerated: list[str]
) -> None:
    back = Command.from_instruction(document)
    assert back == command
    assert [
        caution.parameter for caution in back.cautions if caution not in command.cautions
    ] == tolerated


@pytest.mark.parametrize(
    ("document", "extra"),
    [
        ({"instruction": "accept", "to": "client:alice"}, (("to", "client:alice"),)),
        ({"instruction": "conference", "room_name": "x", "a": 5, "b": True, "c": None},
         (("room_name", "x"), ("a", "5"), ("b", "true"))),
        ({"instruction": "reject", "words": ["a", "b"]}, (("words", "a"), ("words", "b"))),
    ],
)  # fmt: skip
def test_from_instruction_keeps_unknown_names(document: dict[str, object], extra: Pairs) -> None:
    command = Command.from_instruction(document)
    assert command.extra == extra
    cautions = {caution.parameter: caution for caution in command.callback_cautions}
    assert {cautions[name].evidence for name, _ in extra} == {Evidence.UNKNOWN}
    again = command.instruction()
    assert {name: again[name] for name, _ in extra} == {
        name: ",".join(value for other, value in extra if other == name) for name, _ in extra
    }


INVALID_INSTRUCTIONS: Final[list[tuple[dict[str, object], list[tuple[str, int | None]]]]] = [
    # the instruction, and each invalid name with the platform's error number
    ({}, [("instruction", None)]),
    ({"instruction": None}, [("instruction", None)]),
    ({"instruction": "banana"}, [("instruction", 55555)]),
    ({"instruction": ["accept"]}, [("instruction", 55555)]),
    ({"instruction": "wrap"}, [("instruction", 55555)]),
    ({"instruction": "supervise"}, [("instruction", 55555)]),
    ({"instruction": "call"}, [("from", 40111), ("url", 40112)]),
    (
        {**CALL_INSTRUCTION, "to": {}, "accept": 1, "timeout": True},
        [("to", 40110), ("timeout", None), ("accept", None)],
    ),
    ({**CALL_INSTRUCTION, "timeout": 20.0}, [("timeout", None)]),
    ({**CALL_INSTRUCTION, "to": ["client:a", "client:b"]}, [("to", 40110)]),
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


def test_from_instruction_refuses_huge_integer() -> None:
    error = refused(lambda: Command.from_instruction({**CALL_INSTRUCTION, "timeout": 10**5000}))
    assert [violation.parameter for violation in error.violations] == ["timeout"]


@pytest.mark.parametrize(("document", "wrong"), INVALID_INSTRUCTIONS, ids=str)
def test_from_instruction_reports_all_violations_by_callback_name(
    document: dict[str, object], wrong: list[tuple[str, int | None]]
) -> None:
    error = refused(lambda: Command.from_instruction(document))
    assert sorted(
        (violation.parameter, violation.code) for violation in error.violations
    ) == sorted(wrong)


def test_from_instruction_of_subclass_refuses_other_commands() -> None:
    error = refused(lambda: Accept.from_instruction({"instruction": "reject"}))
    assert [(violation.parameter, violation.rule) for violation in error.violations] == [
        ("instruction", "belongs to another command than Accept")
    ]


def test_from_form_shows_bad_status_or_instruction_on_one_line() -> None:
    nasty = "call\x1b[2J\n" + "x" * 5000
    for form in (
        [("Instruction", nasty)],
        [("Instruction", nasty), ("ReservationStatus", nasty)],
        [("Instruction", nasty)] * 300,
    ):
        (violation,) = refused(Command.from_form, form).violations
        assert violation.value.isprintable()
        assert len(violation.value) <= 500


def test_from_instruction_reads_on_after_an_odd_entry() -> None:
    document: dict[str, object] = {
        "instruction": "call",
        "unknown": 1,
        "to": None,
        "from": [],
        "url": "no URL",
    }
    with pytest.raises(InvalidCommand) as caught:
        Command.from_instruction(document)
    assert [violation.parameter for violation in caught.value.violations] == ["from", "url"]
    command = Command.from_instruction({"instruction": "reject", "unknown": {}, "to": None})
    assert command.cautions[0].parameter == "unknown"
