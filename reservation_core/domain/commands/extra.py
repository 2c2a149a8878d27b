"""Parameters of a command that this library does not know.

They are the way out where the platform is newer than this library. They are sent as given, after
the known ones, and shown as a caution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, cast

from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.errors import Violation
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.redaction import Sensitivity, shorten

FormPairs: TypeAlias = tuple[tuple[str, str], ...]
"""A form: names and values in the order in which they are sent."""

EXTRA_FIELD: Final = "extra"
"""The field of a command that holds them."""

NOT_SHOWN: Final = "<not shown>"
"""Stands for their values, which may be personal or secret."""

_PUBLIC: Final = frozenset({"true", "false"})


def to_pairs(value: object) -> object:
    """Convert lists in pairs of names and values to tuples."""
    if value == () or not isinstance(value, (list, tuple)):
        return value
    items = cast("list[object] | tuple[object, ...]", value)
    return tuple(
        tuple(cast("list[object]", item)) if isinstance(item, list) else item for item in items
    )


def find_extra_violation(extra: object, known: Mapping[str, str]) -> Violation | None:
    """Return the broken rule of the extra parameters, or ``None``.

    :param known: what to do instead, by the names that must not be among them.
    """
    if not isinstance(extra, tuple):
        rule, shown = "must be pairs of a name and a value", f"<{type(extra).__name__}>"
        return Violation(EXTRA_FIELD, EXTRA_FIELD, rule, shown)
    for pair in cast("tuple[object, ...]", extra):
        if not (isinstance(pair, tuple) and list(map(type, cast("FormPairs", pair))) == [str, str]):
            rule = "must be pairs of a name and a value, each a text"
            return Violation(EXTRA_FIELD, EXTRA_FIELD, rule, NOT_SHOWN)
        name, value = cast("tuple[str, str]", pair)
        if name in known:
            rule = "is a known parameter"
            return Violation(name, EXTRA_FIELD, rule, NOT_SHOWN, known[name])
        if not is_encodable(name + value):
            rule = "cannot be encoded as UTF-8"
            return Violation(shorten(name), EXTRA_FIELD, rule, NOT_SHOWN)
    return None


def is_encodable(text: str) -> bool:
    """Return True if UTF-8 can encode a text: it has no surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_extra_cautions(extra: FormPairs) -> Iterator[Caution]:
    """Yield a caution about each extra parameter."""
    interpretations = (
        Interpretation("the platform ignores unknown parameters (20001)", Source.ERROR_DICTIONARY),
        Interpretation("it may know more than its API description", Source.WORKER_SDK),
    )
    for name in dict.fromkeys(name for name, _ in extra):
        yield Caution(name, interpretations, "sent as given", Evidence.UNKNOWN)


def show_extra(extra: FormPairs) -> str:
    """Return the extra parameters without their values."""
    return "(" + "".join(f"({shorten(name)}, {NOT_SHOWN}), " for name, _ in extra).rstrip() + ")"


def redacted_extra_parts(extra: FormPairs) -> dict[str, Sensitivity]:
    """Return the values to redact: all but flags and short ones."""
    values = (value for _, value in extra if len(value) > 3 and value not in _PUBLIC)
    return dict.fromkeys(values, Sensitivity.SECRET)
