"""Paths through the lifecycle, to parametrise tests with and to walk.

::

    @pytest.mark.parametrize("path", simple_paths(), ids=str)
    def test_my_service_follows(path, task_router, reservation_gateway):
        first = task_router.add(...)
        for edge, known in walk(path, first, reservation_gateway, task_router.set_status):
            ...  # deliver an event to the service, and check what it believes

Paths are computed from the lifecycle's tables, so a new edge gives new paths. The ``str`` of a path
lists its steps, such as ``conference-accepted-wrap-completed``: a command by its name, a fact by
its status, a call or redirect that accepts at once as ``call+accept`` or ``redirect+accept``, and
an accept that is put on hold first as ``accept+orchestrated``. The paths of such orchestrated tasks
are separate: ask for them with ``orchestrated=True``, and add the task to the platform so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
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
    EDGES,
    ON_HOLD,
    TERMINAL,
    TRIGGERS,
    Edge,
    State,
    Status,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import Gateway

STATES: Final[tuple[State, ...]] = (*Status, ON_HOLD)
"""The eight statuses and on hold."""

_CALL_SID: Final = "CA" + "0" * 32
_URL: Final = "https://example.com/voice"
_EXAMPLES: Final = {
    command.trigger: command
    for command in (
        Accept(),
        Reject(),
        Dequeue(to="client:alice"),
        Call(from_="+15005550006", url=_URL),
        Redirect(call_sid=_CALL_SID, url=_URL),
        Conference(to="client:alice"),
        Supervise(supervisor="WK" + "0" * 32, supervisor_mode="monitor"),
        Wrap(),
        Complete(),
    )
}
_ACCEPTING: Final = {
    command.trigger: command
    for command in (
        Call(from_="+15005550006", url=_URL, accept=True),
        Redirect(call_sid=_CALL_SID, url=_URL, accept=True),
    )
}


def example_command(trigger: str, *, accept: bool = False) -> Command:
    """Return the shortest valid command of a kind.

    :param trigger: the command's name, such as ``wrap``.
    :param accept: for call and redirect: true if it accepts at once.
    :raises KeyError: for a name that is not such a command's.

    >>> example_command("wrap")
    Wrap()
    """
    return (_ACCEPTING if accept else _EXAMPLES)[trigger]


def trigger_label(edge: Edge) -> str:
    """Return the name of a step in a path's ``str``."""
    guard = "+accept" if edge.accept else "+orchestrated" if edge.orchestrated else ""
    return edge.trigger + guard


def walkable_edges(*, orchestrated: bool = False) -> tuple[Edge, ...]:
    """Return the edges that reservations of a task can take.

    :param orchestrated: true for a task whose acceptance is orchestrated, as in Flex. An accept
        then leads to on hold.
    """
    return tuple(edge for edge in EDGES if edge.orchestrated in (None, orchestrated))


@attrs.frozen
class Path:
    """Edges from a start state, each beginning where the previous one ends."""

    edges: tuple[Edge, ...] = ()
    start: State = Status.PENDING

    @property
    def end(self) -> State:
        """The state in which the path ends."""
        return self.edges[-1].target if self.edges else self.start

    @property
    def states(self) -> tuple[State, ...]:
        """All states of the path, from its start to its end."""
        return (self.start, *(edge.target for edge in self.edges))

    def __str__(self) -> str:
        """Return the steps, or the start state of an empty path."""
        return "-".join(map(trigger_label, self.edges)) or str(self.start)


def simple_paths(start: State = Status.PENDING, *, orchestrated: bool = False) -> tuple[Path, ...]:
    """Return every path to a terminal status that visits no state twice.

    Two edges between the same states make two paths. An edge that stays in its state, such as
    supervise, is on none of them: see :func:`edge_paths`.

    :param orchestrated: true for the paths of an orchestrated task.
    """
    edges = walkable_edges(orchestrated=orchestrated)

    def extend(path: Path) -> Iterator[Path]:
        if path.end in TERMINAL:
            yield path
        for edge in edges:
            if edge.source == path.end and edge.target not in path.states:
                yield from extend(Path((*path.edges, edge), start))

    return tuple(extend(Path((), start)))


