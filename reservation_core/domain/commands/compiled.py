"""Compiled methods of commands: the check and the form encoder."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

from reservation_core.domain.commands.kinds import plain

if TYPE_CHECKING:
    from reservation_core.domain.commands.base import Command


def compile_methods(own: type[Command]) -> dict[str, FunctionType]:
    """Write a command's quick check, the reading of its values and its form as one method each.

    They stand on every command's way, and a loop over 32 parameters takes three times as long.

    :param own: the command's class; those that somebody derives of it may hold more, and are checked at leisure.
    """
    parameters, rules = own.parameters, own.rules
    constants: dict[str, object] = {
        f"broken_{number}": rule.is_broken for number, rule in enumerate(rules)
    }
    constants |= {"__name__": __name__, "own": own, "head": own.first_pair, "plain": plain}
    tests = [
        (f"{p.field} is not None and " if p.is_required else "")
        + p.kind.expression(p.field, constants)
        for p in parameters
    ]
    for number, rule in enumerate(rules):
        unset = "".join(f"{field} is None or " for field in rule.fields)
        tests.append(f"({unset}not broken_{number}({', '.join(rule.fields)}))")
    adding = "\n".join(
        f"    if (value := self.{p.field}) is not None:\n        {p.kind.adding(p.wire_name)}"
        for p in parameters
    )
    source = f"""
def __attrs_post_init__(self):
    if self.__class__ is not own:
        return self._refuse()
    ({"".join(f"{p.field}, " for p in parameters)}) = self.__dict__.values()  # as attrs has just set them, in order
    try:
        if {" and ".join(tests)}:
            return
    except TypeError:  # a value of a wrong type stopped the check
        pass
    self._refuse()

def _values(self):
    return ({" ".join(f"self.{p.field}," for p in parameters)})

def form(self):
    pairs = [head]
    add = pairs.append
{adding}
    return tuple(pairs)
"""
    exec(compile(source, "<the check of a command>", "exec"), constants)  # noqa: S102 - built from our own declarations only
    return {
        name: made
        for name, made in constants.items()
        if isinstance(made, FunctionType) and made.__globals__ is constants
    }
