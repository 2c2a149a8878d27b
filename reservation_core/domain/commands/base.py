"""What every command can do, because its fields are declared as parameters.

From the one line that declares a parameter follow the constructor and its static types, the check, the wire name, the form and its
reading, the assignment-callback name, what a ``repr`` may show, and the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import ClassVar, Final, Self, TypeVar, cast, dataclass_transform

import attrs

from reservation_core.domain.commands.compiled import compile_methods
from reservation_core.domain.commands.kinds import MultipleChoice, Value, to_callback_json
from reservation_core.domain.commands.parameters import (
    Caution,
    Dispute,
    Interpretation,
    Parameter,
    Rule,
    declared_parameters,
)
from reservation_core.domain.commands.parsing import (
    CALLBACK_INSTRUCTION_FIELD,
    INSTRUCTION_FIELD,
    STATUS_FIELD,
    FormPairs,
    ParsedCommand,
    parse_form,
    parse_instruction,
)
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import Status

PARAMETER: Final = "reservation_core.parameter"
"""The metadata key under which an attrs field of a command holds its :class:`Parameter`."""


@attrs.frozen(kw_only=True, eq=False, repr=False, slots=False)
class Command:
    """What a client may ask of a reservation. The nine commands are its subclasses; each field of theirs is one parameter.

    :raises InvalidCommand: when built with anything wrong, naming every broken rule at once.
    """

    trigger: ClassVar[str]  #: the command's name in the lifecycle
    first_pair: ClassVar[
        tuple[str, str]
    ]  #: the first pair of its form: the status it sets, or the instruction it gives
    parameters: ClassVar[tuple[Parameter, ...]] = ()  #: its parameters, in the reference's order
    rules: ClassVar[tuple[Rule, ...]] = ()
    disputes: ClassVar[
        tuple[Dispute, ...]
    ] = ()  #: what sources dispute about the command itself, whatever it carries
    can_answer_callback: ClassVar[bool] = (
        True  #: whether it can be said in answer to an assignment callback
    )
    is_task_route_only: ClassVar[bool] = False  #: whether the worker route lacks it
    _parse_cautions: ClassVar[
        tuple[Caution, ...]
    ] = ()  # an instance that was read from an odd form has its own

    def __init__(self) -> None:
        """Each of the nine has its own."""
        raise TypeError("Command is what the nine commands have in common; build one of them")

    def _values(self) -> tuple[Value | None, ...]:
        """Give the parameters' values in order; a command that has any is given its own methods for this and for its form."""
        return _compile(self)._values() if self.parameters else ()

    def _refuse(self) -> None:
        """Name what is wrong; the quick check, which stands in ``__attrs_post_init__``, only knows that something may be."""
        if violations := self._violations():
            raise InvalidCommand(type(self).__name__, violations)

    def _violations(self) -> tuple[Violation, ...]:
        found = {
            p.field: violation
            for p in self.parameters
            if (violation := p.find_violation(getattr(self, p.field)))
        }
        wire = {p.field: p for p in self.parameters}
        for rule in self.rules:
            values = [getattr(self, field) for field in rule.fields]
            if (
                not found.keys() & set(rule.fields)
                and None not in values
                and rule.is_broken(*values)
            ):
                blamed = wire[rule.fields[0]]
                found[blamed.field] = Violation(
                    blamed.wire_name,
                    blamed.field,
                    rule.rule,
                    blamed.kind.show(values[0]),
                    rule.remedy,
                )
        return tuple(found[p.field] for p in self.parameters if p.field in found)

    @property
    def is_accepting(self) -> bool:
        """Whether its ``accept`` flag asks for acceptance at once (call and redirect have one)."""
        return getattr(self, "accept", None) is True

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """The disputed or merely inferred rules this command touches, and what was odd about the form it was read from."""
        return (*self._parse_cautions, *_cautions(self))

    def form(self) -> FormPairs:
        """Write the command as the official client would: pairs in the reference's order, nothing for what is unset.

        >>> Accept().form()
        (('ReservationStatus', 'accepted'),)
        """
        return _compile(self).form() if self.parameters else (self.first_pair,)

    def instruction(self) -> dict[str, str | int | bool]:
        """Write the command as the JSON object that answers an assignment callback (lists are joined by commas there).

        The conference instruction is not on the callback page but on others of the platform's pages; it is allowed.

        :raises InvalidCommand: for a command this dialect cannot say (supervise, wrap, complete); send that with ``perform``.
        """
        if not self.can_answer_callback:
            remedy = "answer the callback empty and send the command with perform()"
            broken = Violation(
                *self.first_pair[:1],
                "",
                "cannot be said in answer to an assignment callback",
                repr(self.first_pair[1]),
                remedy,
            )
            raise InvalidCommand(type(self).__name__, (broken,))
        said: dict[str, str | int | bool] = {CALLBACK_INSTRUCTION_FIELD: self.trigger}
        for parameter in self.parameters:
            value: Value | None = getattr(self, parameter.field)
            if value is not None:
                said[parameter.callback_name] = to_callback_json(value)
        return said

    @classmethod
    def from_form(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """Read a command back from its form.

        What the platform is known to tolerate is read with a caution: an unknown parameter (dropped), any letter case of an
        instruction, a flag or a word, comma-joined event lists and the worker SDK's plural for one of them.

        :raises InvalidCommand: for neither or both of status and instruction, parameters of another command, a key repeated that is
            no list, or any broken rule; every violation at once.
        """
        return cls._make(
            parse_form(
                tuple(pairs),
                {head: (made.__name__, made.parameters) for head, made in _BY_HEAD.items()},
            )
        )

    @classmethod
    def from_instruction(cls, said: Mapping[str, object]) -> Self:
        """Read a command back from the JSON object that answers an assignment callback.

        A flag or a number written as a text, a word in any letter case and a list that is no text are read with a caution; so is a
        name that the instruction does not have, which is dropped: names have no prefix here, so it cannot be told whose it was.

        :raises InvalidCommand: for no instruction, one that cannot be given there, or any broken rule; every violation at once, each
            by the name it has there.
        """
        callback_name = {
            made.trigger: (made.first_pair, made.parameters)
            for made in _BY_HEAD.values()
            if made.can_answer_callback
        }
        heard = parse_instruction(said, callback_name)
        names = {
            parameter.wire_name: parameter.callback_name
            for parameter in _BY_HEAD[heard.first_pair].parameters
        }
        try:
            return cls._make(heard)
        except InvalidCommand as error:
            broken = (
                attrs.evolve(one, parameter=names.get(one.parameter, CALLBACK_INSTRUCTION_FIELD))
                for one in error.violations
            )
            raise InvalidCommand(error.command, tuple(broken)) from None

    @classmethod
    def _make(cls, heard: ParsedCommand) -> Self:
        """Build the command that was heard."""
        made = _BY_HEAD[heard.first_pair]
        try:
            command = made(**heard.fields)
        except InvalidCommand as error:
            named = {violation.field for violation in heard.violations}
            others = (violation for violation in error.violations if violation.field not in named)
            raise InvalidCommand(made.__name__, (*heard.violations, *others)) from None
        if heard.violations:
            raise InvalidCommand(made.__name__, heard.violations)
        if not isinstance(command, cls):
            asked = Violation(
                *command.first_pair[:1],
                "",
                f"is not {cls.__name__}'s",
                repr(command.first_pair[1]),
                "read it as a Command",
            )
            raise InvalidCommand(cls.__name__, (asked,))
        if heard.cautions:
            object.__setattr__(command, "_parse_cautions", heard.cautions)
        return command

    def __eq__(self, other: object) -> bool:
        """Compare by the parameters."""
        return type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        """Agree with equality."""
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        """Show the parameters that are set; values that are personal or secret are masked."""
        shown = [
            f"{p.field}={p.kind.show(value)}"
            for p in self.parameters
            if (value := getattr(self, p.field)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


C = TypeVar("C", bound=Command)
_BY_HEAD: Final[
    dict[tuple[str, str], type[Command]]
] = {}  # filled where the commands are declared, read ever after


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
def command(
    *,
    status: Status | None = None,
    instruction: str = "",
    prefix: str = "",
    rules: tuple[Rule, ...] = (),
    disputes: tuple[Dispute, ...] = (),
    can_answer_callback: bool = True,
    is_task_route_only: bool = False,
) -> Callable[[type[C]], type[C]]:
    """Make a command of a class whose annotations are its parameters.

    :param status: what a plain status update sets; or else
    :param instruction: the instruction it gives.
    :param prefix: what the wire names begin with.
    :param rules: rules over several parameters at once.
    :param disputes: what sources dispute about the command itself.
    :param speaks: whether it can be said in answer to an assignment callback.
    :param task_route_only: whether the worker route lacks it.
    """

    def make(declared: type[C]) -> type[C]:
        parameters = tuple(declared_parameters(declared, prefix))

        for parameter in parameters:
            # A required parameter gets None at run time, so that its absence is reported together with all else that is wrong;
            # type checkers still see a field without a default. A list is taken over as a tuple.
            converter = _AS_TUPLE if isinstance(parameter.kind, MultipleChoice) else None
            default: object = declared.__dict__.get(parameter.field)
            shown = partial(_show, parameter)  # in what others derive of it, too
            field = attrs.field(
                default=default, converter=converter, repr=shown, metadata={PARAMETER: parameter}
            )
            setattr(declared, parameter.field, field)

        known: dict[str, object] = {
            "trigger": declared.__name__.lower(),
            "first_pair": (STATUS_FIELD, status.value)
            if status
            else (INSTRUCTION_FIELD, instruction),
            "parameters": parameters,
            "rules": rules,
            "disputes": disputes,
            "can_answer_callback": can_answer_callback,
            "is_task_route_only": is_task_route_only,
            **({"__attrs_post_init__": _compile_first} if parameters else {}),
            **({} if "accept" in declared.__annotations__ else {"is_accepting": False}),
        }
        for name, fact in known.items():
            setattr(declared, name, fact)
        made = attrs.frozen(kw_only=True, eq=False, repr=False, slots=False)(declared)
        _BY_HEAD[made.first_pair] = made
        return made

    return make


def _show(parameter: Parameter, value: object) -> str:
    return repr(None) if value is None else parameter.kind.show(value)


def _compile(made: C) -> C:
    """Give a class its quick methods when the first of its commands is there: no import pays for what it never uses."""
    own = _BY_HEAD[made.first_pair]
    for name, compiled in compile_methods(own).items():
        compiled.__doc__ = getattr(Command, name, compiled).__doc__
        setattr(own, name, compiled)
    return made


def _compile_first(made: Command) -> None:
    """Check the first command of a class at leisure; all others are checked by the method this one compiles."""
    _compile(made)._refuse()  # pyright: ignore[reportPrivateUsage]


def _as_tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if value.__class__ is list else value


_AS_TUPLE: Final = attrs.Converter(_as_tuple)


def _cautions(command: Command) -> Iterator[Caution]:
    own = (dispute for dispute in command.disputes if dispute.condition(command, command))
    yield from (
        Caution(command.first_pair[0], dispute.interpretations, dispute.applied, dispute.evidence)
        for dispute in own
    )
    wire = {p.field: p.wire_name for p in command.parameters}
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        for dispute in parameter.info.disputes:
            if dispute.condition(value, command):
                yield Caution(
                    parameter.wire_name, dispute.interpretations, dispute.applied, dispute.evidence
                )
        needs = parameter.info.depends_on
        if (
            value is not None
            and needs
            and not any(_switched_on(getattr(command, field)) for field in needs)
        ):
            names = " or ".join(wire[field] for field in needs)
            readings = (
                Interpretation(f"it can have no effect without {names}", Source.RESERVATIONS),
                Interpretation("nothing says that the platform refuses it", Source.OPENAPI),
            )
            yield Caution(parameter.wire_name, readings, "it is sent as given", Evidence.INFERRED)


def _switched_on(value: object) -> bool:
    return value not in (None, False, "false", "do-not-record")
