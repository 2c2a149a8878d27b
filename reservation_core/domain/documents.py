"""JSON documents of the library's values.

A document is a dict of JSON types with a key for each field of an attrs class. Fields that are
``None`` are left out, and unknown keys are ignored. The attrs fields are the only declaration:
their types say how a value is read, and their ``repr`` redacts it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Self, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs

from reservation_core.domain.errors import InvalidCommand, InvalidDocument, hides_locals

_T = TypeVar("_T")
_Reader: TypeAlias = Callable[[object], object]


class Serializable:
    """Base class of attrs values with JSON documents.

    ``Reservation`` has the same methods of its own: its builder allows no base class.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Return a dict of JSON types, with personal and secret values.

        Fields that are ``None`` are left out. Use it for queues and caches, not for logs.
        """
        return to_document(cast("attrs.AttrsInstance", self))

    def to_redacted_dict(self) -> dict[str, object]:
        """Return a dict of JSON types, with sensitive values redacted.

        Use it for logs and for clients.
        """
        return to_document(cast("attrs.AttrsInstance", self), is_redacted=True)

    @classmethod
    @hides_locals(InvalidCommand, InvalidDocument)
    def from_dict(cls, document: Mapping[str, object]) -> Self:
        """Return the value of a document of :meth:`to_dict`.

        Unknown keys are ignored.

        :raises InvalidDocument: if a field is missing or has another type.
        :raises InvalidCommand: if a command in it is not valid.
        """
        return from_document(cls, document)


def to_document(value: attrs.AttrsInstance, *, is_redacted: bool = False) -> dict[str, object]:
    """Return the document of a value.

    :param is_redacted: true to replace what is secret or personal.
    """
    document: dict[str, object] = {}
    for field in attrs.fields(type(value)):
        part: object = getattr(value, field.name)
        if part is None:
            continue
        if is_redacted and callable(field.repr):
            document[field.name] = field.repr(part)
        else:
            document[field.name] = _write(part, is_redacted)
    return document


def _write(value: object, is_redacted: bool) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    own = getattr(value, "to_redacted_dict" if is_redacted else "to_dict", None)
    return value if own is None else own()


def from_document(cls: type[_T], document: object) -> _T:
    """Return the value of a document.

    :raises InvalidDocument: if a field is missing or has another type. It names all of them.
    """
    if not isinstance(document, Mapping):
        raise InvalidDocument(cls.__name__, ("it is not an object",))
    given = cast("Mapping[object, object]", document)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, (read, expected, is_required) in _readers(cast("Hashable", cls)).items():
        raw = given.get(name)
        if raw is None:
            faults += [f"{name} is missing"] if is_required else []
            continue
        try:
            values[name] = read(raw)
        except InvalidDocument as error:
            faults += [f"{name}: {fault}" for fault in error.faults]
        except (TypeError, ValueError):
            faults.append(f"{name} is not {expected}")
    if faults:
        raise InvalidDocument(cls.__name__, tuple(faults))
    return cls(**values)


@cache
def _readers(cls: Hashable) -> Mapping[str, tuple[_Reader, str, bool]]:
    """Return the reader, the expected type and the need of each field."""
    assert isinstance(cls, type)
    types = get_type_hints(cls)
    return {
        field.name: (*_reader(types[field.name]), field.default is attrs.NOTHING)
        for field in attrs.fields(cls)
    }


def _reader(declared: Any) -> tuple[_Reader, str]:
    options = list(_options(declared))
    if options == [datetime]:
        return _read_time, "an ISO 8601 time with an offset"
    if all(issubclass(option, Enum) for option in options):
        words = {member.value: member for option in options for member in option}
        return _word_reader(words), f"one of {', '.join(words)}"
    (kind,) = options
    if hasattr(kind, "from_dict"):
        return kind.from_dict, "an object"
    return _exact_reader(kind), {bool: "true or false", int: "an integer", str: "a text"}[kind]


def _options(declared: Any) -> Iterator[Any]:
    """Yield the types of a union but ``None``, or the type itself."""
    if get_origin(declared) in (Union, UnionType):
        yield from (option for option in get_args(declared) if option is not NoneType)
    else:
        yield declared


def _read_time(raw: object) -> datetime:
    time = datetime.fromisoformat(cast("str", raw))
    if time.utcoffset() is None:
        raise ValueError
    return time


def _word_reader(words: Mapping[object, object]) -> _Reader:
    def read(raw: object) -> object:
        if raw not in words:
            raise ValueError
        return words[raw]

    return read


def _exact_reader(kind: type) -> _Reader:
    def read(raw: object) -> object:
        if type(raw) is not kind:
            raise TypeError
        return raw

    return read
