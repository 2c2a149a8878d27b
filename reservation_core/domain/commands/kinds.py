"""Kinds of value that a parameter can hold.

A kind checks a value (:meth:`Kind.find_problem`), decodes it from a form (:meth:`Kind.decode`) and
shows it with sensitive parts redacted (:meth:`Kind.show`). Kinds know nothing about commands.
:func:`encode_value` writes a value to a form by its Python type, without its kind.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

import attrs

from reservation_core.domain.redaction import Sensitivity, shorten

Value: TypeAlias = str | int | bool | Sequence[str]
"""A value of a parameter."""

T_co = TypeVar("T_co", covariant=True)


class Problem(NamedTuple):
    """A broken rule of a value.

    :param rule: the rule, such as ``must be true or false``.
    :param remedy: what to do, if the rule does not say it already.
    """

    rule: str
    remedy: str = ""


class Kind(ABC, Generic[T_co]):
    """Base class of the kinds. Its type argument is the type of the values.

    By default a value is public, and a form holds it as one text.
    """

    sensitivity: Sensitivity = Sensitivity.PUBLIC

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.describe()}>"

    @abstractmethod
    def find_problem(self, value: object) -> Problem | None:
        """Return the broken rule, or ``None`` for a valid value."""

    def decode(self, texts: Sequence[str]) -> Value:
        """Return the value of the texts under one key of a form.

        A text that cannot be decoded is returned unchanged. :meth:`find_problem` then refuses it.
        """
        return texts[0]

    def show(self, value: object) -> str:
        """Return any value as a log or an error may show it."""
        return self.sensitivity.value or shorten(value)

    def redacted_parts(self, value: Value) -> dict[str, Sensitivity]:
        """Return the substrings of a valid value that must be redacted.

        The platform's texts may repeat them, plain or URL-encoded.
        """
        if self.sensitivity is Sensitivity.PUBLIC or not isinstance(value, str):
            return {}
        # Imported lazily: with it, the import of the package takes 2.5 ms more (benchmark row 12).
        from urllib.parse import quote, quote_plus  # noqa: PLC0415

        without_scheme = re.sub("^[A-Za-z]+:", "", value)
        return {
            text: self.sensitivity
            for part in (value, without_scheme)
            for text in (part, quote_plus(part), quote(part, ""))
            if text
        }

    @abstractmethod
    def describe(self) -> str:
        """Return a short description of the valid values."""


def encode_value(value: Value) -> tuple[str, ...]:
    """Return the texts that represent a valid value in a form.

    The form repeats the key for each text.

    >>> encode_value(True), encode_value(20), encode_value(("start", "end"))
    (('true',), ('20',), ('start', 'end'))
    """
    if isinstance(value, bool):
        return ("true",) if value else ("false",)
    if isinstance(value, int):
        return (str(value),)
    return (to_plain_str(value),) if isinstance(value, str) else tuple(map(to_plain_str, value))


def to_callback_json(value: Value) -> str | int | bool:
    """Return a valid value for the JSON that answers a callback.

    Lists are joined by commas.

    >>> to_callback_json(True), to_callback_json(20), to_callback_json(("start", "end"))
    (True, 20, 'start,end')
    """
    return value if isinstance(value, int) else ",".join(encode_value(value))


to_plain_str: Final[Callable[[str], str]] = str.__str__
"""Convert an instance of a subclass of ``str``, such as a string enumeration, to a plain ``str``.

