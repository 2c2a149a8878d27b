"""Taking known fields out of what a webhook tells: each read as what it is, what is wrong gathered with its path, the rest kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, cast

from reservation_core.domain.redaction import shorten
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.reservation_payload import (
    Payload,
    json_type_name,
    read_date,
    read_fields,
    read_json,
    read_text,
    single_value,
)

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Attributes: TypeAlias = Mapping[str, Json]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_is_whole: Final = re.compile("[0-9]{1,18}").fullmatch
_MOST: Final = 10**18


def read_body(payload: Payload) -> object:
    """Read a webhook's body: a mapping as it is, JSON, or a form as the lists of its values.

    :raises MalformedReply: when it is none of them.
    """
    if not isinstance(payload, (str, bytes)):
        return payload
    text = read_text(payload)
    is_form = "=" in text and text.lstrip()[:1] not in ("{", "[", '"')
    return read_fields(text) if is_form else read_json(text)


def read_mapping(payload: Payload, wanted: str) -> Mapping[str, object]:
    """Read a webhook's body that is one form or one object.

    :param wanted: what it is meant to be, for the fault.
    :raises MalformedReply: when it is neither.
    """
    return as_mapping(read_body(payload), wanted, "(body)")


def as_mapping(value: object, wanted: str, path: str) -> Mapping[str, object]:
    """Take a value for the object it is.

    :raises MalformedReply: when it is none.
    """
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value)
    raise MalformedReply((PayloadFault(path, _mismatch(value, wanted)),))


def _mismatch(value: object, wanted: str) -> str:
    return "is missing" if value is None else f"is a JSON {json_type_name(value)}, not {wanted}"


class FieldReader:
    """Takes fields by their names in forms.

    :param told: what was told.
    :param path: where it stands in a larger body.
    :param names: what a field is called here, where it is not called as in forms.
    :param faults: where to note what is wrong.
    """

    def __init__(
        self,
        told: Mapping[str, object],
        faults: list[PayloadFault],
        path: str = "",
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.told: Final = told
        self.faults: Final = faults
        self.path: Final = path
        self._names: Final = names or {}

    def blame(self, name: str, problem: str, value: object = None) -> None:
        """Note what is wrong with a field."""
        self.faults.append(
            PayloadFault(
                self.path + self._names.get(name, name),
                problem,
                "" if value is None else shorten(value),
            )
        )

    def take(self, name: str) -> object:
        """Give a field as it was told; an empty one is none."""
        value = single_value(self.told, self._names.get(name, name), self.path, self.faults)
        return None if value == "" else value

    def layer(self, name: str, names: Mapping[str, str]) -> FieldReader:
        """Give the reader of an object within, of which nothing is told where it is none."""
        value = self.told.get(name)
        if not isinstance(value, Mapping):
            self.blame(name, _mismatch(value, "an object"))
            value = {}
        return FieldReader(
            cast("Mapping[str, object]", value), self.faults, f"{self.path}{name}.", names
        )

    def text(self, name: str) -> str | None:
        """Give a text."""
        value = self.take(name)
        if value is None or isinstance(value, str):
            return value
        self.blame(name, f"is a JSON {json_type_name(value)}, not a text")
        return None

    def whole(self, name: str) -> int | None:
        """Give a whole number, not below zero, of at most 18 digits: forms spell it out."""
        value = self.take(name)
        if value is None or (type(value) is int and 0 <= value < _MOST):
            return value
        if isinstance(value, str) and _is_whole(value):
            return int(value)
        self.blame(name, "is no whole number", value)
        return None

    def time(self, name: str) -> datetime | None:
        """Give a time, aware, in UTC: ISO 8601, or epoch seconds, which forms spell out."""
        value = self.take(name)
        if isinstance(value, str) and _is_whole(value):
            value = int(value)
        return read_date(value, self.path + self._names.get(name, name), self.faults)

    def milliseconds(self, name: str) -> datetime | None:
        """Give a time, aware, in UTC, told in epoch milliseconds."""
        value = self.whole(name)
        if value is None:
            return None
        try:
            return _EPOCH + timedelta(milliseconds=value)
        except OverflowError:
            self.blame(name, "is beyond all dates", value)
            return None

    def attributes(self, name: str) -> Attributes:
        """Give the JSON object that a text holds; empty where there is none."""
        text = self.text(name)
        if text is None:
            return {}
        try:
            value = read_json(text)
        except MalformedReply:
            self.blame(name, "is no JSON")
            return {}
        if isinstance(value, dict):
            return cast("dict[str, Json]", value)
        self.blame(name, f"is a JSON {json_type_name(value)}, not an object")
        return {}
