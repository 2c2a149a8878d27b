"""The form of an update, read as the emulated platform reads it.

It is tolerant by default and as strict as the settings say. Only the commands know the parameters:
a form is normalized here and then parsed by :meth:`Command.from_form`. Each thing that is tolerated
is a caution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD, STATUS_FIELD
from reservation_core.domain.errors import InvalidCommand, ReservationError, Violation
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import Status
from reservation_core.emulator.platform.settings import (
    BlankValues,
    EmptyUpdate,
    ForeignParameters,
    Settings,
    StatusAndInstruction,
    SystemStatus,
)
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from reservation_core.rest.urlencoding import decode_form

_COMMAND_FIELDS: Final = frozenset({STATUS_FIELD, INSTRUCTION_FIELD})
"""Fields that choose the command. An update has one of them."""

_PARAMETERS: Final = {
    command.first_pair: frozenset(parameter.wire_name for parameter in command.parameters)
    for command in COMMANDS
}
"""Names of each command's parameters, by the field and value that choose the command."""

_ALL_PARAMETERS: Final = frozenset[str]().union(*_PARAMETERS.values())
_BLANK_IS_UNSET: Final = _COMMAND_FIELDS | {
    parameter.wire_name
    for command in COMMANDS
    for parameter in command.parameters
    if parameter.kind.find_problem("") is not None
}
"""Names whose empty text has no meaning. That of WaitUrl does: silence as hold music."""

_MAX_VIOLATIONS: Final = 100
_CLIENT_STATUSES: Final = ", ".join(word for name, word in _PARAMETERS if name == STATUS_FIELD)
_SYSTEM_STATUSES: Final = frozenset(status.value for status in Status) - {
    word for name, word in _PARAMETERS if name == STATUS_FIELD
}
_broken_escape: Final = re.compile("%(?![0-9A-Fa-f]{2})").search
_charset: Final = re.compile(r";\s*charset=\"?([^\s\";]+)", re.IGNORECASE).search


@attrs.frozen(slots=False)
class UnreadableRequest(ReservationError):
    """A request's body or query cannot be read.

    ``status`` is the HTTP status of the reply.
    """

    status: int
    reason: str

    def __str__(self) -> str:
        """Name the reason and the HTTP status."""
        return f"{self.reason} (answered {self.status})"


def read_pairs(text: bytes | str) -> FormPairs:
    """Decode a form or a query: percent-encoded UTF-8.

    :raises UnreadableRequest: if it is not, or has more than 1,000 fields.
    """
    try:
        decoded = text.decode() if isinstance(text, bytes) else text.encode("ascii").decode()
    except UnicodeError:
        raise UnreadableRequest(400, "The form or query is not percent-encoded UTF-8") from None
    if _broken_escape(decoded):
        raise UnreadableRequest(400, "The form or query has an incomplete percent-escape")
    try:
        return decode_form(decoded)
    except ValueError as error:
        raise UnreadableRequest(400, f"The body or query is {error}") from None


