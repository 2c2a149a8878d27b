"""Tables of the lifecycle: statuses, edges and refusals, with their evidence.

Besides the eight public statuses there is a ninth state: *on hold*. The platform is carrying out an
earlier command (a conference, a dequeue, an orchestrated accept) and has not reported its outcome.
No reply names this state: its status is still ``pending``.

An edge is a *command*, which a client sends, or a *fact*, which the platform reports.

:mod:`reservation_core.domain.decisions` answers questions about these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, NamedTuple, TypeAlias

from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.member_docs import document_members


@document_members
class Status(StrEnum):
    """The eight statuses a reservation can be reported in."""

    PENDING = "pending"
    """The worker is reserved and has not answered yet."""
    ACCEPTED = "accepted"
    """The worker took the task and is at work."""
    REJECTED = "rejected"
    """The worker rejected the task. It goes back to routing."""
    TIMEOUT = "timeout"
    """The time ran out before the worker answered."""
    CANCELED = "canceled"
    """The task ended, or the call setup failed, before acceptance."""
    RESCINDED = "rescinded"
    """Another reservation of the same task was accepted first."""
    WRAPPING = "wrapping"
    """The main work is done and after-work is going on."""
    COMPLETED = "completed"
    """The work on this reservation is finished."""

    @property
    def is_terminal(self) -> bool:
        """True if no status can follow this one."""
        return self in TERMINAL


ON_HOLD: Final = "onHold"
"""The ninth state, as the platform spells it in its error messages."""

State: TypeAlias = Status | Literal["onHold"]
"""A state of the lifecycle: a status, or on hold."""

# Short names for the tables below.
PENDING, ACCEPTED, REJECTED, TIMEOUT, CANCELED, RESCINDED, WRAPPING, COMPLETED = Status
DOCUMENTED, OBSERVED, INFERRED, UNKNOWN = Evidence

TERMINAL: Final = frozenset({REJECTED, TIMEOUT, CANCELED, RESCINDED, COMPLETED})
"""The terminal statuses. The worker SDK drops a reservation on exactly these five."""

SET_BY_PLATFORM: Final = frozenset({TIMEOUT, CANCELED, RESCINDED})
"""The statuses that no command sets."""


def label_state(state: State) -> str:
    """Return the name of a state for people.

    >>> label_state(ON_HOLD)
    'on hold'
    """
    return "on hold" if state == ON_HOLD else state


def state_phrase(state: State) -> str:
    """Return a state as it stands in a sentence after "is".

    >>> f"The reservation is {state_phrase(Status.TIMEOUT)}."
    'The reservation is timed out.'
    """
    return "timed out" if state == Status.TIMEOUT else label_state(state)


def describe_state(state: State) -> str:
    """Return the meaning of a state in one or two sentences.

    >>> describe_state(Status.WRAPPING)
    'The main work is done and after-work is going on.'
    """
    if state == ON_HOLD:
        return "The platform is carrying out an earlier command. No status names this state."
    return str(Status(state).__doc__)


class Edge(NamedTuple):
    """One step of the lifecycle.

    :param trigger: the command that asks for the step, or the status whose report shows it.
    :param source: the state before.
    :param target: the state after.
    :param reference: the page or code that shows the step.
    :param note: what happens, in a few words.
    :param accept: a guard. ``True`` requires a command with its ``accept`` flag set, ``False``
        one with it unset. ``None`` requires nothing.
    :param orchestrated: a guard. ``True`` requires a task whose acceptance the platform
        orchestrates, as Flex does: it sets up the channel first. ``False`` requires any other task.
        ``None`` requires nothing. No payload shows it.
    """

    trigger: str
    source: State
    target: State
    evidence: Evidence
    reference: Source
    note: str
    accept: bool | None = None
    orchestrated: bool | None = None


# fmt: off
COMMAND_EDGES: Final = (
    Edge("accept", PENDING, ACCEPTED, DOCUMENTED, Source.RESERVATIONS,
         "the worker takes the task at once", orchestrated=False),
    Edge("accept", PENDING, ON_HOLD, DOCUMENTED, Source.CANCELED_HELP,
         "accepted only when the channel is set up (orchestrated, as in Flex)", orchestrated=True),
    Edge("reject", PENDING, REJECTED, DOCUMENTED, Source.RESERVATIONS,
         "the worker rejects the task at once"),
    Edge("dequeue", PENDING, ON_HOLD, INFERRED, Source.ASSIGNMENT_CALLBACK,
         "accepted once caller and worker are bridged; no source states the moment"),
    Edge("call", PENDING, ACCEPTED, DOCUMENTED, Source.ASSIGNMENT_CALLBACK,
         "accepts when the call starts, before it is answered", accept=True),
    Edge("call", PENDING, PENDING, DOCUMENTED, Source.ASSIGNMENT_CALLBACK,
         "the call alone does not accept", accept=False),
    Edge("redirect", PENDING, ACCEPTED, DOCUMENTED, Source.ASSIGNMENT_CALLBACK,
         "accepts when the call is redirected", accept=True),
    Edge("redirect", PENDING, PENDING, DOCUMENTED, Source.ASSIGNMENT_CALLBACK,
         "the redirect alone does not accept", accept=False),
    Edge("conference", PENDING, ON_HOLD, DOCUMENTED, Source.RESERVATIONS,
         "accepted only when worker and caller are in the conference"),
    Edge("supervise", ACCEPTED, ACCEPTED, DOCUMENTED, Source.ERROR_DICTIONARY,
         "a supervisor joins; error 40146 excludes pending reservations"),
    Edge("supervise", WRAPPING, WRAPPING, INFERRED, Source.ERROR_DICTIONARY,
         "error 40146 does not exclude it; no source shows an example"),
    Edge("wrap", ACCEPTED, WRAPPING, OBSERVED, Source.WORKER_SDK,
         "the work is done and after-work starts"),
    Edge("complete", ACCEPTED, COMPLETED, OBSERVED, Source.WORKER_SDK,
         "the work is finished; wrapping may be skipped"),
    Edge("complete", WRAPPING, COMPLETED, OBSERVED, Source.WORKER_SDK,
         "the after-work is finished; the platform never does this by itself"),
)
"""Steps that a client can ask for."""

FACT_EDGES: Final = (
    Edge("accepted", PENDING, ACCEPTED, DOCUMENTED, Source.RESERVATIONS,
         "the worker, or another client, accepted"),
    Edge("rejected", PENDING, REJECTED, DOCUMENTED, Source.RESERVATIONS,
         "the worker, or another client, rejected"),
    Edge("timeout", PENDING, TIMEOUT, DOCUMENTED, Source.LIMITS,
         "the reservation timeout elapsed (120 s unless set)"),
    Edge("canceled", PENDING, CANCELED, DOCUMENTED, Source.EVENTS,
         "the task ended before acceptance"),
    Edge("rescinded", PENDING, RESCINDED, DOCUMENTED, Source.CHANGELOG_2019,
         "another worker answered first; the call may not be connected yet"),
    Edge("accepted", ON_HOLD, ACCEPTED, DOCUMENTED, Source.RESERVATIONS,
         "the call setup succeeded"),
    Edge("canceled", ON_HOLD, CANCELED, DOCUMENTED, Source.CANCELED_HELP,
         "the call setup failed; this may take minutes"),
    Edge("wrapping", ACCEPTED, WRAPPING, DOCUMENTED, Source.LIFECYCLE,
         "the worker's leg left the conference"),
    Edge("completed", ACCEPTED, COMPLETED, OBSERVED, Source.WORKER_SDK,
         "the work, or its task, was completed"),
    Edge("completed", WRAPPING, COMPLETED, DOCUMENTED, Source.LIFECYCLE,
         "the after-work, or its task, was completed"),
)
"""Steps that the platform reports. Each is triggered by the status it reports."""
# fmt: on

EDGES: Final = (*COMMAND_EDGES, *FACT_EDGES)
"""The lifecycle: what sources show."""


def status_trigger(status: str) -> str:
    """Return the trigger that sets a status without a command.

    >>> status_trigger(CANCELED)
    'set_canceled'
    """
    return f"set_{status}"


STATUS_EDGES: Final = tuple(
    Edge(status_trigger(target), source, target, UNKNOWN, Source.OWN_INTERPRETATION,
         "a client asks for a status of the platform; no source shows the answer")
    for target in (CANCELED, TIMEOUT, RESCINDED)
    for source in (PENDING, ACCEPTED, WRAPPING)
)  # fmt: skip
"""Steps that no source shows, for ``SetStatus``. They are not part of the lifecycle's tables."""

