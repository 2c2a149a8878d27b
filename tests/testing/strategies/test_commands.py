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
from tests.testing.value_oracle import conflicts, is_valid_value

WITH_PARAMETERS: Final = [kind for kind in COMMANDS if kind.parameters]
STATES: Final = {
    **{status.value: Reservation(status=status) for status in Status},
    ON_HOLD: Reservation(status=Status.PENDING, on_hold=True),
}
ALLOWED: Final = {
    (row["command"], row["state"]) for row in rows("matrix") if row["allowed"] == "yes"
}


def trigger(kind: type[Command]) -> str:
    """Return the name of a command."""
    return kind.trigger


def invalid_fields(kind: type[Command], given: Mapping[str, object]) -> list[str]:
    """Return each field that breaks a rule of the reference tables."""
    wire = {parameter.field: parameter.wire_name for parameter in kind.parameters}
    required = {parameter.field for parameter in kind.parameters if parameter.is_required}
    alone = [field for field, value in given.items() if not is_valid_value(wire[field], value)]
    return [
        *sorted(required - given.keys()),
        *alone,
        *(conflicts(given, of_conference=kind is Conference) if not alone else []),
    ]


@cache
def invalid(name: str) -> Sequence[InvalidArguments]:
    """Draw invalid commands of a kind, once for all tests."""
    (kind,) = (kind for kind in WITH_PARAMETERS if kind.trigger == name)
    return drawn(kit.invalid_commands(kind), 30 + 10 * len(kind.parameters))


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_arguments_are_valid_and_cover_every_parameter(kind: type[Command]) -> None:
    found = drawn(kit.arguments(kind), 50)
    assert [given for given in found if invalid_fields(kind, given)] == []
    for parameter in kind.parameters:
        assert any(parameter.field in given for given in found)
        assert parameter.is_required or any(parameter.field not in given for given in found)
    optional = [parameter.field for parameter in kind.parameters if not parameter.is_required]
    assert any(not set(optional) & given.keys() for given in found)
    assert max(len(set(optional) & given.keys()) for given in found) > 0.8 * len(optional) - 1
    for given in drawn(kit.arguments(kind, everything=True), 10):
        assert given.keys() == {parameter.field for parameter in kind.parameters}
        assert invalid_fields(kind, given) == []
        assert isinstance(kit.build(kind, given), kind)


def test_commands_are_of_any_kind_or_of_the_given_ones() -> None:
    assert {type(command) for command in drawn(kit.commands(), 100)} == set(COMMANDS)
    assert {type(command) for command in drawn(kit.commands(Wrap, Supervise), 30)} == {
        Wrap,
        Supervise,
    }


@pytest.mark.parametrize("state", STATES)
def test_legal_and_illegal_commands_are_those_of_the_reference_matrix(state: str) -> None:
    reservation = STATES[state]
    legal = kit.legal_commands(reservation)
    assert {kind.trigger for kind in COMMANDS if (kind.trigger, state) in ALLOWED} == {
        command.trigger for command in ([] if legal.is_empty else drawn(legal, 50))
    }
    illegal = {command.trigger for command in drawn(kit.illegal_commands(reservation), 60)}
    assert illegal == {kind.trigger for kind in COMMANDS if (kind.trigger, state) not in ALLOWED}


def test_legal_commands_on_the_worker_route_exclude_supervise() -> None:
    legal = kit.legal_commands(Reservation(status="accepted"), route=Route.WORKER)
    assert {type(command) for command in drawn(legal, 50)} == {Wrap, Complete}


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_invalid_commands_break_exactly_the_rule_they_name(kind: type[Command]) -> None:
    for one in invalid(kind.trigger):
        assert one.command is kind
        assert invalid_fields(kind, one.arguments) == [one.field], one
        with pytest.raises(InvalidCommand) as caught:
            one.build()
        assert [violation.field for violation in caught.value.violations] == [one.field]
        if isinstance(one.broken, Rule):
            assert caught.value.violations[0].rule == one.broken.rule


@pytest.mark.parametrize("kind", WITH_PARAMETERS, ids=trigger)
def test_invalid_commands_break_every_rule(kind: type[Command]) -> None:
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


def test_commands_without_parameters_are_never_invalid() -> None:
    assert kit.invalid_commands(Accept, Wrap, Complete).is_empty
    assert {one.command for one in drawn(kit.invalid_commands(), 100)} == set(WITH_PARAMETERS)


def test_repr_of_invalid_arguments_names_the_broken_rule() -> None:
    shown = {repr(one).rpartition("broken=")[2] for one in invalid(Conference.trigger)}
    assert "'true or false')" in shown
    assert any("must be at most 600 seconds" in text for text in shown)
