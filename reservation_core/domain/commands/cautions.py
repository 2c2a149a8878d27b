"""Cautions: warnings about rules that are disputed or only inferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reservation_core.domain.evidence import Evidence, Source


class Interpretation(NamedTuple):
    """One interpretation of a disputed rule, with its source."""

    statement: str
    source: Source


class Caution(NamedTuple):
    """Warning that a command depends on a disputed or inferred rule.

    The command can still be sent.

    :param parameter: the name of the parameter on the wire: in a form, or in a callback's answer.
    :param interpretations: the two interpretations of the rule.
    :param applied: the interpretation that this library applies.
    :param evidence: how certain the two interpretations are.
    """

    parameter: str
    interpretations: tuple[Interpretation, Interpretation]
    applied: str
    evidence: Evidence = Evidence.DOCUMENTED

    def __str__(self) -> str:
        """Return both interpretations with their sources, and the one applied."""
        first, second = self.interpretations
        return (
            f"{self.parameter}: {first.statement} ({first.source}); "
            f"but {second.statement} ({second.source}). Applied here: {self.applied}."
        )


class Dispute(NamedTuple):
    """A disputed rule, and the condition that makes it matter.

    :param condition: called with the value of the parameter (``None`` if unset) and the command.
        It returns True if the command depends on the rule. For a dispute about a command itself,
        the command is also the value.
    :param is_about_callback: True if it concerns only the answer to an assignment callback. Then it
        is one of ``Command.callback_cautions``, and not of ``Command.cautions``.
    """

    condition: Callable[[object, object], bool]
    interpretations: tuple[Interpretation, Interpretation]
    applied: str
    evidence: Evidence = Evidence.DOCUMENTED
    is_about_callback: bool = False

    def is_met(self, value: object, command: object, *, is_callback: bool) -> bool:
        """Return True if the command depends on the rule in this form.

        :param is_callback: True for the answer to an assignment callback.
        """
        return (is_callback or not self.is_about_callback) and self.condition(value, command)

    def to_caution(self, parameter: str) -> Caution:
        """Return the caution for a command that depends on the rule."""
        return Caution(parameter, self.interpretations, self.applied, self.evidence)
