"""Oracle for parameter values, written from the documents only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast
from urllib.parse import urlsplit

from reservation_core import Evidence
from tests.reference.oracle import rows

Row: TypeAlias = Mapping[str, str]

ROWS: Final[Mapping[str, Row]] = {row["name"]: row for row in rows("parameters")}
"""The 54 parameters by their wire names."""

_ANY_SIP: Final = re.compile(r"(?i:sips?):[^@\s]+@[^@\s]+")


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


def is_named_contact(value: object) -> bool:
    """Return whether it has a form that the reservations page names."""
    text = str(value)
    scheme, _, rest = text.partition(":")
    return (
        re.fullmatch(r"\+[1-9][0-9]{1,14}", text) is not None
        or (scheme == "client" and rest != "" and not rest[0].isspace())
        or _ANY_SIP.fullmatch(text) is not None
    )


def contact_evidence(text: str) -> Evidence | None:
    """Return the evidence of the caution about a contact's form.

    The participants API has applications, one example a bare name. No document has other forms.
    """
    if is_named_contact(text):
        return None
    is_shown = re.fullmatch(r"app:AP[0-9a-fA-F]{32}|[A-Za-z_][\w.@-]*", text)
    return Evidence.DOCUMENTED if is_shown else Evidence.INFERRED


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
    "contact": lambda _, value: is_caller(value),
    "open-enum": lambda _, value: is_caller(value),
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
    "text": lambda _, value: is_text(value),
    "secret": lambda _, value: is_text(value),
}


def _all_in(row: Row, values: Sequence[object]) -> bool:
    return all(isinstance(value, str) and value in row["values"].split() for value in values)


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
