"""Interpretation a command back, from a form or from an assignment callback's answer.

It says which command it is, what its fields hold, what is wrong with it and what is merely odd.

What the platform is known to tolerate is read with a caution; what would leave open what is meant is a violation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeAlias, cast

from reservation_core.domain.commands.kinds import (
    MultipleChoice,
    Value,
    encode_value,
    to_callback_json,
)
from reservation_core.domain.commands.parameters import Caution, Interpretation, Parameter
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.redaction import mask, shorten

FormPairs: TypeAlias = tuple[tuple[str, str], ...]
"""A form: names and values in the order they are sent."""

STATUS_FIELD: Final = "ReservationStatus"
INSTRUCTION_FIELD: Final = "Instruction"
CALLBACK_INSTRUCTION_FIELD: Final = "instruction"
"""What names the instruction in the answer to an assignment callback."""

UNKNOWN_INSTRUCTION_CODE: Final = 55555
"""The platform's error number for an instruction it does not know."""

_LARGEST: Final = 10**18
"""Beyond every number that a parameter takes; Python would refuse to write some."""


_PLURAL: Final = {
    "DequeueStatusCallbackEvents": "DequeueStatusCallbackEvent"
}  # the worker SDK's name for it


def _tolerated(parameter: str, oddity: str, source: Source, taken: str) -> Caution:
    readings = (
        Interpretation(oddity, source),
        Interpretation("the API description has no such thing", Source.OPENAPI),
    )
    return Caution(parameter, readings, taken, Evidence.OBSERVED)


class ParsedCommand(NamedTuple):
    """What a form was read as: the command's first pair, its fields' values, what is wrong and what is odd."""

    first_pair: tuple[str, str]
    fields: dict[str, Value]
    violations: tuple[Violation, ...]
    cautions: tuple[Caution, ...]


def parse_form(
    pairs: FormPairs, commands: Mapping[tuple[str, str], tuple[str, tuple[Parameter, ...]]]
) -> ParsedCommand:
    """Read a form; ``commands`` gives each command's name and parameters by its first pair.

    :raises InvalidCommand: when it cannot be told which command it is.
    """
    texts: dict[str, list[str]] = {}
    cautions: list[Caution] = []
    for name, text in pairs:
        if name in _PLURAL:
            cautions.append(
                _tolerated(
                    name,
                    "the worker SDK sends the list so",
                    Source.WORKER_SDK,
                    f"read as {_PLURAL[name]}",
                )
            )
        texts.setdefault(_PLURAL.get(name, name), []).append(text)

    head = _read_head(texts, cautions, commands.keys())
    command, own = commands[head]
    parameters = {parameter.wire_name: parameter for parameter in own}
    owners = {
        parameter.wire_name: owner for owner, others in commands.values() for parameter in others
    }
    violations: list[Violation] = []
    fields: dict[str, Value] = {}
    for name, values in texts.items():
        if parameter := parameters.get(name):
            if len(values) > 1 and not isinstance(parameter.kind, MultipleChoice):
                shown = ", ".join(map(parameter.kind.show, values))
                violations.append(
                    Violation(
                        name, parameter.field, "is given more than once", shown, "give it once"
                    )
                )
                continue
            fields[parameter.field] = value = parameter.kind.decode(values)
            if parameter.kind.find_problem(value) is None and encode_value(value) != tuple(values):
                cautions.append(_otherwise(name, parameter.kind.show(value)))
        elif name in owners:
            remedy = f"leave it out, or give the command it belongs to: {owners[name]}"
            violations.append(
                Violation(name, "", f"is not a parameter of {command}", "<not shown>", remedy)
            )
        else:
            cautions.append(_dropped(name))
    return ParsedCommand(head, fields, tuple(violations), tuple(cautions))


def _otherwise(name: str, shown: str) -> Caution:
    return _tolerated(
        name, "other clients write this value otherwise", Source.WORKER_SDK, f"read as {shown}"
    )


def _dropped(name: str) -> Caution:
    return _tolerated(
        name, "unknown parameters are ignored (20001)", Source.ERROR_DICTIONARY, "dropped"
    )


