"""Readers of untrusted fields: of REST bodies, webhooks and the emulator's documents.

A reader takes the fields of one object by name and type. A wrong field adds a fault with its path
and gives its default, so that one pass finds all faults of a body. A missing field gives ``None``
or its default, without a fault. The caller raises the faults at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar, cast

from reservation_core.domain.commands.kinds import sid_kind
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.redaction import mask, shorten
from reservation_core.rest.bodies import BODY, Attributes, Json, mismatch, parse_json
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.faults import MAX_FAULTS, Faults

LARGEST_INTEGER: Final = 10**18 - 1
"""The largest integer that a webhook field may hold: 18 digits."""

_T = TypeVar("_T")

_PLACEHOLDER: Final = "it has 31, as the placeholders in the platform's samples of events do"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_is_integer: Final = re.compile("[0-9]{1,18}").fullmatch


class ErrorOfFaults(Protocol):
    """Class of an error with faults, or function that builds one."""

    def __call__(self, faults: tuple[PayloadFault, ...], /, *, omitted: int) -> ReservationError:
        """Build the error."""
        ...


class FieldReader:
    """Reader of one JSON object.

    :param value: the object. Any other value is a fault, and is read as an empty object.
    :param path: its place in a larger body, such as ``tasks[0]``.
    :param faults: the collection to add faults to. The readers of one body share it.
    :param wanted: the name of the object in that fault, such as ``an event``.
    :param error: the class of the error of :meth:`raise_faults`, or a function that builds it.
    """

    __slots__ = ("_error", "_taken", "faults", "fields", "path")

    def __init__(
        self,
        value: object,
        path: str = "",
        faults: Faults | None = None,
        *,
        wanted: str = "an object",
        error: ErrorOfFaults = MalformedReply,
    ) -> None:
        self.path: Final = path
        self.faults: Final = Faults() if faults is None else faults
        self._error: Final = error
        self._taken: Final[set[str]] = set()
        is_object = isinstance(value, Mapping)
        self.fields: Final = cast("Mapping[str, object]", value if is_object else {})
        if not is_object:
            problem = "is missing" if value is None and path else mismatch(value, wanted)
            self.faults.add(PayloadFault(path or BODY, problem))

    def path_of(self, name: str) -> str:
        """Return the path of a field, masked."""
        return f"{self.path}.{mask(name, limit=80)}".removeprefix(".")

    def add_fault(self, name: str, problem: str, value: object = None) -> None:
        """Add a fault of a field, unless it was added before.

        :param value: the wrong value. The fault shows it shortened and masked.
        """
        if self.faults.is_full:
            self.faults.omitted += 1
            return
        shown = "" if value is None else shorten(value)
        self.faults.add(PayloadFault(self.path_of(name), problem, shown))

    def raise_faults(self) -> None:
        """Raise the error of this reader if there are faults."""
        if self.faults:
            raise self._error(tuple(self.faults), omitted=self.faults.omitted)

    def take(self, name: str) -> object:
        """Take a value as it is, ``None`` if it is absent."""
        self._taken.add(name)
        return self.fields.get(name)

    _take_number = take

    def text(self, name: str) -> str | None:
        """Take a string."""
        value = self.take(name)
        if value is None or isinstance(value, str):
            return value
        self.add_fault(name, mismatch(value, "a string"))
        return None

    def sid(self, name: str, prefix: str) -> str | None:
        """Take a SID.

        :param prefix: its first two letters.
        """
        value = self.take(name)
        if value is None or (
            isinstance(value, str) and re.fullmatch(sid_kind(prefix).pattern, value)
        ):
            return value
        problem = f"is not a SID ({prefix} and 32 hexadecimal digits)"
        if isinstance(value, str) and re.fullmatch(f"{prefix}[0-9a-fA-F]{{31}}", value):
            problem += f"; {_PLACEHOLDER}"
        self.add_fault(name, problem, value)
        return None

    def required_sid(self, name: str, prefix: str) -> str:
        """Take a required SID. A wrong or missing one gives the SID of 32 zeros."""
        if self.take(name) is None:
            self.add_fault(name, f"is missing; give a SID ({prefix} and 32 hexadecimal digits)")
        return self.sid(name, prefix) or f"{prefix}{'0' * 32}"

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Take one of these words. A wrong or missing one is a fault and gives the first."""
        value = self.take(name)
        if isinstance(value, str) and value in choices:
            return value
        self.add_fault(name, f"must be one of {', '.join(choices)}", value)
        return choices[0]

    def choices(self, name: str, choices: Sequence[str]) -> tuple[str, ...]:
        """Take a list of these words, or a single one. Wrong words are left out."""
        value = self.take(name)
        if value is None:
            return ()
        given = cast("list[object]", value) if isinstance(value, list) else [value]
        wrong = [each for each in given if each not in choices]
        if wrong:
            self.add_fault(name, f"must hold only words of {', '.join(choices)}", wrong[0])
        return tuple(each for each in given if isinstance(each, str) and each in choices)

    def integer(
        self, name: str, default: _T, *, minimum: int = 0, maximum: int = 10**9
    ) -> int | _T:
        """Take a whole number from ``minimum`` to ``maximum``."""
        value = self._take_number(name)
        if value is None:
            return default
        if type(value) is int and minimum <= value <= maximum:
            return value
        self.add_fault(name, f"is not a whole number from {minimum} to {maximum}", value)
        return default

    def flag(self, name: str) -> bool | None:
        """Take true or false."""
        value = self.take(name)
        if value is None or isinstance(value, bool):
            return value
        self.add_fault(name, "is neither true nor false", value)
        return None

    def number(
        self, name: str, default: _T, *, minimum: float = 0, maximum: float = 1e9
    ) -> float | _T:
        """Take a number from ``minimum`` to ``maximum``."""
        value = self._take_number(name)
        if value is None:
            return default
        if type(value) in (int, float) and minimum <= cast("float", value) <= maximum:
            return cast("float", value)
        self.add_fault(name, f"is not a number from {minimum:g} to {maximum:g}", value)
        return default

    def date(self, name: str) -> datetime | None:
        """Take a date as an aware datetime in UTC.

        It is ISO 8601, epoch seconds or a ``datetime``. Without an offset it is GMT, as the API
        reference says.
        """
        value = self._take_number(name)
        if value is None:
            return None
        try:
            if isinstance(value, str | datetime):
                date = datetime.fromisoformat(value) if isinstance(value, str) else value
                if date.tzinfo is UTC:
                    return date
                return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
            if isinstance(value, (int, float)) and type(value) is not bool:
                return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        self.add_fault(name, "is neither an ISO 8601 date nor epoch seconds", value)
        return None

    def mapping(self, name: str) -> Mapping[str, Json] | None:
        """Take a JSON object as it is."""
        value = self.take(name)
        if value is None or isinstance(value, Mapping):
            return cast("Mapping[str, Json] | None", value)
        self.add_fault(name, mismatch(value, "an object"))
        return None

    def each(self, name: str) -> Iterator[FieldReader]:
        """Yield a reader for each object of a list. Any other item is a fault and is skipped.

        Reading stops when no more faults are kept.
        """
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            self.add_fault(name, mismatch(value, "a list"))
            value = None
        place = self.path_of(name)
        for number, item in enumerate(cast("list[object]", value or ())):
            if self.faults.is_full:
                return
            reader = FieldReader(item, f"{place}[{number}]", self.faults, error=self._error)
            if isinstance(item, dict):
                yield reader

    def unread(self) -> dict[str, object]:
        """Return the fields that were not taken."""
        return {name: value for name, value in self.fields.items() if name not in self._taken}

    def reject_unread(self) -> None:
        """Add a fault for each field that was not taken."""
        names = [name for name in self.fields if name not in self._taken]
        self._taken.update(self.fields)
        for name in names[:MAX_FAULTS]:
            self.add_fault(name, "is not a known field; check its spelling, or leave it out")
        self.faults.omitted += len(names[MAX_FAULTS:])

    def finish(self) -> None:
        """Add a fault for each unread field, and raise all faults."""
        self.reject_unread()
        self.raise_faults()


