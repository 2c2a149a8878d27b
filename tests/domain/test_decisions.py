"""Decisions against the hand-written tables, and the machine behind them."""

from __future__ import annotations

import asyncio
import logging
import pickle
import re
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine, MachineError
from transitions.extensions import GraphMachine
from transitions.extensions.asyncio import AsyncMachine

from reservation_core import (
    ON_HOLD,
    Decision,
    Edge,
    Evidence,
    Source,
    Status,
    build_machine,
    decide,
    follow,
)
from reservation_core.domain.decisions import (
    LifecycleModel,
    check_graph,
    find_allowed_triggers,
    find_effects,
    find_fact_edge,
    get_shared_machine,
)
from reservation_core.domain.lifecycle import (
    EDGES,
    FACT_EDGES,
    STATUS_EDGES,
    TRIGGERS,
    State,
    label_state,
)
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
TERMINAL_STATUSES = [
    status
    for status in Status
    if not any(
        row["before"] == status != row["after"] and row["reachable"] == "yes"
        for row in rows("reachable")
    )
]


class Event(Protocol):
    """Event of the machine."""

    def trigger(self, model: LifecycleModel, **flags: bool) -> bool:
        """Move the model, or raise."""
        ...


def decide_cell(row: dict[str, str]) -> Decision:
    """Decide the question of one cell_id."""
    trigger, _, flag = row["command"].partition("+")
    where = state(row["state"])
    return decide(where, trigger, accept=flag == "accept", orchestrated=flag == "orchestrated")


def state(word: str) -> State:
    """Convert a word of a table to a state."""
    return ON_HOLD if word == "onHold" else Status(word)


def cell_id(row: dict[str, str]) -> str:
    """Return the ID of one cell_id."""
    return f"{row['command']}-{row['state']}"


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_decide_allows_exactly_the_commands_of_the_matrix(row: dict[str, str]) -> None:
    assert (
        decide_cell(row).is_allowed
        == (decide_cell(row).edge is not None)
        == (row["allowed"] == "yes")
    )
    assert (decide_cell(row).edge is None) == (decide_cell(row).refusal is not None)


@pytest.mark.parametrize("row", [row for row in MATRIX if row["allowed"] == "yes"], ids=cell_id)
def test_allowed_command_sets_the_status_of_the_matrix(row: dict[str, str]) -> None:
    edge = decide_cell(row).edge
    assert edge is not None
    assert edge.source == row["state"]
    assert edge.target == {"later": ON_HOLD, "nothing": row["state"]}.get(row["sets"], row["sets"])


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_decision_has_the_evidence_of_the_matrix(row: dict[str, str]) -> None:
    decision = decide_cell(row)
    found = decision.edge or decision.refusal
    assert found is not None
    assert found.evidence is MARKS[row["evidence"]]


@pytest.mark.parametrize("row", REFUSED, ids=cell_id)
def test_refusal_has_reason_source_and_alternatives(
    row: dict[str, str],
) -> None:
    decision = decide_cell(row)
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


@pytest.mark.parametrize("row", REFUSED, ids=cell_id)
def test_refusal_names_error_number_of_platform(row: dict[str, str]) -> None:
    numbers = (
        re.findall(r"\b40\d\d\d\b", row["source"].partition(";")[0])
        if row["evidence"] == "D"
        else []
    )
    assert all(number in decide_cell(row).reason for number in numbers)


@pytest.mark.parametrize(
    "row", rows("reachable"), ids=lambda row: f"{row['before']}-{row['after']}"
)
def test_follow_finds_path_exactly_where_the_table_has_one(row: dict[str, str]) -> None:
    path = follow(Status(row["before"]), Status(row["after"]))
    assert (path is not None) == (row["reachable"] == "yes")
    if path:
        assert path[0].source == row["before"]
        assert path[-1].target == row["after"]
        assert all(one.target == other.source for one, other in pairwise(path))


@pytest.mark.parametrize("where", STATES)
@pytest.mark.parametrize("fact", Status)
def test_find_fact_edge_returns_the_rows_of_the_table(where: State, fact: Status) -> None:
    edge = find_fact_edge(where, fact)
    assert (edge is not None) == any(
        row["from"] == where and row["to"] == fact for row in rows("facts")
    )
    assert edge is None or (edge.source, edge.target) == (where, fact)


@pytest.mark.parametrize("where", STATES)
def test_find_allowed_triggers_returns_column_of_matrix(where: State) -> None:
    column = {
        row["command"].partition("+")[0]
        for row in MATRIX
        if row["state"] == where and row["allowed"] == "yes"
    }
    assert set(find_allowed_triggers(where)) == column
    assert len(find_allowed_triggers(where)) == len(column)


