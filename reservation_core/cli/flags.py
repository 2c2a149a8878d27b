"""Flags, and sub-commands with a flag for each parameter in the catalogue."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any, TypeAlias, get_type_hints

from reservation_core._extras import extra
from reservation_core.cli.exit_codes import UsageError
from reservation_core.cli.names import COMMANDS_BY_NAME, name_flag
from reservation_core.cli.redaction import is_secret, secret_variable
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.extra import EXTRA_FIELD, FormPairs
from reservation_core.domain.commands.kinds import Boolean, Choice, MultipleChoice, Value
from reservation_core.domain.commands.parameters import Parameter
from reservation_core.domain.member_docs import read_member_docs

with extra("cli"):
    import cyclopts


SwitchFlag: TypeAlias = Annotated[bool, cyclopts.Parameter(negative=())]
"""A flag without a value and without its ``--no-`` form."""

RepeatedFlag: TypeAlias = Annotated[
    Sequence[str], cyclopts.Parameter(negative_iterable=(), show_default=False)
]
"""A flag that may be given several times."""

JsonFlag: TypeAlias = Annotated[
    bool, cyclopts.Parameter(name="--json", negative=(), help="Print JSON, also of an error.")
]


def read_whole_number(flag: str, text: str, minimum: int, maximum: int) -> int:
    """Return the whole number that a flag holds.

    :raises UsageError: if it is not a whole number in the range.
    """
    if re.fullmatch("[0-9]{1,9}", text) and minimum <= int(text) <= maximum:
        return int(text)
    raise UsageError(f"{flag} must be a whole number from {minimum} to {maximum}")


def make_group(name: str, help_text: str, action: Callable[..., None]) -> cyclopts.App:
    """Make a group with a sub-command for each command of the catalogue.

    :param name: name of the group.
    :param help_text: help of the group.
    :param action: is called with the command. Its own flags are its keyword-only parameters.
    """
    group = cyclopts.App(name=name, help=help_text)
    for command_name, command in COMMANDS_BY_NAME.items():
        group.command(
            _make_subcommand(command, action),
            name=command_name,
            help=_unwrap(command.description).replace("``", ""),
        )
    return group


def _unwrap(text: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _make_subcommand(command: type[Command], action: Callable[..., None]) -> Callable[..., None]:
    hints = get_type_hints(action, include_extras=True)
    own_flags = [
        flag.replace(annotation=hints[flag.name])
        for flag in inspect.signature(action).parameters.values()
        if flag.kind is flag.KEYWORD_ONLY
    ]

    def run(**given: object) -> None:
        names = (*(parameter.field for parameter in command.parameters), EXTRA_FIELD)
        fields: dict[str, Any] = {name: given.pop(name) for name in names if name in given}
        action(command(**fields), **given)

    flags = _make_flags(command)  # type: ignore[arg-type] # mypy does not take a class as hashable
    run.__dict__["__signature__"] = inspect.Signature([*flags, *own_flags])
    return run


@cache  # two groups have the same commands
def _make_flags(command: type[Command]) -> tuple[inspect.Parameter, ...]:
    """Return a flag for each parameter.

    A value is decoded as in a form, so that the command itself reports everything that is wrong.
    """
    return tuple(_yield_flags(command))


def _yield_flags(command: type[Command]) -> Iterator[inspect.Parameter]:
    hints, summaries = get_type_hints(command), read_member_docs(command)
    for parameter in command.parameters:
        flag = cyclopts.Parameter(
            name=name_flag(parameter.field),
            help=" ".join(_help_sentences(parameter, summaries.get(parameter.field, ""))),
            converter=None if isinstance(parameter.kind, Boolean) else _make_decoder(parameter),
            negative_iterable=(),
            show_default=False,
            allow_leading_hyphen=is_secret(parameter),
            env_var=secret_variable(parameter) if is_secret(parameter) else None,
        )
        yield inspect.Parameter(
            parameter.field,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[hints[parameter.field], flag, _AnyValue()],
        )
    extra = cyclopts.Parameter(
        name=f"--{EXTRA_FIELD}",
        help="Further parameter, as name=value. It is sent as given. May be repeated.",
        converter=_split_pairs,
        negative_iterable=(),
        show_default=False,
    )
    yield inspect.Parameter(
        EXTRA_FIELD,
        inspect.Parameter.KEYWORD_ONLY,
        default=(),
        annotation=Annotated[list[str], extra, _AnyValue()],
    )


def _help_sentences(parameter: Parameter, summary: str) -> Iterator[str]:
    yield summary
    if not isinstance(parameter.kind, (Boolean, Choice)):
        yield f"Takes {parameter.kind.describe()}."
    if parameter.is_required:
        yield "Required."
    if parameter.info.if_unset:
        yield f"Default: {parameter.info.if_unset}."
    if isinstance(parameter.kind, MultipleChoice):
        yield "May be repeated."
    if is_secret(parameter):
        yield "Never printed. Safer in the environment variable than here."


def _make_decoder(
    parameter: Parameter,
) -> Callable[[object, Sequence[cyclopts.Token]], Value]:
    return lambda _, tokens: parameter.kind.decode([token.value for token in tokens])


def _split_pairs(_: object, tokens: Sequence[cyclopts.Token]) -> FormPairs:
    parts = (token.value.partition("=") for token in tokens)
    return tuple((name, value) for name, _, value in parts)


class _AnyValue:
    """Pydantic schema that accepts any value.

    Cyclopts validates with pydantic once anything has imported it. Commands validate themselves.
    """

    def __get_pydantic_core_schema__(self, *_: object) -> dict[str, str]:
        return {"type": "any"}
