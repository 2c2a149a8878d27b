"""Draws a parameter's value by its kind: right ones, and near misses, which are wrong in one way and never ``None`` (left out)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, get_args

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
    sid,
)
from reservation_core.testing.strategies.texts import (
    bare_names,
    callers,
    contacts,
    names,
    near_callers,
    near_contacts,
    near_names,
    near_recordings,
    near_sids,
    near_urls,
    recordings,
    sids,
    supervisors,
    urls,
)


@attrs.frozen
class _Look:
    """How the texts of one kind look, and those that are almost of it."""

    right: SearchStrategy[str]
    near: SearchStrategy[str]


def _kind(named: object) -> Kind:
    kind = get_args(named)[1]
    assert isinstance(kind, Kind)
    return kind


_LOOKS: Final[Mapping[Kind, _Look]] = {
    **{
        sid(prefix): _Look(sids(prefix), near_sids(prefix))
        for prefix in ("AC", "AP", "CA", "WA", "WK", "WR", "WS", "WT")
    },
    _kind(vocabulary.Contact): _Look(contacts(), near_contacts()),
    _kind(vocabulary.NamedContact): _Look(contacts() | bare_names(), near_contacts(bare=True)),
    _kind(vocabulary.Caller): _Look(callers(), near_callers()),
    _kind(vocabulary.SupervisorName): _Look(supervisors(), near_sids("WK") | near_contacts()),
    _kind(vocabulary.Name): _Look(names(), near_names()),
    _kind(vocabulary.Password): _Look(st.just("hush") | names(), near_names()),
    _kind(vocabulary.Url): _Look(urls(), near_urls()),
    _kind(vocabulary.UrlOrSilence): _Look(urls() | st.just(""), near_urls(silence=True)),
    _kind(vocabulary.Recording): _Look(recordings(), near_recordings()),
}
"""The named kinds of text. A pattern says what is allowed, not what a person writes: that stands in :mod:`.texts`."""

_NO_TEXTS: Final[tuple[object, ...]] = (
    0,
    1,
    20,
    1.5,
    True,
    False,
    b"https://example.com/",
    (),
    ["client:alice"],
    {"a": 1},
    object(),
)


@cache
def values(kind: Kind) -> SearchStrategy[Value]:
    """Draw right values of a kind; the least is its minimum, ``False``, its first word, or the least text of its look.

    :raises LookupError: for a kind of text that is none of the vocabulary's.
    """
    match kind:
        case Integer():
            return st.integers(kind.minimum, kind.maximum) | st.sampled_from(
                (kind.maximum, kind.minimum)
            )
        case Boolean():
            return st.booleans()
        case MultipleChoice():
            some = st.lists(st.sampled_from(kind.words), min_size=1, max_size=len(kind.words))
            return some.map(tuple) | some
        case Choice():
            return st.sampled_from(kind.words)
        case _:
            return _LOOKS[kind].right


@cache
def near_misses(kind: Kind) -> SearchStrategy[object]:
    """Draw values that are almost of a kind: beyond a limit, of another type, of another spelling.

    The least is what is just below the minimum, or the first wrong text of the look.

    :raises LookupError: for a kind of text that is none of the vocabulary's.
    """
    match kind:
        case Integer():
            wrong: list[object] = [
                kind.minimum - 1,
                kind.maximum + 1,
                -kind.minimum,
                10**12,
                True,
                False,
                float(kind.minimum),
                "20",
                "",
            ]
            return st.sampled_from([*wrong, [20], b"20", 10.5, float("nan"), object()])
        case Boolean():
            return st.sampled_from(
                (0, 1, 2, "", "true", "false", "True", b"true", 1.0, [], [True], object())
            )
        case MultipleChoice():
            word, *_ = kind.words
            lists = st.sampled_from(
                (
                    [],
                    (),
                    ["bogus"],
                    [word, "bogus"],
                    [word, None],
                    [word, ""],
                    [word.upper()],
                    [[word]],
                    [f"{word} "],
                )
            )
            return lists | st.sampled_from(
                (word, "", f"{word},{word}", {word}, {word: 1}, 1, True, b"x", [1], object())
            )
        case Choice():
            word = kind.words[0]
            return st.sampled_from(
                (
                    "",
                    "bogus",
                    f"{word} ",
                    f" {word}",
                    f"{word}\n",
                    True,
                    False,
                    0,
                    1,
                    [word],
                    (word,),
                    b"true",
                    object(),
                    ",",
                )
            )
        case _:
            return _LOOKS[kind].near | st.sampled_from(_NO_TEXTS)
