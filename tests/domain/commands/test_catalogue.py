"""The nine commands against recorded requests and the official client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Wrap,
)
from reservation_core.testing.strategies import arguments, build, commands
from tests.domain.commands.helpers import (
    BY_TRIGGER,
    HEX,
    URL,
    WITH_PARAMETERS,
    Pairs,
    blamed,
    refused,
    some,
    trigger,
)
from tests.reference.oracle import load

SID_PREFIXES: Final = {"dequeue": "dequeue_", "call": "call_", "redirect": "redirect_"}


@attrs.frozen
class Recorded:
    """One recorded request of the official client, with our verdict."""

    case: str
    route: str
    arguments: dict[str, object]
    pairs: Pairs
    body: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.route}/{self.case}"


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


def as_recorded(keywords: Mapping[str, object]) -> Command:
    """Build the command equal to a recorded call of the official client."""
    rest = {
        name: value
        for name, value in keywords.items()
        if value is not None and name not in {"if_match", "reservation_status", "instruction"}
    }
    if "reservation_status" in keywords:
        return build(STATUS_COMMANDS[str(keywords["reservation_status"])], rest)
    kind = BY_TRIGGER[str(keywords["instruction"])]
    fields = {
        name.removeprefix(SID_PREFIXES.get(kind.trigger, "")): value for name, value in rest.items()
    }
    return build(
        kind, {"from_" if name == "from" else name: value for name, value in fields.items()}
    )


def test_every_recorded_update_has_a_verdict() -> None:
    assert {request.verdict for request in RECORDED} == {"reproduce", "refuse"}
    assert {request.case for request in RECORDED if request.verdict == "refuse"} == set(REFUSALS)
    assert len(RECORDED) == 28


@pytest.mark.parametrize(
    "request_", [request for request in RECORDED if request.verdict == "reproduce"], ids=str
)
def test_form_equals_recorded_request(request_: Recorded) -> None:
    command = as_recorded(request_.arguments)
    assert command.form() == request_.pairs
    assert urlencode(command.form()) == request_.body
    assert Command.from_form(request_.pairs) == command


REFUSALS: Final[
    Mapping[str, tuple[list[str] | None, list[tuple[Callable[[], object], list[tuple[str, str]]]]]]
] = {
    # case: the blamed parameters of its form (None if the form is tolerated),
    # and constructor calls with the rules they break
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
        ["DequeueStatusCallbackEvent"],  # of another command; the words with a space are read
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
        None,  # the official client capitalises them, and any letter case is tolerated
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
                [(name, "must be true or false") for name in ("Record", "Muted", "EarlyMedia")],
            ),
            (
                lambda: build(Call, {"from_": "5550006", "url": URL, "accept": 1}),
                [("CallAccept", "must be true or false")],
            ),
            (
                lambda: build(Redirect, {"call_sid": f"CA{HEX}", "url": URL, "accept": 0}),
                [("RedirectAccept", "must be true or false")],
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
def test_invalid_recorded_request_is_refused(request_: Recorded) -> None:
    wrong, built = REFUSALS[request_.case]
    if wrong is None:
        command = Command.from_form(request_.pairs)
        tolerated = [name for name, text in request_.pairs if (name, text) not in command.form()]
        assert tolerated
        assert set(tolerated) <= {caution.parameter for caution in command.cautions}
    else:
        assert sorted(blamed(refused(Command.from_form, request_.pairs))) == sorted(wrong)
    for make, expected in built:
        error = refused(make)
        assert blamed(error) == [name for name, _ in expected]
        for violation, (_, rule) in zip(error.violations, expected, strict=True):
            assert violation.rule.startswith(rule)


class Stub:
    """Transport for the official client that keeps the form."""

    is_async = False

    def __init__(self) -> None:
        self.data: dict[str, object] = {}

    def request(self, *_: object, data: dict[str, object], **__: object) -> Response:
        """Keep the form and return an empty success."""
        self.data = data
        return Response(200, "{}")


def as_official(command: Command) -> Pairs:
    """Return the form that the official client sends for the same command."""
    stub = Stub()
    client = Client(
        "AC" + HEX, "token", http_client=cast("HttpClient", stub), environment={"X": ""}
    )
    context = client.taskrouter.v1.workspaces("WS" + HEX).tasks("WT" + HEX).reservations("WR" + HEX)
    prefix = SID_PREFIXES.get(command.trigger, "")
    keywords: dict[str, object] = {}
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            keywords[prefix + (parameter.field.rstrip("_") if prefix else parameter.field)] = value
    words = {kind: word for word, kind in cast("dict[str, type[Command]]", STATUS_COMMANDS).items()}
    name, word = (
        ("reservation_status", words[type(command)])
        if type(command) in words
        else ("instruction", command.trigger)
    )
    cast("Callable[..., object]", context.update)(**{name: word}, **keywords)
    return tuple((name, str(one)) for name, value in stub.data.items() for one in _each(value))


def _each(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else [value]


@settings(some, max_examples=150)
@given(commands())
def test_form_equals_that_of_official_client(command: Command) -> None:
    assert command.form() == as_official(command)


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
@settings(some, max_examples=15)
@given(data=st.data())
def test_form_with_all_parameters_equals_that_of_official_client(
    kind: type[Command], data: st.DataObject
) -> None:
    command = build(kind, data.draw(arguments(kind, everything=True)))
    assert command.form() == as_official(command)
    assert {name for name, _ in command.form()[1:]} == {
        parameter.wire_name for parameter in kind.parameters
    }
