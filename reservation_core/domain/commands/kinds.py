"""What a parameter's value may be: the kinds of value, and the named types built on them.

A kind knows three things about its values and nothing about commands: whether one is right (:meth:`Kind.problem`), how it is read
off a form (:meth:`Kind.decode`), and how it may be shown (:meth:`Kind.show`). How a value is written on a form needs no kind: its
Python type says it (:func:`encode`). The check and the writing it also knows as Python text (:meth:`Kind.expression`,
:meth:`Kind.adding`), so that a command with 32 parameters is checked, and written, by one compiled function.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias, cast, get_args

import attrs

from reservation_core.domain.redaction import Sensitivity, shorten

Value: TypeAlias = str | int | bool | Sequence[str]
"""What a parameter can hold."""


class Problem(NamedTuple):
    """What is wrong with a value, and what would be right."""

    rule: str
    remedy: str


class Kind(ABC):
    """What every kind of value can do; unless it says otherwise it is open, and one text of a form."""

    @property
    def sensitivity(self) -> Sensitivity:
        """Who may see a value of this kind."""
        return Sensitivity.PUBLIC

    def bind(self, hint: object) -> Kind:
        """Take what the annotation already says (the members of a ``Literal``)."""
        return self

    @abstractmethod
    def expression(self, value: str, constants: dict[str, object]) -> str:
        """Give a Python expression that is true when the variable ``value`` is right; it may raise ``TypeError`` instead of being false.

        What it needs at hand is put into ``constants``.
        """

    def adding(self, name: str) -> str:
        """Give the Python statement that adds the variable ``value``, which is right, to a form under this name (see :func:`encode`)."""
        return f"add(({name!r}, value if value.__class__ is str else plain(value)))"

    @abstractmethod
    def find_problem(self, value: object) -> Problem | None:
        """Say what is wrong, or ``None``."""

    def decode(self, texts: Sequence[str]) -> Value:
        """Read back what the form holds; what cannot be read comes back as it is, for :meth:`problem` to name."""
        return texts[0]

    def show(self, value: object) -> str:
        """Write a value, right or wrong, so that it may appear in a ``repr``, an error or a log."""
        return self.sensitivity.value or shorten(value)

    def redacted_parts(self, value: Value) -> dict[str, Sensitivity]:
        """Name the parts of a right value that must not be shown, as somebody else's text may repeat them."""
        if self.sensitivity is Sensitivity.PUBLIC or not isinstance(value, str):
            return {}
        from urllib.parse import quote, quote_plus  # noqa: PLC0415 - only for an error, and the import is not small

        bare = re.sub("^[A-Za-z]+:", "", value)  # a contact without its scheme
        return {
            text: self.sensitivity
            for said in (value, bare)
            for text in (said, quote_plus(said), quote(said, ""))
            if text
        }

    @abstractmethod
    def describe(self) -> str:
        """Say in a few words what a value may be."""


def encode_value(value: Value) -> tuple[str, ...]:
    """Write a right value as the form does: lower-case booleans, plain numbers, one text for each time the key is repeated.

    >>> encode_value(True), encode_value(20), encode_value(("start", "end"))
    (('true',), ('20',), ('start', 'end'))
    """
    if value is True:  # the flags first: most values that are no texts are flags
        return ("true",)
    if value is False:
        return ("false",)
    if isinstance(value, str):
        return (plain(value),)
    return (str(value),) if isinstance(value, int) else tuple(map(plain, value))


def to_callback_json(value: Value) -> str | int | bool:
    """Write a right value as the JSON of an assignment callback's answer does: lists are one text there.

    >>> to_callback_json(True), to_callback_json(20), to_callback_json(("start", "end"))
    (True, 20, 'start,end')
    """
    return value if isinstance(value, int) else ",".join(encode_value(value))


plain: Final[Callable[[str], str]] = str.__str__
"""Take the text out of what is more than a text (a member of somebody's own string enumeration)."""


_UNWRITABLE: Final = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"  # control characters, and halves of characters that no encoding can write
_ANY_SID: Final = r"[A-Z]{2}[0-9a-fA-F]{32}"


@cache
def _matcher(form: str, quick: str) -> Callable[[str], object]:
    """Compile the pattern of a text, the first time that it is asked: an import that compiled all of them would be much slower."""
    whole = rf"(?=[ -~]*+\Z|[^{_UNWRITABLE}]*+\Z)(?:{form})"
    return re.compile(f"{quick}|{whole}" if quick else whole).fullmatch


@attrs.frozen
class Text(Kind):
    """A text: not empty, no control characters, and of a form, where one is asked for.

    :param form: a regular expression the whole text must match.
    :param says: what the form is, in words.
    :param quick: a narrower form that most values have and that is quick to see; it only saves time.
    """

    form: str = r".+"
    says: str = "a text that is not empty and holds no control characters"
    privacy: Sensitivity = Sensitivity.PUBLIC
    quick: str = ""

    @property
    def _match(self) -> Callable[[str], object]:
        return _matcher(self.form, self.quick)

    @property
    def sensitivity(self) -> Sensitivity:
        return self.privacy

    def expression(self, value: str, constants: dict[str, object]) -> str:
        constants[name := f"{value}_match"] = self._match
        return f"({value} is None or {name}({value}))"

    def find_problem(self, value: object) -> Problem | None:
        if isinstance(value, str) and self._match(value):
            return None
        return Problem(f"must be {self.says}", f"give {self.says}")

    def show(self, value: object) -> str:
        if (
            self.privacy is Sensitivity.PERSONAL
            and isinstance(value, str)
            and re.fullmatch(_ANY_SID, value)
        ):
            return repr(value)
        return super().show(value)

    def describe(self) -> str:
        return self.says


