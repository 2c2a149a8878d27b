"""Kinds of parameters of the emulated resources.

A kind converts the text of a form to a JSON value. A text outside of the documented limits is
refused, because no source shows that the platform takes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from reservation_core.domain.commands.kinds import Uri, sid_kind
from reservation_core.emulator.platform.validation import copy_attributes
from reservation_core.rest.bodies import Json

FieldKind: TypeAlias = Callable[[str], Json]
"""Converts a text. Raises :class:`ValueError` with the rule that a wrong text breaks."""

MAX_PRIORITY: Final = 2**31 - 1
"""The highest priority of a task (documented)."""

_URI: Final = Uri()
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_match_integer: Final = re.compile("-?[0-9]{1,10}").fullmatch


def text(max_length: int | None = None) -> FieldKind:
    """Return the kind of a text."""

    def parse(given: str) -> Json:
        if max_length is not None and len(given) > max_length:
            raise ValueError(f"must have at most {max_length} characters")
        return given

    return parse


def url(given: str) -> Json:
    """Read an absolute URL. An empty one removes it."""
    if given and _URI.find_problem(given):
        raise ValueError(f"must be {_URI.description}")
    return given or None


def sid_of(*prefixes: str) -> FieldKind:
    """Return the kind of a SID with one of these prefixes."""
    kinds = [sid_kind(prefix) for prefix in prefixes]

    def parse(given: str) -> Json:
        if any(kind.find_problem(given) is None for kind in kinds):
            return given
        raise ValueError(f"must be {' or '.join(kind.description for kind in kinds)}")

    return parse


def integer(minimum: int, maximum: int) -> FieldKind:
    """Return the kind of a whole number."""

    def parse(given: str) -> Json:
        if _match_integer(given) and minimum <= int(given) <= maximum:
            return int(given)
        raise ValueError(f"must be a whole number from {minimum} to {maximum}")

    return parse


def flag(given: str) -> Json:
    """Read true, 1 or yes as true, anything else as false."""
    return given.lower() in ("true", "1", "yes")


def word(*words: str) -> FieldKind:
    """Return the kind of one of some words, in any letter case."""

    def parse(given: str) -> Json:
        for each in words:
            if each.lower() == given.lower():
                return str(each)
        raise ValueError(f"must be one of {', '.join(words)}")

    return parse


def json_object(given: str) -> Json:
    """Read a JSON object."""
    try:
        value: object = json.loads(given, parse_constant=_refuse_constant)
        if isinstance(value, dict):
            return dict(copy_attributes(cast("dict[str, object]", value)))
    except (ValueError, RecursionError):
        pass
    raise ValueError("must be a JSON object")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def json_text(given: str) -> Json:
    """Read a JSON object as text. It is kept as it was written."""
    json_object(given)
    return given


def expression(given: str) -> Json:
    """Read an expression. Only an empty one and ``1==1`` are taken: both match everything."""
    if given.replace(" ", "") in ("", "1==1"):
        return given
    raise ValueError("is an expression, which the emulator does not evaluate. Leave it out")


def date(given: str) -> Json:
    """Read a date from 1900 on. Without an offset it is UTC."""
    try:
        value = datetime.fromisoformat(given)
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date such as 2030-01-01T00:00:00Z") from None
    if value < _EARLIEST:
        raise ValueError("must not be before the year 1900")
    return show_date(value)


def show_date(value: datetime | None) -> str | None:
    """Return a date as replies show it: to the second, with a Z."""
    return None if value is None else f"{value.astimezone(UTC).isoformat()[:19]}Z"
