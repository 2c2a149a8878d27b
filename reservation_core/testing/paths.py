"""Ways through the lifecycle, as values to parametrise tests with, and what drives a client and a platform along one.

::

    @pytest.mark.parametrize("path", simple_paths(), ids=str)
    def test_my_service_follows(path, task_router, reservation_gateway):
        reservation = task_router.add(...)
        for edge, reservation in walk(path, reservation, reservation_gateway, task_router.set_status):
            ...  # tell the service, and look at what it believes

1. All ways are computed from the machine's own tables, :data:`~reservation_core.domain.lifecycle.COMMAND_EDGES` and
   :data:`~reservation_core.domain.lifecycle.FACT_EDGES`: a new edge is a new path.
2. A path's ``str`` is its steps, a command in the imperative and a fact as a participle (``conference-accepted-wrap-completed``);
   ``call`` and ``redirect`` that accept at once are ``call+accept`` and ``redirect+accept``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from reservation_core.delivery.client import fetch, perform
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import (
    Accept,
    Call,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Supervise,
    Wrap,
)
from reservation_core.domain.decisions import find_allowed_triggers
from reservation_core.domain.lifecycle import (
    COMMAND_EDGES,
    FACT_EDGES,
    ON_HOLD,
    TERMINAL,
    TRIGGERS,
    Edge,
    State,
    Status,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import Gateway

EDGES: Final = (*COMMAND_EDGES, *FACT_EDGES)
"""Every edge of the lifecycle, commands first."""

STATES: Final[tuple[State, ...]] = (*Status, ON_HOLD)
"""The eight statuses, and on hold."""

_VOICE: Final = "https://example.com/voice"
_EXAMPLES: Final[Mapping[tuple[str, bool | None], Command]] = {
    ("accept", None): Accept(),
    ("reject", None): Reject(),
    ("dequeue", None): Dequeue(to="client:alice"),
    ("call", True): Call(from_="+15005550006", url=_VOICE, accept=True),
    ("call", False): Call(from_="+15005550006", url=_VOICE),
    ("redirect", True): Redirect(call_sid="CA" + "0" * 32, url=_VOICE, accept=True),
    ("redirect", False): Redirect(call_sid="CA" + "0" * 32, url=_VOICE),
    ("conference", None): Conference(to="client:alice"),
    ("supervise", None): Supervise(supervisor="WK" + "0" * 32, supervisor_mode="monitor"),
    ("wrap", None): Wrap(),
    ("complete", None): Complete(),
}


def example(trigger: str, *, accept: bool | None = None) -> Command:
    """Give the shortest right command of a kind; ``accept`` is for call and redirect, and ``False`` there unless it is given.

    :raises KeyError: for a name that is no command.

    >>> example("wrap")
    Wrap()
    """
    return _EXAMPLES[
        trigger, accept if (trigger, accept) in _EXAMPLES else False if accept is None else None
    ]


def trigger_label(edge: Edge) -> str:
    """Name a step as a path's id does."""
    return f"{edge.trigger}+accept" if edge.accept else edge.trigger


@attrs.frozen
class Path:
    """A run of edges from a state, each beginning where the one before it ends."""

    edges: tuple[Edge, ...] = ()
    start: State = Status.PENDING

    @property
    def end(self) -> State:
        """Where it leads."""
        return self.edges[-1].target if self.edges else self.start

    @property
    def states(self) -> tuple[State, ...]:
        """Where it comes through, both ends included."""
        return (self.start, *(edge.target for edge in self.edges))

    def __str__(self) -> str:
        """Name its steps; an empty path is named by where it stays."""
        return "-".join(map(trigger_label, self.edges)) or str(self.start)


def simple_paths(start: State = Status.PENDING) -> tuple[Path, ...]:
    """Give every path to a terminal status that comes to no state twice, in the tables' order.

    Two edges between the same states make two paths. An edge that stays where it is (a supervise, a call that accepts nothing) is on
    none of them: see :func:`edge_paths`.
    """

    def onward(path: Path) -> Iterator[Path]:
        if path.end in TERMINAL:
            yield path
        for edge in EDGES:
            if edge.source == path.end and edge.target not in path.states:
                yield from onward(Path((*path.edges, edge), start))

    return tuple(onward(Path((), start)))


def shortest_paths(start: State = Status.PENDING) -> tuple[Path, ...]:
    """Give the shortest path to each state that can be reached, the nearest first; the first stays where it is."""
    found: dict[State, Path] = {start: Path((), start)}
    queue = deque(found.values())
    while queue:
        path = queue.popleft()
        for edge in EDGES:
            if edge.source == path.end and edge.target not in found:
                found[edge.target] = Path((*path.edges, edge), start)
                queue.append(found[edge.target])
    return tuple(found.values())


def shortest_path(to: State, start: State = Status.PENDING) -> Path:
    """Give the shortest path to a state.

    :raises LookupError: when there is none.

    >>> print(shortest_path(Status.WRAPPING))
    accept-wrap
    """
    for path in shortest_paths(start):
        if path.end == to:
            return path
    raise LookupError(f"no path leads from {start} to {to}")


def edge_paths() -> tuple[Path, ...]:
    """Give, for each edge, the shortest path from pending that ends with it: together they walk every edge."""
    return tuple(Path((*shortest_path(edge.source).edges, edge)) for edge in EDGES)


@attrs.frozen(order=True)
class RefusedCommand:
    """A command that is no step from a state; its ``str`` is ``wrap-while-pending``."""

    trigger: str
    state: State

    def __str__(self) -> str:
        """Name both."""
        return f"{self.trigger}-while-{self.state}"


def refused_commands() -> tuple[RefusedCommand, ...]:
    """Give every command × state that is refused; with the edges, this is all there is to ask of the lifecycle."""
    return tuple(
        RefusedCommand(trigger, state)
        for trigger in TRIGGERS
        for state in STATES
        if trigger not in find_allowed_triggers(state)
    )


def walk(
    path: Path, reservation: Reservation, gateway: Gateway, report: Callable[[str, Status], object]
) -> Iterator[tuple[Edge, Reservation]]:
    """Drive a client and a platform along a path, step by step: yield each edge, and the reservation as the client then holds it.

    A command is performed through the gateway. A fact is reported on the platform, and the reservation is fetched.

    :param reservation: as the platform holds it, with its SIDs, where the path starts.
    :param report: lets a fact happen to a reservation, by its SID: a platform's own ``set_status``.
    :raises AssertionError: when a step leads elsewhere than its edge.
    """
    for edge in path.edges:
        if edge in COMMAND_EDGES:
            reservation = perform(reservation, example(edge.trigger, accept=edge.accept), gateway)
        else:
            report(str(reservation.sid), Status(edge.trigger))
            reservation = fetch(reservation, gateway)
        if reservation.state != edge.target:
            raise AssertionError(
                f"{trigger_label(edge)} leads from {edge.source} to {edge.target}, and led to {reservation.state}"
            )
        yield edge, reservation


def arrive(
    path: Path, reservation: Reservation, gateway: Gateway, report: Callable[[str, Status], object]
) -> Reservation:
    """Go a path to its end, and hold the reservation there; else as :func:`walk`."""
    for _, held in walk(path, reservation, gateway, report):
        reservation = held
    return reservation
