"""Draws commands as their declarations have them: right ones, those the lifecycle takes or refuses, and those with one broken rule.

*Which* parameters a command has, and which rules stand over several of them, is taken from its declaration; how values look that keep
or break such a rule is written here by hand.
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
from reservation_core.domain.commands.kinds import Value
from reservation_core.domain.commands.parameters import Parameter, Rule
from reservation_core.domain.commands.rules import (
    NUMBER_CALLS_NUMBER,
    SIP_RINGS_600_SECONDS,
    USER_CALLS_SIP,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route
from reservation_core.testing.strategies.texts import bare_names, numbers, phones, sip_uris, words
from reservation_core.testing.strategies.values import near_misses, values

Arguments: TypeAlias = dict[str, Value]
"""Keyword arguments of a command."""

C = TypeVar("C", bound=Command)


@attrs.frozen
class _Pair:
    """How a rule over two parameters looks: the contacts that put it in force, and what the other may, and may not, be then."""

    schemes: tuple[str, ...]
    contacts: SearchStrategy[str]
    right: SearchStrategy[Value]
    wrong: SearchStrategy[Value]

    def is_in_force(self, contact: object) -> bool:
        return isinstance(contact, str) and contact.lower().startswith(self.schemes)


_SIP: Final = ("sip:", "sips:")
_PAIRS: Final[Mapping[Rule, _Pair]] = {
    SIP_RINGS_600_SECONDS: _Pair(
        _SIP, sip_uris(), st.integers(1, 600) | st.just(600), st.integers(601, 999) | st.just(999)
    ),
    NUMBER_CALLS_NUMBER: _Pair(("+",), phones(), numbers(), bare_names()),
    USER_CALLS_SIP: _Pair(
        _SIP, sip_uris(), st.just("alice") | words(), st.just("alice@example.com") | sip_uris()
    ),
}


@st.composite
def _some(draw: DrawFn, kind: type[Command], everything: bool) -> Arguments:
    """Draw arguments that are right one by one: some draws set few, some most, and each shrinks to unset on its own."""
    given: Arguments = {}
    bar = draw(_GRADES)
    for parameter in kind.parameters:
        if everything or parameter.is_required or draw(_GRADES) > bar:
            given[parameter.field] = draw(values(parameter.kind))
    return given


_GRADES: Final = st.integers(0, 3)


@st.composite
def _settled(
    draw: DrawFn, kind: type[Command], some: SearchStrategy[Arguments], broken: Rule | None = None
) -> Arguments:
    """Draw again what would break a rule over two parameters, so that none is broken but the one that is to be."""
    given = dict(draw(some))
    if broken is not None:
        other, to = broken.fields
        given |= {other: draw(_PAIRS[broken].wrong), to: draw(_PAIRS[broken].contacts)}
    for rule in kind.rules:
        other, to = rule.fields
        if rule is not broken and other in given and _PAIRS[rule].is_in_force(given.get(to)):
            given[other] = draw(_PAIRS[rule].right)
    return given


def arguments(kind: type[Command], *, everything: bool = False) -> SearchStrategy[Arguments]:
    """Draw right arguments of a command: what it requires, and any of its other parameters, or all; the least is what it requires."""
    return _settled(kind, _some(kind, everything))


def build(kind: type[C], given: Mapping[str, object]) -> C:
    """Build a command of arguments that only its own check knows.

    :raises InvalidCommand: when they are not right.
    """
    make: object = kind
    assert callable(make)
    made: object = make(**given)
    assert isinstance(made, kind)
    return made


@overload
def commands() -> SearchStrategy[Command]: ...
@overload
def commands(kind: type[C], /, *kinds: type[C]) -> SearchStrategy[C]: ...
def commands(*kinds: type[Command]) -> SearchStrategy[Command]:
    """Draw commands of these kinds, or of any; the least is the first kind's with what it requires: ``Accept()``, ``Conference()``."""
    return st.one_of(*(arguments(kind).map(partial(build, kind)) for kind in kinds or COMMANDS))


def legal_commands(
    reservation: Reservation, *, route: Route = Route.TASK
) -> SearchStrategy[Command]:
    """Draw commands that may be asked of a reservation now, on a route; nothing where it is on hold or at its end.

    The least is that of the first allowed command; ``Accept()`` while it is pending.
    """
    return st.one_of(
        *(
            commands(kind)
            for kind in reservation.allowed
            if route is Route.TASK or not kind.is_task_route_only
        )
    )


def illegal_commands(reservation: Reservation) -> SearchStrategy[Command]:
    """Draw commands that are no step of the lifecycle from where a reservation stands (right ones by themselves).

    The least is that of the first command that is not allowed; ``Accept()`` at an end.
    """
    return st.one_of(*(commands(kind) for kind in COMMANDS if kind not in reservation.allowed))


@attrs.frozen
class InvalidArguments:
    """What cannot be built, because of exactly one broken rule: a parameter's own (missing, or not of its kind), or one over two."""

    command: type[Command]
    arguments: Mapping[str, object]
    broken: Parameter | Rule = attrs.field(
        repr=lambda broken: repr(
            broken.rule if isinstance(broken, Rule) else broken.kind.describe()
        )
    )

    @property
    def field(self) -> str:
        """The field that the violation blames."""
        return self.broken.fields[0] if isinstance(self.broken, Rule) else self.broken.field

    def build(self) -> Command:
        """Try to build it.

        :raises InvalidCommand: with one violation.
        """
        return build(self.command, self.arguments)


def invalid_commands(*kinds: type[Command]) -> SearchStrategy[InvalidArguments]:
    """Draw commands of these kinds, or of any, with exactly one broken rule; nothing for kinds that have no parameters.

    The least is that of the first kind, its first parameter, and nothing else that is not required.
    """
    return st.one_of(*(strategy for kind in kinds or COMMANDS for strategy in _invalid(kind)))


def _invalid(kind: type[Command]) -> tuple[SearchStrategy[InvalidArguments], ...]:
    over_two = (
        _settled(kind, arguments(kind), rule).map(partial(InvalidArguments, kind, broken=rule))
        for rule in kind.rules
    )
    return (*(_misfit(kind, parameter) for parameter in kind.parameters), *over_two)


@st.composite
def _misfit(draw: DrawFn, kind: type[Command], wrong: Parameter) -> InvalidArguments:
    """Spoil one parameter, or leave it out where it is required."""
    given: dict[str, object] = dict(draw(arguments(kind)))
    if wrong.is_required and draw(st.booleans()):
        given.pop(wrong.field)
    else:
        given[wrong.field] = draw(near_misses(wrong.kind))
    return InvalidArguments(kind, given, wrong)
