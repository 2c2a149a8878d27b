"""The base class of the commands, and the decorator that declares one.

The fields of a command are its parameters. Everything else follows from the lines that declare a
parameter: the constructor and its static types, the validation, the wire name, the form and its
parsing, the callback name, the redaction and the documentation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import ClassVar, Final, Self, TypeVar, cast, dataclass_transform

import attrs

from reservation_core.domain.commands.cautions import Caution, Dispute
from reservation_core.domain.commands.compiled import compile_methods
from reservation_core.domain.commands.kinds import (
    MultipleChoice,
    Value,
    encode_value,
    to_callback_json,
)
from reservation_core.domain.commands.parameters import (
    Parameter,
    Rule,
    find_cautions,
    param,
    pop_declared_parameters,
)
from reservation_core.domain.commands.parsing import (
    CALLBACK_INSTRUCTION_FIELD,
    INSTRUCTION_FIELD,
    STATUS_FIELD,
    FormPairs,
    ParsedCommand,
    Syntax,
    parse_form,
    parse_instruction,
)
from reservation_core.domain.errors import InvalidCommand, InvalidDocument, Violation
from reservation_core.domain.lifecycle import Status

PARAMETER_METADATA_KEY: Final = "reservation_core.parameter"
"""The key of the :class:`Parameter` in the metadata of a command's attrs field."""


