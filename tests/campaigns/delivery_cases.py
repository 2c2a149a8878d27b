"""Cases of the delivery campaign: commands, initial statuses, faults and policies."""

from __future__ import annotations

from random import Random
from typing import Final

import attrs

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    Policy,
    Redirect,
    Reject,
    Reservation,
    Route,
    SetStatus,
    Status,
    Supervise,
    Wrap,
)
from reservation_core.domain.decisions import decide
from reservation_core.emulator.faults import Fault, FaultKind, Rival
from reservation_core.testing.faults import draw_plan

HEX: Final = "0123456789abcdef" * 2
SID: Final = f"WR{HEX}"
WHERE: Final = Reservation(
    sid=SID,
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)
COMMANDS: Final[tuple[Command, ...]] = (
    Accept(),
    Reject(),
    Dequeue(to="client:alice"),
    Call(from_="+15005550006", url="https://example.com", accept=True),
    Call(from_="+15005550006", url="https://example.com"),
    Redirect(call_sid=f"CA{HEX}", url="https://example.com", accept=True),
    Redirect(call_sid=f"CA{HEX}", url="https://example.com"),
    Conference(to="client:alice"),
    Supervise(supervisor=f"WK{HEX}", supervisor_mode="monitor"),
    Wrap(),
    Complete(),
    *(SetStatus(status=status) for status in (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED)),
    Accept(extra=(("Priority", "5"),)),
)
WORKING: Final = (Status.ACCEPTED, Status.WRAPPING)
STARTS: Final = {"supervise": WORKING, "wrap": WORKING[:1], "complete": WORKING}
CAREFUL: Final = Policy()
ALONE: Final = Policy(sole_writer=True)
ALONE_RIVALS: Final = (Rival.CANCELS, Rival.TIMES_OUT, Rival.RESCINDS)
"""The changes of a reservation that has a sole writer."""


@attrs.frozen
class Case:
    """One update: the command, the initial status, the faults and the policy.

    :param versioned: True if the reservation is held with its version.
    :param orchestrated: True if an accept is put on hold first.
    :param unexpected: a step of the platform that the lifecycle does not have.
    """

    command: Command
    start: Status
    versioned: bool
    route: Route
    plan: tuple[Fault, ...]
    policy: Policy = CAREFUL
    orchestrated: bool = False
    unexpected: UnexpectedStep | None = None


@attrs.frozen
class UnexpectedStep:
    """Step of the platform that the lifecycle does not have.

    It is made while the reservation is worked on, since nothing follows a terminal status.

    :param before: 1-based number of the exchange before which it is made.
    """

    before: int
    target: Status


def starts_for(command: Command, *, strict: bool) -> tuple[Status, ...]:
    """Return the statuses in which a policy lets a command be sent."""
    if strict:
        return STARTS.get(command.trigger, (Status.PENDING,))
    decisions = {
        status: decide(status, command.trigger, command.is_accepting).refusal for status in Status
    }
    return tuple(
        status
        for status, refusal in decisions.items()
        if refusal is None or not refusal.evidence.is_certain
    )


UNLISTED: Final = {
    Status.ACCEPTED: (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED),
    Status.WRAPPING: (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED, Status.ACCEPTED),
}
"""Steps that no source shows, and none rules out."""


def is_unexpected(status: Status, target: Status) -> bool:
    """Return True for a step that the lifecycle does not have."""
    return target in UNLISTED.get(status, ())


def unexpected_targets(start: Status) -> tuple[Status, ...]:
    """Return the targets of unexpected steps, also those after the command acted."""
    return UNLISTED[Status.WRAPPING] if start in WORKING else ()


def can_act_repeatedly(command: Command) -> bool:
    """Return True if only a version stops a second action."""
    return command.trigger == "supervise" or (
        command.trigger in ("call", "redirect") and not command.is_accepting
    )


def kinds_for(command: Command, *, versioned: bool, route: Route) -> tuple[FaultKind, ...]:
    """Return the faults to inject.

    A network that duplicates a request is left out where no sender could prevent a second action.
    """
    is_unprotected = can_act_repeatedly(command) and not (versioned and route is Route.TASK)
    return tuple(kind for kind in FaultKind if not (is_unprotected and kind is FaultKind.DUPLICATE))


def draw_case(random: Random) -> Case:
    """Draw a case."""
    command = random.choice(COMMANDS)
    is_alone = random.random() < 0.25
    route = Route.WORKER if command.trigger != "supervise" and random.random() < 0.2 else Route.TASK
    versioned = random.random() < 0.5
    plan = draw_plan(
        random,
        kinds=kinds_for(command, versioned=versioned, route=route),
        rivals=ALONE_RIVALS if is_alone else Rival,
    )
    is_strict = random.random() < 0.7
    start = random.choice(starts_for(command, strict=is_strict))
    policy = attrs.evolve(
        ALONE if is_alone else CAREFUL,
        strict=is_strict,
        accept_unexpected=random.random() < 0.5,
    )
    orchestrated, unexpected = random.random() < 0.4, None
    if random.random() < 0.3 and not is_alone and (targets := unexpected_targets(start)):
        unexpected = UnexpectedStep(random.randint(1, 4), random.choice(targets))
    return Case(command, start, versioned, route, plan, policy, orchestrated, unexpected)
