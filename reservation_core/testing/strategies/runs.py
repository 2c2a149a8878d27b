"""Strategy for runs: legal walks from pending to a terminal status."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final, TypeAlias

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import (
    COMMAND_EDGES,
    FACT_EDGES,
    ON_HOLD,
    TERMINAL,
    Edge,
    State,
    Status,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.testing.strategies.commands import arguments, build
from reservation_core.testing.strategies.reservations import reservations

Action: TypeAlias = Command | Status
"""A command of a client, or a fact that the platform reports."""


@attrs.frozen
class RunStep:
    """An action, and the reservation as the platform holds it afterwards.

    Its version has risen by one. Its ``on_hold`` is the truth, which no body shows.
    """

    action: Action
    after: Reservation


@attrs.frozen
class Run:
    """The steps of a reservation from pending to its end."""

    first: Reservation
    """The reservation when it is created: pending, at version 0."""
    steps: tuple[RunStep, ...]

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """The reservation before the first step, and after each step."""
        return (self.first, *(step.after for step in self.steps))

    @property
    def last(self) -> Reservation:
        """The reservation at its end."""
        return self.reservations[-1]


_COMMANDS: Final = {kind.trigger: kind for kind in COMMANDS}


@st.composite
def runs(draw: DrawFn, *, longest: int = 12) -> Run:
    """Draw runs with equally likely edges. The simplest is rejected at once.

    :param longest: the largest number of steps, at least 1.
    """
    first = attrs.evolve(draw(reservations(Status.PENDING)), etag="0")
    now, steps = first, list[RunStep]()
    while now.status not in TERMINAL:
        ending, others = _edges_from(now.state)
        edge = draw(st.sampled_from((*ending, *others) if len(steps) < longest - 1 else ending))
        now = _follow(now, edge, draw(st.integers(0, 600)))
        steps.append(RunStep(_draw_action(draw, edge), now))
    return Run(first, tuple(steps))


@cache
def _edges_from(state: State) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """Return the edges to an end, and the others.

    A draw prefers the former, so that runs shrink.
    """
    edges = [edge for edge in (*FACT_EDGES, *COMMAND_EDGES) if edge.source == state]
    ending = tuple(edge for edge in edges if edge.target in TERMINAL)
    return ending, tuple(edge for edge in edges if edge.target not in TERMINAL)


def _follow(before: Reservation, edge: Edge, seconds: int) -> Reservation:
    assert before.date_updated is not None
    on_hold = edge.target == ON_HOLD
    return before.with_status(
        before.status if on_hold else Status(edge.target),
        on_hold=on_hold,
        etag=str(int(before.etag or 0) + 1),
        date_updated=before.date_updated + timedelta(seconds=seconds),
    )


def _draw_action(draw: DrawFn, edge: Edge) -> Action:
    """Draw the command or return the fact that takes an edge."""
    if edge in FACT_EDGES:
        return Status(edge.trigger)
    drawn = dict(draw(arguments(_COMMANDS[edge.trigger])))
    if edge.accept is not None and (drawn.get("accept") is True) is not edge.accept:
        drawn["accept"] = edge.accept
    return build(_COMMANDS[edge.trigger], drawn)
