"""Shared values and helpers of the tests of commands."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest
from hypothesis import settings

from reservation_core import (
    Command,
    InvalidCommand,
)
from reservation_core.domain.commands.catalogue import COMMANDS

Pairs: TypeAlias = tuple[tuple[str, str], ...]
some = settings(max_examples=60)
HEX: Final = "0123456789abcdef" * 2
URL: Final = "https://example.com/"
SIP: Final = "sip:agent@example.com"
BY_TRIGGER: Final = {command.trigger: command for command in COMMANDS}
CALLBACK_COMMANDS: Final = [
    command for command in COMMANDS if command.trigger not in {"supervise", "wrap", "complete"}
]
WITH_PARAMETERS: Final = [command for command in COMMANDS if command.parameters]


def trigger(command: type[Command]) -> str:
    """Return the trigger of a command, for the ID of a test."""
    return command.trigger


def refused(make: Callable[..., object], *args: object, **kwargs: object) -> InvalidCommand:
    """Call a function that must raise :class:`InvalidCommand`, and return the error."""
    with pytest.raises(InvalidCommand) as caught:
        make(*args, **kwargs)
    return caught.value


def blamed(error: InvalidCommand) -> list[str]:
    """Return the parameters that an error blames, in order."""
    return [violation.parameter for violation in error.violations]


def everything_printed(error: BaseException) -> str:
    """Return all that Python may print of an error and its copy.

    This is the text, the repr, the arguments, and the traceback with causes and contexts.
    """
    return "\n".join(
        "".join([str(one), repr(one), repr(one.args), *traceback.format_exception(one)])
        for one in (error, pickle.loads(pickle.dumps(error)))
    )