@attrs.frozen(kw_only=True, eq=False, repr=False, slots=False)
class Command:
    """Base class of the nine commands. A frozen value.

    Each field is one parameter. It is ``None`` if it is not set.

    :raises InvalidCommand: if a command is built from invalid values. It names all broken rules.
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
    __attrs_post_init__: ClassVar[Callable[..., None]]  # only a command with parameters has it
    _parse_cautions: ClassVar[tuple[Caution, ...]] = ()  # set on an instance that parsing makes

    def __init__(self) -> None:
        raise TypeError("Command is the base class of the commands. Build one of the nine.")

    def _compile_and_require_valid(self) -> None:
        # The __attrs_post_init__ of a class until its first command is built. It then replaces
        # itself with the compiled method.
        declared = _DECLARED[self.first_pair]
        methods = compile_methods(declared, self.first_pair, self.parameters, self.rules)
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
        return tuple(found[field] for field in parameters if field in found)

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

    def _find_cautions(self, *, is_callback: bool) -> tuple[Caution, ...]:
        name = CALLBACK_INSTRUCTION_FIELD if is_callback else self.first_pair[0]
        own = [
            dispute.to_caution(name)
            for dispute in self.disputes
            if dispute.is_met(self, self, is_callback=is_callback)
        ]
        others = find_cautions(self, self.parameters, is_callback=is_callback)
        return (*self._parse_cautions, *own, *others)

    def form(self) -> FormPairs:
        """Return the form that the official client would send.

        The pairs of wire names and texts are in the order of the platform's reference. Unset
        parameters are left out.

        >>> Accept().form()
        (('ReservationStatus', 'accepted'),)
        """
        pairs = [self.first_pair]
        for parameter in self.parameters:
            if (value := getattr(self, parameter.field)) is not None:
                pairs += [(parameter.wire_name, text) for text in encode_value(value)]
        return tuple(pairs)

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
        return {"form": [list(self.first_pair), *shown]}

    @classmethod
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
            Send them with ``perform``.
        """
        if not self.can_answer_callback:
            name, word = self.first_pair
            rule = "cannot answer an assignment callback"
            remedy = "answer the callback empty and send the command with perform()"
            raise InvalidCommand.of(type(self).__name__, name, rule, repr(word), remedy)
        document: dict[str, str | int | bool] = {CALLBACK_INSTRUCTION_FIELD: self.trigger}
        for parameter, value in self._set():
            document[parameter.callback_name] = to_callback_json(value)
        return document

    @classmethod
    def from_form(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """Parse a command from its form.

        Deviations that the platform tolerates are read with a caution: an unknown parameter
        (dropped), any letter case of a status, an instruction, a flag or a word, event lists in one
        text (separated by commas or spaces), the recording words ``do-not-record`` and
        ``record-from-start`` for a conference's ``Record``, and ``DequeueStatusCallbackEvents``,
        the worker SDK's name of an event list.

        :param pairs: the decoded names and values, in any order.
        :raises InvalidCommand: for neither or both of status and instruction, parameters of another
            command, a repeated key that is not a list, or any broken rule. It names all violations.
            On a subclass also for any other command.
        """
        return cls._build(parse_form(tuple(pairs), _SYNTAXES))

    @classmethod
    def from_instruction(cls, document: Mapping[str, object]) -> Self:
        """Parse a command from the JSON object that answers an assignment callback.

        These are read with a caution: a flag or a number written as text, a word in any letter
        case, a list as a JSON array or separated by spaces. An unknown name is dropped
        with a caution. (It may belong to another command: callback names have no prefix.)

        :raises InvalidCommand: for a missing or unknown instruction, or any broken rule. It names
            all violations by their callback names. On a subclass also for any other command.
        """
        syntaxes = [
            syntax for syntax in _SYNTAXES if _DECLARED[syntax.first_pair].can_answer_callback
        ]
        parsed = parse_instruction(document, syntaxes)
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
            command = _DECLARED[parsed.syntax.first_pair](**parsed.fields)
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

    def _values(self) -> tuple[Value | None, ...]:
        return tuple(getattr(self, parameter.field) for parameter in self.parameters)

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
        return f"{type(self).__name__}({', '.join(shown)})"


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


_C = TypeVar("_C", bound=Command)
_DECLARED: Final[dict[tuple[str, str], type[Command]]] = {}  # by first pair
_SYNTAXES: Final[list[Syntax]] = []


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(param,))
def declare(
    *,
    status: Status | None = None,
    instruction: str = "",
    prefix: str = "",
    rules: tuple[Rule, ...] = (),
    disputes: tuple[Dispute, ...] = (),
    can_answer_callback: bool = True,
    is_task_route_only: bool = False,
) -> Callable[[type[_C]], type[_C]]:
    """Turn a class into a command. Its fields declare the parameters.

    :param status: the status that it sets, for a plain status update.
    :param instruction: the instruction that it gives, for all others.
    :param prefix: the prefix of the wire names.
    :param rules: rules over several parameters.
    :param disputes: disputes about the command itself.
    :param can_answer_callback: True if it may answer an assignment callback.
    :param is_task_route_only: True if the worker route does not have it.
    :returns: the decorator of the class.
    """

    def decorate(declaration: type[_C]) -> type[_C]:
        parameters = tuple(pop_declared_parameters(declaration, prefix))
        these = {p.field: _attrs_field(p) for p in parameters}
        declaration.trigger = declaration.__name__.lower()
        declaration.first_pair = (
            (STATUS_FIELD, status.value) if status else (INSTRUCTION_FIELD, instruction)
        )
        declaration.parameters = parameters
        if parameters:
            check = Command._compile_and_require_valid  # pyright: ignore[reportPrivateUsage]
            declaration.__attrs_post_init__ = check
        declaration.rules = rules
        declaration.disputes = disputes
        declaration.can_answer_callback = can_answer_callback
        declaration.is_task_route_only = is_task_route_only
        declaration.description = inspect.cleandoc(declaration.__doc__ or "")
        declaration.__doc__ = cast("str", _Docstring())
        # With these fields, attrs does not look for ClassVar in the repr of each annotation, which
        # takes 0.4 ms of the import of the package (benchmark row 12).
        declared = attrs.frozen(these=these, kw_only=True, eq=False, repr=False, slots=False)(
            declaration
        )
        # attrs shows the type that the converter of a list takes, which is object.
        declared.__init__.__annotations__.update(
            {field: declared.__annotations__[field] for field in these}
        )
        _DECLARED[declared.first_pair] = declared
        _SYNTAXES.append(
            Syntax(declared.__name__, declared.trigger, declared.first_pair, parameters)
        )
        return declared

    return decorate


class _Docstring:
    """Docstring of a command, completed whenever it is read.

    To complete all takes 8 ms and the module that does it 2 ms. The import of the package does not
    pay for them (benchmark row 12).
    """

    def __get__(self, instance: object, command: type[Command]) -> str:
        from reservation_core.domain.commands.documentation import (  # noqa: PLC0415
            complete_docstring,
        )

        return complete_docstring(command, command.description, command.parameters, command.rules)


def _attrs_field(parameter: Parameter) -> object:
    # A required parameter has the default None at run time, so that its absence is reported
    # together with all other violations. Type checkers still see a field without a default.
    converter = _LIST_TO_TUPLE if isinstance(parameter.kind, MultipleChoice) else None
    # Command has its own repr. This one is for code that derives from the attrs fields.
    show = partial(_show, parameter)
    metadata = {PARAMETER_METADATA_KEY: parameter}
    return attrs.field(default=None, converter=converter, repr=show, metadata=metadata)


def _show(parameter: Parameter, value: object) -> str:
    return repr(None) if value is None else parameter.kind.show(value)


def _list_to_tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if value.__class__ is list else value


_LIST_TO_TUPLE: Final = attrs.Converter(_list_to_tuple)
