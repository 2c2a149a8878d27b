"""The lifecycle against the hand-written tables, and the machine against its own promises."""

from __future__ import annotations

import logging
import pickle
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation_core import ON_HOLD, Decision, Edge, Evidence, Source, Status, decide, follow
from reservation_core.domain.decisions import (
    LifecycleModel,
    check_graph,
    find_allowed_triggers,
    find_fact_edge,
    get_shared_machine,
)
from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES, TRIGGERS, State
from reservation_core.testing.strategies import statuses
from tests.reference.oracle import rows

MARKS = {
    "D": Evidence.DOCUMENTED,
    "S": Evidence.OBSERVED,
    "I": Evidence.INFERRED,
    "U": Evidence.UNKNOWN,
}
STATES: tuple[State, ...] = (*Status, ON_HOLD)
MATRIX = rows("matrix")
REFUSED = [row for row in MATRIX if row["allowed"] == "no"]
ENDS = [
    status
    for status in Status
    if not any(
        row["before"] == status != row["after"] and row["reachable"] == "yes"
        for row in rows("reachable")
    )
]


class Event(Protocol):
    """What the machine holds under a trigger's name."""

    def trigger(self, model: LifecycleModel) -> bool:
        """Move, or fail."""
        ...


def ask(row: dict[str, str]) -> Decision:
    """Put the question of one cell."""
    trigger, _, flag = row["command"].partition("+")
    return decide(state(row["state"]), trigger, accept=flag == "accept")


def state(word: str) -> State:
    """Read a state off a table."""
    return ON_HOLD if word == "onHold" else Status(word)


def cell(row: dict[str, str]) -> str:
    """Name one cell."""
    return f"{row['command']}-{row['state']}"


# --- the tables ------------------------------------------------------------------------------------------------------------------


def test_the_matrix_is_whole() -> None:
    """The table asks about every command, with and without its accept flag, in every state."""
    asked = {(row["command"], row["state"]) for row in MATRIX}
    assert len(asked) == len(MATRIX) == 99
    assert asked == {
        (command, where) for command in {row["command"] for row in MATRIX} for where in STATES
    }
    assert {row["command"].partition("+")[0] for row in MATRIX} == set(TRIGGERS)


@pytest.mark.parametrize("row", MATRIX, ids=cell)
def test_a_command_is_allowed_exactly_where_the_matrix_says(row: dict[str, str]) -> None:
    """Each of the 99 cells is decided as the table has it."""
    assert ask(row).is_allowed == (ask(row).edge is not None) == (row["allowed"] == "yes")
    assert (ask(row).edge is None) == (ask(row).refusal is not None)


@pytest.mark.parametrize("row", [row for row in MATRIX if row["allowed"] == "yes"], ids=cell)
def test_an_allowed_command_sets_what_the_matrix_says(row: dict[str, str]) -> None:
    """A command sets a status at once, nothing, or leaves the reservation on hold until the platform reports."""
    edge = ask(row).edge
    assert edge is not None
    assert edge.source == row["state"]
    assert edge.target == {"later": ON_HOLD, "nothing": row["state"]}.get(row["sets"], row["sets"])


@pytest.mark.parametrize("row", MATRIX, ids=cell)
def test_each_answer_carries_the_mark_of_the_matrix(row: dict[str, str]) -> None:
    """How sure an answer is agrees with the table, cell by cell."""
    decision = ask(row)
    told = decision.edge or decision.refusal
    assert told is not None
    assert told.evidence is MARKS[row["evidence"]]


@pytest.mark.parametrize("row", REFUSED, ids=cell)
def test_a_refusal_says_why_on_what_ground_and_what_may_be_asked_instead(
    row: dict[str, str],
) -> None:
    """Every refusal has a reason, an evidence mark, a source, and the commands that the matrix allows in the same state."""
    decision = ask(row)
    assert decision.edge is None
    assert decision.refusal is not None
    assert decision.refusal.evidence in Evidence
    assert decision.refusal.source in Source
    assert (
        decision.reason
        == f"{decision.refusal.statement} [{decision.refusal.evidence}: {decision.refusal.source}]"
    )
    instead = [
        other["command"]
        for other in MATRIX
        if other["state"] == row["state"] and other["allowed"] == "yes"
    ]
    assert list(decision.alternatives) == [command for command in instead if "+" not in command]


