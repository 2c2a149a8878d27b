"""JSON documents of the control surface, seeds and the state file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final, cast

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.rest.bodies import BODY, Json, parse_json
from reservation_core.rest.errors import MalformedReply, PayloadFault, list_faults
from reservation_core.rest.field_reader import FieldReader

_NOT_JSON: Final = (b"\\ud", b"\\uD", b"NaN", b"Infinity")
_LARGE_NUMBERS: Final = (b"0e000", b"0e+000", b"0" * 200)
_TO_NUMBERS: Final = bytes.maketrans(b"0123456789eE", b"0000000000ee")
"""Makes all digits zero, so that large numbers are found by three texts."""


def _may_hold_no_json(text: str | bytes) -> bool:
    """Return False if a text surely holds no such value.

    Such are half characters, NaN and infinity. Writing the value tells for certain, and takes ten
    times as long.
    """
    if isinstance(text, str):
        return True
    numbers = text.translate(_TO_NUMBERS)
    is_large = any(part in numbers for part in _LARGE_NUMBERS)
    return is_large or any(part in text for part in _NOT_JSON)


def as_json(value: object) -> Json:
    """Convert a value to JSON.

    An attrs value or a payload fault becomes an object, a date ISO 8601, an enum its value.
    """
    if isinstance(value, Enum):
        return cast("Json", value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PayloadFault):
        return as_json(value._asdict())
    if isinstance(value, Mapping):
        return {
            str(key): as_json(each) for key, each in cast("Mapping[object, object]", value).items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(each) for each in cast("Sequence[object]", value)]
    kind = cast("type[attrs.AttrsInstance]", type(value))
    if attrs.has(kind):
        public = (field.name for field in attrs.fields(kind) if not field.name.startswith("_"))
        return {name: as_json(getattr(value, name)) for name in public}
    return cast("Json", value)


@attrs.frozen(slots=False)
class UnreadableDocument(ReservationError):
    """A document of the emulator cannot be read.

    ``faults`` holds every fault with its path, but no more than the first hundred. ``omitted`` is
    the number of further faults that were found.
    """

    faults: tuple[PayloadFault, ...]
    omitted: int = attrs.field(default=0, kw_only=True)

    def __str__(self) -> str:
        """List every fault, one per line."""
        return list_faults("the document cannot be read:", self.faults, self.omitted)


def read_document(text: str | bytes) -> FieldReader:
    """Parse a JSON document, and return the reader of its object.

    An empty text is an empty object.

    :raises UnreadableDocument: if it is not JSON. The reader raises it for faulty fields.
    """
    try:
        value: object = parse_json(text) if text.strip() else {}
        if _may_hold_no_json(text):
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except MalformedReply as error:
        raise UnreadableDocument(error.faults) from None
    except (ValueError, RecursionError):
        problem = "holds a value that JSON does not have: NaN, infinity or half a character"
        raise UnreadableDocument((PayloadFault(BODY, problem),)) from None
    return FieldReader(value, error=UnreadableDocument)