def sid(prefix: str) -> Text:
    """Make the kind of a SID: 34 characters, a two-letter prefix and 32 hexadecimal digits (the API description's pattern)."""
    return Text(
        form=f"{prefix}[0-9a-fA-F]{{32}}",
        says=f"a SID of 34 characters: {prefix} and 32 hexadecimal digits",
    )


@attrs.frozen
class Uri(Text):
    """An absolute http or https address; user information and the query are never shown."""

    form: str = r"(?i:https?)://(?:[^\s/?#@\[\]]+@)?(?:[^\s/?#@:\[\]]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?#](?:.*\S)?)?"
    quick: str = r"https?://[A-Za-z0-9.-]+(?:/(?:[ -~]*[!-~])?)?"
    says: str = "an absolute http or https URL"

    def show(self, value: object) -> str:
        if not isinstance(value, str):
            return f"<{type(value).__name__}>"
        if not value:
            return "<empty>"
        from urllib.parse import urlsplit  # noqa: PLC0415 - only for showing, and the import is not small

        try:
            parts = urlsplit(value)
        except ValueError:
            return "<not a URL>"
        if self.find_problem(value):  # what is only almost an address may hold a password anywhere
            return "<not a URL>"
        return shorten(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{'?…' if parts.query else ''}"
        )

    def redacted_parts(self, value: Value) -> dict[str, Sensitivity]:
        user, at, rest = str(value).partition("//")[2].partition("@")
        parts = (user, user.partition(":")[2]) if at and not re.search("[/?#]", user) else ()
        return {
            part: Sensitivity.SECRET
            for part in (*parts, (rest if at else str(value)).partition("?")[2])
            if part
        }


@attrs.frozen
class Integer(Kind):
    """A whole number from ``minimum`` to ``maximum``, both included."""

    minimum: int
    maximum: int
    unit: str = ""

    def expression(self, value: str, constants: dict[str, object]) -> str:
        return f"({value} is None or {value}.__class__ is int and {self.minimum} <= {value} <= {self.maximum})"

    def adding(self, name: str) -> str:
        return f"add(({name!r}, str(value)))"

    def find_problem(self, value: object) -> Problem | None:
        if type(value) is int and self.minimum <= value <= self.maximum:
            return None
        return Problem(
            f"must be {self.describe()}", f"give an int from {self.minimum} to {self.maximum}"
        )

    def decode(self, texts: Sequence[str]) -> Value:
        return int(texts[0]) if re.fullmatch(r"0|-?[1-9][0-9]{0,8}", texts[0]) else texts[0]

    def describe(self) -> str:
        return (
            f"a whole number{self.unit and ' of '}{self.unit} from {self.minimum} to {self.maximum}"
        )


@attrs.frozen
class Boolean(Kind):
    """True or false."""

    def expression(self, value: str, constants: dict[str, object]) -> str:
        return f"({value} is None or {value} is True or {value} is False)"

    def adding(self, name: str) -> str:
        return f"add({(name, 'true')} if value else {(name, 'false')})"

    def find_problem(self, value: object) -> Problem | None:
        return (
            None if isinstance(value, bool) else Problem("must be a boolean", "give True or False")
        )

    def decode(self, texts: Sequence[str]) -> Value:
        return {"true": True, "false": False}.get(texts[0].lower(), texts[0])

    def describe(self) -> str:
        return "true or false"


@attrs.frozen
class Choice(Kind):
    """One of a closed set of words; the words are those of the annotated ``Literal``."""

    words: tuple[str, ...] = ()

    def bind(self, hint: object) -> Kind:
        return attrs.evolve(self, words=get_args(hint))

    def expression(self, value: str, constants: dict[str, object]) -> str:
        constants[name := f"{value}_words"] = frozenset({*self.words, None})
        return f"{value} in {name}"

    def find_problem(self, value: object) -> Problem | None:
        if isinstance(value, str) and value in self.words:
            return None
        return Problem(f"must be {self.describe()}", f"give {self.describe()}, as a str")

    def decode(self, texts: Sequence[str]) -> Value:
        return next((word for word in self.words if word.lower() == texts[0].lower()), texts[0])

    def describe(self) -> str:
        return "one of " + ", ".join(self.words)


@attrs.frozen
class MultipleChoice(Choice):
    """Some of a closed set of words, sent by repeating the key; never empty, for a form cannot say "none"."""

    def bind(self, hint: object) -> Kind:
        return attrs.evolve(self, words=get_args(get_args(hint)[0]))

    def expression(self, value: str, constants: dict[str, object]) -> str:
        constants[name := f"{value}_words"] = frozenset(self.words)
        return f"({value} is None or {value}.__class__ is tuple and {value} and {name}.issuperset({value}))"

    def adding(self, name: str) -> str:
        return f"for word in value: add(({name!r}, word if word.__class__ is str else plain(word)))"

    def find_problem(self, value: object) -> Problem | None:
        if not isinstance(value, tuple):
            return Problem(
                "must be a list or tuple of words", f"give a list of {', '.join(self.words)}"
            )
        if not value:
            return Problem(
                "must not be empty: a form has no way to say it",
                "leave the parameter out to get the platform's default",
            )
        if all(
            isinstance(word, str) and word in self.words
            for word in cast("tuple[object, ...]", value)
        ):
            return None
        return Problem(
            f"must hold only {', '.join(self.words)}", f"give a list of {', '.join(self.words)}"
        )

    def decode(self, texts: Sequence[str]) -> Value:
        split = [word.strip() for text in texts for word in text.split(",")]
        one = Choice(self.words)
        return tuple(str(one.decode((word,))) for word in split)

    def describe(self) -> str:
        return "any of " + ", ".join(self.words)