class LenientFieldReader(FieldReader):
    """Reader of the fields of a webhook, by their names in forms.

    The webhook is a form or a CloudEvent. An empty string counts as absent, a field may be a list
    of one value, and a number may be a string.

    :param rename: converts the name of a field in forms to its name in this object.
    """

    __slots__ = ("_rename",)

    def __init__(
        self,
        value: object,
        path: str = "",
        faults: Faults | None = None,
        *,
        wanted: str = "an object",
        error: ErrorOfFaults = MalformedReply,
        rename: Callable[[str], str] = str,
    ) -> None:
        super().__init__(value, path, faults, wanted=wanted, error=error)
        self._rename: Final = rename

    def path_of(self, name: str) -> str:
        """Return the path of a field, masked."""
        return super().path_of(self._rename(name))

    def take(self, name: str) -> object:
        """Take a single value, ``None`` if it is absent or empty."""
        value = super().take(self._rename(name))
        if isinstance(value, list):
            values = cast("list[object]", value)
            value = values[0] if values else None
            if len(values) > 1:
                self.add_fault(name, f"is given {len(values)} times")
        return None if value == "" else value

    def _take_number(self, name: str) -> object:
        value = self.take(name)
        return int(value) if isinstance(value, str) and _is_integer(value) else value

    def milliseconds(self, name: str) -> datetime | None:
        """Take a date in epoch milliseconds as an aware datetime in UTC."""
        value = self.integer(name, None, maximum=LARGEST_INTEGER)
        if value is None:
            return None
        try:
            return _EPOCH + timedelta(milliseconds=value)
        except OverflowError:
            self.add_fault(name, "is beyond all dates", value)
            return None

    def attributes(self, name: str) -> Attributes:
        """Take a JSON object, as it is or as text. An absent one gives an empty object."""
        value = self.take(name)
        if value is None:
            return {}
        if isinstance(value, str):
            try:
                value = parse_json(value)
            except MalformedReply:
                self.add_fault(name, "is not JSON")
                return {}
        if isinstance(value, Mapping):
            return cast("Attributes", value)
        self.add_fault(name, mismatch(value, "an object"))
        return {}

    def nested(self, name: str, rename: Callable[[str], str]) -> LenientFieldReader:
        """Return the reader of a required inner object.

        :param rename: converts the names of its fields, as in the constructor.
        """
        value = super().take(name)
        path = super().path_of(name)
        return LenientFieldReader(value, path, self.faults, error=self._error, rename=rename)
