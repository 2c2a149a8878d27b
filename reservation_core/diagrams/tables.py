"""What is known of statuses and parameters, as Markdown: written from the edges and the declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reservation_core.diagrams.lifecycle_pictures import (
    DRAWN_STATES,
    GENERATED,
    edge_label,
    edges_by_ends,
    state_label,
)
from reservation_core.domain import lifecycle
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.commands.parsing import STATUS_FIELD, UNKNOWN_INSTRUCTION_CODE
from reservation_core.domain.decisions import decide
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, STATE_DESCRIPTIONS, Edge, State


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    body = (" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows)
    return "\n".join(
        f"| {row} |" for row in (head, " | ".join("---" for _ in head.split("|")), *body)
    )


def _page(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"


def _link(source: Source) -> str:
    address, _, rest = str(source).partition(" ")
    return (
        f"[{source.name.replace('_', ' ').lower()}]({address}) {rest}".strip()
        if address.startswith("http")
        else str(source)
    )


def _sets(edge: Edge) -> str:
    return {edge.source: "nothing", ON_HOLD: "nothing yet"}.get(edge.target, edge.target)


def statuses_markdown() -> str:
    """Describe every state, every command in every state, every edge, and every refusal."""
    marks = ", ".join(f"{mark[0].upper()} {mark}" for mark in Evidence)
    return _page(
        "# Statuses",
        GENERATED,
        "On hold is the ninth state: the API has it, but never names it in a body.",
        _table(
            "status | meaning | terminal | commands allowed, and what each sets | facts that may come next",
            map(_status_row, DRAWN_STATES),
        ),
        "## May it be asked?",
        f"A cell says what the command sets at once, or — where it is refused. The letter is the evidence: {marks}.",
        _table(
            f" | {' | '.join(lifecycle.TRIGGERS)}",
            (
                [state_label(state), *(_cell(state, trigger) for trigger in lifecycle.TRIGGERS)]
                for state in DRAWN_STATES
            ),
        ),
        "## Edges",
        _table("trigger | is a | from | to | what happens | evidence | source", _edge_rows()),
        "## Refusals",
        _table("command | while | why | evidence | source", _refusal_rows()),
    )


def _status_row(state: State) -> tuple[str, ...]:
    asked = "<br>".join(
        f"{edge_label(edge)} → {_sets(edge)}"
        for edge in lifecycle.COMMAND_EDGES
        if edge.source == state
    )
    reported = "<br>".join(edge.trigger for edge in lifecycle.FACT_EDGES if edge.source == state)
    return (
        f"**{state_label(state)}**",
        STATE_DESCRIPTIONS[state],
        "yes" if state in lifecycle.TERMINAL else "no",
        asked or "—",
        reported or "—",
    )


def _cell(state: State, trigger: str) -> str:
    edges = [
        edge for edge in lifecycle.COMMAND_EDGES if (edge.source, edge.trigger) == (state, trigger)
    ]
    refusal = decide(state, trigger).refusal
    if refusal:
        return f"— {refusal.evidence[0].upper()}"
    return "; ".join(
        f"{_sets(edge)}{edge_label(edge).removeprefix(trigger)} {edge.evidence[0].upper()}"
        for edge in edges
    )


def _edge_rows() -> Iterator[tuple[str, ...]]:
    for strands in edges_by_ends().values():
        for kind, edges in strands.items():
            for edge in edges:
                yield (
                    edge_label(edge),
                    kind,
                    state_label(edge.source),
                    state_label(edge.target),
                    edge.note,
                    edge.evidence,
                    _link(edge.reference),
                )


def _refusal_rows() -> Iterator[tuple[str, ...]]:
    for trigger in lifecycle.TRIGGERS:
        found: dict[lifecycle.RefusalReason, list[str]] = {}
        for state in DRAWN_STATES:
            if refusal := decide(state, trigger).refusal:
                found.setdefault(refusal, []).append(state_label(state))
        for ground, states in found.items():
            yield (
                trigger,
                ", ".join(states),
                ground.statement,
                ground.evidence,
                _link(ground.source),
            )


_COLUMNS: Final = "parameter | command | required | kind | default | needs | error | callback name | worker route | privacy | what it does"


def parameters_markdown() -> str:
    """Describe every parameter of every command, and what sources dispute about them."""
    return _page(
        "# Parameters",
        GENERATED,
        "A form begins with one of the two heads, never both; the parameters follow in this order. *Default* is what the platform does "
        "without the parameter; it is never sent. A parameter is idle without what it *needs* (inferred: sent all the same, with a "
        "caution). *Error* is the platform's number for a missing or bad value. The *callback name* is the one in an answer to an "
        "assignment callback. What is *personal* or *secret* is masked wherever it could be shown.",
        _table(_COLUMNS, (*_head_rows(), *_parameter_rows())),
        "## Rules over several parameters",
        "Broken, they are refused; the first parameter is the one to blame.",
        _table("command | parameters | rule | remedy", _rule_rows()),
        "## Cautions",
        "Sources disagree on these. The command is built and sent; its `cautions` name both readings.",
        _table(
            "command | parameter | one reading | the other | taken here | evidence", _caution_rows()
        ),
    )


def _head_rows() -> Iterator[tuple[str, ...]]:
    """Describe the pair a form begins with: the status a command sets, or the instruction it gives."""
    owners: dict[str, list[type[Command]]] = {}
    for command in COMMANDS:
        owners.setdefault(command.first_pair[0], []).append(command)
    for name, group in owners.items():
        words, absent = (
            ", ".join(c.first_pair[1] for c in group),
            ", ".join(c.trigger for c in group if c.is_task_route_only),
        )
        route = f"yes, but for {absent}" if absent else "yes"
        says = (
            "The status to set."
            if name == STATUS_FIELD
            else "What to do; the status follows from it."
        )
        code = "" if name == STATUS_FIELD else str(UNKNOWN_INSTRUCTION_CODE)
        owned = ", ".join(c.trigger for c in group)
        yield (
            f"`{name}`",
            owned,
            "one of the two heads",
            f"one of {words}",
            "",
            "",
            code,
            "`instruction`",
            route,
            "open",
            says,
        )


def _parameter_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        wire = {parameter.field: f"`{parameter.wire_name}`" for parameter in command.parameters}
        for parameter in command.parameters:
            about = parameter.info
            yield (
                wire[parameter.field],
                command.trigger,
                "yes" if parameter.is_required else "no",
                parameter.kind.describe(),
                about.default or "",
                " or ".join(wire[field] for field in about.depends_on),
                str(about.code or ""),
                f"`{parameter.callback_name}`" if command.can_answer_callback else "",
                "no" if command.is_task_route_only else "yes",
                parameter.kind.sensitivity.name.lower(),
                about.summary,
            )


def _rule_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        wire = {parameter.field: f"`{parameter.wire_name}`" for parameter in command.parameters}
        yield from (
            (
                command.trigger,
                ", ".join(wire[field] for field in rule.fields),
                rule.rule,
                rule.remedy,
            )
            for rule in command.rules
        )


def _caution_rows() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        found: dict[Dispute, list[str]] = {
            dispute: [command.first_pair[0]] for dispute in command.disputes
        }
        for parameter in command.parameters:
            for dispute in parameter.info.disputes:
                found.setdefault(dispute, []).append(parameter.wire_name)
        for dispute, names in found.items():
            readings = (
                f"{reading.statement} ({_link(reading.source)})"
                for reading in dispute.interpretations
            )
            yield (
                command.trigger,
                ", ".join(f"`{name}`" for name in names),
                *readings,
                dispute.applied,
                dispute.evidence,
            )
