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

    :param parameter: the name of the parameter on the wire.
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
    """

    condition: Callable[[object, object], bool]
    interpretations: tuple[Interpretation, Interpretation]
    applied: str
    evidence: Evidence = Evidence.DOCUMENTED

    def to_caution(self, parameter: str) -> Caution:
        """Return the caution for a command that depends on the rule."""
        return Caution(parameter, self.interpretations, self.applied, self.evidence)
