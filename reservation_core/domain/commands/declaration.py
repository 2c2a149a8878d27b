"""The decorator that declares a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, cast, dataclass_transform

import attrs

from reservation_core.domain.commands.base import Command, register_command
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.commands.extra import EXTRA_FIELD, FormPairs, show_extra, to_pairs
from reservation_core.domain.commands.kinds import MultipleChoice, to_plain_str
from reservation_core.domain.commands.parameters import (
    Parameter,
    Rule,
    param,
    pop_declared_parameters,
)
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD, STATUS_FIELD, Syntax
from reservation_core.domain.lifecycle import Status, status_trigger

_C = TypeVar("_C", bound=Command)

PARAMETER_METADATA_KEY: Final = "reservation_core.parameter"
"""The key of the :class:`Parameter` in the metadata of a command's attrs field."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(param,))
def declare(
    *,
    status: Status | None = None,
    statuses: tuple[Status, ...] = (),
    instruction: str = "",
    prefix: str = "",
    rules: tuple[Rule, ...] = (),
    disputes: tuple[Dispute, ...] = (),
    can_answer_callback: bool = True,
    is_task_route_only: bool = False,
) -> Callable[[type[_C]], type[_C]]:
    """Turn a class into a command. Its fields declare the parameters.

    :param status: the status that it sets, for a plain status update.
    :param statuses: the statuses that its field ``status`` may choose, in place of one status.
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
        these[EXTRA_FIELD] = attrs.field(
            default=(), converter=_EXTRA_TO_PAIRS, repr=show_extra, kw_only=True
        )
        declaration.trigger = declaration.__name__.lower()
        declaration.first_pair = (
            (STATUS_FIELD, status.value) if status else (INSTRUCTION_FIELD, instruction)
        )
        if statuses:
            first = statuses[0]
            declaration.trigger = cast("str", _OfStatus(first, status_trigger))
            declaration.first_pair = cast(
                "tuple[str, str]", _OfStatus(first, lambda status: (STATUS_FIELD, status))
            )
        declaration.parameters = parameters
        declaration.rules = rules
        declaration.disputes = disputes
        declaration.can_answer_callback = can_answer_callback
        declaration.is_task_route_only = is_task_route_only
        declaration.description = inspect.cleandoc(declaration.__doc__ or "")
        declaration.__doc__ = cast("str", _Docstring())
        # With these fields, attrs does not look for ClassVar in the repr of each annotation, which
        # takes 0.4 ms of the import of the package (benchmark row 12).
        declared = attrs.frozen(these=these, eq=False, repr=False, slots=False)(declaration)
        # attrs shows the type that the converter of a list takes, which is object.
        declared.__init__.__annotations__.update(
            {**declared.__annotations__, EXTRA_FIELD: FormPairs}
        )
        triggers = {(STATUS_FIELD, one.value): status_trigger(one) for one in statuses}
        for first_pair, trigger in (triggers or {declared.first_pair: declared.trigger}).items():
            constants = {"status": first_pair[1]} if statuses else {}
            name = declared.__name__
            syntax = Syntax(name, trigger, first_pair, parameters, constants, can_answer_callback)
            register_command(declared, syntax)
        return declared

    return decorate


class _OfStatus:
    """Attribute of a command that its field ``status`` decides.

    The class itself has that of the first status.
    """

    def __init__(self, first: Status, make: Callable[[str], object]) -> None:
        self._first = first
        self._make = make

    def __get__(self, command: object, owner: type) -> object:
        status: str = self._first if command is None else getattr(command, "status")  # noqa: B009
        return self._make(to_plain_str(status))


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
    return attrs.field(
        default=None,
        converter=converter,
        repr=show,
        metadata=metadata,
        kw_only=not parameter.is_positional,
    )


def _show(parameter: Parameter, value: object) -> str:
    return repr(None) if value is None else parameter.kind.show(value)


def _list_to_tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if value.__class__ is list else value


_LIST_TO_TUPLE: Final = attrs.Converter(_list_to_tuple)
_EXTRA_TO_PAIRS: Final = attrs.Converter(to_pairs)
