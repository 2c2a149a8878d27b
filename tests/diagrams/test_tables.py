"""The Markdown tables against the hand-written reference."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from reservation_core import ON_HOLD, Status
from reservation_core.diagrams.tables import write_parameters, write_statuses
from reservation_core.domain import lifecycle
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES, TERMINAL, TRIGGERS, State
from tests.reference.oracle import rows

EDGES = (*COMMAND_EDGES, *FACT_EDGES)


STATES = (*Status, ON_HOLD)


def split_row(row: str) -> list[str]:
    """Return the cells of a row."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def read_table(page: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose head begins with ``first``."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first}"))
    return [split_row(line) for line in "\n".join(lines[start + 2 :]).split("\n\n")[0].splitlines()]


def test_parameters_are_those_of_the_reference_in_order() -> None:
    written = read_table(write_parameters(), "parameter")
    names = [row[0].strip("`") for row in written]
    reference = rows("parameters")
    assert len(reference) == 54
    assert Counter(names) == Counter(row["name"] for row in reference)
    assert names[:2] == ["ReservationStatus", "Instruction"]
    for command in COMMANDS:
        mine = [
            name for name, owner in zip(names, written, strict=True) if owner[1] == command.trigger
        ]
        wanted = [row["name"] for row in reference if row["command"] == command.trigger]
        assert sorted(mine, key=wanted.index) == wanted
        assert mine == [parameter.wire_name for parameter in command.parameters]


def test_parameter_cells_agree_with_the_reference() -> None:
    reference = {row["name"]: row for row in rows("parameters")}
    for (
        name,
        command,
        required,
        _,
        _,
        _,
        code,
        callback_name,
        route,
        sensitivity,
        summary,
    ) in read_table(write_parameters(), "parameter"):
        row = reference[name.strip("`")]
        assert (required == "yes") == (row["required"] == "yes") or required == "one of the two", (
            name
        )
        assert callback_name.strip("`") == row["callback_name"], name
        assert route[:2] == row["worker_route"][:2], name
        assert sensitivity == {"pii": "personal", "secret": "secret"}.get(
            row["personal"], sensitivity
        ), name
        assert code in row["code"].split() or not row["code"] or command == "supervise", name
        assert summary.endswith("."), name


def test_cautions_name_both_interpretations() -> None:
    written = read_table(write_parameters(), "command | parameter |")
    expected = {
        (
            command.trigger,
            wire,
            *(reading.statement for reading in dispute.interpretations),
            dispute.applied,
        )
        for command in COMMANDS
        for wire, disputes in (
            (command.first_pair[0], command.disputes),
            *((parameter.wire_name, parameter.info.disputes) for parameter in command.parameters),
        )
        for dispute in disputes
    }
    found = {
        (command, wire.strip("`"), first.rpartition(" ([")[0], second.rpartition(" ([")[0], taken)
        for command, wires, first, second, taken, _ in written
        for wire in wires.split(", ")
    }
    assert found == expected
    assert len(expected) > 20


def test_every_rule_has_a_row() -> None:
    written = read_table(write_parameters(), "command | parameters |")
    assert [(command, rule, remedy) for command, _, rule, remedy in written] == [
        (command.trigger, rule.rule, rule.remedy) for command in COMMANDS for rule in command.rules
    ]


def test_matrix_agrees_with_the_reference() -> None:
    page = write_statuses()
    written = {
        row[0].replace("on hold", ON_HOLD): dict(zip(TRIGGERS, row[1:], strict=True))
        for row in read_table(page, " |")
    }
    assert set(written) == set(STATES)
    for row in rows("matrix"):
        trigger, _, flag = row["command"].partition("+")
        cell = written[row["state"]][trigger]
        assert cell.startswith("—") == (row["allowed"] == "no"), row
        wanted = {"later": "nothing yet", "": "—"}.get(row["sets"], row["sets"])
        guard = f" [{flag or 'no accept'}]"
        guard = guard if guard in cell else ""
        assert any(part.startswith(wanted + guard) for part in cell.split("; ")), (row, cell)


def test_every_state_is_described() -> None:
    written = {
        row[0].strip("*").replace("on hold", ON_HOLD): row
        for row in read_table(write_statuses(), "status |")
    }
    assert set(written) == set(STATES)
    for state, (_, meaning, terminal, asked, reported) in written.items():
        assert meaning.endswith("."), state
        assert (terminal == "yes") == (state in TERMINAL) == (asked == reported == "—"), state
        assert set(reported.split("<br>")) - {"—"} == {
            edge.trigger for edge in FACT_EDGES if edge.source == state
        }, state


def test_every_edge_and_refusal_has_a_row() -> None:
    page = write_statuses()
    listed = Counter(
        (row[0].split()[0], row[2], row[3], row[5]) for row in read_table(page, "trigger")
    )
    hold = {ON_HOLD: "on hold"}
    assert listed == Counter(
        (e.trigger, hold.get(e.source, e.source), hold.get(e.target, e.target), str(e.evidence))
        for e in EDGES
    )
    assert all(row[6].startswith(("[", "this library")) for row in read_table(page, "trigger"))
    refused = Counter(
        (row[0], state)
        for row in read_table(page, "command | state")
        for state in row[1].split(", ")
    )
    no = {
        (row["command"].partition("+")[0], row["state"].replace(ON_HOLD, "on hold"))
        for row in rows("matrix")
        if row["allowed"] == "no"
    }
    assert refused == Counter(dict.fromkeys(no, 1))


def test_rows_have_as_many_cells_as_their_head(monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(_: State) -> str:
        return "one|other"

    monkeypatch.setattr(lifecycle, "describe_state", describe)
    statuses, parameters = write_statuses(), write_parameters()
    assert {row[1] for row in read_table(statuses, "status |")} == {r"one\|other"}
    found: list[str] = re.findall(r"(?:^\|.*\n)+", statuses + parameters, re.MULTILINE)
    assert [len({len(split_row(line)) for line in one.splitlines()}) for one in found] == [1] * 7