def check_content_type(content_type: str) -> None:
    """Accept the content type of a form in UTF-8, or none.

    :raises UnreadableRequest: if it is another type or another encoding.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    charset = _charset(content_type)
    is_utf8 = charset is None or charset[1].lower() in ("utf-8", "utf8", "us-ascii")
    if media_type not in ("", FORM_CONTENT_TYPE) or not is_utf8:
        raise UnreadableRequest(415, f"The body must be {FORM_CONTENT_TYPE} in UTF-8")


class UpdateReading(NamedTuple):
    """Result of reading the form of an update.

    :param update: a command; a status that only the platform is known to set; or ``None`` for an
        empty update. The last two only where a setting allows it.
    :param cautions: what is tolerated in the form, although no documentation shows it.
    """

    update: Command | Status | None
    cautions: tuple[Caution, ...] = ()


def read_update(form: FormPairs, settings: Settings) -> UpdateReading:
    """Parse the form of an update.

    :raises InvalidCommand: if the form is not valid. It has every violation.
    """
    cautions: list[Caution] = []
    pairs = form if settings.strict else _drop_tolerated(form, settings, cautions)
    choices = [pair for pair in pairs if pair[0] in _COMMAND_FIELDS]
    if not choices and settings.neither_given is EmptyUpdate.UNCHANGED:
        return UpdateReading(None, tuple(cautions))
    if len(choices) == 1:
        name, word = choices[0][0], choices[0][1].lower()
        is_system_status = name == STATUS_FIELD and word in _SYSTEM_STATUSES
        if is_system_status and settings.system_status is SystemStatus.CARRIED_OUT:
            return UpdateReading(Status(word), tuple(cautions))
        if is_system_status:
            rule = "is not a status that a client may set"
            remedy = f"give one of {_CLIENT_STATUSES}"
            raise InvalidCommand.of("Command", name, rule, repr(word), remedy)
    if settings.strict:
        _refuse_unknown(pairs)
    command = Command.from_form(pairs)
    cautions += (
        each for each in command.parse_cautions if each.evidence is not Evidence.DOCUMENTED
    )
    return UpdateReading(command, tuple(cautions))


def _drop_tolerated(form: FormPairs, settings: Settings, cautions: list[Caution]) -> FormPairs:
    """Return a form without the pairs that the settings ignore."""
    pairs = form
    if settings.blank_values is BlankValues.UNSET:
        pairs = _drop(pairs, _find_blank(pairs), _BLANK, cautions)
    names = {name for name, _ in pairs}
    if settings.both_given is not StatusAndInstruction.REFUSED and names >= _COMMAND_FIELDS:
        is_status = settings.both_given is StatusAndInstruction.STATUS
        ignored = INSTRUCTION_FIELD if is_status else STATUS_FIELD
        pairs = _drop(pairs, [pair for pair in pairs if pair[0] == ignored], _BOTH, cautions)
    if settings.foreign_parameters is ForeignParameters.IGNORED:
        pairs = _drop(pairs, _find_foreign(pairs), _FOREIGN, cautions)
    return pairs


def _find_blank(pairs: FormPairs) -> list[tuple[str, str]]:
    blank = [pair for pair in pairs if not pair[1] and pair[0] in _BLANK_IS_UNSET]
    has_choice = any(name in _COMMAND_FIELDS and text for name, text in pairs)
    return [pair for pair in blank if has_choice or pair[0] not in _COMMAND_FIELDS]


def _find_foreign(pairs: FormPairs) -> list[tuple[str, str]]:
    choices = [(name, text.lower()) for name, text in pairs if name in _COMMAND_FIELDS]
    own = _PARAMETERS.get(choices[0]) if len(choices) == 1 else None
    if own is None:
        return []
    return [pair for pair in pairs if pair[0] in _ALL_PARAMETERS and pair[0] not in own]


class _Tolerance(NamedTuple):
    """Something that is ignored, and the evidence for that.

    :param setting: the setting that decides.
    """

    setting: str
    statement: str
    source: Source
    applied: str
    evidence: Evidence = Evidence.UNKNOWN


_BLANK: Final = _Tolerance(
    "blank_values",
    "the official Node client sends a null as an empty text",
    Source.PUBLIC_CODE,
    "read as not given",
)
_BOTH: Final = _Tolerance(
    "both_given",
    "a live service sends a status and an instruction together",
    Source.PUBLIC_CODE,
    "ignored in favor of the other one",
)
_FOREIGN: Final = _Tolerance(
    "foreign_parameters",
    "it is described as a parameter of another command",
    Source.RESERVATIONS,
    "ignored",
    Evidence.INFERRED,
)


def _drop(
    pairs: FormPairs,
    ignored: Sequence[tuple[str, str]],
    reason: _Tolerance,
    cautions: list[Caution],
) -> FormPairs:
    """Return a form without some pairs, with a caution about each name."""
    if not ignored:
        return pairs
    interpretations = (
        Interpretation(reason.statement, reason.source),
        Interpretation("no source shows the platform's answer", Source.OWN_INTERPRETATION),
    )
    applied = f"{reason.applied} (setting {reason.setting})"
    cautions += [
        Caution(name, interpretations, applied, reason.evidence)
        for name in dict.fromkeys(name for name, _ in ignored)
    ]
    return tuple(pair for pair in pairs if pair not in ignored)


def _refuse_unknown(pairs: FormPairs) -> None:
    known = _ALL_PARAMETERS | _COMMAND_FIELDS
    unknown = list(dict.fromkeys(name for name, _ in pairs if name not in known))
    violations = [
        Violation(name, "", "is not a parameter", "<not shown>", "leave it out")
        for name in unknown[:_MAX_VIOLATIONS]
    ]
    if others := len(unknown[_MAX_VIOLATIONS:]):
        rule = f"has {others} more names that are not parameters"
        violations.append(Violation("(form)", "", rule, "<not shown>", "leave them out"))
    if violations:
        raise InvalidCommand("Command", tuple(violations))
