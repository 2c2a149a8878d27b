"""Parsing of commands from forms and from callback JSON.

Callback JSON is the JSON object that answers an assignment callback.

Deviations that the platform is known to tolerate are read with a caution. Ambiguous input is a
violation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, cast

from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.commands.extra import EXTRA_FIELD, FormPairs
from reservation_core.domain.commands.kinds import (
    MultipleChoice,
    Value,
    encode_value,
    to_callback_json,
)
from reservation_core.domain.commands.parameters import Parameter
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.redaction import mask, shorten

STATUS_FIELD: Final = "ReservationStatus"
INSTRUCTION_FIELD: Final = "Instruction"
CALLBACK_INSTRUCTION_FIELD: Final = "instruction"
"""The key of the instruction in the JSON that answers an assignment callback."""

UNKNOWN_INSTRUCTION_CODE: Final = 55555
"""The platform's error number for an unknown instruction."""

_CHOSEN_BY_CLASS: Final = "it is chosen by the class of the command"
_MAX_INTEGER: Final = 10**18  # above every parameter's maximum; str() of a huge int would raise
_ALIASES: Final = {"DequeueStatusCallbackEvents": "DequeueStatusCallbackEvent"}  # the worker SDK's


class Syntax(NamedTuple):
    """The facts about one command that parsing needs.

    :param name: the name of its class.
    :param trigger: its name in the lifecycle, and its instruction in a callback.
    :param first_pair: the first pair of its form: its status or instruction.
    :param constants: the fields whose values follow from the first pair.
    """

    name: str
    trigger: str
    first_pair: tuple[str, str]
    parameters: tuple[Parameter, ...]
    constants: Mapping[str, Value] = {}
    can_answer_callback: bool = True


class ParsedCommand(NamedTuple):
    """Result of parsing a command. Its values are not validated yet.

    :param fields: the decoded values by field.
    :param violations: the violations of the form itself, such as a repeated parameter.
    """

    syntax: Syntax
    fields: dict[str, object]
    violations: tuple[Violation, ...]
    cautions: tuple[Caution, ...]


def require_pairs(pairs: object) -> None:
    """Raise TypeError for the text or the mapping of a form."""
    kind = type(pairs)
    if issubclass(kind, (str, bytes, Mapping)) or not issubclass(kind, Iterable):
        raise TypeError(
            f"not the pairs of a form: it is of type {kind.__name__}. Give names and values, such "
            "as form.items() or parse_qsl(body)"
        )


def require_object(document: object) -> None:
    """Raise TypeError for anything but a mapping, such as a text."""
    if not isinstance(document, Mapping):
        raise TypeError(
            f"not the object of an instruction: it is of type {type(document).__name__}. Give a "
            "mapping, such as json.loads(body)"
        )


def parse_form(pairs: FormPairs, syntaxes: Collection[Syntax]) -> ParsedCommand:
    """Parse a form.

    :param syntaxes: the commands to choose from.
    :raises InvalidCommand: if the form does not name exactly one of the commands.
    """
    texts: dict[str, list[str]] = {}
    cautions: list[Caution] = []
    for name, text in pairs:
        if name in _ALIASES:
            oddity, applied = "the worker SDK uses this name", f"read as {_ALIASES[name]}"
            cautions.append(_tolerated(name, oddity, Source.WORKER_SDK, applied))
        texts.setdefault(_ALIASES.get(name, name), []).append(text)

    syntax = _pop_command(texts, syntaxes, cautions)
    parameters = {parameter.wire_name: parameter for parameter in syntax.parameters}
    owners = {p.wire_name: owner.name for owner in syntaxes for p in owner.parameters}
    fields: dict[str, object] = {**syntax.constants}
    violations: list[Violation] = []
    unknown: set[str] = set()
    for name, values in texts.items():
        if parameter := parameters.get(name):
            if len(values) > 1 and not isinstance(parameter.kind, MultipleChoice):
                shown = ", ".join(map(parameter.kind.show, values))
                rule = "is given more than once"
                violations.append(Violation(name, parameter.field, rule, shown, "give it once"))
                continue
            fields[parameter.field] = value = parameter.kind.decode(values)
            if parameter.kind.find_problem(value) is None and encode_value(value) != tuple(values):
                cautions.append(_respelled(name, parameter.kind.show(value)))
        elif name in owners:
            rule = f"is not a parameter of {syntax.name}"
            remedy = f"leave it out, or use the command it belongs to: {owners[name]}"
            violations.append(Violation(name, "", rule, "<not shown>", remedy))
        else:
            unknown.add(name)
    fields[EXTRA_FIELD] = tuple(pair for pair in pairs if pair[0] in unknown)
    return ParsedCommand(syntax, fields, tuple(violations), tuple(cautions))


def find_known_names(own: Collection[Parameter], syntaxes: Collection[Syntax]) -> dict[str, str]:
    """Return the remedies for extra parameters with known names, by name."""
    owners = {p.wire_name: syntax.name for syntax in syntaxes for p in syntax.parameters}
    remedies = {name: f"use the command it belongs to: {owner}" for name, owner in owners.items()}
    remedies |= {p.wire_name: f"use the field {p.field}" for p in own}
    remedies |= {alias: remedies[name] for alias, name in _ALIASES.items()}
    return {**remedies, **dict.fromkeys((STATUS_FIELD, INSTRUCTION_FIELD), _CHOSEN_BY_CLASS)}


