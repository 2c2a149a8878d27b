"""The base class of the commands.

The fields of a command are its parameters. Everything else follows from the lines that declare a
parameter: the constructor and its static types, the validation, the wire name, the form and its
parsing, the callback name, the redaction and the documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final, Self, TypeVar, cast, dataclass_transform

import attrs

from reservation_core.domain.commands.cautions import Caution, Dispute
from reservation_core.domain.commands.compiled import compile_methods
from reservation_core.domain.commands.extra import (
    EXTRA_FIELD,
    NOT_SHOWN,
    FormPairs,
    find_extra_cautions,
    find_extra_violation,
    show_extra,
)
from reservation_core.domain.commands.kinds import (
    Value,
    encode_value,
    to_callback_json,
)
from reservation_core.domain.commands.parameters import (
    Parameter,
    Rule,
    find_cautions,
)
from reservation_core.domain.commands.parsing import (
    CALLBACK_INSTRUCTION_FIELD,
    ParsedCommand,
    Syntax,
    find_known_callback_names,
    find_known_names,
    parse_form,
    parse_instruction,
    require_object,
    require_pairs,
)
from reservation_core.domain.errors import InvalidCommand, InvalidDocument, Violation, hides_locals

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def _inherit_fields(base: type[_T]) -> type[_T]:
    """Let type checkers inherit the fields of the base class."""
    return base


@_inherit_fields
@attrs.frozen(kw_only=True, eq=False, repr=False, slots=False)
class Command:
    """Base class of the commands. A frozen value.

    Each field is one parameter. It is ``None`` if it is not set.

    :raises InvalidCommand: if a command is built from invalid values. It names all broken rules.
    """

    extra: FormPairs = attrs.field(default=(), kw_only=True)
    """Further parameters, as pairs of a name and a value. They are sent as given, after the others.

    They are for parameters that this library does not know.
    """

    trigger: ClassVar[str]
    """The name of the command in the lifecycle, such as ``conference``."""
    first_pair: ClassVar[tuple[str, str]]
    """The first pair of its form: the status it sets, or the instruction it gives."""
    description: ClassVar[str] = ""
    """Its docstring without the parameters."""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    """Its parameters, in the order of the platform's reference."""
    rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules over several of its parameters."""
    disputes: ClassVar[tuple[Dispute, ...]] = ()
    """Disputes about the command itself, independent of its parameters."""
    can_answer_callback: ClassVar[bool] = True
    """True if the command may answer an assignment callback."""
    is_task_route_only: ClassVar[bool] = False
    """True if the worker route does not have the command."""
    _parse_cautions: ClassVar[tuple[Caution, ...]] = ()  # set on an instance that parsing makes

    def __init__(self) -> None:
        raise TypeError("Command is the base class of the commands. Build one of the nine.")

    def __attrs_post_init__(self) -> None:
        # A class inherits it until its first command is built. Then the class gets the compiled
        # methods.
        declared = next(kind for kind in type(self).__mro__ if "parameters" in vars(kind))
        methods = compile_methods(declared, self._first_pairs(), self.parameters, self.rules)
        for name, method in methods.items():
            method.__doc__ = getattr(Command, name, method).__doc__
            setattr(declared, name, method)
        self._require_valid()

    def _require_valid(self) -> None:
        if violations := self._find_violations():
            raise InvalidCommand(type(self).__name__, violations)

    def _find_violations(self) -> tuple[Violation, ...]:
        parameters = {parameter.field: parameter for parameter in self.parameters}
        values: dict[str, object] = {field: getattr(self, field) for field in parameters}
        found: dict[str, Violation] = {}
        for field, parameter in parameters.items():
            if violation := parameter.find_violation(values[field]):
                found[field] = violation
        for rule in self.rules:
            arguments = [values[field] for field in rule.fields]
            if None in arguments or found.keys() & set(rule.fields):
                continue
            if rule.is_broken(*arguments):
                blamed = parameters[rule.fields[0]]
                shown = blamed.kind.show(arguments[0])
                found[blamed.field] = Violation(
                    blamed.wire_name, blamed.field, rule.rule, shown, rule.remedy
                )
        violations = [found[field] for field in parameters if field in found]
        if self.extra != ():
            known = find_known_names(self.parameters, _SYNTAXES)
            violations += filter(None, [find_extra_violation(self.extra, known)])
        return tuple(violations)

    @property
    def is_accepting(self) -> bool:
        """True if the ``accept`` flag of a call or redirect is set."""
        return getattr(self, "accept", None) is True

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """The cautions about the command as a form, and its parsed text."""
        return self._find_cautions(is_callback=False)

    @property
    def callback_cautions(self) -> tuple[Caution, ...]:
        """The cautions about the command as the answer to an assignment callback.

        They use the callback's names, and include rules that concern only callbacks.
        """
        return self._find_cautions(is_callback=True)

    @property
    def parse_cautions(self) -> tuple[Caution, ...]:
        """The cautions about the text that the command was parsed from.

        It is empty for a command that was built.
        """
        return self._parse_cautions

    def _find_cautions(self, *, is_callback: bool) -> tuple[Caution, ...]:
        name = CALLBACK_INSTRUCTION_FIELD if is_callback else self.first_pair[0]
        own = [
            dispute.to_caution(name)
            for dispute in self.disputes
            if dispute.is_met(self, self, is_callback=is_callback)
        ]
        others = find_cautions(self, self.parameters, is_callback=is_callback)
        return (*self._parse_cautions, *own, *others, *find_extra_cautions(self.extra))

    def form(self) -> FormPairs:
        """Return the form that the official client would send.

        The pairs of wire names and texts are in the order of the platform's reference. Unset
        parameters are left out.

        >>> Accept().form()
        (('ReservationStatus', 'accepted'),)
        """
        pairs = list(self._first_pairs())
        for parameter in self.parameters:
            if (value := getattr(self, parameter.field)) is not None:
                pairs += [(parameter.wire_name, text) for text in encode_value(value)]
        return (*pairs, *self.extra)

    def _first_pairs(self) -> FormPairs:
        """Return the pairs that no parameter gives."""
        is_parameter = self.first_pair[0] in {p.wire_name for p in self.parameters}
        return () if is_parameter else (self.first_pair,)

    def to_dict(self) -> dict[str, object]:
        """Return a dict of JSON types, with personal and secret values.

        It holds the pairs of :meth:`form`. Use it for queues and caches, not for logs.

        >>> Accept().to_dict()
        {'form': [['ReservationStatus', 'accepted']]}
        """
        return {"form": [list(pair) for pair in self.form()]}

    def to_redacted_dict(self) -> dict[str, object]:
        """Return a dict of JSON types, with sensitive values redacted.

        It has the form of :meth:`to_dict`. Use it for logs and for clients.
        """
        shown = [[p.wire_name, p.kind.show(value)] for p, value in self._set()]
        extra = [[name, NOT_SHOWN] for name, _ in self.extra]
        return {"form": [*map(list, self._first_pairs()), *shown, *extra]}

    @classmethod
    @hides_locals(InvalidCommand, InvalidDocument)
    def from_dict(cls, document: Mapping[str, object]) -> Self:
        """Return the command of a document of :meth:`to_dict`.

        :raises InvalidDocument: if ``form`` is not a list of pairs of texts.
        :raises InvalidCommand: as :meth:`from_form` does.
        """
        pairs = _read_pairs(document)
        if pairs is None:
            raise InvalidDocument(cls.__name__, ("form is not a list of pairs of texts",))
        return cls.from_form(pairs)

    def instruction(self) -> dict[str, str | int | bool]:
        """Return the JSON object that answers an assignment callback with this command.

        Lists are joined by commas. The platform's callback page does not list the conference
        instruction, but its other pages do.

        :raises InvalidCommand: for supervise, wrap and complete, which cannot answer a callback.
            Send them with ``perform``. Also for an extra parameter that has the callback's name of
            a known one.
        """
        if not self.can_answer_callback:
            name, word = self.first_pair
            rule = "cannot answer an assignment callback"
            remedy = "answer the callback empty and send the command with perform()"
            raise InvalidCommand.of(type(self).__name__, name, rule, repr(word), remedy)
        known = find_known_callback_names(self.parameters)
        if violation := find_extra_violation(self.extra, known):
            raise InvalidCommand(type(self).__name__, (violation,))
        document: dict[str, str | int | bool] = {CALLBACK_INSTRUCTION_FIELD: self.trigger}
        extra: dict[str, list[str]] = {}
        for name, text in self.extra:
            extra.setdefault(name, []).append(text)
        for parameter, value in self._set():
            document[parameter.callback_name] = to_callback_json(value)
        return {**{name: ",".join(texts) for name, texts in extra.items()}, **document}

    @classmethod
    @hides_locals(InvalidCommand)
    def from_form(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """Parse a command from its form.

        Unknown parameters are kept in ``extra``, with a caution. Deviations that the platform
        tolerates are read with a caution: any letter case of a status, an instruction, a flag or a
        word, event lists in one text (separated by commas or spaces), the recording words
        ``do-not-record`` and ``record-from-start`` for a conference's ``Record``, and
        ``DequeueStatusCallbackEvents``, the worker SDK's name of an event list.

        :param pairs: the decoded names and values, in any order.
        :raises InvalidCommand: for neither or both of status and instruction, parameters of another
            command, a repeated key that is not a list, or any broken rule. It names all violations.
            On a subclass also for any other command.
        :raises TypeError: for the text or the mapping of a form.
        """
        require_pairs(pairs)
        return cls._build(parse_form(tuple(pairs), _SYNTAXES))

    @classmethod
    @hides_locals(InvalidCommand)
    def from_instruction(cls, document: Mapping[str, object]) -> Self:
        """Parse a command from the JSON object that answers an assignment callback.

        These are read with a caution: a flag or a number written as text, a word in any letter
        case, a list as a JSON array or separated by spaces. An unknown name is kept in ``extra``
        with a caution, or dropped with one if it is a name of the form or has no text.

        :raises InvalidCommand: for a missing or unknown instruction, or any broken rule. It names
            all violations by their callback names. On a subclass also for any other command.
        :raises TypeError: for anything but a mapping.
        """
        require_object(document)
        parsed = parse_instruction(document, _SYNTAXES)
        names = {p.wire_name: p.callback_name for p in parsed.syntax.parameters}
        try:
            return cls._build(parsed)
        except InvalidCommand as error:
            renamed = [
                violation._replace(
                    parameter=names.get(violation.parameter, CALLBACK_INSTRUCTION_FIELD)
                )
                for violation in error.violations
            ]
            raise InvalidCommand(error.command, tuple(renamed)) from None

    @classmethod
    def _build(cls, parsed: ParsedCommand) -> Self:
        name, violations = parsed.syntax.name, parsed.violations
        try:
            command = _DECLARED[parsed.syntax.first_pair](**parsed.fields)  # type: ignore[arg-type]
        except InvalidCommand as error:
            reported = {violation.field for violation in violations}
            others = [found for found in error.violations if found.field not in reported]
            raise InvalidCommand(name, (*violations, *others)) from None
        if violations:
            raise InvalidCommand(name, violations)
        if not isinstance(command, cls):
            field, word = command.first_pair
            rule = f"belongs to another command than {cls.__name__}"
            raise InvalidCommand.of(cls.__name__, field, rule, repr(word), "parse it with Command")
        if parsed.cautions:
            object.__setattr__(command, "_parse_cautions", parsed.cautions)
        return command

    def _values(self) -> tuple[object, ...]:
        return (*(getattr(self, parameter.field) for parameter in self.parameters), self.extra)

    def _set(self) -> Iterator[tuple[Parameter, Value]]:
        """Yield the parameters that are set, with their values."""
        for parameter in self.parameters:
            if (value := getattr(self, parameter.field)) is not None:
                yield parameter, value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        """Return the parameters that are set, with personal and secret values redacted."""
        shown = [f"{p.field}={p.kind.show(value)}" for p, value in self._set()]
        if self.extra:
            shown.append(f"{EXTRA_FIELD}={show_extra(self.extra)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def wrong_command(value: object) -> TypeError:
    """Return the error for a value that is not a command.

    :param value: a class of commands, or anything else. It is not shown.
    """
    kind = type(value).__name__
    if isinstance(value, type) and issubclass(value, Command):
        name = value.__name__
        return TypeError(f"not a command: it is the class {name}. Build it, as in {name}(...)")
    return TypeError(f"not a command: it is of type {kind}. Give one such as Accept()")


def _read_pairs(document: object) -> list[tuple[str, str]] | None:
    """Return the pairs of a document, or ``None``."""
    form = (
        cast("Mapping[str, object]", document).get("form")
        if isinstance(document, Mapping)
        else None
    )
    if not isinstance(form, list | tuple):
        return None
    pairs: list[tuple[str, str]] = []
    for pair in cast("list[object]", form):
        match pair:
            case [str(name), str(text)]:
                pairs.append((name, text))
            case _:
                return None
    return pairs


_DECLARED: Final[dict[tuple[str, str], type[Command]]] = {}  # by first pair
_SYNTAXES: Final[list[Syntax]] = []


def register_command(command: type[Command], syntax: Syntax) -> None:
    """Let parsing find a command by its first pair."""
    _DECLARED[syntax.first_pair] = command
    _SYNTAXES.append(syntax)
