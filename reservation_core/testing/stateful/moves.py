"""Steps and faults of a generated run."""

from __future__ import annotations

from typing import Final

import attrs

from reservation_core.domain.lifecycle import COMMAND_EDGES, FACT_EDGES, ON_HOLD, UNLISTED_STEPS
from reservation_core.testing.faults import FaultKind, Rival
from reservation_core.testing.paths import STATES, example_command, trigger_label, walkable_edges


@attrs.frozen
class Move:
    """A fact by the platform, or a command by a rival.

    :param number: the reservation's number in the run.
    :param step: the fact's or the command's name.
    """

    number: int
    step: str


_UNLISTED: Final = "unlisted "

_WEIGHTS: Final = {ON_HOLD: 6}  # reached more often, because only facts leave it

STEPS: Final = {
    (state, is_orchestrated): (
        *(
            trigger_label(edge)
            for edge in walkable_edges(orchestrated=is_orchestrated)
            if edge.source == state
            for _ in range(_WEIGHTS.get(edge.target, 3))
        ),
        *(f"{_UNLISTED}{status}" for status in UNLISTED_STEPS.get(state, ())),
    )
    for state in STATES
    for is_orchestrated in (False, True)
}
"""Steps from each state of an orchestrated or other task, each repeated by its weight."""

FACT_STEPS: Final = {edge.trigger for edge in FACT_EDGES}
"""Steps that the platform takes."""

UNEXPECTED_STEPS: Final = {
    f"{_UNLISTED}{status}": status for steps in UNLISTED_STEPS.values() for status in steps
}
"""Steps that the lifecycle does not have, with the status of each."""

COMMAND_STEPS: Final = {
    trigger_label(edge): example_command(edge.trigger, accept=bool(edge.accept))
    for edge in COMMAND_EDGES
}
"""Steps that a rival takes, with the command of each."""

FAULTS: Final = (
    FaultKind.NONE,
    *(Rival.WRITES,) * 3,  # more often, because it changes only the version
    *(each for each in (*Rival, *FaultKind) if each not in (FaultKind.NONE, Rival.WRITES)),
)
"""Faults and rivals' acts of one exchange, simplest first."""

OUTAGES: Final = (
    FaultKind.NOT_SENT,
    *(
        kind
        for kind in FaultKind
        if kind not in (FaultKind.NONE, FaultKind.NOT_SENT, FaultKind.DUPLICATE)
    ),
)
"""Faults of an outage, in which several exchanges in a row fail, simplest first."""
