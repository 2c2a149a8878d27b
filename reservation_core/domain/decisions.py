"""Decisions about the lifecycle, taken by one shared state machine.

Reservations hold no machine. Two rules:

1. **A command must be an edge.** It asks for one step from the current state. :func:`decide`
   triggers the machine once for each question (state, command, flag) and caches the answer.
2. **A report need only be reachable.** The platform may skip statuses in its reports, so
   :func:`follow` accepts a status if *some* path of fact edges leads to it. Nothing leaves a
   terminal status.

A *trigger* is the name of an edge: of a command (``wrap``), or of a fact (``accepted``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar, overload

from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import (
    EDGES,
    FACT_EDGES,
    ON_HOLD,
    STATUS_EDGES,
    STATUS_TRIGGERS,
    TERMINAL,
    TRIGGERS,
    Edge,
    RefusalReason,
    State,
    Status,
    find_refusal_reason,
    label_state,
)
from reservation_core.domain.observations import Observation, Observations

if TYPE_CHECKING:
    from transitions import Machine

_M = TypeVar("_M")


class Decision(NamedTuple):
    """Answer to "may this command be sent in this state?".

    :param trigger: the name of the command.
    :param edge: the edge that the command takes, or ``None`` if it is refused.
    :param refusal: the reason of the refusal, or ``None`` if it is allowed.
    :param alternatives: the names of all commands allowed in this state.
    :param observation: what your platform did with it, if a parity run saw that.
    """

    trigger: str
    state: State
    edge: Edge | None
    refusal: RefusalReason | None
    alternatives: tuple[str, ...]
    observation: Observation | None = None

    @property
    def is_allowed(self) -> bool:
        """True if the command is an edge of the lifecycle."""
        return self.edge is not None

    @property
    def reason(self) -> str:
        """The reason in one sentence, with its evidence and source."""
        if self.edge is not None:
            return f"{self.edge.note} [{self.edge.evidence}: {self.edge.reference}]"
        assert self.refusal is not None
        return f"{self.refusal.statement} [{self.refusal.evidence}: {self.refusal.source}]"

    def __str__(self) -> str:
        """Return the verdict, its reason and the alternatives."""
        if self.edge is None:
            instead = ", ".join(self.alternatives) or f"nothing ({self.state} is terminal)"
            if self.state == ON_HOLD:
                instead = "nothing until the platform reports the outcome"
            name = label_state(self.state)
            verdict = f"refused while {name}: {self.reason}. Allowed instead: {instead}."
        else:
            effect = {
                self.state: "does not change the status",
                ON_HOLD: "sets no status yet (on hold until the platform reports the outcome)",
            }.get(self.edge.target, f"sets {self.edge.target}")
            verdict = f"allowed while {self.state} and {effect}: {self.reason}."
        if self.observation is not None and not _agrees(self, self.observation):
            verdict += f" A parity run saw otherwise: {self.observation}."
        return f"{self.trigger} is {verdict}"

    def with_observations(self, observations: Observations) -> Decision:
        """Return the decision with what a parity run saw.

        If the platform did the same, the evidence is now that it was observed. Otherwise the
        decision stays as it is, and its text names the difference.
        """
        observation = observations.find(self.trigger, self.state)
        has_flag = self.edge is not None and self.edge.accept is True
        if observation is None or (has_flag and observation.is_allowed):
            return self  # a run tries a call and a redirect without the flag
        edge, refusal = self.edge, self.refusal
        if _agrees(self, observation):
            seen, source = Evidence.OBSERVED, Source.PARITY_RUN
            edge = edge and edge._replace(evidence=seen, reference=source)
            refusal = refusal and refusal._replace(evidence=seen, source=source)
        return self._replace(edge=edge, refusal=refusal, observation=observation)


def _agrees(decision: Decision, observation: Observation) -> bool:
    """Return True if a platform did what a decision says."""
    if decision.edge is None or not observation.is_allowed:
        return decision.is_allowed is observation.is_allowed
    return decision.edge.target in (ON_HOLD, observation.result)


@cache
def decide(
    state: State, trigger: str, accept: bool = False, orchestrated: bool = False
) -> Decision:
    """Decide if a command may be sent in a state.

    :param state: a :class:`Status`, or :data:`ON_HOLD`.
    :param trigger: the name of a command, such as ``"conference"``.
    :param accept: the ``accept`` flag of a call or redirect. The others ignore it.
    :param orchestrated: True if the platform orchestrates the acceptance of the task, as Flex does.
        An accept then leads to on hold. It does not change the verdict.
    :raises KeyError: if ``trigger`` does not name a command.
    :raises TypeError: if it is a command or a class. :func:`explain` takes these.
    :raises ValueError: if ``state`` is not a state.

    >>> decide(Status.PENDING, "wrap").is_allowed
    False
    >>> decide(Status.PENDING, "wrap").alternatives
    ('accept', 'reject', 'dequeue', 'call', 'redirect', 'conference')
    """
    if trigger not in TRIGGERS and trigger not in STATUS_TRIGGERS:
        if not isinstance(trigger, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                "a command's name is needed, such as 'accept'. For a command: explain()"
            )
        raise KeyError(trigger)
    state = ON_HOLD if state == ON_HOLD else Status(state)
    edge = _trigger(trigger, state, accept, orchestrated)
    refusal = None if edge else find_refusal_reason(trigger, state)
    return Decision(trigger, state, edge, refusal, find_allowed_triggers(state))


@cache
def find_allowed_triggers(state: State) -> tuple[str, ...]:
    """Return the names of the commands allowed in a state.

    They are in the order of the table. The guards do not matter: they change the resulting state,
    not the verdict.

    >>> find_allowed_triggers(Status.ACCEPTED)
    ('supervise', 'wrap', 'complete')
    """
    return tuple(trigger for trigger in TRIGGERS if _trigger(trigger, state))


@cache
def find_effects(state: State, trigger: str, accept: bool = False) -> tuple[State, ...]:
    """Return the states that a command leads to once carried out.

    An accept has two: accepted, and on hold if it is orchestrated. A refused command has the
    effects that it has where it is allowed, because the platform may still carry it out.

    >>> find_effects(Status.PENDING, "accept"), find_effects(Status.PENDING, "complete")
    ((<Status.ACCEPTED: 'accepted'>, 'onHold'), (<Status.COMPLETED: 'completed'>,))
    """
    edges = dict.fromkeys(_EDGE_BY_QUESTION.values())
    same = (edge for edge in edges if edge.trigger == trigger and edge.accept in (None, accept))
    effects: list[State] = [state if edge.source == edge.target else edge.target for edge in same]
    return tuple(dict.fromkeys(effects))


@cache
def find_fact_edge(state: State, fact: Status) -> Edge | None:
    """Return the edge from a state to the status reported next.

    :returns: ``None`` if no single fact leads from the state to this status.
    """
    return _trigger(fact.value, state) if fact in _FACTS else None


@cache
def follow(before: State, after: Status) -> tuple[Edge, ...] | None:
    """Return the shortest path of fact edges to a reported status.

    :param before: the state known before the report.
    :param after: the reported status.
    :returns: an empty path if both are the same, and ``None`` if there is no path.

    >>> [edge.trigger for edge in follow(Status.PENDING, Status.COMPLETED)]
    ['accepted', 'completed']
    >>> follow(Status.COMPLETED, Status.ACCEPTED) is None
    True
    """
    queue: deque[tuple[State, tuple[Edge, ...]]] = deque([(before, ())])
    seen: set[State] = {before}
    while queue:
        state, path = queue.popleft()
        if state == after:
            return path
        for fact in filter(None, (find_fact_edge(state, status) for status in Status)):
            if fact.target not in seen:
                seen.add(fact.target)
                queue.append((fact.target, (*path, fact)))
    return None


# --- the machine ---------------------------------------------------------------------------------


class LifecycleModel:
    """Model of the shared machine. It lives for one question."""

    __slots__ = ("state",)

    def __init__(self, state: State) -> None:
        self.state: str = str(state)


def is_accepting(*event: object, accept: bool = False, **_: object) -> bool:
    """Return the ``accept`` argument of a trigger. It guards call and redirect."""
    return bool(_find_argument(event, "accept", accept))


def is_orchestrated(*event: object, orchestrated: bool = False, **_: object) -> bool:
    """Return the ``orchestrated`` argument of a trigger. It guards accept."""
    return bool(_find_argument(event, "orchestrated", orchestrated))


def _find_argument(event: tuple[object, ...], name: str, given: bool) -> object:
    # A machine with send_event=True hands over its event, which holds the arguments.
    arguments: Mapping[str, object] = getattr(event[0], "kwargs", {}) if event else {}
    return arguments.get(name, given)


@overload
def build_machine(machine_class: None = None, model: object = None) -> Machine: ...


@overload
def build_machine(machine_class: Callable[..., _M], model: object = None) -> _M: ...


def build_machine(
    machine_class: Callable[..., object] | None = None, model: object = None
) -> object:
    """Build a new state machine of the lifecycle for your own use.

    Use it for graphs, callbacks or async code. It is independent of the one that the library asks,
    so a callback on it is never run by :func:`decide`. It has all states and edges. A command is
    triggered by its name and a fact by its status. The two guards are arguments of the trigger:
    ``accept=True`` for a call or redirect that accepts, ``orchestrated=True`` for an accept that is
    put on hold first.

    :param machine_class: ``transitions.Machine`` by default, or another one of that library, such
        as ``GraphMachine`` or ``AsyncMachine``. Use ``functools.partial`` for further arguments.
    :param model: the model or models to move, from pending on. ``None`` for a machine without one:
        ``machine.add_model(model, initial=str(reservation.state))`` adds a model in any state. The
        states of the machine are texts: it takes no :class:`Status`.

    >>> class Desk: pass
    >>> desk = Desk()
    >>> machine = build_machine(model=desk)
    >>> desk.call(accept=True), desk.state
    (True, 'accepted')
    """
    # Imported lazily: a process that only reads reservations takes 80 ms, and 85 ms with it.
    from transitions import Machine  # noqa: PLC0415

    machine: Any = (machine_class or Machine)(
        model=model,
        states=[*(status.value for status in Status), ON_HOLD],
        initial=Status.PENDING.value,
        auto_transitions=False,
        name="reservation_core",
    )
    for edge in (*EDGES, *STATUS_EDGES):
        guards = ((edge.accept, is_accepting), (edge.orchestrated, is_orchestrated))
        machine.add_transition(
            edge.trigger,
            str(edge.source),
            str(edge.target),
            conditions=[guard for wanted, guard in guards if wanted is True],
            unless=[guard for wanted, guard in guards if wanted is False],
        )
    return machine


@cache
def get_shared_machine() -> Machine:
    """Return the state machine that the library asks.

    It is built at the first call. It holds no model: each question brings its own
    :class:`LifecycleModel`. ``transitions`` logs each entered and left state at INFO. This machine
    does not. The logger ``transitions.core`` is left as it is for the machines of others.
    """
    from transitions import Machine, State  # noqa: PLC0415

    class QuietState(State):
        """State that does not log. It has no callbacks."""

        def enter(self, event_data: object) -> None:
            """Do nothing."""

        def exit(self, event_data: object) -> None:
            """Do nothing."""

    class QuietMachine(Machine):
        """Machine of quiet states."""

        state_cls = QuietState

    check_graph(EDGES)
    return build_machine(QuietMachine)


@cache
def _machine_error() -> type[Exception]:
    # Cached like the machine: both must come from the same import of transitions.
    from transitions import MachineError  # noqa: PLC0415

    return MachineError


@cache
def _trigger(
    trigger: str, state: State, accept: bool = False, orchestrated: bool = False
) -> Edge | None:
    """Return the edge that the machine takes, or ``None`` if it refuses."""
    model, machine_error = LifecycleModel(state), _machine_error()
    ask = get_shared_machine().events[trigger].trigger
    try:
        has_moved = ask(model, accept=accept, orchestrated=orchestrated)
    except machine_error:
        return None
    edge = _EDGE_BY_QUESTION[trigger, state, accept, orchestrated]
    assert (has_moved, model.state) == (True, edge.target)
    return edge


_Question: TypeAlias = tuple[str, State, bool, bool]
"""Trigger, state, and the two flags that the guards test."""


def _questions(edge: Edge) -> list[_Question]:
    """Return the questions that an edge answers."""
    accepts, orchestrated = (
        (True, False) if flag is None else (flag,) for flag in (edge.accept, edge.orchestrated)
    )
    return [(edge.trigger, edge.source, one, other) for one in accepts for other in orchestrated]


_EDGE_BY_QUESTION = {
    question: edge for edge in (*EDGES, *STATUS_EDGES) for question in _questions(edge)
}
_FACTS = frozenset(edge.trigger for edge in FACT_EDGES)


# --- the check of the tables ---------------------------------------------------------------------


def check_graph(edges: Collection[Edge], initial: State = Status.PENDING) -> None:
    """Check that a lifecycle is sound.

    Every state must be reachable from the initial one, and a terminal status from every state.
    No edge may leave a terminal status. No two edges may have the same trigger, source and flags.

    :raises ValueError: if a rule is broken. The message names the state or the question.
    """
    successors: dict[State, set[State]] = {state: set() for state in (*Status, ON_HOLD)}
    answered: set[_Question] = set()
    for edge in edges:
        if edge.source in TERMINAL:
            raise ValueError(f"{edge.trigger} leaves the terminal status {edge.source}")
        if answered & set(_questions(edge)):
            raise ValueError(f"two edges answer {edge.trigger} from {edge.source}")
        answered.update(_questions(edge))
        successors[edge.source].add(edge.target)
    if unreachable := set(successors) - _reachable(initial, successors):
        raise ValueError(f"not reachable from {initial}: {', '.join(sorted(unreachable))}")
    for state in successors:
        if not _reachable(state, successors) & TERMINAL:
            raise ValueError(f"{state} is a trap: no path leads to a terminal status")


def _reachable(start: State, successors: Mapping[State, Iterable[State]]) -> set[State]:
    seen: set[State] = {start}
    queue = deque(seen)
    while queue:
        for state in successors[queue.popleft()]:
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return seen