@pytest.mark.parametrize("row", REFUSED, ids=cell)
def test_a_refusal_names_the_error_the_platform_would_answer(row: dict[str, str]) -> None:
    """Where the table's source is one of the platform's error numbers, the reason names that number."""
    numbers = (
        re.findall(r"\b40\d\d\d\b", row["source"].partition(";")[0])
        if row["evidence"] == "D"
        else []
    )
    assert all(number in ask(row).reason for number in numbers)


def test_the_facts_are_those_of_the_table() -> None:
    """The platform's moves are the ten of the table, each with its mark, and each is named by the status it reports."""
    told = {(str(edge.source), str(edge.target), edge.evidence) for edge in FACT_EDGES}
    assert told == {(row["from"], row["to"], MARKS[row["evidence"]]) for row in rows("facts")}
    assert len(FACT_EDGES) == len(rows("facts")) == 10
    assert all(edge.trigger == edge.target and edge.accept is None for edge in FACT_EDGES)


@pytest.mark.parametrize(
    "row", rows("reachable"), ids=lambda row: f"{row['before']}-{row['after']}"
)
def test_a_report_is_believed_exactly_when_the_table_says_so(row: dict[str, str]) -> None:
    """Of the 64 ordered pairs of statuses, those that facts lead through are believed, and no other."""
    path = follow(Status(row["before"]), Status(row["after"]))
    assert (path is not None) == (row["reachable"] == "yes")
    if path:
        assert path[0].source == row["before"]
        assert path[-1].target == row["after"]
        assert all(one.target == other.source for one, other in pairwise(path))


@pytest.mark.parametrize("row", rows("settable"), ids=lambda row: row["status"])
def test_a_client_sets_the_statuses_of_the_table(row: dict[str, str]) -> None:
    """Four statuses are set by a plain update, each from where the table says."""
    setters = {edge for edge in COMMAND_EDGES if edge.trigger == row["command"]}
    assert bool(setters) == (row["settable_by_client"] == "yes")
    assert {str(edge.source) for edge in setters} == set(row["from"].split())
    assert {str(edge.target) for edge in setters} == ({row["status"]} if setters else set())


@pytest.mark.parametrize("where", STATES)
@pytest.mark.parametrize("fact", Status)
def test_one_step_is_one_fact(where: State, fact: Status) -> None:
    """A single step exists exactly where the table of facts has a row, and leads to the status that is reported."""
    edge = find_fact_edge(where, fact)
    assert (edge is not None) == any(
        row["from"] == where and row["to"] == fact for row in rows("facts")
    )
    assert edge is None or (edge.source, edge.target) == (where, fact)


@pytest.mark.parametrize("where", STATES)
def test_what_is_allowed_in_a_state_is_what_the_matrix_allows(where: State) -> None:
    """The list of commands in a state is the matrix's column, without regard to the accept flag."""
    column = {
        row["command"].partition("+")[0]
        for row in MATRIX
        if row["state"] == where and row["allowed"] == "yes"
    }
    assert set(find_allowed_triggers(where)) == column
    assert len(find_allowed_triggers(where)) == len(column)


def test_five_statuses_are_terminal() -> None:
    """A status is terminal when the table leads nowhere from it."""
    assert [status for status in Status if status.is_terminal] == ENDS
    assert len(ENDS) == 5


# --- properties ------------------------------------------------------------------------------------------------------------------


