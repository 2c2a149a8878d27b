"""Strategies for commands: valid, legal, illegal, or with one broken rule.

The parameters of a command and its rules are taken from its declaration. The values that keep or
break a rule over two parameters are written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, TypeAlias, TypeVar, overload

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.extra import EXTRA_FIELD, FormPairs
from reservation_core.domain.commands.kinds import Value
from reservation_core.domain.commands.parameters import Parameter, Rule
from reservation_core.domain.commands.rules import (
    NUMBER_CALLS_NUMBER,
    SIP_RINGS_600_SECONDS,
    USER_CALLS_SIP,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route
from reservation_core.testing.strategies.texts import (
    bare_names,
    caller_numbers,
    extra_pairs,
    phone_numbers,
    sip_uris,
    words,
)
from reservation_core.testing.strategies.values import near_misses, values

Arguments: TypeAlias = dict[str, Value]
"""Keyword arguments of a command."""

_C = TypeVar("_C", bound=Command)


@attrs.frozen
class _RuleValues:
    """Values for a rule over a parameter and a contact.

    :param schemes: the beginnings of the contacts that put the rule in force.
    :param valid: values of the parameter that keep it.
    :param broken: values of the parameter that break it.
    """

    schemes: tuple[str, ...]
    contacts: SearchStrategy[str]
    valid: SearchStrategy[Value]
    broken: SearchStrategy[Value]

    def is_in_force(self, contact: object) -> bool:
        return isinstance(contact, str) and contact.lower().startswith(self.schemes)


_SIP: Final = ("sip:", "sips:")
_RULE_VALUES: Final[Mapping[Rule, _RuleValues]] = {
    SIP_RINGS_600_SECONDS: _RuleValues(
        _SIP, sip_uris(), st.integers(1, 600) | st.just(600), st.integers(601, 999) | st.just(999)
    ),
    NUMBER_CALLS_NUMBER: _RuleValues(("+",), phone_numbers(), caller_numbers(), bare_names()),
    USER_CALLS_SIP: _RuleValues(
        _SIP, sip_uris(), st.just("alice") | words(), st.just("alice@example.com") | sip_uris()
    ),
}

_GRADES: Final = st.integers(0, 3)


@st.composite
def _single_arguments(draw: DrawFn, kind: type[Command], everything: bool) -> Arguments:
    """Draw arguments that are valid one by one.

    Some draws set few parameters, others most. Each argument shrinks away on its own.
    """
    drawn: Arguments = {}
    bar = draw(_GRADES)
    for parameter in kind.parameters:
        if everything or parameter.is_required or draw(_GRADES) > bar:
            drawn[parameter.field] = draw(values(parameter.kind))
    return drawn


@st.composite
def _arguments(
    draw: DrawFn, kind: type[Command], single: SearchStrategy[Arguments], broken: Rule | None = None
) -> Arguments:
    """Draw arguments that break no rule over two parameters but one."""
    drawn = dict(draw(single))
    if broken is not None:
        first, contact = broken.fields
        drawn[first] = draw(_RULE_VALUES[broken].broken)
        drawn[contact] = draw(_RULE_VALUES[broken].contacts)
    for rule in kind.rules:
        first, contact = rule.fields
        rule_values = _RULE_VALUES[rule]
        if rule is not broken and first in drawn and rule_values.is_in_force(drawn.get(contact)):
            drawn[first] = draw(rule_values.valid)
    return drawn


def arguments(kind: type[Command], *, everything: bool = False) -> SearchStrategy[Arguments]:
    """Draw valid arguments of a command. The simplest are the required ones.

    :param everything: whether to draw every parameter.
    """
    return _arguments(kind, _single_arguments(kind, everything))


def build(kind: type[_C], arguments: Mapping[str, object]) -> _C:
    """Build a command from arguments of any type.

    :raises InvalidCommand: if they are not valid.
    """
    make: object = kind
    assert callable(make)  # so that the type checker lets any argument through
    made: object = make(**arguments)
    assert isinstance(made, kind)
    return made


@overload
def commands(*, extra: bool = False) -> SearchStrategy[Command]: ...
@overload
def commands(kind: type[_C], /, *kinds: type[_C], extra: bool = False) -> SearchStrategy[_C]: ...
def commands(*kinds: type[Command], extra: bool = False) -> SearchStrategy[Command]:
    """Draw commands of these kinds, or of any of the nine.

    The simplest is of the first kind with its required arguments, such as ``Accept()``.

    :param extra: whether to draw parameters that this library does not know.
    """
    further = extra_pairs() if extra else st.just(())
    return st.one_of(
        *(st.builds(partial(_build, kind), arguments(kind), further) for kind in kinds or COMMANDS)
    )


def _build(kind: type[_C], given: Arguments, further: FormPairs) -> _C:
    return build(kind, {**given, EXTRA_FIELD: further})


def legal_commands(
    reservation: Reservation, *, route: Route = Route.TASK
) -> SearchStrategy[Command]:
    """Draw commands that the reservation's state allows on a route.

    The simplest is of the first allowed kind: ``Accept()`` while it is pending. The strategy is
    empty for a reservation that is on hold or has ended.
    """
    return st.one_of(
        *(
            commands(kind)
            for kind in reservation.allowed
            if route is Route.TASK or not kind.is_task_route_only
        )
    )


def illegal_commands(reservation: Reservation) -> SearchStrategy[Command]:
    """Draw valid commands that the reservation's state does not allow.

    The simplest is of the first such kind: ``Accept()`` for an ended reservation.
    """
    return st.one_of(*(commands(kind) for kind in COMMANDS if kind not in reservation.allowed))


@attrs.frozen
class InvalidArguments:
    """Arguments that break exactly one rule of a command.

    :param broken: the parameter that is missing or has a wrong value, or the rule over two.
    """

    command: type[Command]
    arguments: Mapping[str, object]
    broken: Parameter | Rule = attrs.field(
        repr=lambda broken: repr(
            broken.rule if isinstance(broken, Rule) else broken.kind.describe()
        )
    )

    @property
    def field(self) -> str:
        """The field that the violation names."""
        return self.broken.fields[0] if isinstance(self.broken, Rule) else self.broken.field

    def build(self) -> Command:
        """Try to build the command.

        :raises InvalidCommand: always, with one violation.
        """
        return build(self.command, self.arguments)


def invalid_commands(*kinds: type[Command]) -> SearchStrategy[InvalidArguments]:
    """Draw commands with exactly one broken rule, of these kinds or any.

    The simplest is of the first kind, breaks its first parameter, and sets only required ones. The
    strategy is empty for kinds without parameters.
    """
    return st.one_of(*(strategy for kind in kinds or COMMANDS for strategy in _invalid(kind)))


def _invalid(kind: type[Command]) -> tuple[SearchStrategy[InvalidArguments], ...]:
    over_two = (
        _arguments(kind, arguments(kind), rule).map(partial(InvalidArguments, kind, broken=rule))
        for rule in kind.rules
    )
    return (*(_one_invalid(kind, parameter) for parameter in kind.parameters), *over_two)


@st.composite
def _one_invalid(draw: DrawFn, kind: type[Command], invalid: Parameter) -> InvalidArguments:
    """Draw arguments of which one is wrong or missing."""
    drawn: dict[str, object] = dict(draw(arguments(kind)))
    if invalid.is_required and draw(st.booleans()):
        drawn.pop(invalid.field)
    else:
        drawn[invalid.field] = draw(near_misses(invalid.kind))
    return InvalidArguments(kind, drawn, invalid)