def shortest_paths(
    start: State = Status.PENDING, *, orchestrated: bool = False
) -> tuple[Path, ...]:
    """Return the shortest path to each reachable state, the shortest first.

    The first one is empty and ends in the start state.

    :param orchestrated: true for the paths of an orchestrated task.
    """
    found: dict[State, Path] = {start: Path((), start)}
    queue = deque(found.values())
    while queue:
        path = queue.popleft()
        for edge in walkable_edges(orchestrated=orchestrated):
            if edge.source == path.end and edge.target not in found:
                found[edge.target] = Path((*path.edges, edge), start)
                queue.append(found[edge.target])
    return tuple(found.values())


def shortest_path(to: State, start: State = Status.PENDING) -> Path:
    """Return the shortest path to a state.

    :raises LookupError: if there is none.

    >>> print(shortest_path(Status.WRAPPING))
    accept-wrap
    """
    for path in shortest_paths(start):
        if path.end == to:
            return path
    raise LookupError(f"no path leads from {start} to {to}")


def edge_paths(*, orchestrated: bool = False) -> tuple[Path, ...]:
    """Return, for each edge, the shortest path that ends with it.

    Together they walk every edge of a task.

    :param orchestrated: true for the paths of an orchestrated task.
    """
    before = {path.end: path.edges for path in shortest_paths(orchestrated=orchestrated)}
    edges = walkable_edges(orchestrated=orchestrated)
    return tuple(Path((*before[edge.source], edge)) for edge in edges)


@attrs.frozen(order=True)
class RefusedCommand:
    """Pair of a command and a state that does not allow it.

    Its ``str`` is like ``wrap-while-pending``.
    """

    trigger: str
    state: State

    def __str__(self) -> str:
        """Return the name of the refusal."""
        return f"{self.trigger}-while-{self.state}"


def refused_commands() -> tuple[RefusedCommand, ...]:
    """Return every refused pair of a command and a state.

    With the edges they are all that the lifecycle decides.
    """
    return tuple(
        RefusedCommand(trigger, state)
        for trigger in TRIGGERS
        for state in STATES
        if trigger not in find_allowed_triggers(state)
    )


def walk(
    path: Path,
    reservation: Reservation,
    gateway: Gateway,
    set_status: Callable[[str, Status], object],
) -> Iterator[tuple[Edge, Reservation]]:
    """Walk a client and a platform along a path, step by step.

    It yields each edge and the reservation as the client then knows it.
    A command is performed through the gateway. A fact is set on the platform, and the reservation
    is fetched.

    :param path: the path to walk.
    :param reservation: the reservation where the path starts, with its SIDs.
    :param gateway: a gateway to the platform.
    :param set_status: reports a fact of a reservation, by its SID: a platform's ``set_status``.
    :raises AssertionError: if a step leads to another state than its edge.
    """
    for edge in path.edges:
        if edge in COMMAND_EDGES:
            command = example_command(edge.trigger, accept=bool(edge.accept))
            reservation = perform(reservation, command, gateway)
        else:
            set_status(str(reservation.sid), Status(edge.trigger))
            reservation = fetch(reservation, gateway)
        if reservation.state != edge.target:
            raise AssertionError(
                f"{trigger_label(edge)} leads from {edge.source} to {edge.target},"
                f" but the reservation is {reservation.state}"
            )
        yield edge, reservation


def walk_to_end(
    path: Path,
    reservation: Reservation,
    gateway: Gateway,
    set_status: Callable[[str, Status], object],
) -> Reservation:
    """Walk a path and return the client's reservation at its end.

    :param path: the path to walk.
    :param reservation: the reservation where the path starts, with its SIDs.
    :param gateway: a gateway to the platform.
    :param set_status: reports a fact of a reservation, by its SID: a platform's ``set_status``.
    :raises AssertionError: if a step leads to another state than its edge.
    """
    for _, known in walk(path, reservation, gateway, set_status):
        reservation = known
    return reservation
