"""JSON documents of the control surface, seeds and the state file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import cast

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.rest.bodies import BODY, Json, parse_json
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.field_reader import FieldReader


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

    ``faults`` holds every fault with its path.
    """

    faults: tuple[PayloadFault, ...]

    def __str__(self) -> str:
        """List every fault, one per line."""
        return "\n  ".join(["the document cannot be read:", *map(str, self.faults)])


def read_document(text: str | bytes) -> FieldReader:
    """Parse a JSON document, and return the reader of its object.

    An empty text is an empty object.

    :raises UnreadableDocument: if it is not JSON. The reader raises it for faulty fields.
    """
    try:
        value: object = parse_json(text) if text.strip() else {}
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except MalformedReply as error:
        raise UnreadableDocument(error.faults) from None
    except (ValueError, RecursionError):
        problem = "holds a value that JSON does not have: NaN, infinity or half a character"
        raise UnreadableDocument((PayloadFault(BODY, problem),)) from None
    return FieldReader(value, error=UnreadableDocument)
