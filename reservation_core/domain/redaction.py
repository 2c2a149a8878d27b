"""Redaction of personal and secret values.

No ``repr``, error or log shows a phone number, a contact, a name or a password. The values of
commands are redacted by the sensitivity of their parameters. In foreign text, such as the
platform's messages, contacts and known values are masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

from reservation_core.domain.member_docs import document_members


@document_members
class Sensitivity(Enum):
    """Sensitivity of a value. The value of a member is the placeholder to show."""

    PUBLIC = None
    """The value is shown as it is."""
    PERSONAL = "<personal>"
    """A phone number, a contact or a name."""
    SECRET = "<secret>"  # noqa: S105 - not a secret, but its replacement
    """A password."""


# Phone numbers, contact URIs and runs of 7 to 17 digits, also escaped as in a URL. A string, not a
# compiled pattern: ``re`` compiles and caches it when the first error is shown.
_CONTACT: Final = (
    r"(?i)(?:\+|%2b)\s?[0-9](?:[\s().-]{0,2}[0-9]){3,16}"
    r"|\(?\b[0-9]{3}\)?[\s.-]{1,2}[0-9]{3}[\s.-][0-9]{4}\b"
    r"|\b(?:client|sips?|tel|app|whatsapp)(?::|%3a)[^\s,;\"'<>\])]+"
    r"|\b[0-9]{7,17}\b"
)
_MAX_REPR: Final = 4096  # more than :func:`mask` looks at
_MIN_NAME_LENGTH: Final = 3  # shorter names are words, such as "a" and "on"
_WORD_START: Final = r"(?:(?<![^\W_])|(?<=%[0-9A-F]{2}))"  # also behind an escape of a URL
_WORD_END: Final = r"(?![^\W_])"
_MIN_MASKED_LENGTH: Final = 4  # the gaps left by a shorter masked secret would reveal it
_LONGEST_NUMBER: Final = 64  # of a phone number with its separators
_LOOKAHEAD: Final = 1000  # what is masked is shorter then, and more of the text can be shown


def shorten(value: object, limit: int = 80) -> str:
    """Return the ``repr`` of any value on one line, with contacts masked.

    :param limit: the maximum length in characters.
    """
    try:
        text = mask(repr(value[:_MAX_REPR] if isinstance(value, str) else value))
    except (ValueError, RecursionError):  # an int of thousands of digits, or endless nesting
        return f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def mask(text: str, known: Mapping[str, Sensitivity] | None = None, limit: int = 500) -> str:
    """Return a foreign text with contacts and known values masked.

    The result is printable, on one line. Only the beginning of a long text is looked at.

    :param known: sensitive values that the text may repeat. If it repeats a secret of fewer than
        four characters, the whole text is replaced. A name of letters, or of fewer than four
        characters, is masked as a whole word: it may be a part of another one, as "task" is of
        "multitasking". A name of one or two (which may be a word, such as "a") is masked only if it
        is quoted.
    :param limit: the maximum length in characters.
    """
    tail = max([_LONGEST_NUMBER, *map(len, known or ())])
    is_cut = len(text) > limit + _LOOKAHEAD + tail
    text = text[: limit + _LOOKAHEAD + tail]
    for value, sensitivity in sorted((known or {}).items(), key=lambda item: -len(item[0])):
        is_short = len(value) < _MIN_MASKED_LENGTH
        if is_short and sensitivity is Sensitivity.SECRET and value in text:
            return str(Sensitivity.SECRET.value)
        pattern = re.escape(value)
        if len(value) < _MIN_NAME_LENGTH:
            pattern = rf"(?<=[\"'=(\[<„“]){pattern}(?=[\"'&)\]>“”]|$)"
        elif sensitivity is Sensitivity.PERSONAL and (is_short or value.isalpha()):
            pattern = f"{_WORD_START}{pattern}{_WORD_END}"
        text = re.sub(pattern, str(sensitivity.value), text, flags=re.IGNORECASE)
    text = re.sub(_CONTACT, str(Sensitivity.PERSONAL.value), text)
    if is_cut:
        text = f"{text[:-tail]}…"  # the rest may end with a part of what must be masked
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
