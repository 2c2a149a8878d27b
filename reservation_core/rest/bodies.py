"""Parsing of untrusted bodies: JSON, or a form."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.urlencoding import decode_form

if TYPE_CHECKING:
    from json import JSONDecoder

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""A JSON value."""

Attributes: TypeAlias = Mapping[str, Json]
"""The attributes of a task or a worker: a JSON object."""

Payload: TypeAlias = Mapping[str, object] | str | bytes
"""A body: its parsed fields, or the text as it was received."""

_NEITHER: Final = "is neither JSON nor a form"
BODY: Final = "(body)"
"""The path of a whole body."""

_JSON_NAMES: Final[Mapping[type, str]] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}


_MAX_MARKS: Final = 65_536
_CHARS_PER_MARK: Final = 16
"""The limit of a text's commas and opening brackets: one in so many characters, or 65,536.

Each value costs 0.1 to 0.5 µs, and 1 MiB of empty lists 150 ms. The platform's bodies have a mark
in 20 to 40 characters. The marks inside of strings count, too: so they need not be told apart.
"""

_DIGITS_IN_A_ROW: Final = 400
_begins_with_digits: Final = re.compile(f"[0-9]{{{_DIGITS_IN_A_ROW}}}").match
"""Match at a place from which on a text has so many digits.

The time to read or show an integer is quadratic. With 4,299 digits each, Python's own limit, 1 MiB
of integers took 177 ms. So a text is searched in steps of 400 characters: more than 800 digits are
always found, and fewer than 400 never. Those inside of strings count, too.
"""


@cache
def _json_decoder() -> JSONDecoder:
    # Imported lazily: with it, the import of the package takes 1 ms more (benchmark row 12).
    from json import JSONDecoder  # noqa: PLC0415

    return JSONDecoder()


def read_body(payload: Payload) -> object:
    """Parse the body of a webhook: any JSON value, or a form.

    A form becomes a mapping from each name to the list of its values.

    :param payload: a mapping is returned as it is.
    :raises MalformedReply: if it is neither JSON nor a form.
    """
    if not isinstance(payload, (str, bytes)):
        return payload
    text = _decode(payload)
    is_form = "=" in text and text.lstrip()[:1] not in ("{", "[", '"')
    return _parse_form(text) if is_form else parse_json(text, problem=_NEITHER)


def read_object(text: str | bytes) -> Mapping[str, object]:
    """Parse a JSON object, or the form of an assignment callback.

    A form becomes a mapping from each name to the list of its values.

    :raises MalformedReply: if it is neither.
    """
    text = _decode(text)
    if not text.startswith("{") and "ReservationSid=" in text and text.lstrip()[:1].isalpha():
        return _parse_form(text)  # JSON that begins with a letter is not an object
    body = parse_json(text, problem=_NEITHER)
    if not isinstance(body, dict):
        raise MalformedReply((PayloadFault(BODY, mismatch(body, "an object")),))
    return cast("dict[str, object]", body)


def parse_json(text: str | bytes, *, problem: str = "is not JSON") -> object:
    """Parse any JSON value.

    :param problem: the problem to report for text that is not JSON.
    :raises MalformedReply: if it is empty, not UTF-8 or not JSON, nested too deeply, or has too
        many values for its length, or more than 800 digits in a row.
    """
    text = _decode(text)
    if len(text) > 2 * _MAX_MARKS:
        limit = max(_MAX_MARKS, len(text) // _CHARS_PER_MARK)
        if text.count(",") + text.count("[") + text.count("{") > limit:
            crowded = f"has more than {limit} commas and brackets, too many for its length"
            raise MalformedReply((PayloadFault(BODY, crowded),))
        if any(_begins_with_digits(text, at) for at in range(0, len(text), _DIGITS_IN_A_ROW)):
            raise MalformedReply((PayloadFault(BODY, "has hundreds of digits in a row"),))
    # The errors are raised outside the except clauses: what is caught there holds the whole body.
    try:
        return _json_decoder().decode(text)
    except (ValueError, RecursionError) as error:
        from json import JSONDecodeError  # noqa: PLC0415 - loaded by the decoder already

        if not text.strip():
            problem = "is empty"
        elif isinstance(error, JSONDecodeError):
            problem += f": line {error.lineno}, column {error.colno}"
    raise MalformedReply((PayloadFault(BODY, problem),))


def _decode(text: str | bytes) -> str:
    if isinstance(text, str):
        return text
    with contextlib.suppress(UnicodeDecodeError):
        return text.decode().removeprefix("\ufeff")  # the byte order mark
    raise MalformedReply((PayloadFault(BODY, "is not UTF-8 text"),))


def _parse_form(text: str) -> Mapping[str, object]:
    fields: dict[str, list[str]] = {}
    try:
        for name, value in decode_form(text.strip()):
            fields.setdefault(name, []).append(value)
    except ValueError as error:
        problem = f"is {error}"
    else:
        return fields
    raise MalformedReply((PayloadFault(BODY, problem),))


def mismatch(value: object, wanted: str) -> str:
    """Return the problem of a value of the wrong JSON type.

    >>> mismatch(5, "an object")
    'is a JSON number, not an object'
    """
    return f"is a JSON {_JSON_NAMES.get(type(value), type(value).__name__)}, not {wanted}"