@given(st.lists(statuses(), max_size=12))
def test_no_walk_of_facts_leaves_a_terminal_status(reports: list[Status]) -> None:
    """Whatever is reported in whatever order, a reservation that has ended stays as it ended, and nothing may be asked of it."""
    where: Status = Status.PENDING
    ended: Status | None = None
    for report in reports:
        if follow(where, report) is not None:
            where = report
        ended = ended or (where if where in ENDS else None)
        assert ended is None or (where is ended and find_allowed_triggers(where) == ())


@given(statuses(), statuses(), statuses())
def test_believing_is_transitive(first: Status, second: Status, third: Status) -> None:
    """What may follow something that may follow a status may follow that status: a lost report does no harm."""
    if follow(first, second) is not None and follow(second, third) is not None:
        assert follow(first, third) is not None


@pytest.mark.parametrize("where", Status)
def test_an_answer_does_not_depend_on_who_asked_first(where: Status) -> None:
    """A status written as a plain text gets the very answers that the status gets, and leaves no trace in later answers."""
    questions = [(trigger, accept) for trigger in TRIGGERS for accept in (True, False)]
    decide.cache_clear()
    expected = [decide(where, *question) for question in questions]
    decide.cache_clear()
    plainly = [decide(cast("Status", where.value), *question) for question in questions]
    later = [decide(where, *question) for question in questions]
    decide.cache_clear()
    for answers in (plainly, later):
        assert answers == expected
        assert list(map(str, answers)) == list(map(str, expected))
        assert list(map(repr, answers)) == list(map(repr, expected))


def test_an_unknown_command_is_a_key_error() -> None:
    """A name that is no command is refused as a mistake of the program, also when it is the name of a fact."""
    for name in ("", "accepted", "to_accepted", "Accept", "hold"):
        with pytest.raises(KeyError) as caught:
            decide(Status.PENDING, name)
        assert caught.value.args == (name,)


# --- the graph -------------------------------------------------------------------------------------------------------------------


ALL = (*COMMAND_EDGES, *FACT_EDGES)


def _edge(trigger: str, source: State, target: State, accept: bool | None = None) -> Edge:
    return Edge(
        trigger,
        source,
        target,
        Evidence.INFERRED,
        Source.OWN_INTERPRETATION,
        "made up for a test",
        accept,
    )


