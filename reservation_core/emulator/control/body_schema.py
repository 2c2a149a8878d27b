"""JSON Schemas of request bodies, recorded from the functions that read them.

The function runs once with a reader that holds no fields and records each field that is taken.
Fields, types and bounds are therefore declared in one place: the function itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from reservation_core.domain.commands.kinds import sid_kind
from reservation_core.rest.bodies import Json
from reservation_core.rest.field_reader import FieldReader

Schema: TypeAlias = dict[str, object]
"""A JSON Schema."""

_T = TypeVar("_T")


def describe_body(read: Callable[[FieldReader], object]) -> Schema:
    """Return the JSON Schema of the body that a function reads.

    :param read: a function that accepts an empty object, or replaces its faulty fields by defaults.
    """
    recorder = _SchemaRecorder()
    read(recorder)
    return recorder.schema()


class _SchemaRecorder(FieldReader):
    """Reader that records which fields are taken, with their types."""

    __slots__ = ("_properties", "_required")

    def __init__(self) -> None:
        super().__init__({})
        self._properties: dict[str, Schema] = {}
        self._required: list[str] = []

    def schema(self) -> Schema:
        content: Schema = {
            "type": "object",
            "properties": self._properties,
            "additionalProperties": False,
        }
        return {**content, "required": self._required} if self._required else content

    def text(self, name: str) -> str | None:
        self._properties[name] = {"type": "string"}
        return None

    def sid(self, name: str, prefix: str) -> str | None:
        self._properties[name] = describe_sid(prefix)
        return None

    def required_sid(self, name: str, prefix: str) -> str:
        self._required.append(name)
        self.sid(name, prefix)
        return f"{prefix}{'0' * 32}"

    def choice(self, name: str, choices: Sequence[str]) -> str:
        self._required.append(name)
        self._properties[name] = {"enum": [*choices]}
        return choices[0]

    def choices(self, name: str, choices: Sequence[str]) -> tuple[str, ...]:
        word = {"enum": [*choices]}
        self._properties[name] = {"anyOf": [{"type": "array", "items": word}, word]}
        return ()

    def integer(
        self, name: str, default: _T, *, minimum: int = 0, maximum: int = 10**9
    ) -> int | _T:
        return self._record_number("integer", name, default, minimum, maximum)

    def number(
        self, name: str, default: _T, *, minimum: float = 0, maximum: float = 1e9
    ) -> float | _T:
        return self._record_number("number", name, default, minimum, maximum)

    def flag(self, name: str) -> bool | None:
        self._properties[name] = {"type": "boolean"}
        return None

    def mapping(self, name: str) -> Mapping[str, Json] | None:
        self._properties[name] = {"type": "object"}
        return None

    def each(self, name: str) -> Iterator[FieldReader]:
        item = _SchemaRecorder()
        yield item
        self._properties[name] = {"type": "array", "items": item.schema()}

    def _record_number(
        self, kind: str, name: str, default: _T, minimum: float, maximum: float
    ) -> _T:
        known = {} if default is None else {"default": default}
        bounds = {"minimum": minimum, "maximum": maximum}
        self._properties[name] = {"type": kind, **bounds, **known}
        return default


def describe_sid(prefix: str) -> Schema:
    """Return the JSON Schema of a SID.

    :param prefix: its first two letters.
    """
    return {"type": "string", "pattern": f"^{sid_kind(prefix).pattern}$"}
