"""Which status may follow which, who may ask for it, and on what evidence: one ``transitions`` machine, asked and never carried.

Its two rules:

1. **A command must be an edge.** What a client asks for is looked up as one step from where the reservation stands; each of the few
   hundred distinct questions is put to the machine once, by really triggering it, and the answer is kept (:func:`decide`).
2. **A report need only be reachable.** What the platform says may have skipped statuses, so a report is believed when *some* path of
   facts leads to it (:func:`follow`); a terminal status is never left.

Besides the eight public statuses there is a ninth state that the API never names in a body: *on hold*, between an answer that is
still being carried out (a conference, a dequeue, an orchestrated accept) and its outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import attrs

from reservation_core.domain.evidence import Evidence, Source

if TYPE_CHECKING:
    from transitions import Machine

ON_HOLD: Final = "onHold"
"""The hidden ninth state, in the word the platform uses in its error messages."""


class Status(StrEnum):
    """The eight statuses a reservation can be reported in."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    RESCINDED = "rescinded"
    WRAPPING = "wrapping"
    COMPLETED = "completed"

    __hash__ = str.__hash__  # Enum's own is a Python call; a status is looked up in every decision

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can follow this status."""
        return self in TERMINAL


State: TypeAlias = Status | Literal["onHold"]


class Edge(NamedTuple):
    """One step of the lifecycle: what triggers it, from where, to where, and how that is known.

    ``accept`` is the guard: ``True`` and ``False`` ask for a command whose ``accept`` flag is set or not; ``None`` asks for nothing.
    """

    trigger: str
    source: State
    target: State
    evidence: Evidence
    reference: Source
    note: str
    accept: bool | None = None


PENDING, ACCEPTED, WRAPPING, COMPLETED = (
    Status.PENDING,
    Status.ACCEPTED,
    Status.WRAPPING,
    Status.COMPLETED,
)
REJECTED, TIMEOUT, CANCELED, RESCINDED = (
    Status.REJECTED,
    Status.TIMEOUT,
    Status.CANCELED,
    Status.RESCINDED,
)
DOC, SEEN, INFERRED, UNKNOWN = (
    Evidence.DOCUMENTED,
    Evidence.OBSERVED,
    Evidence.INFERRED,
    Evidence.UNKNOWN,
)

STATE_DESCRIPTIONS: Final[Mapping[State, str]] = {
    PENDING: "The worker is reserved and has not answered yet.",
    ON_HOLD: "An answer was taken and is still being carried out; the platform has no status for it.",
    ACCEPTED: "The worker took the task and is at work.",
    REJECTED: "The worker refused; the task goes back to routing.",
    TIMEOUT: "Nobody answered before the time ran out.",
    CANCELED: "It ended before acceptance, because the task or the call's set-up ended.",
    RESCINDED: "Another reservation of the same task was accepted first.",
    WRAPPING: "The main work is done; after-work is going on.",
    COMPLETED: "The work on this reservation is finished.",
}
"""What it means that a reservation stands there."""

COMMAND_EDGES: Final = (
    Edge(
        "accept", PENDING, ACCEPTED, DOC, Source.RESERVATIONS, "the worker takes the task, at once"
    ),
    Edge(
        "reject",
        PENDING,
        REJECTED,
        DOC,
        Source.RESERVATIONS,
        "the worker refuses the task, at once",
    ),
    Edge(
        "dequeue",
        PENDING,
        ON_HOLD,
        DOC,
        Source.ASSIGNMENT_CALLBACK,
        "accepted once caller and worker are bridged, as we infer",
    ),
    Edge(
        "call",
        PENDING,
        ACCEPTED,
        DOC,
        Source.ASSIGNMENT_CALLBACK,
        "accepts as the call starts, before anybody answers",
        accept=True,
    ),
    Edge(
        "call",
        PENDING,
        PENDING,
        DOC,
        Source.ASSIGNMENT_CALLBACK,
        "the call alone accepts nothing",
        accept=False,
    ),
    Edge(
        "redirect",
        PENDING,
        ACCEPTED,
        DOC,
        Source.ASSIGNMENT_CALLBACK,
        "accepts as the call is redirected",
        accept=True,
    ),
    Edge(
        "redirect",
        PENDING,
        PENDING,
        DOC,
        Source.ASSIGNMENT_CALLBACK,
        "the redirect alone accepts nothing",
        accept=False,
    ),
    Edge(
        "conference",
        PENDING,
        ON_HOLD,
        DOC,
        Source.RESERVATIONS,
        "accepted only when worker and caller are in the conference",
    ),
    Edge(
        "supervise",
        ACCEPTED,
        ACCEPTED,
        DOC,
        Source.ERROR_DICTIONARY,
        "a third party joins; 40146 asks for a reservation past pending",
    ),
    Edge(
        "supervise",
        WRAPPING,
        WRAPPING,
        INFERRED,
        Source.ERROR_DICTIONARY,
        "40146 does not exclude it; no source shows it done",
    ),
    Edge(
        "wrap", ACCEPTED, WRAPPING, SEEN, Source.WORKER_SDK, "the work is done, after-work starts"
    ),
    Edge(
        "complete",
        ACCEPTED,
        COMPLETED,
        SEEN,
        Source.WORKER_SDK,
        "the work is finished; wrapping may be skipped",
    ),
    Edge(
        "complete",
        WRAPPING,
        COMPLETED,
        SEEN,
        Source.WORKER_SDK,
        "the after-work is finished; the platform never does this by itself",
    ),
)
"""What a client may ask for."""

FACT_EDGES: Final = (
    Edge(
        "accepted",
        PENDING,
        ACCEPTED,
        DOC,
        Source.RESERVATIONS,
        "the worker, or another client, accepted",
    ),
    Edge(
        "rejected",
        PENDING,
        REJECTED,
        DOC,
        Source.RESERVATIONS,
        "the worker, or another client, rejected",
    ),
    Edge(
        "timeout",
        PENDING,
        TIMEOUT,
        DOC,
        Source.LIMITS,
        "the reservation time-out ran out (120 s unless set)",
    ),
    Edge(
        "canceled", PENDING, CANCELED, DOC, Source.EVENTS, "the task ended before anybody accepted"
    ),
    Edge(
        "rescinded",
        PENDING,
        RESCINDED,
        DOC,
        Source.CHANGELOG_2019,
        "a sibling reservation was accepted",
    ),
    Edge("accepted", ON_HOLD, ACCEPTED, DOC, Source.RESERVATIONS, "the set-up succeeded"),
    Edge(
        "canceled",
        ON_HOLD,
        CANCELED,
        DOC,
        Source.CANCELED_HELP,
        "the set-up failed; this may take minutes",
    ),
    Edge(
        "wrapping",
        ACCEPTED,
        WRAPPING,
        DOC,
        Source.LIFECYCLE,
        "the worker's leg left the conference",
    ),
    Edge(
        "completed",
        ACCEPTED,
        COMPLETED,
        SEEN,
        Source.WORKER_SDK,
        "the work, or its task, was completed",
    ),
    Edge(
        "completed",
        WRAPPING,
        COMPLETED,
        DOC,
        Source.LIFECYCLE,
        "the after-work, or its task, was completed",
    ),
)
"""What the platform may report, one step at a time."""

TERMINAL: Final = frozenset({REJECTED, TIMEOUT, CANCELED, RESCINDED, COMPLETED})
"""The statuses nothing follows; the worker SDK drops a reservation on exactly these five."""


class RefusalReason(NamedTuple):
    """Why a command is refused: the sentence, and how it is known."""

    statement: str
    evidence: Evidence
    source: Source


STATE_ERROR_CODES: Final = {
    "dequeue": 40135,
    "call": 40114,
    "redirect": 40123,
    "conference": 40136,
    "supervise": 40146,
}
"""The platform's error number for an instruction that does not fit the reservation's state, by trigger."""

_ONLY_PENDING: Final = "the instruction is answered with {} unless the reservation is pending"
_REFUSALS: Final[Mapping[tuple[str | None, State | None], RefusalReason]] = {
    # (command, state), then (any command, state), then (command, any state): the first that is there speaks.
    ("accept", ACCEPTED): RefusalReason(
        "a repeated accept is answered 400, already in state [accepted]", SEEN, Source.PHP_342
    ),
    ("accept", ON_HOLD): RefusalReason(
        "an earlier answer is still being carried out (on hold); a second accept is answered 400, not in expected state [pending]",
        DOC,
        Source.DOUBLE_ACCEPT_HELP,
    ),
    ("reject", ON_HOLD): RefusalReason(
        "an earlier answer is still being carried out (on hold); whether it can still be rejected is not known",
        UNKNOWN,
        Source.OWN_INTERPRETATION,
    ),
    ("supervise", PENDING): RefusalReason(
        "supervise is answered with 40146 while the reservation is pending",
        DOC,
        Source.ERROR_DICTIONARY,
    ),
    ("supervise", CANCELED): RefusalReason(
        "supervise is answered with 40146 once the reservation is canceled",
        DOC,
        Source.ERROR_DICTIONARY,
    ),
    ("supervise", COMPLETED): RefusalReason(
        "40146 does not exclude it, but there is no more work to supervise",
        UNKNOWN,
        Source.OWN_INTERPRETATION,
    ),
    (None, ON_HOLD): RefusalReason(
        "an earlier answer is still being carried out (on hold) and its outcome has not been reported",
        INFERRED,
        Source.CANCELED_HELP,
    ),
    ("accept", None): RefusalReason(
        "only a pending reservation can be accepted", INFERRED, Source.RESERVATIONS
    ),
    ("reject", None): RefusalReason(
        "only a pending reservation can be rejected", INFERRED, Source.RESERVATIONS
    ),
    ("dequeue", None): RefusalReason(
        _ONLY_PENDING.format(STATE_ERROR_CODES["dequeue"]), DOC, Source.ERROR_DICTIONARY
    ),
    ("call", None): RefusalReason(
        _ONLY_PENDING.format(STATE_ERROR_CODES["call"]), DOC, Source.ERROR_DICTIONARY
    ),
    ("redirect", None): RefusalReason(
        _ONLY_PENDING.format(STATE_ERROR_CODES["redirect"]), DOC, Source.ERROR_DICTIONARY
    ),
    ("conference", None): RefusalReason(
        _ONLY_PENDING.format(STATE_ERROR_CODES["conference"]), DOC, Source.ERROR_DICTIONARY
    ),
    ("supervise", None): RefusalReason(
        "there is no more work to supervise", INFERRED, Source.WORKER_SDK
    ),
    ("wrap", None): RefusalReason(
        "only accepted work can be wrapped up", INFERRED, Source.WORKER_SDK
    ),
    ("complete", None): RefusalReason(
        "only accepted or wrapping work can be completed", INFERRED, Source.WORKER_SDK
    ),
}


class LifecycleModel:
    """What the machine moves: a state, and the flag its guards ask for. Made for one question and thrown away."""

    __slots__ = ("accept", "state")

    def __init__(self, state: State, accept: bool) -> None:
        self.state: str = str(state)
        self.accept: bool = accept

    def is_accepting(self) -> bool:
        """Answer the guard of call and redirect."""
        return self.accept


@attrs.frozen
class Decision:
    """The answer to "may this be asked here?": the edge it would take, or the ground it is refused on.

    ``alternatives`` are the commands that may be asked in the same state, in the table's order.
    """

    trigger: str
    state: State
    edge: Edge | None
    refusal: RefusalReason | None
    alternatives: tuple[str, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether the command is an edge of the lifecycle."""
        return self.edge is not None

    @property
    def reason(self) -> str:
        """The reason in one sentence, with its evidence mark and its source."""
        if self.edge is not None:
            return f"{self.edge.note} [{self.edge.evidence}: {self.edge.reference}]"
        assert self.refusal is not None
        return f"{self.refusal.statement} [{self.refusal.evidence}: {self.refusal.source}]"

    def __str__(self) -> str:
        """Explain the answer to a person: verdict, reason, evidence, and what may be asked instead."""
        if self.edge is None:
            instead = ", ".join(self.alternatives) or f"nothing ({self.state} is terminal)"
            if self.state == ON_HOLD:
                instead = "nothing until the platform reports"
            return f"{self.trigger} is refused while {self.state}: {self.reason}. Allowed instead: {instead}."
        then = {
            self.state: "changes no status",
            ON_HOLD: "sets nothing yet (on hold; the platform reports later)",
        }
        effect = then.get(self.edge.target, f"sets {self.edge.target}")
        return f"{self.trigger} is allowed while {self.state} and {effect}: {self.reason}."