@given(st.lists(statuses(), max_size=12))
def test_follow_never_leaves_a_terminal_status(reports: list[Status]) -> None:
    where: Status = Status.PENDING
    ended: Status | None = None
    for report in reports:
        if follow(where, report) is not None:
            where = report
        ended = ended or (where if where in TERMINAL_STATUSES else None)
        assert ended is None or (where is ended and find_allowed_triggers(where) == ())


@given(statuses(), statuses(), statuses())
def test_follow_is_transitive(first: Status, second: Status, third: Status) -> None:
    if follow(first, second) is not None and follow(second, third) is not None:
        assert follow(first, third) is not None


@pytest.mark.parametrize("where", Status)
def test_decision_does_not_depend_on_type_of_first_state(where: Status) -> None:
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


def test_decide_raises_key_error_for_unknown_command() -> None:
    for name in ("", "accepted", "to_accepted", "Accept", "hold"):
        with pytest.raises(KeyError) as caught:
            decide(Status.PENDING, name)
        assert caught.value.args == (name,)


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
        lambda: [edge for edge in EDGES if edge.target != Status.RESCINDED],
        "not reachable from pending: rescinded",
    ),
    "unreachable, two": (
        lambda: [edge for edge in EDGES if edge.target not in (Status.RESCINDED, Status.CANCELED)],
        "not reachable from pending: canceled, rescinded",
    ),
    "trap": (
        lambda: [
            edge
            for edge in EDGES
            if edge.source != Status.WRAPPING or edge.target == Status.WRAPPING
        ],
        "wrapping is a trap: no path leads to a terminal status",
    ),
    "way out of a terminal": (
        lambda: [*EDGES, _edge("reopen", Status.COMPLETED, Status.ACCEPTED)],
        "reopen leaves the terminal status completed",
    ),
    "loop on a terminal": (
        lambda: [*EDGES, _edge("again", Status.REJECTED, Status.REJECTED)],
        "again leaves the terminal status rejected",
    ),
    "ambiguous": (
        lambda: [*EDGES, _edge("accept", Status.PENDING, Status.REJECTED)],
        "two edges answer accept from pending",
    ),
    "ambiguous by a guard": (
        lambda: [*EDGES, _edge("accept", Status.PENDING, ON_HOLD, accept=True)],
        "two edges answer accept from pending",
    ),
    "ambiguous guards": (
        lambda: [*EDGES, _edge("call", Status.PENDING, Status.REJECTED, accept=False)],
        "two edges answer call from pending",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_check_graph_refuses_unsound_lifecycle(name: str) -> None:
    broken, fault = BROKEN[name]
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        check_graph(broken())


def test_check_graph_accepts_the_lifecycle() -> None:
    check_graph(EDGES)
    check_graph([*FACT_EDGES, _edge("hold", Status.PENDING, ON_HOLD)])


def test_machine_has_only_the_triggers_and_states_of_the_tables() -> None:
    for where in STATES:
        for trigger in TRIGGERS:
            decide.__wrapped__(where, trigger)
    built = cast("dict[str, object]", vars(get_shared_machine()))
    events, states = (
        cast("dict[str, object]", built["events"]),
        cast("dict[str, object]", built["states"]),
    )
    assert set(events) == {edge.trigger for edge in (*EDGES, *STATUS_EDGES)}
    assert not [name for name in events if name.startswith("to_")]
    assert built["models"] == []
    assert set(states) == {str(where) for where in STATES}


def test_shared_machine_logs_nothing_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """A machine of the caller still does."""
    with caplog.at_level(logging.INFO, "transitions"):
        for edge in EDGES:
            event = cast("dict[str, Event]", vars(get_shared_machine())["events"])[edge.trigger]
            flags = {"accept": edge.accept, "orchestrated": edge.orchestrated}
            assert event.trigger(
                LifecycleModel(edge.source), **{name: bool(flag) for name, flag in flags.items()}
            )
        assert caplog.messages == []
        own = cast("dict[str, Event]", vars(build_machine())["events"])["accept"]
        assert own.trigger(LifecycleModel(Status.PENDING))
    assert any("reservation_core: " in message for message in caplog.messages)
    assert all(message.startswith("reservation_core: ") for message in caplog.messages)


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_decision_text_is_one_line_with_verdict_and_reason(row: dict[str, str]) -> None:
    decision = decide_cell(row)
    text = str(decision)
    command, name = row["command"].partition("+")[0], label_state(state(row["state"]))
    assert text.startswith(
        f"{command} is {'allowed' if row['allowed'] == 'yes' else 'refused'} while {name}"
    )
    assert text.endswith(".")
    assert "\n" not in text
    assert "None" not in text
    assert "  " not in text
    assert re.search(rf"\[({'|'.join(Evidence)}): .+\]", text)
    assert decision.reason in text
    if row["allowed"] == "yes":
        effects = {
            "later": "sets no status yet (on hold until the platform reports the outcome)",
            "nothing": "does not change the status",
        }
        assert effects.get(row["sets"], f"sets {row['sets']}") in text
    elif decision.alternatives:
        assert f"Allowed instead: {', '.join(decision.alternatives)}." in text
    else:
        assert (
            "until the platform reports" if name == "on hold" else f"nothing ({name} is terminal)"
        ) in text


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_machine_moves_model_to_the_state_of_the_matrix(row: dict[str, str]) -> None:
    trigger, _, flag = row["command"].partition("+")
    moved = LifecycleModel(state(row["state"]))
    flags = {flag: True} if flag else {}
    event = cast("dict[str, Event]", vars(get_shared_machine())["events"])[trigger]
    if row["allowed"] == "yes":
        assert event.trigger(moved, **flags)
        assert moved.state == {"later": ON_HOLD, "nothing": row["state"]}.get(
            row["sets"], row["sets"]
        )
    else:
        with pytest.raises(
            Exception, match=f"Can't trigger event {trigger} from state {row['state']}"
        ):
            event.trigger(moved, **flags)
        assert moved.state == row["state"]


def test_decision_is_a_value() -> None:
    decision = decide(Status.PENDING, "conference")
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert hash(decision) == hash(decision._replace())
    with pytest.raises(AttributeError):
        decision.trigger = "accept"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


# --- a machine of your own -----------------------------------------------------------------------


class Desk:
    """Model of a user's machine."""

    state: str
    trigger: Any  # set by the machine

    def __init__(self) -> None:
        self.heard: list[str] = []


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_own_machine_moves_as_the_matrix_says(row: dict[str, str]) -> None:
    desk, machine = Desk(), build_machine()
    machine.add_model(desk, initial=row["state"])
    trigger, _, flag = row["command"].partition("+")
    if row["allowed"] == "no":
        with pytest.raises(MachineError):
            desk.trigger(trigger)
        return
    assert desk.trigger(trigger, **({flag: True} if flag else {}))
    expected = {"later": ON_HOLD, "nothing": row["state"]}.get(row["sets"], row["sets"])
    assert desk.state == expected


def test_own_machine_is_new_and_its_callbacks_are_not_run_by_decide() -> None:
    desk = Desk()
    machine: Any = build_machine(model=desk)
    machine.on_enter_accepted(lambda: desk.heard.append("accepted"))
    decide.cache_clear()
    for where in STATES:
        for trigger in TRIGGERS:
            decide.__wrapped__(where, trigger)
            decide(where, trigger)
    assert desk.heard == []
    assert machine is not build_machine()
    assert machine is not get_shared_machine()
    assert desk.state == Status.PENDING
    assert desk.trigger("accept")
    assert desk.heard == ["accepted"]


def test_own_machine_with_events_hands_the_flags_to_its_guards() -> None:
    desk = Desk()
    build_machine(partial(Machine, send_event=True), desk)
    assert desk.trigger("call")
    assert desk.state == Status.PENDING
    assert desk.trigger("accept", orchestrated=True)
    assert desk.state == ON_HOLD
    caller = Desk()
    build_machine(partial(Machine, send_event=True), caller)
    assert caller.trigger("call", accept=True)
    assert caller.state == Status.ACCEPTED


def test_own_machine_takes_further_arguments() -> None:
    desk = Desk()
    machine: Any = build_machine(model=desk)
    assert desk.trigger("call", "a note", accept=True)
    assert desk.state == Status.ACCEPTED
    assert machine.name == "reservation_core: "
    assert not hasattr(desk, "to_pending")


def test_own_machine_can_be_drawn() -> None:
    desk = Desk()
    machine: Any = build_machine(
        partial(GraphMachine, graph_engine="mermaid", show_conditions=True), desk
    )
    source = str(machine.get_graph().source)
    assert all(str(where) in source for where in STATES)
    assert "is_accepting" in source


def test_own_machine_can_be_async() -> None:
    desk = Desk()
    build_machine(AsyncMachine, desk)

    async def work() -> None:
        assert await desk.trigger("conference")
        assert await desk.trigger("accepted")
        with pytest.raises(MachineError):
            await desk.trigger("accept")

    asyncio.run(work())
    assert desk.state == Status.ACCEPTED


# --- effects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", MATRIX, ids=cell_id)
def test_effects_are_those_of_the_matrix(row: dict[str, str]) -> None:
    trigger, _, flag = row["command"].partition("+")
    where = state(row["state"])
    effects = find_effects(where, trigger, flag == "accept")
    usual = {
        {"later": ON_HOLD, "nothing": where}.get(other["sets"], other["sets"])
        for other in MATRIX
        if other["allowed"] == "yes"
        and other["command"]
        in {row["command"], *(["accept", "accept+orchestrated"] * (trigger == "accept"))}
        and (other["state"] == row["state"] or row["allowed"] == "no")
    }
    assert set(effects) == usual
