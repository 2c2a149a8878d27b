"""Reading what an update asks for, as the emulated platform takes it: tolerant by default, and as its settings say.

What a parameter is, only the commands know: a form is made regular here and then read by :meth:`Command.from_form`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD, STATUS_FIELD, FormPairs
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

MAX_FIELDS: Final = 1000
"""How many pairs a form or a query may have; a command has at most 33, one of which may be repeated seven times."""

_HEADS: Final = frozenset({STATUS_FIELD, INSTRUCTION_FIELD})
_OWN: Final = {
    command.first_pair: frozenset(p.wire_name for p in command.parameters) for command in COMMANDS
}
_KNOWN: Final = frozenset[str]().union(*_OWN.values())
_SYSTEM: Final = frozenset(status.value for status in Status) - {
    word for name, word in _OWN if name == STATUS_FIELD
}
_broken_escape: Final = re.compile("%(?![0-9A-Fa-f]{2})").search
_charset: Final = re.compile(r";\s*charset=\"?([^\s\";]+)", re.IGNORECASE).search


@attrs.frozen(slots=False)
class UnreadableRequest(ReservationError):
    """A request whose body or query cannot be read at all; ``status`` is the HTTP status it is answered with."""

    status: int
    reason: str

    def __str__(self) -> str:
        """Say what is wrong, and with which status it is answered."""
        return f"{self.reason} (answered {self.status})"


def read_pairs(text: bytes | str) -> FormPairs:
    """Read a form, or a query, that is percent-encoded UTF-8.

    :raises UnreadableRequest: when it is not, or has too many pairs.
    """
    try:
        decoded = (text.encode("ascii") if isinstance(text, str) else text).decode()
        if _broken_escape(decoded):
            raise UnreadableRequest(400, "The form or query has a % that begins no code")
        pairs = parse_qsl(
            decoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeError:
        raise UnreadableRequest(400, "The form or query is not percent-encoded UTF-8") from None
    except ValueError:
        raise UnreadableRequest(
            400, f"The form or query has more than {MAX_FIELDS} parameters"
        ) from None
    return tuple(pairs)


def check_type(content_type: str) -> None:
    """Let only a form pass; no stated type is taken for one.

    :raises UnreadableRequest: for any other type, or a form in another encoding than UTF-8.
    """
    kind = content_type.partition(";")[0].strip().lower()
    charset = _charset(content_type)
    if kind not in ("", FORM_CONTENT_TYPE) or (
        charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii")
    ):
        raise UnreadableRequest(415, f"The body must be {FORM_CONTENT_TYPE} in UTF-8")


def read_update(form: FormPairs, settings: Settings) -> Command | Status | None:
    """Read an update: the command, or a status that only the platform is known to set, or nothing where that is let pass.

    :raises InvalidCommand: when it is none, with every violation.
    """
    pairs = _choose(form, settings.both_given)
    heads = [pair for pair in pairs if pair[0] in _HEADS]
    if not heads and settings.neither_given is EmptyUpdate.UNCHANGED:
        return None
    if len(heads) == 1:
        name, word = heads[0]
        if (
            name == STATUS_FIELD
            and word in _SYSTEM
            and settings.system_status is SystemStatus.CARRIED_OUT
        ):
            return Status(word)
        own = _OWN.get((name, word.lower()), _KNOWN)
        pairs = tuple(_regular(pairs, own, settings))
    if settings.strict:
        _refuse_unknown(pairs)
    return Command.from_form(pairs)


def _choose(form: FormPairs, both: StatusAndInstruction) -> FormPairs:
    """Leave out what is passed over when a status and an instruction are given."""
    passed_over = {
        StatusAndInstruction.INSTRUCTION: STATUS_FIELD,
        StatusAndInstruction.STATUS: INSTRUCTION_FIELD,
    }.get(both)
    if passed_over is None or not {name for name, _ in form} >= _HEADS:
        return form
    return tuple(pair for pair in form if pair[0] != passed_over)


def _regular(
    pairs: FormPairs, own: frozenset[str], settings: Settings
) -> Iterable[tuple[str, str]]:
    """Leave out the parameters that are ignored."""
    foreign = settings.foreign_parameters is ForeignParameters.IGNORED and not settings.strict
    blank = settings.blank_values is BlankValues.UNSET
    for name, text in pairs:
        if name in _HEADS or not (
            (foreign and name in _KNOWN and name not in own) or (blank and not text)
        ):
            yield name, text


def _refuse_unknown(pairs: FormPairs) -> None:
    unknown = dict.fromkeys(name for name, _ in pairs if name not in _KNOWN and name not in _HEADS)
    if unknown:
        broken = (
            Violation(name, "", "is not a parameter", "<not shown>", "leave it out")
            for name in unknown
        )
        raise InvalidCommand("Command", tuple(broken))