def check_graph(edges: Collection[Edge], initial: State = PENDING) -> None:
    """Refuse a lifecycle that is not sound.

    Every state must be reachable from the initial one, none may be a trap (a way to some terminal status must exist), nothing may
    leave a terminal status, and no two edges may answer the same question.

    :raises ValueError: naming the state or the question at fault.
    """
    ahead: dict[State, set[State]] = {state: set() for state in (*Status, ON_HOLD)}
    asked: set[tuple[str, State, bool]] = set()
    for edge in edges:
        if edge.source in TERMINAL:
            raise ValueError(f"{edge.trigger} leaves the terminal status {edge.source}")
        for accept in (True, False) if edge.accept is None else (edge.accept,):
            if (edge.trigger, edge.source, accept) in asked:
                raise ValueError(f"two edges answer {edge.trigger} from {edge.source}")
            asked.add((edge.trigger, edge.source, accept))
        ahead[edge.source].add(edge.target)
    if lost := set(ahead) - _closure(initial, ahead):
        raise ValueError(f"never reached from {initial}: {', '.join(sorted(lost))}")
    for state in ahead:
        if not _closure(state, ahead) & TERMINAL:
            raise ValueError(f"{state} is a trap: no way leads to a terminal status")


def _closure(start: State, ahead: Mapping[State, Iterable[State]]) -> set[State]:
    seen: set[State] = {start}
    queue = deque(seen)
    while queue:
        for state in ahead[queue.popleft()]:
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return seen


