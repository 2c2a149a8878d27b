"""The commands that the kit draws are right by the table, legal or not by the matrix, or break exactly one rule, and leave nothing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import pytest

from reservation_core import (
    Accept,
    Command,
    Complete,
    Conference,
    InvalidCommand,
    Reservation,
    Route,
    Status,
    Supervise,
    Wrap,
)
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.parameters import Rule
from reservation_core.domain.lifecycle import ON_HOLD
from reservation_core.testing import strategies as kit
from reservation_core.testing.strategies import InvalidArguments
from tests.reference.oracle import rows
from tests.testing.drawing import drawn
from tests.testing.value_judge import clashes, is_right

WITH_PARAMETERS: Final = [kind for kind in COMMANDS if kind.parameters]
STATES: Final = {
    **{status.value: Reservation(status=status) for status in Status},
    ON_HOLD: Reservation(status=Status.PENDING, on_hold=True),
}
ALLOWED: Final = {
    (row["command"], row["state"]) for row in rows("matrix") if row["allowed"] == "yes"
}


def trigger(kind: type[Command]) -> str:
    """Name a command."""
    return kind.trigger


def wrongs(kind: type[Command], given: Mapping[str, object]) -> list[str]:
    """Name each field that breaks a rule, once for each rule, by the tables alone."""
    wire = {parameter.field: parameter.wire_name for parameter in kind.parameters}
    required = {parameter.field for parameter in kind.parameters if parameter.is_required}
    alone = [field for field, value in given.items() if not is_right(wire[field], value)]
    return [
        *sorted(required - given.keys()),
        *alone,
        *(clashes(given, of_conference=kind is Conference) if not alone else []),
    ]


@cache
def invalid(name: str) -> Sequence[InvalidArguments]:
    """Draw invalid commands of a kind, once for all tests: the more parameters it has, the more."""
    (kind,) = (kind for kind in WITH_PARAMETERS if kind.trigger == name)
    return drawn(kit.invalid_commands(kind), 30 + 10 * len(kind.parameters))


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_right_arguments_are_right_and_range_over_everything(kind: type[Command]) -> None:
    """No argument breaks a rule; each parameter is set and unset, and each pair of optional ones apart; all can be set at once."""
    found = drawn(kit.arguments(kind), 50)
    assert [given for given in found if wrongs(kind, given)] == []
    for parameter in kind.parameters:
        assert any(parameter.field in given for given in found)
        assert parameter.is_required or any(parameter.field not in given for given in found)
    optional = [parameter.field for parameter in kind.parameters if not parameter.is_required]
    assert any(not set(optional) & given.keys() for given in found)
    assert max(len(set(optional) & given.keys()) for given in found) > 0.8 * len(optional) - 1
    for given in drawn(kit.arguments(kind, everything=True), 10):
        assert given.keys() == {parameter.field for parameter in kind.parameters}
        assert wrongs(kind, given) == []
        assert isinstance(kit.build(kind, given), kind)


def test_any_command_is_drawn() -> None:
    """Unless told otherwise each of the nine kinds is drawn, and told of some, each of these and no other."""
    assert {type(command) for command in drawn(kit.commands(), 100)} == set(COMMANDS)
    assert {type(command) for command in drawn(kit.commands(Wrap, Supervise), 30)} == {
        Wrap,
        Supervise,
    }


@pytest.mark.parametrize("state", STATES)
def test_legal_and_illegal_are_those_of_the_matrix(state: str) -> None:
    """In every state the legal commands are those that the matrix allows, the illegal ones all others, and none is left out."""
    reservation = STATES[state]
    legal = kit.legal_commands(reservation)
    assert {kind.trigger for kind in COMMANDS if (kind.trigger, state) in ALLOWED} == {
        command.trigger for command in ([] if legal.is_empty else drawn(legal, 50))
    }
    illegal = {command.trigger for command in drawn(kit.illegal_commands(reservation), 60)}
    assert illegal == {kind.trigger for kind in COMMANDS if (kind.trigger, state) not in ALLOWED}


def test_the_worker_route_lacks_supervise() -> None:
    """On the worker route no legal command is one that this route lacks."""
    legal = kit.legal_commands(Reservation(status="accepted"), route=Route.WORKER)
    assert {type(command) for command in drawn(legal, 50)} == {Wrap, Complete}


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_what_is_invalid_breaks_exactly_one_rule(kind: type[Command]) -> None:
    """Exactly one rule is broken, by the tables, at the field that is told; and the library finds that one and no other."""
    for one in invalid(kind.trigger):
        assert one.command is kind
        assert wrongs(kind, one.arguments) == [one.field], one
        with pytest.raises(InvalidCommand) as caught:
            one.build()
        assert [violation.field for violation in caught.value.violations] == [one.field]
        if isinstance(one.broken, Rule):
            assert caught.value.violations[0].rule == one.broken.rule


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_every_rule_is_broken(kind: type[Command]) -> None:
    """Each parameter is spoilt, each required one is left out, and each rule over two is broken."""
    broken = {
        one.broken.rule if isinstance(one.broken, Rule) else one.broken.field
        for one in invalid(kind.trigger)
    }
    assert broken == {
        *(parameter.field for parameter in kind.parameters),
        *(rule.rule for rule in kind.rules),
    }
    missing = {one.field for one in invalid(kind.trigger) if one.field not in one.arguments}
    assert missing == {parameter.field for parameter in kind.parameters if parameter.is_required}


def test_what_has_no_parameters_cannot_be_invalid() -> None:
    """Of commands without parameters nothing invalid is drawn; of all, each that has some is."""
    assert kit.invalid_commands(Accept, Wrap, Complete).is_empty
    assert {one.command for one in drawn(kit.invalid_commands(), 100)} == set(WITH_PARAMETERS)


def test_what_is_invalid_says_what_is_broken() -> None:
    """Shown, it names the rule that is broken in words."""
    shown = {repr(one).rpartition("broken=")[2] for one in invalid(Conference.trigger)}
    assert "'true or false')" in shown
    assert any("must be at most 600 seconds" in text for text in shown)