``str()`` would call the ``__str__`` of the subclass.
"""


# Control characters, and surrogates, which no encoding can write.
_UNWRITABLE: Final = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
_ANY_SID: Final = r"[A-Z]{2}[0-9a-fA-F]{32}"


@cache
def _compile(pattern: str, fast_pattern: str) -> Callable[[str], object]:
    pattern = rf"(?=[ -~]*+\Z|[^{_UNWRITABLE}]*+\Z)(?:{pattern})"
    return re.compile(f"{fast_pattern}|{pattern}" if fast_pattern else pattern).fullmatch


@attrs.frozen(repr=False)
class Text(Kind[str]):
    """Text without control characters that matches a pattern.

    :param pattern: a regular expression that the whole text must match.
    :param description: the pattern in words.
    :param fast_pattern: a narrower pattern that most values match, tried first. For URLs it saves
        1 µs of the 6 µs that a 27-parameter Conference takes to build (benchmark row 4).
    """

    pattern: str = r".+"
    description: str = "a non-empty text without control characters"
    sensitivity: Sensitivity = Sensitivity.PUBLIC
    fast_pattern: str = ""

    @property
    def fullmatch(self) -> Callable[[str], object]:
        """The matcher of the pattern, compiled at the first use."""
        return _compile(self.pattern, self.fast_pattern)

    def find_problem(self, value: object) -> Problem | None:
        if isinstance(value, str) and self.fullmatch(value):
            return None
        return Problem(f"must be {self.description}")

    def show(self, value: object) -> str:
        is_sid = isinstance(value, str) and re.fullmatch(_ANY_SID, value)
        if is_sid and self.sensitivity is Sensitivity.PERSONAL:  # a SID names no person
            return repr(value)
        return super().show(value)

    def describe(self) -> str:
        return self.description


_PERSONAL_TEXT: Final = Text(sensitivity=Sensitivity.PERSONAL)


@attrs.frozen(repr=False)
class OpenWord(Text):
    """Word of a set that no source closes. Another text than a word is never shown."""

    pattern: str = r".*\S.*"
    fast_pattern: str = "[A-Za-z_-]+"

    def show(self, value: object) -> str:
        if value is None or self._is_word(value):
            return super().show(value)
        return str(Sensitivity.PERSONAL.value)

    def redacted_parts(self, value: Value) -> dict[str, Sensitivity]:
        return {} if self._is_word(value) else _PERSONAL_TEXT.redacted_parts(value)

    def _is_word(self, value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(self.fast_pattern, value) is not None


def sid_kind(prefix: str) -> Text:
    """Return the kind of a SID.

    A SID is a two-letter prefix and 32 hexadecimal digits. The pattern is that of the platform's
    API description.
    """
    return Text(
        pattern=f"{prefix}[0-9a-fA-F]{{32}}",
        description=f"a SID of 34 characters: {prefix} and 32 hexadecimal digits",
    )


@attrs.frozen(repr=False)
class Uri(Text):
    """Absolute http or https URL. User information and query are never shown."""

    pattern: str = (
        r"(?i:https?)://(?:[^\s/?#@\[\]]+@)?(?:[^\s/?#@:\[\]]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
        r"(?:[/?#](?:.*\S)?)?"
    )
    description: str = "an absolute http or https URL"
    fast_pattern: str = r"https?://[A-Za-z0-9.-]+(?:/(?:[ -~]*[!-~])?)?"

    def show(self, value: object) -> str:
        if not isinstance(value, str):
            return f"<{type(value).__name__}>"
        if not value:
            return "<empty>"
        from urllib.parse import urlsplit  # noqa: PLC0415 - lazily, as in redacted_parts

        try:
            parts = urlsplit(value)
        except ValueError:
            return "<not a URL>"
        if self.find_problem(value):  # an invalid URL may hold a password anywhere
            return "<not a URL>"
        host = parts.netloc.rpartition("@")[2]
        return shorten(f"{parts.scheme}://{host}{parts.path}{'?…' if parts.query else ''}")

    def redacted_parts(self, value: Value) -> dict[str, Sensitivity]:
        user, at, rest = str(value).partition("//")[2].partition("@")
        parts = (user, user.partition(":")[2]) if at and not re.search("[/?#]", user) else ()
        query = (rest if at else str(value)).partition("?")[2]
        return {part: Sensitivity.SECRET for part in (*parts, query) if part}


@attrs.frozen(repr=False)
class Integer(Kind[int]):
    """Whole number from ``minimum`` to ``maximum``, both included."""

    minimum: int
    maximum: int
    unit: str = ""

    def find_problem(self, value: object) -> Problem | None:
        if type(value) is not int:
            return Problem(f"must be {self.describe()}", "pass an int")
        if not self.minimum <= value <= self.maximum:
            return Problem(f"must be {self.describe()}")
        return None

    def decode(self, texts: Sequence[str]) -> Value:
        return int(texts[0]) if re.fullmatch(r"0|-?[1-9][0-9]{0,8}", texts[0]) else texts[0]

    def describe(self) -> str:
        of_unit = f" of {self.unit}" if self.unit else ""
        return f"a whole number{of_unit} from {self.minimum} to {self.maximum}"


@attrs.frozen(repr=False)
class Boolean(Kind[bool]):
    """True or false.

    :param tolerated: other words that a form may hold, with their values.
    """

    tolerated: tuple[tuple[str, bool], ...] = ()

    def find_problem(self, value: object) -> Problem | None:
        return None if isinstance(value, bool) else Problem(f"must be {self.describe()}")

    def decode(self, texts: Sequence[str]) -> Value:
        words = {"true": True, "false": False, **dict(self.tolerated)}
        return words.get(texts[0].lower(), texts[0])

    def describe(self) -> str:
        return "true or false"


@attrs.frozen(repr=False)
class Choice(Kind[T_co]):
    """One of some words.

    :param remedies: what to do in place of other words.
    """

    words: tuple[str, ...]
    remedies: tuple[tuple[str, str], ...] = ()

    def find_problem(self, value: object) -> Problem | None:
        if not isinstance(value, str):
            return Problem(f"must be {self.describe()}", "pass a str")
        if value in self.words:
            return None
        return Problem(f"must be {self.describe()}", dict(self.remedies).get(value, ""))

    def decode(self, texts: Sequence[str]) -> Value:
        return next((word for word in self.words if word.lower() == texts[0].lower()), texts[0])

    def describe(self) -> str:
        return "one of " + ", ".join(self.words)


@attrs.frozen(repr=False)
class MultipleChoice(Choice[T_co]):
    """A list of some words.

    A form repeats the key for each word. One text may also hold several, separated by commas or
    white space. A form cannot express an empty list.
    """

    def find_problem(self, value: object) -> Problem | None:
        words = ", ".join(self.words)
        if not isinstance(value, tuple):
            return Problem("must be a list or tuple of words", f"choose from {words}")
        if not value:
            rule = "must not be empty: a form cannot express an empty list"
            return Problem(rule, "leave the parameter out to get the platform's default")
        items = cast("tuple[object, ...]", value)
        if all(isinstance(item, str) and item in self.words for item in items):
            return None
        return Problem(f"must hold only {words}")

    def decode(self, texts: Sequence[str]) -> Value:
        items = [item for text in texts for item in re.split(r"\s*,\s*|\s+", text.strip())]
        return tuple(str(super(MultipleChoice, self).decode((item,))) for item in items)

    def describe(self) -> str:
        return "any of " + ", ".join(self.words)
