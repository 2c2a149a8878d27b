"""The lifecycle as source text for Mermaid and Graphviz."""

from __future__ import annotations

from reservation_core.diagrams.labels import (
    DRAWN_STATES,
    GENERATED,
    group_edges,
    label_edge,
)
from reservation_core.domain.lifecycle import ON_HOLD, TERMINAL, Status, label_state


def write_mermaid() -> str:
    """Return the lifecycle as a Mermaid state diagram."""
    template = {"command": "{}", "fact": "({})"}
    lines = [
        f"%% {GENERATED}",
        "%% plain: a command, sent by a client; in parentheses: a fact, reported by the platform",
        "stateDiagram-v2",
        "direction LR",
        f'state "{label_state(ON_HOLD)} (never in a body)" as {ON_HOLD}',
        f"[*] --> {Status.PENDING}",
    ]
    for (source, target), kinds in group_edges().items():
        labels = "<br/>".join(
            template[kind].format(", ".join(map(label_edge, edges)))
            for kind, edges in kinds.items()
        )
        lines.append(f"{source} --> {target}: {labels}")
    lines += [f"{state} --> [*]" for state in DRAWN_STATES if state in TERMINAL]
    return "\n".join(lines) + "\n"


def write_dot() -> str:
    """Return the lifecycle as a Graphviz graph."""
    style = {
        "command": 'color="#0b57d0", fontcolor="#0b57d0"',
        "fact": 'color="#b3480b", fontcolor="#b3480b", style=dashed',
    }
    lines = [
        f"// {GENERATED}",
        "digraph lifecycle {",
        '  rankdir=LR; node [shape=box, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=11];',
        "  start [shape=point, width=0.15];",
        f"  start -> {Status.PENDING};",
    ]
    for state in DRAWN_STATES:
        border = ", peripheries=2" if state in TERMINAL else ""
        border = ", style=dashed" if state == ON_HOLD else border
        lines.append(f'  {state} [label="{label_state(state)}"{border}];')
    for (source, target), kinds in group_edges().items():
        for kind, edges in kinds.items():
            label = "\\n".join(map(label_edge, edges))
            lines.append(f'  {source} -> {target} [label="{label}", {style[kind]}];')
    return "\n".join([*lines, "}"]) + "\n"
