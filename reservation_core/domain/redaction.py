"""What may be shown: values of ours by their secrecy, and other people's text with contacts and secrets masked.

A phone number, a contact, a name or a password is in no ``repr``, no error and no log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final


class Sensitivity(Enum):
    """Who may see a value."""

    PUBLIC = None
    PERSONAL = "<personal>"
    SECRET = "<secret>"  # noqa: S105 - what stands in a secret's place


def shorten(value: object, limit: int = 80) -> str:
    """Write any value on one short line, with what looks like a contact masked."""
    try:
        text = mask(repr(value))
    except (ValueError, RecursionError):  # a number of thousands of digits, a structure without end
        return f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


_CONTACT: Final = (  # compiled by ``re`` when the first error is shown, as are the others of its kind: no import pays for them
    r"(?i)\+\s?[0-9](?:[\s().-]{0,2}[0-9]){3,16}"
    r"|\(?\b[0-9]{3}\)?[\s.-]{1,2}[0-9]{3}[\s.-][0-9]{4}\b"
    r"|\b(?:client|sips?|tel|app):[^\s,;\"'<>\])]+"
    r"|\b[0-9]{7,17}\b"
)
_TELLING: Final = 4  # shorter, and masking a secret wherever it stands would spell it out


def mask(text: str, known: Mapping[str, Sensitivity] | None = None, limit: int = 500) -> str:
    """Make somebody else's text fit to be shown: on one line, cut to ``limit``, without contacts and without any ``known`` value."""
    for value, secrecy in sorted((known or {}).items(), key=lambda pair: -len(pair[0])):
        short = len(value) < _TELLING
        if short and secrecy is Sensitivity.SECRET and value in text:
            return str(Sensitivity.SECRET.value)
        found = (
            rf"(?<!\w){re.escape(value)}(?!\w)" if short else re.escape(value)
        )  # a short name only where it stands alone
        text = re.sub(found, str(secrecy.value), text, flags=re.IGNORECASE)
    text = re.sub(_CONTACT, str(Sensitivity.PERSONAL.value), text)
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
