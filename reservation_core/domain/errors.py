"""Base of the error tree, and the errors of invalid calls.

:mod:`reservation_core.rest.errors` draws the whole tree.
"""

from __future__ import annotations

from typing import Self, TypeVar

import attrs

_E = TypeVar("_E", bound="ReservationError")


@attrs.frozen(slots=False)
class ReservationError(Exception):
    """Base class of all errors. Catch it to catch them all.

    The errors are values: they compare, hash and pickle by their fields.
    """

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ReservationError)
            and type(other) is type(self)
            and other._compared() == self._compared()
        )

    def __hash__(self) -> int:
        return hash((type(self), *self._compared()))

    def __reduce__(self) -> tuple[object, ...]:
        # The default of exceptions pickles their positional arguments and loses the fields.
        error_type = type(self)
        fields = {field.name: getattr(self, field.name) for field in attrs.fields(error_type)}
        notes = getattr(self, "__notes__", None)
        return _restore, (error_type, fields), {"__notes__": notes} if notes else None

    def __str__(self) -> str:
        """Return the first line of the docstring. Subclasses return a message."""
        return (type(self).__doc__ or type(self).__name__).partition("\n")[0]

    def _compared(self) -> tuple[object, ...]:
        fields = attrs.fields(type(self))
        return tuple(getattr(self, field.name) for field in fields if field.eq)


def _restore(error_type: type[_E], fields: dict[str, object]) -> _E:
    return error_type(**fields)


class CommandError(ReservationError):
    """Base class of the errors of a wrong call: nothing was sent."""


@attrs.frozen
class Violation:
    """One broken rule of one parameter.

    :param parameter: the name on the wire, such as ``ConferenceRecord``.
    :param field: the name in Python, such as ``conference_record``.
    :param value: the value in a form that may be shown: ``<personal>`` or ``<secret>`` if redacted.
    :param remedy: what to do, if the rule does not say it already.
    :param code: the platform's own error number, if one is known.
    """

    parameter: str
    field: str
    rule: str
    value: str
    remedy: str = ""
    code: int | None = None

    def __str__(self) -> str:
        """Return the parameter, the value, the rule and the remedy."""
        code = f" (platform error {self.code})" if self.code else ""
        remedy = f" {self.remedy[0].upper()}{self.remedy[1:]}." if self.remedy else ""
        return f"{self.parameter} = {self.value}: {self.rule}{code}.{remedy}"


@attrs.frozen(slots=False)
class InvalidCommand(CommandError):
    """A command breaks rules of its parameters.

    :param violations: all broken rules, in the order of the parameters.
    """

    command: str
    violations: tuple[Violation, ...]

    @classmethod
    def of(
        cls,
        command: str,
        parameter: str,
        rule: str,
        value: str,
        remedy: str,
        code: int | None = None,
    ) -> Self:
        """Return the error of one violation that concerns no field."""
        return cls(command, (Violation(parameter, "", rule, value, remedy, code),))

    def __str__(self) -> str:
        """Return all violations, one per line."""
        return "\n  ".join([f"{self.command} cannot be sent:", *map(str, self.violations)])


@attrs.frozen(slots=False)
class IncompleteReservation(CommandError):
    """A reservation lacks a SID of its address.

    :param missing: the fields that are unset or not a SID.
    """

    missing: tuple[str, ...]

    def __str__(self) -> str:
        """Return the fields and the remedy."""
        fields = ", ".join(self.missing)
        return (
            f"the reservation has no valid {fields}. Load it from a full payload, or set the field."
        )
