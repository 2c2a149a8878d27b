"""How values become JSON, and how JSON from outside is read: field by field, by name and kind, all faults gathered with their paths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, cast

import attrs

from reservation_core.domain.commands.kinds import sid
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import shorten
from reservation_core.rest.errors import PayloadFault

Json: TypeAlias = object
"""What JSON can hold; checked where it is read."""


def as_json(value: object) -> Json:
    """Give a value as JSON can hold it: an attrs value as an object, a date in ISO 8601, an enum as its value."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {
            str(key): as_json(each) for key, each in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(each) for each in cast("Sequence[object]", value)]
    kind = cast("type[attrs.AttrsInstance]", type(value))
    if attrs.has(kind):
        return {field.name: as_json(getattr(value, field.name)) for field in attrs.fields(kind)}
    return value


@attrs.frozen(slots=False)
class UnreadableDocument(ReservationError):
    """What the emulator was told to do cannot be read; ``faults`` holds everything that is wrong with it, each with its path."""

    faults: tuple[PayloadFault, ...]

    def __str__(self) -> str:
        """List every fault, a line each."""
        return "\n  ".join(
            [
                "the emulator cannot do what it cannot read; mend every one of these:",
                *map(str, self.faults),
            ]
        )


class DocumentReader:
    """One JSON object being read. What is wrong is noted, and a value of the right kind given all the same, so that reading goes on.

    :param value: what ought to be an object.
    :param path: where it stands, as in ``tasks[0]``; empty for the whole.
    :param faults: where faults are noted; shared by all that is read of one document.
    """

    def __init__(
        self, value: object, path: str = "", faults: list[PayloadFault] | None = None
    ) -> None:
        self.path: Final = path
        self.faults: Final[list[PayloadFault]] = [] if faults is None else faults
        self._unread: dict[str, object] = {}
        if isinstance(value, dict):
            self._unread = dict(cast("Mapping[str, object]", value))
        else:
            self._blame("", "is no JSON object", value)

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}".strip(".")

    def _blame(self, name: str, problem: str, value: object = None) -> None:
        self.faults.append(
            PayloadFault(
                self._at(name) or "(the whole)", problem, "" if value is None else shorten(value)
            )
        )

    def text(self, name: str, *, form: str | None = None, what: str = "text") -> str | None:
        """Take a text, of a form (a regular expression) where one is asked for."""
        value = self._unread.pop(name, None)
        if value is None:
            return None
        if isinstance(value, str) and (form is None or re.fullmatch(form, value)):
            return value
        self._blame(name, f"is no {what}", value)
        return None

    def sid(self, name: str, prefix: str) -> str | None:
        """Take a SID."""
        return self.text(
            name, form=sid(prefix).form, what=f"SID ({prefix} and 32 hexadecimal digits)"
        )

    def the_sid(self, name: str, prefix: str) -> str:
        """Take a SID that must be there; the nil one stands in for it where it is wrong."""
        if name not in self._unread:
            self._blame(name, f"is missing; give a SID ({prefix} and 32 hexadecimal digits)")
        return self.sid(name, prefix) or f"{prefix}{'0' * 32}"

    def one_of(self, name: str, words: tuple[str, ...]) -> str:
        """Take one of these words, which must be there; the first stands in for it where it is wrong."""
        value = self._unread.pop(name, None)
        if isinstance(value, str) and value in words:
            return value
        self._blame(name, f"must be one of {', '.join(words)}", value)
        return words[0]

    def number(
        self, name: str, usual: float | None = None, *, least: float = 0, most: float = 1e9
    ) -> float | None:
        """Take a number within bounds."""
        value = self._unread.pop(name, None)
        if value is None:
            return usual
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and least <= value <= most
        ):
            return value
        self._blame(name, f"is no number from {least:g} to {most:g}", value)
        return usual

    def whole(
        self, name: str, usual: int | None = None, *, least: int = 0, most: int = 10**9
    ) -> int | None:
        """Take a whole number within bounds."""
        value = self._unread.pop(name, None)
        if value is None:
            return usual
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._blame(name, f"is no whole number from {least} to {most}", value)
        return usual

    def words(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Take a list of these words."""
        value = self._unread.pop(name, None)
        if value is None:
            return ()
        given = cast("list[object]", value) if isinstance(value, list) else [value]
        wrong = [each for each in given if each not in known]
        if wrong:
            self._blame(name, f"holds what is none of {', '.join(known)}", wrong[0])
        return tuple(each for each in given if isinstance(each, str) and each in known)

    def mapping(self, name: str) -> dict[str, object] | None:
        """Take a JSON object as it is."""
        value = self._unread.pop(name, None)
        if value is None or isinstance(value, dict):
            return cast("dict[str, object] | None", value)
        self._blame(name, "is no JSON object", value)
        return None

    def each(self, name: str) -> Iterator[DocumentReader]:
        """Go through a list of JSON objects."""
        value = self._unread.pop(name, None)
        if value is None:
            return
        if not isinstance(value, list):
            self._blame(name, "is no list", value)
            return
        for number, item in enumerate(cast("list[object]", value)):
            yield DocumentReader(item, self._at(f"{name}[{number}]"), self.faults)

    def close(self) -> None:
        """Note what was given and nobody asked for."""
        for name in self._unread:
            self._blame(
                shorten(name, 40).strip("'\""),
                "is unknown here; check its spelling, or leave it out",
            )
        self._unread.clear()

    def settle(self) -> None:
        """End the reading of a whole document.

        :raises UnreadableDocument: when anything was wrong with it.
        """
        self.close()
        if self.faults:
            raise UnreadableDocument(tuple(self.faults))


def read_document(text: str | bytes) -> DocumentReader:
    """Begin to read a JSON document; nothing at all counts as an empty object.

    :raises UnreadableDocument: when it is no JSON.
    """
    try:
        value: object = json.loads(text) if text.strip() else {}
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        where = (
            f" at line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise UnreadableDocument(
            (
                PayloadFault(
                    "(the whole)", f"is no JSON that can be read{where}; write JSON in UTF-8"
                ),
            )
        ) from None
    return DocumentReader(value)
