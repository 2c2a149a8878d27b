"""Text of the values of the book."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core import (
    GatewayError,
    InvalidCommand,
    InvalidDocument,
    NotFound,
    ReservationError,
)
from reservation_core.book import (
    Doubt,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    Recorded,
    ReportSource,
    Swept,
    Verdict,
)
from reservation_core.domain.lifecycle import Status
from reservation_core.rest.addresses import Route
from reservation_core.testing.strategies.commands import commands
from reservation_core.testing.strategies.reservations import reservations, timestamps
from tests.book.scenario import NOON, pending, sid
from tests.book.world import CALL

WR = sid("WR", 0)
ENTRY = Entry(reservation=pending(0), revision=3, refreshed_at=NOON)
INTENT = Intent(
    token="t", command=CALL, reservation=ENTRY.reservation, route=Route.TASK, created_at=NOON
)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (ENTRY, f"{WR}: pending, revision 3"),
        (
            attrs.evolve(ENTRY, reservation=attrs.evolve(ENTRY.reservation, on_hold=True)),
            f"{WR}: on hold, revision 3",
        ),
        (
            attrs.evolve(ENTRY, deleted=True, doubt=Doubt.GAP, intent=INTENT),
            f"{WR}: pending, revision 3, deleted, in doubt: gap, call is open",
        ),
    ],
)
def test_entry_is_one_line_without_personal_data(entry: Entry, text: str) -> None:
    assert str(entry) == text


def test_recorded_is_one_line() -> None:
    assert str(Recorded(Verdict.IGNORED, None)) == "ignored"
    assert str(Recorded(Verdict.APPLIED, ENTRY)) == f"applied; {WR}: pending, revision 3"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            HistoryLine(
                sid=WR,
                recorded_at=NOON,
                source=ReportSource.EVENT,
                outcome=Verdict.APPLIED,
                type="reservation.accepted",
                status=Status.ACCEPTED,
                version=3,
            ),
            "event reservation.accepted (accepted, version 3): applied",
        ),
        (
            HistoryLine(
                sid=WR, recorded_at=NOON, source=ReportSource.FETCH, outcome=Ending.DELETED
            ),
            "fetch: deleted",
        ),
        (
            HistoryLine(
                sid=WR,
                recorded_at=NOON,
                source=ReportSource.EVENT,
                outcome=Verdict.IGNORED,
                type="a\nb",
            ),
            "event a\\nb: ignored",
        ),
    ],
)
def test_history_line_is_one_line(line: HistoryLine, text: str) -> None:
    assert str(line) == f"{NOON:%Y-%m-%dT%H:%M:%S%z} {WR}: {text}"


def test_swept_counts_outcomes_and_errors() -> None:
    done, applied = Recorded(Ending.DONE, ENTRY), Recorded(Verdict.APPLIED, ENTRY)
    failed: dict[str, ReservationError] = {
        "a": GatewayError("+15005550006"),
        "b": GatewayError("+15005550006"),
        "c": NotFound(404),
    }
    assert str(Swept((), {})) == "settled 0, failed 0"
    assert (
        str(Swept((done, applied, done), failed))
        == "settled 3 (1 applied, 2 done), failed 3 (2 GatewayError, 1 NotFound)"
    )


TIMES = timestamps()
INTENTS = st.builds(
    Intent,
    token=st.text(),
    command=commands(),
    reservation=reservations(on_hold=None, complete=False),
    route=st.sampled_from(Route),
    created_at=TIMES,
)
ENTRIES = st.builds(
    Entry,
    reservation=reservations(on_hold=None),
    revision=st.integers(1, 9),
    refreshed_at=TIMES,
    version=st.none() | st.integers(0, 9),
    platform_time=st.none() | TIMES,
    doubt=st.none() | st.sampled_from(Doubt),
    deleted=st.booleans(),
    intent=st.none() | INTENTS,
)


@given(ENTRIES)
def test_entry_survives_json(entry: Entry) -> None:
    assert Entry.from_dict(entry.to_dict()) == entry
    assert Entry.from_dict(json.loads(json.dumps(entry.to_dict()))) == entry


@given(INTENTS)
def test_intent_survives_json(intent: Intent) -> None:
    assert Intent.from_dict(json.loads(json.dumps(intent.to_dict()))) == intent


LINES = st.builds(
    HistoryLine,
    sid=st.just(WR),
    recorded_at=TIMES,
    source=st.sampled_from(ReportSource),
    outcome=st.sampled_from((*Verdict, *Ending)),
    type=st.text(max_size=9),
    event_key=st.none() | st.text(max_size=9),
    status=st.none() | st.sampled_from(Status),
    version=st.none() | st.integers(0, 9),
    platform_time=st.none() | TIMES,
)


@given(LINES)
def test_history_line_survives_json(line: HistoryLine) -> None:
    assert HistoryLine.from_dict(json.loads(json.dumps(line.to_dict()))) == line
    assert line.to_redacted_dict() == line.to_dict()


def test_document_of_a_history_line_has_its_known_fields() -> None:
    line = HistoryLine(
        sid=WR,
        recorded_at=NOON,
        source=ReportSource.COMMAND,
        outcome=Ending.NOT_DONE,
        type="accept",
        status=Status.PENDING,
    )
    assert line.to_dict() == {
        "sid": WR,
        "recorded_at": NOON.isoformat(),
        "source": "command",
        "outcome": "not done",
        "type": "accept",
        "status": "pending",
    }
    with pytest.raises(InvalidDocument) as caught:
        HistoryLine.from_dict({**line.to_dict(), "outcome": "lost", "source": None})
    assert "source is missing" in caught.value.faults
    assert any(fault.startswith("outcome is not one of applied, ") for fault in caught.value.faults)


def test_redacted_entry_holds_nothing_personal() -> None:
    entry = attrs.evolve(ENTRY, intent=INTENT)
    text = json.dumps(entry.to_redacted_dict())
    assert "Alice" in json.dumps(entry.to_dict())
    assert "Alice" not in text
    assert "5005550006" not in text
    assert entry.to_redacted_dict()["revision"] == 3
    assert "Alice" not in json.dumps(INTENT.to_redacted_dict())


def test_faults_of_nested_documents_are_named() -> None:
    document = attrs.evolve(ENTRY, intent=INTENT).to_dict()
    with pytest.raises(InvalidDocument) as caught:
        Entry.from_dict({**document, "reservation": {"sid": 1}, "revision": True, "intent": 7})
    assert caught.value.faults == (
        "reservation: sid is not a text",
        "reservation: status is missing",
        "revision is not an integer",
        "intent: it is not an object",
    )
    with pytest.raises(InvalidCommand):
        Intent.from_dict({**INTENT.to_dict(), "command": {"form": [["Instruction", "dance"]]}})