def find_known_callback_names(own: Collection[Parameter]) -> dict[str, str]:
    """Return the remedies for known names of a callback, by name."""
    remedies = {p.callback_name: f"use the field {p.field}" for p in own}
    return {**remedies, CALLBACK_INSTRUCTION_FIELD: _CHOSEN_BY_CLASS}


def _pop_command(
    texts: dict[str, list[str]], syntaxes: Collection[Syntax], cautions: list[Caution]
) -> Syntax:
    """Remove the status or instruction, and return its command."""
    found = [
        (name, text) for name in (STATUS_FIELD, INSTRUCTION_FIELD) for text in texts.pop(name, [])
    ]
    if len(found) != 1:
        rule = "exactly one status or instruction must be given"
        if len({name for name, _ in found}) == 1:
            rule += ", once"
        shown = mask(", ".join(f"{name}={text}" for name, text in found)) or "<unset>"
        name = found[0][0] if found else INSTRUCTION_FIELD
        remedy = f"give one {STATUS_FIELD} or one {INSTRUCTION_FIELD}"
        raise InvalidCommand.of("Command", name, rule, shown, remedy)
    ((name, text),) = found
    word = text.lower()
    known = {syntax.first_pair: syntax for syntax in syntaxes}
    if (name, word) not in known:
        words = ", ".join(known_word for field, known_word in known if field == name)
        rule, code = "is not a status that a client may set", None
        if name == INSTRUCTION_FIELD:
            rule, code = "is not an instruction", UNKNOWN_INSTRUCTION_CODE
        remedy = f"give one of {words}"
        raise InvalidCommand.of("Command", name, rule, shorten(text), remedy, code)
    if word != text:
        oddity, source = "the platform ignores the letter case", Source.CHANGELOG_TASKROUTER
        if name == INSTRUCTION_FIELD:
            oddity = "the parameter tables write instructions with a capital letter"
            source = Source.RESERVATIONS
        cautions.append(_tolerated(name, oddity, source, f"read as {word}", Evidence.DOCUMENTED))
    return known[name, word]


def parse_instruction(
    document: Mapping[str, object], syntaxes: Collection[Syntax]
) -> ParsedCommand:
    """Parse the JSON object that answers an assignment callback.

    :param syntaxes: the commands to choose from.
    :raises InvalidCommand: if the object does not name one of the commands.
    """
    cautions: list[Caution] = []
    violations: list[Violation] = []
    fields: dict[str, object] = {}
    extra: list[tuple[str, str]] = []
    syntax = _find_instruction(document, syntaxes, cautions)
    parameters = {parameter.callback_name: parameter for parameter in syntax.parameters}
    known = find_known_names(syntax.parameters, syntaxes)
    for name, value in document.items():
        if name == CALLBACK_INSTRUCTION_FIELD or value is None:
            continue
        parameter, texts = parameters.get(name), _to_texts(value)
        if parameter is None and texts and name not in known:
            extra += [(name, text) for text in texts]
            continue
        if parameter is None:
            cautions.append(_dropped(name))
            continue
        if not texts or (len(texts) > 1 and not isinstance(parameter.kind, MultipleChoice)):
            remedy = f"give {parameter.kind.describe()}"
            violations.append(parameter.violation("is not a single value", "<not shown>", remedy))
            continue
        fields[parameter.field] = decoded = parameter.kind.decode(texts)
        if parameter.kind.find_problem(decoded) is None and to_callback_json(decoded) != value:
            cautions.append(_respelled(name, parameter.kind.show(decoded)))
    fields[EXTRA_FIELD] = tuple(extra)
    return ParsedCommand(syntax, fields, tuple(violations), tuple(cautions))


def _find_instruction(
    document: Mapping[str, object], syntaxes: Collection[Syntax], cautions: list[Caution]
) -> Syntax:
    text = document.get(CALLBACK_INSTRUCTION_FIELD)
    word = text.lower() if isinstance(text, str) else ""
    known = {syntax.trigger: syntax for syntax in syntaxes if syntax.can_answer_callback}
    if word not in known:
        rule, shown, code = "is required", "<unset>", None
        if text is not None:
            rule, shown = "is not an instruction for a callback", shorten(text)
            code = UNKNOWN_INSTRUCTION_CODE
        remedy = f"give one of {', '.join(known)}"
        raise InvalidCommand.of("Command", CALLBACK_INSTRUCTION_FIELD, rule, shown, remedy, code)
    if word != text:
        cautions.append(_respelled(CALLBACK_INSTRUCTION_FIELD, word))
    return known[word]


def _to_texts(value: object) -> tuple[str, ...]:
    """Return the form texts of a JSON value, none if inexpressible."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return tuple(map(str, items)) if all(isinstance(item, str) for item in items) else ()
    if isinstance(value, str) or (isinstance(value, int) and abs(value) <= _MAX_INTEGER):
        return encode_value(value)
    return ()


def _respelled(name: str, shown: str) -> Caution:
    oddity = "other clients write this value in this way"
    return _tolerated(name, oddity, Source.WORKER_SDK, f"read as {shown}")


def _dropped(name: str) -> Caution:
    oddity = "the platform ignores unknown parameters (20001)"
    return _tolerated(name, oddity, Source.ERROR_DICTIONARY, "dropped")


def _tolerated(
    parameter: str,
    oddity: str,
    source: Source,
    applied: str,
    evidence: Evidence = Evidence.OBSERVED,
) -> Caution:
    interpretations = (
        Interpretation(oddity, source),
        Interpretation("the API description does not mention it", Source.OPENAPI),
    )
    return Caution(parameter, interpretations, applied, evidence)
