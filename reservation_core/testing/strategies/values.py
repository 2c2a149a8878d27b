"""Strategies for parameter values by kind: valid ones and near misses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reservation_core.domain.commands import types as vocabulary
from reservation_core.domain.commands.kinds import (
    Boolean,
    Choice,
    Integer,
    Kind,
    MultipleChoice,
    Value,
    sid_kind,
)
from reservation_core.testing.strategies.texts import (
    callers,
    contacts,
    names,
    near_callers,
    near_contacts,
    near_names,
    near_recording_modes,
    near_sids,
    near_urls,
    recording_modes,
    sids,
    supervisors,
    urls,
)


@attrs.frozen
class _Texts:
    """Valid texts of one kind, and near misses."""

    valid: SearchStrategy[str]
    near: SearchStrategy[str]


_TEXTS: Final[Mapping[Kind[object], _Texts]] = {
    **{
        sid_kind(prefix): _Texts(sids(prefix), near_sids(prefix))
        for prefix in ("AC", "AP", "CA", "WA", "WK", "WR", "WS", "WT")
    },
    vocabulary.CONTACT: _Texts(contacts(), near_contacts()),
    vocabulary.CALLER: _Texts(callers(), near_callers()),
    vocabulary.SUPERVISOR: _Texts(supervisors(), near_contacts()),
    vocabulary.NAME: _Texts(names(), near_names()),
    vocabulary.PASSWORD: _Texts(st.just("hush") | names(), near_names()),
    vocabulary.URL: _Texts(urls(), near_urls()),
    vocabulary.URL_OR_SILENCE: _Texts(urls() | st.just(""), near_urls(silence=True)),
    vocabulary.RECORDING: _Texts(recording_modes(), near_recording_modes()),
}
"""Texts of each named kind; its pattern does not say what a person would write."""


@cache
def values(kind: Kind[object]) -> SearchStrategy[Value]:
    """Draw valid values of a kind.

    The simplest is the minimum, ``False``, the first word or the simplest text.

    :raises LookupError: for a kind of text that has no name in the vocabulary.
    """
    match kind:
        case Integer():
            limits = st.sampled_from((kind.maximum, kind.minimum))
            return st.integers(kind.minimum, kind.maximum) | limits
        case Boolean():
            return st.booleans()
        case MultipleChoice():
            some = st.lists(st.sampled_from(kind.words), min_size=1, max_size=len(kind.words))
            return some.map(tuple) | some
        case Choice():
            return st.sampled_from(kind.words)
        case _:
            return _TEXTS[kind].valid


# fmt: off
_NOT_TEXTS: Final = (
    0, 1, 20, 1.5, True, False, b"https://example.com/", (), ["client:alice"], {"a": 1}, object(),
)
_NOT_INTEGERS: Final = (
    10**12, True, False, "20", "", [20], b"20", 10.5, float("nan"), object(),
)
_NOT_BOOLEANS: Final[tuple[object, ...]] = (
    0, 1, 2, "", "true", "false", "True", b"true", 1.0, [], [True], object(),
)


def _near_choices(word: str) -> tuple[object, ...]:
    return (
        "", "bogus", f"{word} ", f" {word}", f"{word}\n", True, False, 0, 1, [word], (word,),
        b"true", object(), ",",
    )


def _near_multiple_choices(word: str) -> tuple[object, ...]:
    return (
        [], (), ["bogus"], [word, "bogus"], [word, None], [word, ""], [word.upper()], [[word]],
        [f"{word} "], word, "", f"{word},{word}", {word}, {word: 1}, 1, True, b"x", [1], object(),
    )
# fmt: on


@cache
def near_misses(kind: Kind[object]) -> SearchStrategy[object]:
    """Draw values that are almost of a kind, and never ``None``.

    They are beyond a limit, of another type or of another spelling. The simplest is just below the
    minimum, or the first wrong text or value.

    :raises LookupError: for a kind of text that has no name in the vocabulary.
    """
    match kind:
        case Integer():
            beyond = (kind.minimum - 1, kind.maximum + 1, -kind.minimum, float(kind.minimum))
            return st.sampled_from((*beyond, *_NOT_INTEGERS))
        case Boolean():
            return st.sampled_from(_NOT_BOOLEANS)
        case MultipleChoice():
            return st.sampled_from(_near_multiple_choices(kind.words[0]))
        case Choice():
            return st.sampled_from(_near_choices(kind.words[0]))
        case _:
            return _TEXTS[kind].near | st.sampled_from(_NOT_TEXTS)
