"""Disputed rules against the reference table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import pytest
from hypothesis import given, settings

from reservation_core import (
    Accept,
    Call,
    Caution,
    Command,
    Complete,
    Conference,
    Dequeue,
    Evidence,
    Redirect,
    Reject,
    Source,
    Supervise,
    Wrap,
)
from reservation_core.testing.strategies import commands
from tests.domain.commands.helpers import (
    HEX,
    URL,
    blamed,
    refused,
    some,
)
from tests.reference.oracle import rows
from tests.testing.value_oracle import contact_evidence

Sources: TypeAlias = tuple[Source, Source]


REST, CALLBACK = Source.RESERVATIONS, Source.ASSIGNMENT_CALLBACK
NAMED: Final = ("+15005550006", "+12", "client:alice", "client:a b", "sip:a@b", "SIPS:a@b:5060;x=y")
UNNAMED: Final = (
    *("15005550006", "whatsapp:+15005550006", "messenger:1234", "tel:+15005550006", "a:b", "1a"),
    *("+1 500 555 0006", "+0123456", "+1", "+1234567890123456", " +15005550006", "Client:alice"),
    *(
        "client:",
        "client: a",
        "sip:a",
        "sip:@b",
        "sip:a b@c",
        "app:AP12",
        f"APP:AP{HEX}",
        "app:",
        "a b",
    ),
)


def _call_to(contact: str | None = None) -> Call:
    return Call(from_="5550006", url=URL, to=contact)


def _supervise(supervisor: str) -> Supervise:
    return Supervise(supervisor_mode="barge", supervisor=supervisor)


DISPUTES: Final[
    Mapping[tuple[str, str, str], tuple[Sources, Sequence[Command], Sequence[Command]]]
] = {
    # (number, command, parameter): the sources of both interpretations, commands that touch the
    # dispute, and commands that just miss it
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
    ("8", "wrap", "ReservationStatus"): (
        (REST, Source.LIFECYCLE),
        [Wrap()],
        [Complete(), Accept()],
    ),
    ("10", "supervise", "Instruction"): (
        (REST, Source.OPENAPI),
        [Supervise(supervisor_mode="barge", supervisor=f"WK{HEX}")],
        [Conference(), Dequeue()],
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
    ("18", "dequeue", "DequeueTo"): (
        (REST, Source.OPENAPI),
        [Dequeue(to=to) for to in UNNAMED],
        [Dequeue(), *(Dequeue(to=to) for to in NAMED)],
    ),
    ("18", "call", "CallTo"): (
        (REST, Source.OPENAPI),
        [_call_to(to) for to in UNNAMED],
        [_call_to(), *(_call_to(to) for to in NAMED)],
    ),
    ("18", "conference", "To"): (
        (REST, Source.OPENAPI),
        [Conference(to=to) for to in UNNAMED],
        [Conference(), *(Conference(to=to) for to in NAMED)],
    ),
    ("18", "supervise", "Supervisor"): (
        (Source.WORKER_SDK, Source.OPENAPI),
        [_supervise(text) for text in (*UNNAMED, "boss", "WK12", f"wk{HEX}", f"app:AP{HEX}")],
        [_supervise(text) for text in (*NAMED, f"WK{HEX}")],
    ),
}


CALLBACK_ONLY: Final = {("9", "conference", "Instruction")}
"""Disputes about the answer to a callback. The form gives no caution."""


NOT_ABOUT_COMMANDS: Final = {
    "1": "about a report, not a command",
    "11": "about a conference that grows beyond 10 participants, which no command shows",
    "2": "its caution is of unknown evidence (test_extra)",
    "14": "about lists",
    "15": "about events",
    "17": "about a header",
}


INFERRED: Final = {"18"}
"""Rules that no document states. The cautions of the others are documented."""


def _cautions_about(command: Command, parameter: str) -> list[Caution]:
    return [caution for caution in command.cautions if caution.parameter == parameter]


def test_disputes_cover_the_reference_table() -> None:
    found = {
        (row["number"], row["command"], row["parameter"])
        for row in rows("cautions")
        if row["number"] not in NOT_ABOUT_COMMANDS
    }
    assert found == set(DISPUTES) | CALLBACK_ONLY
    assert Conference().instruction() == {"instruction": "conference"}
    error = refused(Command.from_form, [("ReservationStatus", "pending")])
    assert blamed(error) == ["ReservationStatus"]


@pytest.mark.parametrize("row", DISPUTES, ids="-".join)
def test_dispute_gives_caution_with_both_interpretations(row: tuple[str, str, str]) -> None:
    sources, met, _ = DISPUTES[row]
    for command in met:
        assert command.trigger == row[1]
        (caution,) = _cautions_about(command, row[2])
        first, second = caution.interpretations
        assert {first.source, second.source} == set(sources)
        assert (caution.evidence is Evidence.INFERRED) == (row[0] in INFERRED)
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


@pytest.mark.parametrize("row", DISPUTES, ids="-".join)
def test_command_outside_a_dispute_has_no_caution(row: tuple[str, str, str]) -> None:
    _, met, beside = DISPUTES[row]
    texts = {
        caution.interpretations for command in met for caution in _cautions_about(command, row[2])
    }
    for command in beside:
        assert not [caution for caution in command.cautions if caution.interpretations in texts]


def _expected(command: Command) -> Counter[str]:
    """Return the documented disputes that a command touches, worked out by hand."""
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
        "ReservationStatus": isinstance(command, Wrap),
        "Instruction": isinstance(command, Supervise),
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
    for name in ("To", "CallTo", "DequeueTo"):
        met[name] = name in sent and contact_evidence(sent[name]) is Evidence.DOCUMENTED
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
def test_command_has_exactly_its_cautions_about(command: Command) -> None:
    found = Counter(
        caution.parameter for caution in command.cautions if caution.evidence is Evidence.DOCUMENTED
    )
    assert found == _expected(command)


@pytest.mark.parametrize("contact", [*NAMED, *UNNAMED, "joey", "joey.smith@x", f"app:AP{HEX}"])
def test_form_of_contact_gives_at_most_one_caution_and_is_sent_as_given(contact: str) -> None:
    for command in (Dequeue(to=contact), _call_to(contact), Conference(to=contact)):
        name = {"dequeue": "DequeueTo", "call": "CallTo"}.get(command.trigger, "To")
        found = [caution.evidence for caution in _cautions_about(command, name)]
        assert found == [each for each in [contact_evidence(contact)] if each]
        assert dict(command.form())[name] == command.instruction()["to"] == contact
        assert Command.from_form(command.form()) == command


def test_caution_about_callbacks_concerns_the_callback_form_only() -> None:
    command = Conference(from_="5550006")
    assert command.cautions == ()
    (caution,) = command.callback_cautions
    assert caution.parameter == "instruction"
    sources = {interpretation.source for interpretation in caution.interpretations}
    assert sources == {CALLBACK, Source.CALL_CONTROL}
    assert "the callback page does not list conference" in str(caution)
    assert Dequeue(from_="5550006").callback_cautions == ()


def test_callback_cautions_use_the_names_of_the_callback() -> None:
    dequeue = Dequeue(timeout=601, status_callback_event=["initiated"])
    assert [caution.parameter for caution in dequeue.cautions] == [
        "DequeueFrom",
        "DequeueTimeout",
        "DequeueStatusCallbackEvent",
    ]
    assert [caution.parameter for caution in dequeue.callback_cautions] == [
        "from",
        "timeout",
        "status_callback_events",
    ]
    assert "without status_callback_url" in str(dequeue.callback_cautions[-1])


@settings(some)
@given(commands())
def test_callback_form_has_the_cautions_of_the_form_and_its_own(command: Command) -> None:
    def counted(cautions: tuple[Caution, ...]) -> Counter[str]:
        return Counter(caution.applied for caution in cautions)

    extra = counted(command.callback_cautions) - counted(command.cautions)
    assert counted(command.cautions) <= counted(command.callback_cautions)
    assert list(extra) == (
        ["allowed in callbacks as over REST"] if isinstance(command, Conference) else []
    )
