"""Texts of errors and cautions in the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from reservation_core.cli.console import describe_no_command
from reservation_core.cli.names import COMMANDS_BY_NAME, name_command, name_flag
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import SetStatus
from reservation_core.domain.commands.cautions import Caution
from reservation_core.domain.commands.extra import EXTRA_FIELD
from reservation_core.domain.commands.parsing import (
    CALLBACK_INSTRUCTION_FIELD,
    INSTRUCTION_FIELD,
    STATUS_FIELD,
)
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.lifecycle import STATUS_TRIGGERS, label_state
from reservation_core.domain.refusals import CommandNotAllowed

_NAMES: Final = {command.__name__: name for name, command in COMMANDS_BY_NAME.items()}

_WORDS: Final = (
    (r", or pass (?:Credentials|base_url)\b", ""),
    (r", or set allow_plain_http=True", ""),
    (r"\bbase_url\b", "--base-url"),
    (rf"\b(?:{'|'.join(STATUS_TRIGGERS)})\b", name_command(SetStatus)),
    (r"send the command with perform\(\)", "send the command with send"),
    (r"Use the task route", "Use --route task"),
    (r"Continue with this error's reservation, or [^.]*\.", "Look at it with show."),
    (r"Continue from the reservation that this error carries\.", "Look at it with show."),
    (r" With a book, call book\.resume\([^)]*\)\.", ""),
    (r" If the hold is over, give it up with released\(\)[^.]*\.release\(sid\)\.", ""),
    (r" If it is still allowed and may act twice, set Policy\.repeat_unknown\.", ""),
    (r" If there are no concurrent writers, set Policy\.sole_writer\.", ""),
    (r"Decide by that status: this error's unknown_status holds it\.", "Decide by that status."),
    (r"Decide by this error's raw_status\. [^.]*\.", "Decide by that status."),
    (r"Check the gateway's credentials\.", "Check the credentials in the environment."),
    (r"check the gateway's base URL\.", "check --base-url."),
)
"""Phrases for a Python caller, with the phrases of the command line that replace them."""


def describe_error(error: Exception) -> str:
    """Return the text of an error, with names and remedies as typed."""
    text = str(error)
    if isinstance(error, CommandNotAllowed):
        text = _describe_refusal(error)
    if isinstance(error, InvalidCommand):
        known = _fields(error.command)
        violations = tuple(_name_flags(violation, known) for violation in error.violations)
        text = str(InvalidCommand(_NAMES.get(error.command, error.command), violations))
    for words, instead in _WORDS:
        text = re.sub(words, instead, text)
    return re.sub(r"\b([A-Z]\w+)\(\)", lambda match: _NAMES.get(match[1], match[0]), text)


def describe_caution(caution: Caution, command: type[Command]) -> str:
    """Return the text of a caution, with the flags of its parameters."""
    flags = {
        name: name_flag(parameter.field)
        for parameter in command.parameters
        if parameter.wire_name != STATUS_FIELD
        for name in (parameter.wire_name, parameter.callback_name)
    }
    command_fields = (STATUS_FIELD, INSTRUCTION_FIELD, CALLBACK_INSTRUCTION_FIELD)
    own: dict[str, str] = {field: name_command(command) for field in command_fields}
    name, text = caution.parameter, str(caution).removeprefix(caution.parameter)
    needs = re.sub(
        r"(?<=without )\w+(?: or \w+)*",
        lambda words: " or ".join(flags.get(word, word) for word in words[0].split(" or ")),
        text,
    )
    return f"{own.get(name) or flags.get(name, name_flag(EXTRA_FIELD))} ({name}){needs}"


def error_document(name: str, message: str) -> dict[str, object]:
    """Return an error as a JSON object.

    :param name: the class of the error.
    """
    return {"error": {"class": name, "message": message}}


def _describe_refusal(error: CommandNotAllowed) -> str:
    instead = ", ".join(map(name_command, error.allowed)) or describe_no_command(error.state)
    text = (
        f"{name_command(type(error.command))} is refused while {label_state(error.state)}: "
        f"{error.reason}. Allowed instead: {instead}."
    )
    return text if error.evidence.is_certain else f"{text} --no-strict sends it."


def _name_flags(violation: Violation, known: Collection[str]) -> Violation:
    """Name the flag of a violation, and that of its remedy."""
    name, field = violation.parameter, violation.field
    remedy = re.sub(
        r"(?<=^use )the field (\w+)$", lambda match: name_flag(match[1]), violation.remedy
    )
    if field == EXTRA_FIELD:
        flag = name_flag(EXTRA_FIELD)
        name = flag if name == EXTRA_FIELD else f"{flag} ({name})"
    elif field in known:
        name = name_flag(field)
    return violation._replace(parameter=name, remedy=remedy)


def _fields(command_name: str) -> tuple[str, ...]:
    command = COMMANDS_BY_NAME.get(_NAMES.get(command_name, ""))
    return () if command is None else tuple(each.field for each in command.parameters)