@cache
def get_shared_machine() -> Machine:
    """Build the one machine of the process, and check its graph, when the first question is asked.

    It holds no model: a question brings its own :class:`LifecycleModel`. What ``transitions`` writes of it to its logger ``transitions.core``, a few
    lines on INFO for each question that is new to the process, begins with this library's name.
    """
    from transitions import Machine  # noqa: PLC0415 - who only reads reservations asks nothing

    edges = (*COMMAND_EDGES, *FACT_EDGES)
    check_graph(edges)
    built = Machine(
        model=None,
        states=[*(status.value for status in Status), ON_HOLD],
        initial=None,
        auto_transitions=False,
        name="reservation_core",
    )
    for edge in edges:
        built.add_transition(
            edge.trigger,
            str(edge.source),
            str(edge.target),
            conditions="is_accepting" if edge.accept is True else None,
            unless="is_accepting" if edge.accept is False else None,
        )
    return built


TRIGGERS: Final = tuple(dict.fromkeys(edge.trigger for edge in COMMAND_EDGES))
"""The commands' trigger names, in the table's order."""

_EDGES: Final = {
    (edge.trigger, edge.source, accept): edge
    for edge in (*COMMAND_EDGES, *FACT_EDGES)
    for accept in ((True, False) if edge.accept is None else (edge.accept,))
}


