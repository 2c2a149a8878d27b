"""The root of the error tree, and the errors of a command that must not be sent."""

from __future__ import annotations

from typing import TypeVar

import attrs

E = TypeVar("E", bound="ReservationError")


@attrs.frozen(slots=False)
class ReservationError(Exception):
    """What every error of this library is: catch it to catch them all."""

    def __eq__(self, other: object) -> bool:
        """Compare by the fields, with one of the same class only."""
        return (
            isinstance(other, ReservationError)
            and type(other) is type(self)
            and _compared(other) == _compared(self)
        )

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((type(self), *_compared(self)))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the declared fields (an exception's own way would lose them)."""
        kind = type(self)
        held = {field.name: getattr(self, field.name) for field in attrs.fields(kind)}
        return (
            _restore,
            (kind, held),
            {"__notes__": notes} if (notes := getattr(self, "__notes__", None)) else None,
        )

    def __str__(self) -> str:
        """Say what is wrong, where, and what to do."""
        return type(self).__doc__ or type(self).__name__


def _compared(error: attrs.AttrsInstance) -> tuple[object, ...]:
    return tuple(getattr(error, field.name) for field in attrs.fields(type(error)) if field.eq)


def _restore(kind: type[E], fields: dict[str, object]) -> E:
    return kind(**fields)


# --- we would not ask this -------------------------------------------------------------------------------------------------------


class CommandError(ReservationError):
    """The call is wrong; nothing was sent."""


@attrs.frozen
class Violation:
    """One broken rule of one parameter.

    ``parameter`` is the wire name (``ConferenceRecord``), ``field`` the Python one (``conference_record``), ``value`` how the value
    may be shown (``<personal>`` or ``<secret>`` where it may not), ``code`` the platform's own error number for it, where one is known.
    """

    parameter: str
    field: str
    rule: str
    value: str
    remedy: str
    code: int | None = None

    def __str__(self) -> str:
        """Name the parameter, the rule, the value and the remedy."""
        code = f" (the platform's error {self.code})" if self.code else ""
        return f"{self.parameter} = {self.value}: {self.rule}{code}; {self.remedy}"


@attrs.frozen(slots=False)
class InvalidCommand(CommandError):
    """A command breaks rules of its parameters; ``violations`` holds every one, in the order of the parameters."""

    command: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """List every violation, a line each."""
        return "\n  ".join([f"{self.command} cannot be sent:", *map(str, self.violations)])


@attrs.frozen(slots=False)
class IncompleteReservation(CommandError):
    """A reservation lacks what its address is made of; ``missing`` names the fields that are absent or are no SID."""

    missing: tuple[str, ...]

    def __str__(self) -> str:
        """Name the fields and the remedy."""
        return f"the reservation has no usable {', '.join(self.missing)}; read it from a full payload, or set them, before asking"