BROKEN: dict[str, tuple[Callable[[], list[Edge]], str]] = {
    "unreachable": (
        lambda: [edge for edge in ALL if edge.target != Status.RESCINDED],
        "not reachable from pending: rescinded",
    ),
    "unreachable, two": (
        lambda: [edge for edge in ALL if edge.target not in (Status.RESCINDED, Status.CANCELED)],
        "not reachable from pending: canceled, rescinded",
    ),
    "trap": (
        lambda: [
            edge for edge in ALL if edge.source != Status.WRAPPING or edge.target == Status.WRAPPING
        ],
        "wrapping is a trap: no path leads to a terminal status",
    ),
    "way out of a terminal": (
        lambda: [*ALL, _edge("reopen", Status.COMPLETED, Status.ACCEPTED)],
        "reopen leaves the terminal status completed",
    ),
    "loop on a terminal": (
        lambda: [*ALL, _edge("again", Status.REJECTED, Status.REJECTED)],
        "again leaves the terminal status rejected",
    ),
    "ambiguous": (
        lambda: [*ALL, _edge("accept", Status.PENDING, Status.REJECTED)],
        "two edges answer accept from pending",
    ),
    "ambiguous by a guard": (
        lambda: [*ALL, _edge("accept", Status.PENDING, ON_HOLD, accept=True)],
        "two edges answer accept from pending",
    ),
    "ambiguous guards": (
        lambda: [*ALL, _edge("call", Status.PENDING, Status.REJECTED, accept=False)],
        "two edges answer call from pending",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_lifecycle_is_refused(name: str) -> None:
    """A table with a lost state, a trap, a way out of an end, or two answers to one question is refused, naming what is wrong."""
    broken, fault = BROKEN[name]
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        check_graph(broken())


def test_the_lifecycle_is_sound() -> None:
    """The table as it stands passes its own check, and so it does when the facts stand alone but for what leads to hold."""
    check_graph(ALL)
    check_graph([*FACT_EDGES, _edge("hold", Status.PENDING, ON_HOLD)])


def test_the_machine_has_no_way_around_its_edges() -> None:
    """The machine knows the table's triggers and no automatic ones, and it holds no model, whatever was asked of it."""
    for where in STATES:
        for trigger in TRIGGERS:
            decide.__wrapped__(where, trigger)
    built = cast("dict[str, object]", vars(get_shared_machine()))
    events, states = (
        cast("dict[str, object]", built["events"]),
        cast("dict[str, object]", built["states"]),
    )
    assert set(events) == {edge.trigger for edge in ALL}
    assert not [name for name in events if name.startswith("to_")]
    assert built["models"] == []
    assert set(states) == {str(where) for where in STATES}


def test_what_the_machine_logs_names_the_library(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever listens to the logger of transitions sees whose machine it is that moved."""
    event = cast("dict[str, Event]", vars(get_shared_machine())["events"])["accept"]
    with caplog.at_level(logging.INFO, "transitions.core"):
        assert event.trigger(LifecycleModel(Status.PENDING, accept=False))
    assert caplog.messages
    assert all(message.startswith("reservation_core: ") for message in caplog.messages)


# --- explanations ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", MATRIX, ids=cell)
def test_an_explanation_is_a_sentence(row: dict[str, str]) -> None:
    """Every answer reads as one sentence: the verdict, the effect or the alternatives, the reason, the mark and the source."""
    decision = ask(row)
    text = str(decision)
    command, where = row["command"].partition("+")[0], row["state"]
    assert text.startswith(
        f"{command} is {'allowed' if row['allowed'] == 'yes' else 'refused'} while {where}"
    )
    assert text.endswith(".")
    assert "\n" not in text
    assert "None" not in text
    assert "  " not in text
    assert re.search(rf"\[({'|'.join(Evidence)}): .+\]", text)
    assert decision.reason in text
    if row["allowed"] == "yes":
        effects = {
            "later": "sets nothing yet (on hold; the platform reports later)",
            "nothing": "changes no status",
        }
        assert effects.get(row["sets"], f"sets {row['sets']}") in text
    elif decision.alternatives:
        assert f"Allowed instead: {', '.join(decision.alternatives)}." in text
    else:
        assert (
            "until the platform reports" if where == "onHold" else f"nothing ({where} is terminal)"
        ) in text


@pytest.mark.parametrize("row", MATRIX, ids=cell)
def test_the_machine_itself_goes_where_the_matrix_says(row: dict[str, str]) -> None:
    """Triggered directly, with its guards, the machine moves to what the table has, or refuses and leaves the state as it was."""
    trigger, _, flag = row["command"].partition("+")
    moved = LifecycleModel(state(row["state"]), flag == "accept")
    event = cast("dict[str, Event]", vars(get_shared_machine())["events"])[trigger]
    if row["allowed"] == "yes":
        assert event.trigger(moved)
        assert moved.state == {"later": ON_HOLD, "nothing": row["state"]}.get(
            row["sets"], row["sets"]
        )
    else:
        with pytest.raises(
            Exception, match=f"Can't trigger event {trigger} from state {row['state']}"
        ):
            event.trigger(moved)
        assert moved.state == row["state"]


def test_answers_are_values() -> None:
    """A decision is frozen, equal by value, and travels by pickle."""
    decision = decide(Status.PENDING, "conference")
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert hash(decision) == hash(attrs.evolve(decision))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        decision.trigger = "accept"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_each_edge_has_a_note_a_mark_and_a_source() -> None:
    """No step of the lifecycle stands without the ground it stands on."""
    for edge in ALL:
        assert edge.note
        assert edge.evidence in Evidence
        assert edge.reference in Source
    for source in Source:
        assert str(source) == source.value
        assert source.value.startswith("https://") != (source is Source.OWN_INTERPRETATION)
