'''Parameters of commands, and the field specifier that declares them.

A parameter is declared once, as a typed field of a command::

    timeout: int | None = param(SECONDS, default=None, if_unset="60")
    """Seconds that the worker's phone rings."""

:func:`param` takes the kind of value and the facts. The sentence beneath says what it does: an
editor shows it for the field, and :mod:`~reservation_core.domain.commands.documentation` reads it.
The wire name is derived: the command's prefix plus the field in CamelCase (``Dequeue`` plus
``from_`` is ``DequeueFrom``).
'''

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar, cast, overload

from reservation_core.domain.commands.cautions import Caution, Dispute, Interpretation
from reservation_core.domain.commands.kinds import Kind
from reservation_core.domain.errors import Violation
from reservation_core.domain.evidence import Evidence, Source

_T = TypeVar("_T")


class ParameterInfo(NamedTuple):
    """Facts about a parameter beyond its type.

    :param if_unset: the platform's value or behaviour if it is unset. It is never sent.
    :param depends_on: fields of which one must be set for this one to have an effect. This is
        inferred: if none is set, the command gets a caution and is still sent.
    :param code: the platform's error number for a missing or invalid value.
    :param callback_name: its name in the answer to an assignment callback, if it differs from the
        field.
    :param disputes: its rules on which the sources disagree.
    """

    if_unset: str | None = None
    depends_on: tuple[str, ...] = ()
    code: int | None = None
    callback_name: str | None = None
    disputes: tuple[Dispute, ...] = ()


class Parameter(NamedTuple):
    """One form parameter of one command.

    :param field: its name in Python, such as ``from_``.
    :param wire_name: its name in a form, such as ``DequeueFrom``.
    :param kind: the kind of its values.
    :param is_positional: True if the constructor takes it by position too.
    """

    field: str
    wire_name: str
    kind: Kind[object]
    is_required: bool
    info: ParameterInfo
    is_positional: bool = False

    @property
    def callback_name(self) -> str:
        """The name in the answer to an assignment callback."""
        return self.info.callback_name or self.field.rstrip("_")

    def find_violation(self, value: object) -> Violation | None:
        """Return the broken rule, or ``None`` for a valid value."""
        if value is not None:
            problem = self.kind.find_problem(value)
            return problem and self.violation(problem.rule, self.kind.show(value), problem.remedy)
        if self.is_required:
            return self.violation("is required", "<unset>", f"give {self.kind.describe()}")
        return None

    def violation(self, rule: str, shown_value: str, remedy: str = "") -> Violation:
        """Make a violation of this parameter."""
        return Violation(self.wire_name, self.field, rule, shown_value, remedy, self.info.code)


def find_cautions(
    command: object, parameters: Sequence[Parameter], *, is_callback: bool
) -> Iterator[Caution]:
    """Yield the cautions about the parameters of a command.

    :param is_callback: True for the command as the answer to an assignment callback.
    """
    shown_names = {p.field: p.callback_name if is_callback else p.wire_name for p in parameters}
    for parameter in parameters:
        value: object = getattr(command, parameter.field)
        for dispute in parameter.info.disputes:
            if dispute.is_met(value, command, is_callback=is_callback):
                yield dispute.to_caution(shown_names[parameter.field])
        fields = parameter.info.depends_on
        has_dependency = any(_is_switched_on(getattr(command, field)) for field in fields)
        if fields and value is not None and not has_dependency:
            names = " or ".join(shown_names[field] for field in fields)
            interpretations = (
                Interpretation(f"it has no effect without {names}", Source.RESERVATIONS),
                Interpretation("no source says that the platform refuses it", Source.OPENAPI),
            )
            applied = "it is sent as given"
            yield Caution(shown_names[parameter.field], interpretations, applied, Evidence.INFERRED)


def _is_switched_on(value: object) -> bool:
    return value not in (None, False, "false", "do-not-record")


class Rule(NamedTuple):
    """A rule over several parameters of one command.

    It is checked only if all of them are set and valid by themselves.

    :param fields: the fields. A violation names the first.
    :param is_broken: called with the values of the fields.
    :param rule: the rule, as the text of a violation.
    :param remedy: what to do, if the rule does not say it already.
    """

    fields: tuple[str, ...]
    is_broken: Callable[..., bool]
    rule: str
    remedy: str


def camel_case(field: str) -> str:
    """Convert the name of a field to the platform's spelling.

    >>> camel_case("end_conference_on_exit"), camel_case("from_")
    ('EndConferenceOnExit', 'From')
    """
    return "".join(word.capitalize() for word in field.split("_"))


class _Declaration(NamedTuple):
    kind: Kind[object]
    is_required: bool
    info: ParameterInfo
    is_positional: bool


@overload
def param(kind: Kind[_T], *, kw_only: Literal[False]) -> _T: ...
@overload
def param(
    kind: Kind[_T],
    *,
    if_unset: str | None = None,
    depends_on: tuple[str, ...] = (),
    code: int | None = None,
    callback_name: str | None = None,
    disputes: tuple[Dispute, ...] = (),
) -> _T: ...
@overload
def param(
    kind: Kind[_T],
    *,
    default: None,
    if_unset: str | None = None,
    depends_on: tuple[str, ...] = (),
    code: int | None = None,
    callback_name: str | None = None,
    disputes: tuple[Dispute, ...] = (),
) -> _T | None: ...
def param(kind: Kind[_T], **facts: object) -> _T | None:
    """Declare a parameter of a command.

    :param kind: the kind of its values. Type checkers compare it with the annotation.
    :param default: ``None`` for an optional parameter. Without it the parameter is required.
    :param kw_only: ``False`` for a parameter that is given by position.
    :param facts: the fields of :class:`ParameterInfo`.
    """
    is_required = "default" not in facts
    facts.pop("default", None)
    is_positional = facts.pop("kw_only", True) is False
    make = cast("Callable[..., ParameterInfo]", ParameterInfo)
    return cast("_T", _Declaration(kind, is_required, make(**facts), is_positional))


def pop_declared_parameters(declaration: type, prefix: str) -> Iterator[Parameter]:
    """Yield the parameters that a class declares, in order.

    Their declarations are removed from the class.

    :param prefix: the prefix of the wire names.
    """
    for field, declared in list(vars(declaration).items()):
        if isinstance(declared, _Declaration):
            delattr(declaration, field)
            yield Parameter(field, prefix + camel_case(field), *declared)
