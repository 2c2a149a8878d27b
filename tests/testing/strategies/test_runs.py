from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Final

import pytest

from reservation_core import Accept, Command, Reservation, Status
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.testing import strategies as kit
from reservation_core.testing.strategies import Run
from tests.reference.oracle import rows
from tests.testing.drawing import drawn

TERMINAL: Final = {"rejected", "timeout", "canceled", "rescinded", "completed"}
FACTS: Final = {(row["from"], row["to"]) for row in rows("facts")}
MATRIX: Final = {
    (row["command"], row["state"]): row["sets"] for row in rows("matrix") if row["allowed"] == "yes"
}


@cache
def _runs() -> list[Run]:
    return drawn(kit.runs(), 150)


def state(reservation: Reservation) -> str:
    """Return the state of a reservation."""
    return ON_HOLD if reservation.on_hold else reservation.status.value


def action_name(action: Command | Status) -> str:
    """Return the matrix name of a command or a fact."""
    if isinstance(action, Status):
        return f"is {action}"
    return action.trigger + "+accept" * action.is_accepting


def edges(run: Run) -> list[tuple[str, str, str]]:
    """Return action, state before and state after of each step."""
    return [
        (
            action_name(step.action)
            + "+orchestrated" * (isinstance(step.action, Accept) and step.after.on_hold),
            state(before),
            state(step.after),
        )
        for step, before in zip(run.steps, run.reservations, strict=False)
    ]


def target(command: str, before: str) -> str:
    """Return the state to which a command leads, by the matrix."""
    sets = MATRIX[command, before]
    return {"later": ON_HOLD, "nothing": before}.get(sets, sets)


def test_runs_are_legal_from_pending_to_an_end() -> None:
    for run in _runs():
        first = run.first
        assert (first.status, first.on_hold, first.etag) == (Status.PENDING, False, "0")
        assert run.last.status in TERMINAL
        assert run.last == run.steps[-1].after
        assert len(run.steps) <= 12
        versions = [held.etag for held in run.reservations]
        assert versions == [str(number) for number in range(len(versions))]
        assert {held.sid for held in run.reservations} == {first.sid}
        for (name, before, after), step in zip(edges(run), run.steps, strict=True):
            assert before not in TERMINAL
            if isinstance(step.action, Command):
                assert after == target(name, before)
            else:
                assert (before, after) in FACTS
                assert after == step.action
        for earlier, later in pairwise(run.reservations):
            assert earlier.date_updated is not None
            assert later.date_updated is not None
            assert earlier.date_updated <= later.date_updated


def test_runs_walk_every_edge_of_the_reference_tables() -> None:
    walked = {edge for run in _runs() for edge in edges(run)}
    facts = {(f"is {after}", before, after) for before, after in FACTS}
    commands = {(command, before, target(command, before)) for command, before in MATRIX}
    assert walked == facts | commands


@pytest.mark.parametrize("longest", [1, 2, 4])
def test_longest_bounds_the_steps_of_a_run(longest: int) -> None:
    assert max(len(run.steps) for run in drawn(kit.runs(longest=longest), 25)) == longest
