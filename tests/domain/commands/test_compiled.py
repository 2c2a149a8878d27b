"""Compiled methods against the plain ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import attrs
import pytest
from hypothesis import given

from reservation_core import Accept, Command, Complete, Conference, SetStatus
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.compiled import compile_methods
from reservation_core.domain.commands.kinds import Kind, Problem
from reservation_core.domain.commands.parameters import Parameter, ParameterInfo
from reservation_core.testing.strategies import commands
from tests.domain.commands.helpers import some


@some
@given(commands(extra=True) | commands(SetStatus, extra=True))
def test_compiled_form_equals_plain_form(command: Command) -> None:
    assert type(command).form is not Command.form
    assert command.form() == Command.form(command)


def test_compiled_method_has_module_file_and_docstring() -> None:
    assert Accept().form() == (("ReservationStatus", "accepted"),)
    assert Conference(timeout=20).form()
    form = Conference.form
    assert form.__doc__ == Command.form.__doc__
    assert all(
        kind.__eq__ is Command.__eq__ and kind.__hash__ is Command.__hash__ for kind in COMMANDS
    )
    assert (form.__module__, form.__code__.co_filename) == (
        "reservation_core.domain.commands.compiled",
        "<compiled methods of Conference>",
    )


class Even(Kind[int]):
    """A kind that the compiler does not know."""

    def find_problem(self, value: object) -> Problem | None:
        return None if value == 2 else Problem("must be 2")

    def describe(self) -> str:
        return "2"


@attrs.define(slots=False)
class Probe:
    """Stand-in for a command with one parameter."""

    value: object
    extra: tuple[tuple[str, str], ...] = ()

    def _require_valid(self) -> None:
        raise LookupError


def test_unknown_kind_is_checked_by_find_problem_and_encoded_by_type() -> None:
    parameter = Parameter("value", "Value", Even(), False, ParameterInfo())
    methods = compile_methods(Probe, (("Instruction", "probe"),), (parameter,), ())
    check, form = methods["__attrs_post_init__"], cast("Callable[..., object]", methods["form"])
    check(Probe(2))
    check(Probe(None))
    with pytest.raises(LookupError):
        check(Probe(3))
    assert form(Probe(2)) == (("Instruction", "probe"), ("Value", "2"))
    assert form(Probe(None)) == (("Instruction", "probe"),)
    assert Even().describe() == "2"


@pytest.mark.parametrize("command", [Accept(), Complete(), Conference(timeout=5)], ids=repr)
def test_valid_command_needs_no_plain_check(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Command) -> None:
        raise AssertionError("the compiled check did not accept it")

    monkeypatch.setattr(Command, "_require_valid", refuse)
    assert Command.from_form(command.form()) == command
