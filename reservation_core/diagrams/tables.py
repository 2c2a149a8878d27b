"""Statuses and parameters as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reservation_core.diagrams.labels import (
    DRAWN_STATES,
    GENERATED,
    group_edges,
    label_edge,
)
from reservation_core.domain import lifecycle
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.commands.parsing import STATUS_FIELD, UNKNOWN_INSTRUCTION_CODE
from reservation_core.domain.decisions import decide
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Edge, RefusalReason, State, label_state
from reservation_core.domain.member_docs import read_member_docs


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    body = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
    rule = " | ".join("---" for _ in head.split("|"))
    return "\n".join(f"| {row} |" for row in (head, rule, *body))


def _page(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


def _link(source: Source) -> str:
    url, _, rest = str(source).partition(" ")
    if not url.startswith("http"):
        return str(source)
    return f"[{source.name.replace('_', ' ').lower()}]({url}) {rest}".strip()


# --- statuses ------------------------------------------------------------------------------------


def write_statuses() -> str:
    """Return the page about states, commands in each state, edges and refusals."""
    letters = ", ".join(f"{evidence[0].upper()} {evidence}" for evidence in Evidence)
    matrix = (
        [label_state(state), *(_matrix_cell(state, trigger) for trigger in lifecycle.TRIGGERS)]
        for state in DRAWN_STATES
    )
    return _page(
        "# Statuses",
        GENERATED,
        "On hold is the ninth state: the platform is carrying out an earlier command. "
        "The API never names it in a body.",
        _table(
            "status | meaning | terminal | allowed commands and the status each sets | next facts",
            map(_status_row, DRAWN_STATES),
        ),
        "## Commands by state",
        "A cell shows the status that the command sets at once, or — if it is refused. "
        f"The letter is the evidence: {letters}.",
        _table(f" | {' | '.join(lifecycle.TRIGGERS)}", matrix),
        "## Edges",
        _table("trigger | kind | from | to | note | evidence | source", _edge_rows()),
        "## Refusals",
        _table("command | state | reason | evidence | source", _refusal_rows()),
    )


def _effect(edge: Edge) -> str:
    return {edge.source: "nothing", ON_HOLD: "nothing yet"}.get(edge.target, edge.target)


def _status_row(state: State) -> tuple[str, ...]:
    commands = (
        f"{label_edge(edge)} → {_effect(edge)}"
        for edge in lifecycle.COMMAND_EDGES
        if edge.source == state
    )
    facts = (edge.trigger for edge in lifecycle.FACT_EDGES if edge.source == state)
    return (
        f"**{label_state(state)}**",
        lifecycle.describe_state(state),
        "yes" if state in lifecycle.TERMINAL else "no",
        "<br>".join(commands) or "—",
        "<br>".join(facts) or "—",
    )


def _matrix_cell(state: State, trigger: str) -> str:
    if refusal := decide(state, trigger).refusal:
        return f"— {refusal.evidence[0].upper()}"
    return "; ".join(
        f"{_effect(edge)}{label_edge(edge).removeprefix(trigger)} {edge.evidence[0].upper()}"
        for edge in lifecycle.COMMAND_EDGES
        if (edge.source, edge.trigger) == (state, trigger)
    )


def _edge_rows() -> Iterator[tuple[str, ...]]:
    for (source, target), kinds in group_edges().items():
        for kind, edges in kinds.items():
            for edge in edges:
                ends = label_state(source), label_state(target)
                proof = edge.evidence, _link(edge.reference)
                yield label_edge(edge), kind, *ends, edge.note, *proof


def _refusal_rows() -> Iterator[tuple[str, ...]]:
    for trigger in lifecycle.TRIGGERS:
        states: dict[RefusalReason, list[str]] = {}
        for state in DRAWN_STATES:
            if refusal := decide(state, trigger).refusal:
                states.setdefault(refusal, []).append(label_state(state))
        for reason, names in states.items():
            proof = reason.evidence, _link(reason.source)
            yield trigger, ", ".join(names), reason.statement, *proof


# --- parameters ----------------------------------------------------------------------------------

_COLUMNS: Final = (
    "parameter | command | required | value | default | depends on | error | callback name "
    "| worker route | sensitivity | summary"
)


def write_parameters() -> str:
    """Return the page about all parameters, their rules and their disputes."""
    return _page(
        "# Parameters",
        GENERATED,
        "A form begins with `ReservationStatus` or `Instruction`, never both. The parameters "
        "follow in this order. *Default* is what the platform does without the parameter; it is "
        "never sent. A parameter has no effect without one that it *depends on* (inferred: it is "
        "sent all the same, with a caution). *Error* is the platform's number for a missing or bad "
        "value. *Callback name* is the name in an answer to an assignment callback. *Personal* and "
        "*secret* values are redacted wherever they could be shown.",
        _table(_COLUMNS, (*_first_pair_rows(), *_parameter_rows())),
        "## Rules over several parameters",
        "A command that breaks one is refused. The first parameter is blamed.",
        _table("command | parameters | rule | remedy", _rule_rows()),
        "## Cautions",
        "The sources disagree on these. The command is built and sent. "
        "Its `cautions` name both interpretations. "
        "A rule about callbacks is in its `callback_cautions` only.",
        _table(
            "command | parameter | one interpretation | the other | applied here | evidence",
            _caution_rows(),
        ),
    )


def _first_pair_rows() -> Iterator[tuple[str, ...]]:
    owners: dict[str, list[type[Command]]] = {}
    for command in COMMANDS:
        owners.setdefault(command.first_pair[0], []).append(command)
    for name, commands in owners.items():
        triggers = ", ".join(command.trigger for command in commands)
        words = ", ".join(command.first_pair[1] for command in commands)
        missing = ", ".join(command.trigger for command in commands if command.is_task_route_only)
        summary, code = "The status to set.", ""
        if name != STATUS_FIELD:
            summary = "The instruction. The status follows from it."
            code = str(UNKNOWN_INSTRUCTION_CODE)
        route = f"yes, except {missing}" if missing else "yes"
        values = ("one of the two", f"one of {words}", "", "", code)
        yield f"`{name}`", triggers, *values, "`instruction`", route, "public", summary


def _wire_names(command: type[Command]) -> dict[str, str]:
    return {parameter.field: f"`{parameter.wire_name}`" for parameter in command.parameters}


def _parameter_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        wire_names, summaries = _wire_names(command), read_member_docs(command)
        for parameter in command.parameters:
            info = parameter.info
            yield (
                wire_names[parameter.field],
                command.trigger,
                "yes" if parameter.is_required else "no",
                parameter.kind.describe(),
                info.if_unset or "",
                " or ".join(wire_names[field] for field in info.depends_on),
                str(info.code or ""),
                f"`{parameter.callback_name}`" if command.can_answer_callback else "",
                "no" if command.is_task_route_only else "yes",
                parameter.kind.sensitivity.name.lower(),
                summaries.get(parameter.field, ""),
            )


def _rule_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        wire_names = _wire_names(command)
        for rule in command.rules:
            fields = ", ".join(wire_names[field] for field in rule.fields)
            yield command.trigger, fields, rule.rule, rule.remedy


def _caution_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        names: dict[Dispute, list[str]] = {
            dispute: [f"`{command.first_pair[0]}`"] for dispute in command.disputes
        }
        for parameter in command.parameters:
            for dispute in parameter.info.disputes:
                names.setdefault(dispute, []).append(f"`{parameter.wire_name}`")
        for dispute, parameters in names.items():
            both = (f"{one.statement} ({_link(one.source)})" for one in dispute.interpretations)
            applied = dispute.applied, dispute.evidence
            yield command.trigger, ", ".join(parameters), *both, *applied