STATUS_TRIGGERS: Final = tuple(dict.fromkeys(edge.trigger for edge in STATUS_EDGES))
"""Triggers of the statuses for which there is no command."""

UNLISTED_STEPS: Final[Mapping[State, tuple[Status, ...]]] = {
    ACCEPTED: (CANCELED, TIMEOUT, RESCINDED),
    WRAPPING: (CANCELED, TIMEOUT, RESCINDED, ACCEPTED),
}
"""Steps that no source shows and none rules out, by status. The lifecycle does not have them.

A report of one is an ``IllegalSuccession``. The emulator takes one only on request.
"""

TRIGGERS: Final = tuple(dict.fromkeys(edge.trigger for edge in COMMAND_EDGES))
"""Names of the commands, in the order of the table."""

STATE_ERROR_CODES: Final = {
    "dequeue": 40135,
    "call": 40114,
    "redirect": 40123,
    "conference": 40136,
    "supervise": 40146,
}
"""The platform's error number for an instruction that does not fit the state, by trigger."""


class RefusalReason(NamedTuple):
    """Reason for refusing a command, with its evidence."""

    statement: str
    evidence: Evidence
    source: Source


_STILL_ON_HOLD: Final = "the platform is still carrying out an earlier command (on hold)"

# fmt: off
_REFUSALS: Final[Mapping[tuple[str | None, State | None], RefusalReason]] = {
    ("accept", ACCEPTED): RefusalReason(
        "the platform answers a repeated accept with 400, already in state [accepted]",
        OBSERVED, Source.PHP_342),
    ("accept", ON_HOLD): RefusalReason(
        f"{_STILL_ON_HOLD}; the platform answers a second accept with 400, "
        "not in expected state [pending]",
        DOCUMENTED, Source.DOUBLE_ACCEPT_HELP),
    ("reject", ACCEPTED): RefusalReason(
        "services report that accepted work could not be rejected any more",
        OBSERVED, Source.PUBLIC_CODE),
    ("reject", ON_HOLD): RefusalReason(
        f"{_STILL_ON_HOLD}; no source says that it can still be rejected",
        UNKNOWN, Source.OWN_INTERPRETATION),
    ("supervise", PENDING): RefusalReason(
        "the platform answers supervise with error 40146 while the reservation is pending",
        DOCUMENTED, Source.ERROR_DICTIONARY),
    ("supervise", CANCELED): RefusalReason(
        "the platform answers supervise with error 40146 once the reservation is canceled",
        DOCUMENTED, Source.ERROR_DICTIONARY),
    ("supervise", COMPLETED): RefusalReason(
        "error 40146 does not exclude it, but there is no more work to supervise",
        UNKNOWN, Source.OWN_INTERPRETATION),
    (None, ON_HOLD): RefusalReason(
        f"{_STILL_ON_HOLD} and has not reported its outcome",
        INFERRED, Source.CANCELED_HELP),
    ("accept", None): RefusalReason(
        "only a pending reservation can be accepted", INFERRED, Source.RESERVATIONS),
    ("reject", None): RefusalReason(
        "only a pending reservation can be rejected", INFERRED, Source.RESERVATIONS),
    **{(trigger, None): RefusalReason(
        f"the platform answers with error {STATE_ERROR_CODES[trigger]} "
        "unless the reservation is pending", DOCUMENTED, Source.ERROR_DICTIONARY)
       for trigger in ("dequeue", "call", "redirect", "conference")},
    ("supervise", None): RefusalReason(
        "there is no more work to supervise", INFERRED, Source.WORKER_SDK),
    ("wrap", None): RefusalReason(
        "only accepted work can be wrapped up", INFERRED, Source.WORKER_SDK),
    ("complete", None): RefusalReason(
        "only accepted or wrapping work can be completed", INFERRED, Source.WORKER_SDK),
    **{(trigger, None): RefusalReason(
        "no status can follow a terminal one", INFERRED, Source.WORKER_SDK)
       for trigger in STATUS_TRIGGERS},
}
# fmt: on


def find_refusal_reason(trigger: str, state: State) -> RefusalReason:
    """Return the reason for refusing a command in a state.

    The keys are tried in the order (command, state), (any command, state), (command, any state).
    """
    specific = _REFUSALS.get((trigger, state)) or _REFUSALS.get((None, state))
    return specific or _REFUSALS[trigger, None]