@cache
def _no_step() -> type[Exception]:
    """Give what the machine raises where there is no step; it is kept as the machine is, for both must be of one import."""
    from transitions import MachineError  # noqa: PLC0415 - the machine's, imported with it

    return MachineError


@cache
def _ask(trigger: str, state: State, accept: bool) -> Edge | None:
    """Trigger the machine for real, and give the edge it took."""
    step, no_step = LifecycleModel(state, accept), _no_step()
    try:
        moved = get_shared_machine().events[trigger].trigger(step)
    except no_step:
        return None
    edge = _EDGES[trigger, state, accept]
    assert (moved, step.state) == (True, edge.target)
    return edge


@cache
def decide(state: State, trigger: str, accept: bool = False) -> Decision:
    """Put one command to the machine.

    :param state: a :class:`Status`, or :data:`ON_HOLD` for a reservation whose answer is still being carried out.
    :param trigger: a command's name, such as ``"conference"``.
    :param accept: the command's ``accept`` flag, where it has one.
    :raises KeyError: for a name that is no command.
    :raises ValueError: for a word that is no status.

    >>> decide(Status.PENDING, "wrap").is_allowed
    False
    >>> decide(Status.PENDING, "wrap").alternatives
    ('accept', 'reject', 'dequeue', 'call', 'redirect', 'conference')
    """
    if trigger not in TRIGGERS:
        raise KeyError(trigger)
    state = ON_HOLD if state == ON_HOLD else Status(state)
    edge = _ask(trigger, state, accept)
    grounds: tuple[tuple[str | None, State | None], ...] = (
        (trigger, state),
        (None, state),
        (trigger, None),
    )
    refusal = None if edge else next(_REFUSALS[key] for key in grounds if key in _REFUSALS)
    return Decision(trigger, state, edge, refusal, find_allowed_triggers(state))


@cache
def find_allowed_triggers(state: State) -> tuple[str, ...]:
    """Name the commands that may be asked in this state, in the table's order.

    >>> find_allowed_triggers(Status.ACCEPTED)
    ('supervise', 'wrap', 'complete')
    """
    return tuple(
        trigger for trigger in TRIGGERS if _ask(trigger, state, False)
    )  # the flag changes where it leads, not whether it may


@cache
def find_fact_edge(state: State, fact: Status) -> Edge | None:
    """Find the single fact by which ``fact`` may be reported next, or ``None``."""
    return _ask(fact.value, state, False) if fact.value in get_shared_machine().events else None


@cache
def follow(before: State, after: Status) -> tuple[Edge, ...] | None:
    """Find the shortest run of facts by which ``after`` may have come to follow ``before``.

    :returns: no edges when nothing changed, the edges when a path exists, ``None`` when none does.

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
