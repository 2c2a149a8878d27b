"""Refusal of commands that the lifecycle does not allow."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from reservation_core.domain.commands.base import Command, wrong_command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.decisions import Decision, decide, find_allowed_triggers
from reservation_core.domain.errors import CommandError
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, State, Status, label_state

_BY_TRIGGER = {command.trigger: command for command in COMMANDS}
_listeners: list[Callable[[Decision], None]] = []


@attrs.frozen(slots=False, repr=False)
class CommandNotAllowed(CommandError):
    """The lifecycle does not allow a command in this state.

    :param status: the status that the platform last reported.
    :param allowed: the classes of the commands that are allowed instead.
    :param reason: the reason, with its evidence and source.
    :param evidence: how certain the reason is. If it is inferred or unknown, the caller may let
        the platform decide: ``Policy(strict=False)``, or ``prepare(..., strict=False)``.
    """

    command: Command
    status: Status
    allowed: tuple[type[Command], ...]
    reason: str
    evidence: Evidence = Evidence.DOCUMENTED

    @property
    def state(self) -> State:
        """The state in the lifecycle: the status, or on hold."""
        # Every pending reservation that is not on hold allows commands.
        is_on_hold = self.status is Status.PENDING and not self.allowed
        return ON_HOLD if is_on_hold else self.status

    def __str__(self) -> str:
        """Return the command, the status, the reason and the alternatives."""
        name, state = type(self.command).__name__, label_state(self.state)
        parts = [f"{name} is refused while {state}: {self.reason}."]
        if self.allowed:
            names = ", ".join(command.__name__ for command in self.allowed)
            parts.append(f"Allowed instead: {names}.")
        elif self.state == ON_HOLD:
            parts.append(
                "Wait for its report. If the earlier command was not carried out, give up the "
                "hold: book.release(sid), or released() without a book."
            )
        else:
            parts.append(f"No command is allowed any more: {state} is terminal.")
        if not self.evidence.is_certain:
            parts.append("Policy(strict=False), or prepare(..., strict=False), sends it.")
        return " ".join(parts)


def find_allowed_commands(state: State) -> tuple[type[Command], ...]:
    """Return the classes of the commands that are allowed in a state."""
    return tuple(_BY_TRIGGER[trigger] for trigger in find_allowed_triggers(state))


def require_allowed(state: State, command: Command, *, strict: bool = True) -> Decision:
    """Check that the lifecycle allows a command in a state.

    :param strict: refuse it on any evidence. Otherwise only on documented or observed evidence.
    :returns: the decision. It has a refusal only if ``strict`` is False.
    :raises CommandNotAllowed: if it is refused. The error has the reason and the alternatives.
    :raises TypeError: for anything but a command, such as its class.
    """
    if not isinstance(command, Command):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong_command(command)
    decision = decide(state, command.trigger, command.is_accepting)
    refusal = decision.refusal
    if refusal is not None and (strict or refusal.evidence.is_certain):
        for listener in tuple(_listeners):
            listener(decision)
        status = Status.PENDING if state == ON_HOLD else Status(state)
        allowed = find_allowed_commands(state)
        raise CommandNotAllowed(command, status, allowed, decision.reason, refusal.evidence)
    return decision


def find_refusal_cautions(decision: Decision, command: Command) -> tuple[Caution, ...]:
    """Return the caution about a command that is sent although refused.

    It is empty for an allowed command.
    """
    refusal = decision.refusal
    if refusal is None:
        return ()
    ours = Interpretation(refusal.statement, refusal.source)
    theirs = Interpretation("no source shows the platform's answer", Source.OWN_INTERPRETATION)
    applied = "sent, because strict is off; the platform decides"
    return (Caution(command.first_pair[0], (ours, theirs), applied, refusal.evidence),)


def listen_to_refusals(listener: Callable[[Decision], None]) -> Callable[[], None]:
    """Register a listener for the refusals of :func:`require_allowed`.

    The listener is called in the thread of the refused command, before the error is raised.

    :returns: a function that removes the listener.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
