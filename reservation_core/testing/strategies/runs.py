"""Draws whole lives: a legal walk through the lifecycle, from pending to an end, with the reservation as it stands after each step."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final, TypeAlias

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from reservation_core.domain import lifecycle
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.lifecycle import FACT_EDGES, ON_HOLD, TERMINAL, Edge, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.testing.strategies.commands import arguments, build
from reservation_core.testing.strategies.reservations import reservations

Action: TypeAlias = Command | Status
"""What moves a reservation: a command that a client asks for, or a fact that the platform reports."""


@attrs.frozen
class Step:
    """One step of a life: what happened, and the reservation as the platform holds it afterwards.

    Its version has risen by one; whether it is on hold is the truth, which no body tells.
    """

    deed: Action
    after: Reservation


@attrs.frozen
class Run:
    """A reservation's life: as it began, pending at version 0, and every step up to its end."""

    first: Reservation
    steps: tuple[Step, ...]

    @property
    def told(self) -> tuple[Reservation, ...]:
        """The reservation as it stood at first and after each step."""
        return (self.first, *(step.after for step in self.steps))

    @property
    def last(self) -> Reservation:
        """The reservation at its end."""
        return self.told[-1]


_KINDS: Final = {kind.trigger: kind for kind in COMMANDS}


@st.composite
def runs(draw: DrawFn, *, longest: int = 12) -> Run:
    """Draw lives; at each step every edge of the lifecycle is as likely as any other. The least is reported rejected, and that is all.

    :param longest: the most steps, at least 1.
    """
    first = attrs.evolve(draw(reservations(Status.PENDING)), etag="0")
    now, steps = first, list[Step]()
    while now.status not in TERMINAL:
        ends, others = _ways(now.state)
        edge = draw(st.sampled_from((*ends, *others) if len(steps) < longest - 1 else ends))
        now = _take(now, edge, draw(st.integers(0, 600)))
        steps.append(Step(_draw_deed(draw, edge), now))
    return Run(first, tuple(steps))


@cache
def _ways(state: State) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """Find the edges that leave a state: those to an end, which come first so that lives shrink to short ones, and the others."""
    edges = [edge for edge in (*FACT_EDGES, *lifecycle.COMMAND_EDGES) if edge.source == state]
    return tuple(edge for edge in edges if edge.target in TERMINAL), tuple(
        edge for edge in edges if edge.target not in TERMINAL
    )


def _take(before: Reservation, edge: Edge, seconds: int) -> Reservation:
    assert before.date_updated is not None
    on_hold = edge.target == ON_HOLD
    status = before.status if on_hold else Status(edge.target)
    later = before.date_updated + timedelta(seconds=seconds)
    return before.with_status(
        status, on_hold=on_hold, etag=str(int(before.etag or 0) + 1), date_updated=later
    )


def _draw_deed(draw: DrawFn, edge: Edge) -> Action:
    """Draw a command that takes this edge, or give the fact that does."""
    if edge in FACT_EDGES:
        return Status(edge.trigger)
    given = dict(draw(arguments(_KINDS[edge.trigger])))
    if edge.accept is not None and (given.get("accept") is True) is not edge.accept:
        given["accept"] = edge.accept
    return build(_KINDS[edge.trigger], given)
