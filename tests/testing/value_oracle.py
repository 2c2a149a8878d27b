"""Oracle for parameter values, written from the documents only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast
from urllib.parse import urlsplit

from tests.reference.oracle import rows

Row: TypeAlias = Mapping[str, str]

ROWS: Final[Mapping[str, Row]] = {row["name"]: row for row in rows("parameters")}
"""The 54 parameters by their wire names."""

_ANY_SIP: Final = re.compile(r"(?i:sips?):[^@\s]+@[^@\s]+")
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]*")


def is_text(value: object) -> bool:
    """Return whether it is a non-empty text that a form can carry."""
    return (
        isinstance(value, str)
        and value != ""
        and not any(unicodedata.category(char) in {"Cc", "Cs"} for char in value)
    )


def is_sid(prefix: str, value: object) -> bool:
    """Return whether it is a SID of that prefix."""
    return is_text(value) and re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", str(value)) is not None


def is_contact(value: object) -> bool:
    """Return whether it is a number, client, SIP URI or application."""
    if not is_text(value):
        return False
    text = str(value)
    scheme, _, rest = text.partition(":")
    return (
        re.fullmatch(r"\+[1-9][0-9]{6,14}", text) is not None
        or (scheme == "client" and rest != "" and not rest[0].isspace())
        or _ANY_SIP.fullmatch(text) is not None
        or re.fullmatch("app:AP[0-9a-fA-F]{32}", text) is not None
    )


def is_url(value: object) -> bool:
    """Return whether it is an absolute http or https URL.

    Only its path may have blanks.
    """
    if not is_text(value) or str(value).strip() != value:
        return False
    try:
        parts = urlsplit(str(value))
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and " " not in parts.netloc
        and (port is None or port < 65_536)
    )


def is_caller(value: object) -> bool:
    """Return whether it is a text that is not blank."""
    return is_text(value) and str(value).strip() != ""


_CHECKS: Final[Mapping[str, Callable[[Row, object], bool]]] = {
    "sid": lambda row, value: (
        is_text(value) and re.fullmatch(row["pattern"].strip("^$"), str(value)) is not None
    ),
    "caller": lambda _, value: is_caller(value),
    "contact": lambda row, value: (
        is_contact(value) or (row["name"] == "CallTo" and is_text(value) and _bare(str(value)))
    ),
    "open-enum": lambda _, value: (
        isinstance(value, str) and re.fullmatch("[A-Za-z-]+", value) is not None
    ),
    "integer": lambda row, value: (
        type(value) is int and int(row["minimum"]) <= value <= int(row["maximum"])
    ),
    "url": lambda row, value: is_url(value) or (row["name"] == "WaitUrl" and value == ""),
    "boolean": lambda _, value: isinstance(value, bool),
    "method": lambda row, value: isinstance(value, str) and value in row["values"].split(),
    "enum": lambda row, value: isinstance(value, str) and value in row["values"].split(),
    "list": lambda row, value: (
        bool(value)
        and isinstance(value, (list, tuple))
        and _all_in(row, cast("Sequence[object]", value))
    ),
    "text": lambda row, value: (_is_supervisor if row["name"] == "Supervisor" else is_text)(value),
    "secret": lambda _, value: is_text(value),
}


def _bare(text: str) -> bool:
    return _BARE.fullmatch(text) is not None


def _all_in(row: Row, values: Sequence[object]) -> bool:
    return all(isinstance(value, str) and value in row["values"].split() for value in values)


def _is_supervisor(value: object) -> bool:
    return is_contact(value) or is_sid("WK", value)


def is_valid_value(name: str, value: object) -> bool:
    """Return whether a parameter may have a value by itself."""
    row = ROWS[name]
    return _CHECKS[row["kind"]](row, value)


def conflicts(given: Mapping[str, object], *, of_conference: bool) -> list[str]:
    """Return the fields that conflict with the called contact."""
    to, caller, timeout = str(given.get("to", "")), given.get("from_"), given.get("timeout")
    found: list[str] = []
    if _ANY_SIP.fullmatch(to) and isinstance(timeout, int) and timeout > 600:
        found.append("timeout")
    if (
        to.startswith("+")
        and isinstance(caller, str)
        and not re.fullmatch(r"\+?[0-9]{3,15}", caller)
    ):
        found.append("from_")
    if (
        of_conference
        and _ANY_SIP.fullmatch(to)
        and isinstance(caller, str)
        and re.search(r"[\s@:]", caller)
    ):
        found.append("from_")
    return found
