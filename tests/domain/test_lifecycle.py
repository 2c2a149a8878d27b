"""The tables of the lifecycle against the hand-written ones."""

from __future__ import annotations

import pytest

from reservation_core import ON_HOLD, Evidence, Source, Status
from reservation_core.domain.lifecycle import (
    COMMAND_EDGES,
    EDGES,
    FACT_EDGES,
    STATUS_EDGES,
    TRIGGERS,
    State,
)
from tests.reference.oracle import rows

MARKS = {
    "D": Evidence.DOCUMENTED,
    "S": Evidence.OBSERVED,
    "I": Evidence.INFERRED,
    "U": Evidence.UNKNOWN,
}
STATES: tuple[State, ...] = (*Status, ON_HOLD)
MATRIX = rows("matrix")
TERMINAL_STATUSES = [
    status
    for status in Status
    if not any(
        row["before"] == status != row["after"] and row["reachable"] == "yes"
        for row in rows("reachable")
    )
]


def state(word: str) -> State:
    """Convert a word of a table to a state."""
    return ON_HOLD if word == "onHold" else Status(word)


def test_reference_matrix_is_complete() -> None:
    cells = {(row["command"], row["state"]) for row in MATRIX}
    assert len(cells) == len(MATRIX) == 108
    assert cells == {
        (command, where) for command in {row["command"] for row in MATRIX} for where in STATES
    }
    assert {row["command"].partition("+")[0] for row in MATRIX} == set(TRIGGERS)


def test_fact_edges_are_those_of_the_table() -> None:
    found = {(str(edge.source), str(edge.target), edge.evidence) for edge in FACT_EDGES}
    assert found == {(row["from"], row["to"], MARKS[row["evidence"]]) for row in rows("facts")}
    assert len(FACT_EDGES) == len(rows("facts")) == 10
    assert all(edge.trigger == edge.target and edge.accept is None for edge in FACT_EDGES)


@pytest.mark.parametrize("row", rows("settable"), ids=lambda row: row["status"])
def test_settable_statuses_are_those_of_the_table(row: dict[str, str]) -> None:
    edges = {"yes": COMMAND_EDGES, "unknown": STATUS_EDGES, "no": ()}[row["settable_by_client"]]
    setters = {e for e in edges if e.trigger == row["command"] and not e.orchestrated}
    assert bool(setters) == (row["settable_by_client"] != "no")
    if row["settable_by_client"] == "unknown":
        assert {edge.evidence for edge in setters} == {MARKS[row["evidence"]]}
    assert {str(edge.source) for edge in setters} == set(row["from"].split())
    assert {str(edge.target) for edge in setters} == ({row["status"]} if setters else set())


def test_five_statuses_are_terminal() -> None:
    assert [status for status in Status if status.is_terminal] == TERMINAL_STATUSES
    assert len(TERMINAL_STATUSES) == 5


def test_edge_has_note_evidence_and_reference() -> None:
    for edge in EDGES:
        assert edge.note
        assert edge.evidence in Evidence
        assert edge.reference in Source
    for source in Source:
        assert str(source) == source.value
        has_no_url = source in (
            Source.OWN_INTERPRETATION,
            Source.PUBLIC_CODE,
            Source.REPORT,
            Source.PARITY_RUN,
        )
        assert source.value.startswith("https://") != has_no_url
