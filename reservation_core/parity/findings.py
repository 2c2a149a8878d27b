"""Results of a parity run: values, and the exchanges that show them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias, cast

import attrs

from reservation_core.domain.errors import ReplyError
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.observations import REFUSED_RESULT

ObservedValue: TypeAlias = str | int | float | bool | Mapping[str, str] | None
"""A value that was observed, as JSON."""


STATE_PREFIX: Final = "commands_while_"
"""Beginning of the names of experiments about the commands in a state. The state follows."""


class CouldNotTell(Exception):
    """An experiment ends without a value. The text says why."""


@attrs.frozen(slots=False)
class ParityFailed(ReplyError):
    """A parity run cannot begin.

    :param problem: the reason.
    :param remedy: what to do.
    """

    problem: str
    remedy: str

    def __str__(self) -> str:
        """Name the problem and the remedy."""
        return f"the parity run cannot begin: {self.problem}. {self.remedy}"


@document_members
class Subject(StrEnum):
    """Subject of an experiment."""

    SETTING = "setting"
    """The value of a setting of the emulator."""
    RULE = "rule"
    """A rule that is disputed, inferred or unknown."""
    LIFECYCLE = "lifecycle"
    """The commands that are carried out in a state."""


@attrs.frozen
class Exchange:
    """A request and its reply, without personal values and with shortened SIDs."""

    request: str
    reply: str


@attrs.frozen
class Seen:
    """Result of an experiment: the value, and what shows it in one sentence."""

    value: ObservedValue
    text: str


@attrs.frozen(kw_only=True)
class Finding:
    """Result of one experiment.

    :param name: name of the setting or the rule.
    :param rule: the rule in words.
    :param interpretation: the value by this library's interpretation. Of a state, the names of the
        allowed commands.
    :param evidence: how certain the interpretation is without this finding.
    :param is_known: true if a value was observed.
    :param value: the observed value.
    :param seen: what was seen, or why nothing can be told.
    :param seconds: duration in seconds.
    """

    name: str
    subject: Subject
    rule: str
    interpretation: ObservedValue
    evidence: Evidence
    is_known: bool
    value: ObservedValue = None
    seen: str
    exchanges: tuple[Exchange, ...] = ()
    seconds: float = 0.0

    @property
    def answer(self) -> str:
        """The value as a text, or ``could not tell``."""
        return show_value(self.value) if self.is_known else "could not tell"

    @property
    def expected(self) -> str:
        """The interpretation as a text. Of a state, it leaves out commands that were not tried."""
        if not isinstance(self.value, Mapping):
            return show_value(self.interpretation)
        allowed = str(self.interpretation).split(", ")
        return ", ".join(name for name in self.value if name in allowed) or "none"

    @property
    def is_as_expected(self) -> bool:
        """True unless the value differs from the interpretation."""
        return not self.is_known or self.answer == self.expected


def show_value(value: object) -> str:
    """Return a value for people. Of results by command, that is the commands carried out.

    >>> show_value(True), show_value(None), show_value({"wrap": "wrapping", "accept": "refused"})
    ('true', 'none', 'wrap')
    """
    if isinstance(value, Mapping):
        items = cast("Mapping[str, str]", value).items()
        return ", ".join(name for name, result in items if result != REFUSED_RESULT) or "none"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


@attrs.frozen(kw_only=True)
class ParityReport:
    """Everything that a parity run found out.

    :param made_at: UTC time of the run, in ISO 8601.
    :param platform: the origin that was asked.
    :param workspace: the workspace that was used.
    :param has_voice: true if voice instructions were sent.
    :param is_complete: false if the run was interrupted.
    :param left_over: what could not be deleted, with the reason.
    """

    made_at: str
    platform: str
    workspace: str
    has_voice: bool
    is_complete: bool
    findings: tuple[Finding, ...]
    left_over: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, ObservedValue]:
        """The observed values of the emulator's settings, by name."""
        return {
            finding.name: finding.value
            for finding in self.findings
            if finding.subject is Subject.SETTING and finding.is_known
        }
