"""The form of an update, read as the emulated platform reads it.

It is tolerant by default and as strict as the settings say. Only the commands know the parameters:
a form is normalized here and then parsed by :meth:`Command.from_form`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD, STATUS_FIELD
from reservation_core.domain.errors import InvalidCommand, ReservationError, Violation
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


def read_update(form: FormPairs, settings: Settings) -> Command | Status | None:
    """Parse the form of an update.

    :returns: a command; a status that only the platform is known to set; or ``None`` for an empty
        update. The last two only where a setting allows it.
    :raises InvalidCommand: if the form is not valid. It has every violation.
    """
    pairs = _drop_ignored_choice(form, settings.both_given)
    choices = [pair for pair in pairs if pair[0] in _COMMAND_FIELDS]
    if not choices and settings.neither_given is EmptyUpdate.UNCHANGED:
        return None
    if len(choices) == 1:
        name, word = choices[0][0], choices[0][1].lower()
        is_system_status = name == STATUS_FIELD and word in _SYSTEM_STATUSES
        if is_system_status and settings.system_status is SystemStatus.CARRIED_OUT:
            return Status(word)
        if is_system_status:
            rule = "is not a status that a client may set"
            remedy = f"give one of {_CLIENT_STATUSES}"
            raise InvalidCommand.of("Command", name, rule, repr(word), remedy)
        own = _PARAMETERS.get((name, word), _ALL_PARAMETERS)
        pairs = tuple(_drop_ignored_parameters(pairs, own, settings))
    if settings.strict:
        _refuse_unknown(pairs)
    return Command.from_form(pairs)


def _drop_ignored_choice(form: FormPairs, both: StatusAndInstruction) -> FormPairs:
    """Of both a status and an instruction, drop the ignored one."""
    if both is StatusAndInstruction.REFUSED or not {name for name, _ in form} >= _COMMAND_FIELDS:
        return form
    keeps_status = both is StatusAndInstruction.STATUS
    ignored = INSTRUCTION_FIELD if keeps_status else STATUS_FIELD
    return tuple(pair for pair in form if pair[0] != ignored)


def _drop_ignored_parameters(
    pairs: FormPairs, own: frozenset[str], settings: Settings
) -> Iterable[tuple[str, str]]:
    drops_foreign = settings.foreign_parameters is ForeignParameters.IGNORED and not settings.strict
    drops_blank = settings.blank_values is BlankValues.UNSET
    for name, text in pairs:
        is_foreign = name in _ALL_PARAMETERS and name not in own
        is_ignored = (drops_foreign and is_foreign) or (drops_blank and not text)
        if name in _COMMAND_FIELDS or not is_ignored:
            yield name, text


def _refuse_unknown(pairs: FormPairs) -> None:
    names = dict.fromkeys(name for name, _ in pairs)
    violations = tuple(
        Violation(name, "", "is not a parameter", "<not shown>", "leave it out")
        for name in names
        if name not in _ALL_PARAMETERS and name not in _COMMAND_FIELDS
    )
    if violations:
        raise InvalidCommand("Command", violations)
