"""Values that are read back from the JSON of a state file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

import attrs

from reservation_core.domain.reservation import Links

MAX_YEAR: Final = 8999
"""Last year of a stored date. Later dates can follow from it."""

_T = TypeVar("_T")


def from_json(kind: type[_T], document: object) -> _T:
    """Convert JSON back to an attrs value.

    :param kind: the class. Its annotations say how each field is read.
    :raises ValueError: if a field is missing, unknown or not of its type.
    """
    fields = _read_object(document, object)
    readers = _field_readers(cast("type", kind))
    if unknown := fields.keys() - readers.keys():
        raise ValueError(f"{kind.__name__} has no field {min(unknown)}")
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            values[name] = readers[name](value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None
    try:
        return kind(**values)
    except TypeError:
        raise ValueError(f"a field of {kind.__name__} is missing") from None


@cache
def _field_readers(kind: type) -> Mapping[str, Callable[[object], object]]:
    return {name: _field_reader(hint) for name, hint in get_type_hints(kind).items()}


def _field_reader(hint: object) -> Callable[[object], object]:
    """Return the function that reads a field of the annotated type."""
    given = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    choices = [each for each in given if each is not NoneType]
    read = _value_reader(cast("type", get_origin(choices[0]) or choices[0]))
    if len(choices) == len(given):
        return read
    return lambda value: None if value is None else read(value)


def _value_reader(kind: type[Any]) -> Callable[[object], object]:
    if kind is datetime:
        return _read_date
    if issubclass(kind, Enum):
        return kind
    if kind is Links:
        return lambda value: Links(tuple(_read_object(value, str).items()))
    if attrs.has(kind):
        return partial(from_json, kind)
    if kind is Mapping:
        return lambda value: _read_object(value, object)

    def read(value: object) -> object:
        if type(value) is not kind:
            raise ValueError(f"is not {kind.__name__}")
        return value

    return read


def _read_date(value: object) -> datetime:
    date = datetime.fromisoformat(cast("str", value))
    if date.tzinfo is None or date.year > MAX_YEAR:
        raise ValueError(f"is not a date with a time zone, up to the year {MAX_YEAR}")
    return date


def _read_object(value: object, kind: type) -> dict[str, Any]:
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        if all(isinstance(each, kind) for each in found.values()):
            return found
    raise ValueError("is not an object with such values")