def _read_head(
    texts: dict[str, list[str]], cautions: list[Caution], known: Collection[tuple[str, str]]
) -> tuple[str, str]:
    """Take the one status or the one instruction out of the form, and say which command it is."""
    heads = [
        (name, text) for name in (STATUS_FIELD, INSTRUCTION_FIELD) for text in texts.pop(name, [])
    ]
    if len(heads) != 1:
        rule = "exactly one status or instruction must be given" + (
            ", once" if len({name for name, _ in heads}) == 1 else ""
        )
        shown = mask(", ".join(f"{name}={text}" for name, text in heads)) or "neither"
        name = heads[0][0] if heads else INSTRUCTION_FIELD
        raise InvalidCommand(
            "Command",
            (
                Violation(
                    name, "", rule, shown, f"give one {STATUS_FIELD} or one {INSTRUCTION_FIELD}"
                ),
            ),
        )
    ((name, text),) = heads
    word = text if name == STATUS_FIELD else text.lower()
    if (name, word) not in known:
        words = ", ".join(word for head, word in known if head == name)
        rule = "is no status a client may set" if name == STATUS_FIELD else "is no instruction"
        code = None if name == STATUS_FIELD else UNKNOWN_INSTRUCTION_CODE
        raise InvalidCommand(
            "Command", (Violation(name, "", rule, shorten(text), f"give one of {words}", code),)
        )
    if word != text:
        taken = f"read as {word}"
        cautions.append(
            _tolerated(
                name,
                "the parameter tables write instructions with a capital",
                Source.RESERVATIONS,
                taken,
            )
        )
    return name, word


def parse_instruction(
    said: Mapping[str, object],
    commands: Mapping[str, tuple[tuple[str, str], tuple[Parameter, ...]]],
) -> ParsedCommand:
    """Read the answer to an assignment callback; ``commands`` gives each command's first pair and parameters by its instruction.

    :raises InvalidCommand: when it cannot be told which command it is.
    """
    cautions: list[Caution] = []
    violations: list[Violation] = []
    fields: dict[str, Value] = {}
    head, own = commands[_read_word(said, cautions, commands.keys())]
    parameters = {parameter.callback_name: parameter for parameter in own}
    for name, value in said.items():
        if name == CALLBACK_INSTRUCTION_FIELD or value is None:
            continue
        parameter = parameters.get(name)
        if parameter is None:
            cautions.append(_dropped(name))
        elif (texts := _texts(value)) is None or (
            len(texts) > 1 and not isinstance(parameter.kind, MultipleChoice)
        ):
            broken = (
                "is no single value",
                "<not shown>",
                f"give {parameter.kind.describe()}",
                parameter.info.code,
            )
            violations.append(Violation(parameter.wire_name, parameter.field, *broken))
        else:
            fields[parameter.field] = read = parameter.kind.decode(texts)
            if parameter.kind.find_problem(read) is None and to_callback_json(read) != value:
                cautions.append(_otherwise(name, parameter.kind.show(read)))
    return ParsedCommand(head, fields, tuple(violations), tuple(cautions))


def _texts(value: object) -> tuple[str, ...] | None:
    """Write what JSON can hold as a form would; ``None`` for what no form can say."""
    if isinstance(value, list):
        words = cast("list[object]", value)
        return (
            tuple(map(str, words))
            if words and all(isinstance(word, str) for word in words)
            else None
        )
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    return encode_value(value) if isinstance(value, (str, int)) else None


def _read_word(said: Mapping[str, object], cautions: list[Caution], known: Collection[str]) -> str:
    text = said.get(CALLBACK_INSTRUCTION_FIELD)
    word = text.lower() if isinstance(text, str) else ""
    if word not in known:
        unknown = (
            "is no instruction that can be given here",
            shorten(text),
            UNKNOWN_INSTRUCTION_CODE,
        )
        rule, shown, code = ("is required", "nothing", None) if text is None else unknown
        raise InvalidCommand(
            "Command",
            (
                Violation(
                    CALLBACK_INSTRUCTION_FIELD,
                    "",
                    rule,
                    shown,
                    f"give one of {', '.join(known)}",
                    code,
                ),
            ),
        )
    if word != text:
        cautions.append(_otherwise(CALLBACK_INSTRUCTION_FIELD, word))
    return word
