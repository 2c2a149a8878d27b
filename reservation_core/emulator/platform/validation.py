"""Checks of values that are added to the emulated platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from reservation_core.rest.addresses import SID_PREFIXES, is_sid
from reservation_core.rest.bodies import Attributes

MAX_RESERVATION_TIMEOUT: Final = 86_400
"""Seconds."""

_MAX_DEPTH: Final = 100


def check_sid(field: str, value: str) -> str:
    """Return a SID unchanged.

    :param field: the field that holds it, such as ``task_sid``.
    :raises ValueError: if it is not a SID of that field.
    """
    if not is_sid(value, field):
        raise ValueError(f"{field} must be a SID: {SID_PREFIXES[field]} and 32 hexadecimal digits")
    return value


def check_timeout(seconds: int) -> int:
    """Return a reservation timeout unchanged.

    :raises ValueError: if it is out of bounds.
    """
    if not 1 <= seconds <= MAX_RESERVATION_TIMEOUT:
        bounds = f"from 1 to {MAX_RESERVATION_TIMEOUT} seconds"
        raise ValueError(f"reservation_timeout must be {bounds}, not {seconds!r}")
    return seconds


def copy_attributes(attributes: Mapping[str, object] | None) -> Attributes:
    """Return a deep copy of a JSON object.

    ``None`` becomes an empty object.

    :raises ValueError: if it is not a JSON object, or nested too deep.
    """
    if attributes is None:
        return {}
    try:
        copy: object = json.loads(json.dumps(attributes, allow_nan=False))
    except (TypeError, RecursionError):
        copy = None
    if not isinstance(copy, dict) or _exceeds(cast("object", copy), _MAX_DEPTH):
        kinds = f"strings, numbers, lists and dicts, nested at most {_MAX_DEPTH} deep"
        raise ValueError(f"attributes must be a JSON object: a dict of {kinds}")
    return cast("Attributes", copy)


def _exceeds(value: object, depth: int) -> bool:
    """Return true if lists and objects are nested deeper than ``depth``."""
    if isinstance(value, dict):
        items = [*cast("dict[str, object]", value).values()]
    elif isinstance(value, list):
        items = cast("list[object]", value)
    else:
        return False
    return depth == 0 or any(_exceeds(item, depth - 1) for item in items)
