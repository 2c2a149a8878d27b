"""Names of commands and states, as they are typed.

Letter case does not matter in commands, states and the words of flags. Flags are in lower case.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final, get_args

from reservation_core._extras import extra
from reservation_core.cli.exit_codes import UsageError
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import COMMANDS, SetStatus
from reservation_core.domain.lifecycle import ON_HOLD, State, Status

with extra("cli"):
    import cyclopts


CASE_RULE: Final = (
    "Commands, statuses and words may be typed in any letter case, and flags in lower case."
)
_STATES: Final[tuple[State, ...]] = (*Status, ON_HOLD)
_MAX_FLAG: Final = 48  # characters of a typed flag that is shown


def name_command(command: type[Command]) -> str:
    """Return the name of a command on the command line."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "-", command.__name__).lower()


def name_flag(field: str) -> str:
    """Return the flag of a field."""
    return f"--{field.strip('_').replace('_', '-')}"


COMMANDS_BY_NAME: Final[Mapping[str, type[Command]]] = {
    name_command(command): command for command in (*COMMANDS, SetStatus)
}
"""All commands by the names that ``explain``, ``encode`` and ``send`` use."""


def read_command(text: str) -> type[Command]:
    """Return the command that a name stands for.

    :raises UsageError: if there is none.
    """
    try:
        return COMMANDS_BY_NAME[text.lower()]
    except KeyError:
        raise UsageError(f"COMMAND must be one of {', '.join(COMMANDS_BY_NAME)}") from None


def read_state(_: object, tokens: Sequence[cyclopts.Token]) -> State:
    """Return the state that a name stands for. It is a converter of cyclopts.

    :raises ValueError: if there is none.
    """
    word = re.sub("[-_ ]", "", tokens[0].value).lower()
    for state in _STATES:
        if state.lower() == word:
            return state
    raise ValueError


def read_word(hint: object, tokens: Sequence[cyclopts.Token]) -> str:
    """Return the word of a ``Literal`` that was typed. It is a converter of cyclopts.

    :raises ValueError: if there is none.
    """
    words: dict[str, str] = {word.lower(): word for word in get_args(hint)}
    if (typed := tokens[0].value.lower()) not in words:
        raise ValueError
    return words[typed]


def lower_commands(argv: Sequence[str], app: cyclopts.App) -> list[str]:
    """Return the arguments with the names of commands in lower case."""
    words, group = list(argv), app
    for place, word in enumerate(words):
        if word.startswith("-") or word.lower() not in group:
            break
        words[place] = word.lower()
        group = group[word.lower()]
    return words


def describe_unknown_flag(token: cyclopts.Token, known: Sequence[str]) -> str:
    """Name an unknown flag, and one that is similar.

    Its value is not shown, and neither is a text that does not look like a flag: it may be secret.
    """
    typed = (token.keyword or token.value).partition("=")[0]
    is_flag = len(typed) <= _MAX_FLAG and re.fullmatch("--?[A-Za-z]+(-[A-Za-z]+)*", typed)
    similar = difflib.get_close_matches(typed.lower(), known, n=1)
    question = f" (did you mean {similar[0]}?)" if similar else ""
    return f"unknown flag{f' {typed}' if is_flag else ''}{question}"
