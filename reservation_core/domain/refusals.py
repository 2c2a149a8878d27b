"""Refusal of commands that the lifecycle does not allow."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import Decision, decide
from reservation_core.domain.errors import CommandError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation

_listeners: list[Callable[[Decision], None]] = []


@attrs.frozen(slots=False, repr=False)
class CommandNotAllowed(CommandError):
    """The lifecycle does not allow a command in this state.

    :param status: the status that the platform last reported.
    :param allowed: the classes of the commands that are allowed instead.
    :param reason: the reason, with its evidence and source.
    """

    command: Command
    status: Status
    allowed: tuple[type[Command], ...]
    reason: str

    def __str__(self) -> str:
        """Return the command, the status, the reason and the alternatives."""
        refused = f"{type(self.command).__name__} is refused while {self.status}: {self.reason}."
        if self.allowed:
            names = ", ".join(command.__name__ for command in self.allowed)
            return f"{refused} Allowed instead: {names}."
        return f"{refused} No command is allowed. Fetch the reservation to see if it has changed."


def require_allowed(reservation: Reservation, command: Command) -> None:
    """Check that the lifecycle allows a command now.

    :raises CommandNotAllowed: if it does not. The error carries the reason and the alternatives.
    """
    decision = decide(reservation.state, command.trigger, command.is_accepting)
    if decision.edge is None:
        for listener in tuple(_listeners):
            listener(decision)
        raise CommandNotAllowed(command, reservation.status, reservation.allowed, decision.reason)


def listen_to_refusals(listener: Callable[[Decision], None]) -> Callable[[], None]:
    """Register a listener for the refusals of :func:`require_allowed`.

    The listener is called in the thread of the refused command, before the error is raised.

    :returns: a function that removes the listener.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
