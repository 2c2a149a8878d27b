"""Every kind of value at its limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, IntEnum, StrEnum
from functools import cache
from types import FunctionType
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reservation_core.domain.commands import types as vocabulary
from reservation_core.domain.commands.compiled import compile_methods
from reservation_core.domain.commands.kinds import (
    Boolean,
    Choice,
    Integer,
    Kind,
    MultipleChoice,
    Text,
    Uri,
    Value,
    encode_value,
    sid_kind,
)
from reservation_core.domain.commands.parameters import Parameter, ParameterInfo
from reservation_core.domain.redaction import Sensitivity
from reservation_core.testing.strategies import near_misses, values
from tests.reference.oracle import rows

UNWRITABLE = [chr(code) for code in (0x00, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0xD800, 0xDFFF)]


few = settings(max_examples=25)


HEX = "0123456789abcdef" * 2


NAMED: dict[str, Kind[object]] = {
    name: named for name, named in vars(vocabulary).items() if isinstance(named, Kind)
}


class Probe:
    """Stand-in for a command with one parameter."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.extra = ()

    def _require_valid(self) -> None:
        raise LookupError


@cache
def compiled_check(of: Kind[object]) -> FunctionType:
    """Compile the check of a command with one parameter of this kind."""
    parameter = Parameter("value", "Value", of, False, ParameterInfo())
    methods = compile_methods(Probe, (("Instruction", "probe"),), (parameter,), ())
    return methods["__attrs_post_init__"]


def passes_compiled_check(of: Kind[object], value: object) -> bool:
    """Return true if a value passes the compiled check of a kind."""
    try:
        compiled_check(of)(Probe(value))
    except LookupError:
        return False
    return True


def to_tuple(value: object) -> object:
    """Convert a list to a tuple, as a command does."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def test_every_named_type_has_a_description() -> None:
    assert len(NAMED) == 25
    assert all(
        named.describe() and named.describe() == named.describe().strip()
        for named in NAMED.values()
    )


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_valid_value_has_no_problem(name: str, data: st.DataObject) -> None:
    value = data.draw(values(NAMED[name]))
    taken = tuple(value) if isinstance(value, list) else value
    assert NAMED[name].find_problem(taken) is None
    assert passes_compiled_check(NAMED[name], taken)


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_near_miss_has_a_problem(name: str, data: st.DataObject) -> None:
    value = data.draw(near_misses(NAMED[name]))
    value = to_tuple(value)
    problem = NAMED[name].find_problem(value)
    assert problem is not None
    assert problem.rule.startswith("must ")
    assert not passes_compiled_check(NAMED[name], value)


class Word(StrEnum):
    """Members that are a ``str``."""

    TRUE = "true"
    GET = "GET"
    START = "start"
    CONTACT = "client:alice"
    ADDRESS = "https://example.com/"


class OldWord(str, Enum):  # noqa: UP042 - written as before StrEnum on purpose: str() of it gives the member's name
    """The same, as written before ``StrEnum``."""

    TRUE = "true"
    GET = "GET"
    START = "start"
    CONTACT = "client:alice"
    ADDRESS = "https://example.com/"


class Number(IntEnum):
    """A member that is an ``int``."""

    TWENTY = 20


ANYTHING: SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=8),
    st.text(max_size=40),
    st.tuples(st.text(max_size=9)),
    st.lists(st.text(max_size=5), max_size=2),
    st.sampled_from(
        (
            "true",
            "GET",
            "start",
            1,
            999,
            600,
            "+15005550006",
            "client:a",
            "https://a/",
            f"WA{HEX}",
            ("start",),
            (["start"],),
        )
    ),
)


@pytest.mark.parametrize("name", NAMED)
@few
@given(value=ANYTHING)
def test_compiled_check_agrees_with_find_problem(name: str, value: object) -> None:
    assert passes_compiled_check(NAMED[name], value) == (
        value is None or NAMED[name].find_problem(value) is None
    )


@pytest.mark.parametrize(
    "value", [*Word, *OldWord, *Number, (Word.START,), (OldWord.START,)], ids=repr
)
def test_enum_member_is_encoded_as_its_text(value: Value) -> None:
    words: Sequence[object] = (value,) if isinstance(value, (str, int)) else value
    texts_ = [str.__str__(word) for word in words if isinstance(word, str)]
    for named in NAMED.values():
        if named.find_problem(value) is None:
            assert "&".join(encode_value(value)) == "&".join(texts_)
        else:
            assert not passes_compiled_check(named, value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"WA{HEX}", True),
        (f"WA{HEX.upper()}", True),
        (f"WA{HEX}"[:-1], False),
        (f"WA{HEX}0", False),
        (f"WK{HEX}", False),
        (f"wa{HEX}", False),
        (f"WA{HEX[:-1]}g", False),
        (f"WA{HEX}\n", False),
        (f" WA{HEX}", False),
        (f"WA{HEX[:-1]}\N{FULLWIDTH DIGIT ONE}", False),
        ("WA", False),
        ("", False),
        (f"WA{HEX}".encode(), False),
        (34, False),
    ],
)
def test_sid_is_prefix_and_32_hexadecimal_digits(text: object, right: bool) -> None:
    assert (
        (sid_kind("WA").find_problem(text) is None)
        == right
        == passes_compiled_check(sid_kind("WA"), text)
    )


@pytest.mark.parametrize(
    "row", [row for row in rows("parameters") if row["kind"] == "sid"], ids=lambda row: row["name"]
)
@few
@given(text=st.text("WACK0123456789abcdefABCDEFgG \n", min_size=30, max_size=36))
def test_sid_agrees_with_pattern_of_platform(row: dict[str, str], text: str) -> None:
    prefix = row["pattern"][1:3]
    for candidate in (
        text,
        prefix + text[2:],
        prefix + text.replace("W", "a").replace("K", "b")[:32],
    ):
        assert (sid_kind(prefix).find_problem(candidate) is None) == (
            re.fullmatch(row["pattern"].strip("^$"), candidate) is not None
        )


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("SECONDS", 0, False),
        ("SECONDS", 1, True),
        ("SECONDS", 999, True),
        ("SECONDS", 1000, False),
        ("SECONDS", -1, False),
        ("PARTICIPANTS", 1, False),
        ("PARTICIPANTS", 2, True),
        ("PARTICIPANTS", 250, True),
        ("PARTICIPANTS", 251, False),
        ("SECONDS", True, False),
        ("SECONDS", 20.0, False),
        ("SECONDS", "20", False),
        ("PARTICIPANTS", 10.5, False),
        ("SECONDS", float("nan"), False),
        ("SECONDS", 10**400, False),
    ],
)
def test_integer_accepts_only_ints_within_limits(name: str, value: object, right: bool) -> None:
    assert (
        (NAMED[name].find_problem(value) is None)
        == right
        == passes_compiled_check(NAMED[name], value)
    )


def test_integer_problem_states_limits() -> None:
    problem = NAMED["SECONDS"].find_problem(1000)
    assert problem is not None
    assert problem.rule == "must be a whole number of seconds from 1 to 999"
    assert problem.remedy == ""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("20", 20),
        ("0", 0),
        ("-5", -5),
        ("020", "020"),
        ("+20", "+20"),
        (" 20", " 20"),
        ("20 ", "20 "),
        ("2_0", "2_0"),
        ("1e2", "1e2"),
        ("", ""),
    ],
)
def test_integer_decodes_only_plain_decimals(text: str, read: object) -> None:
    assert Integer(1, 999).decode([text]) == read
    assert Integer(1, 999).decode(["\N{ARABIC-INDIC DIGIT TWO}"]) == "\N{ARABIC-INDIC DIGIT TWO}"
    assert isinstance(Integer(1, 999).decode(["9" * 5000]), str)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("true", True),
        ("false", False),
        ("TRUE", True),
        ("False", False),
        ("1", "1"),
        ("", ""),
        ("yes", "yes"),
    ],
)
def test_boolean_decodes_any_letter_case(text: str, read: object) -> None:
    decoded = Boolean().decode([text])
    assert decoded == read
    assert type(decoded) is type(read)


@pytest.mark.parametrize("wrong", [0, 1, "true", "", None, [], 1.0])
def test_boolean_accepts_only_bools(wrong: object) -> None:
    assert Boolean().find_problem(wrong) is not None


def test_choice_takes_words_of_its_literal() -> None:
    beep = vocabulary.BEEP
    assert beep.decode(["ONENTER"]) == "onEnter"
    assert beep.decode(["never"]) == "never"
    assert beep.find_problem("onenter") is not None
    assert beep.describe() == "one of true, false, onEnter, onExit"


@pytest.mark.parametrize(
    ("texts_", "read"),
    [
        (["start"], ("start",)),
        (["start", "end"], ("start", "end")),
        (["start,end"], ("start", "end")),
        (["Start, END"], ("start", "end")),
        (["start end"], ("start", "end")),
        ([" start\t end ,mute", "hold"], ("start", "end", "mute", "hold")),
        ([""], ("",)),
        (["start,"], ("start", "")),
    ],
)
def test_multiple_choice_decodes_repeated_or_joined_words(
    texts_: list[str], read: tuple[str, ...]
) -> None:
    assert vocabulary.CONFERENCE_EVENTS.decode(texts_) == read


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        "start",
        ("start", None),
        ("start", ""),
        (1,),
        {"start"},
        None,
        [],
        ("start", ["end"]),
        ("START",),
    ],
)
def test_multiple_choice_refuses_anything_but_a_list_of_its_words(wrong: object) -> None:
    events = vocabulary.CONFERENCE_EVENTS
    assert events.find_problem(wrong) is not None
    assert wrong is None or not passes_compiled_check(events, wrong)


@pytest.mark.parametrize(
    "name",
    [
        "CONTACT",
        "CALLER",
        "SUPERVISOR",
        "NAME",
        "PASSWORD",
        "URL",
        "URL_OR_SILENCE",
        "RECORDING",
    ],
)
@pytest.mark.parametrize("spoil", UNWRITABLE)
def test_text_refuses_unwritable_characters(name: str, spoil: str) -> None:
    right = {
        "CONTACT": "client:alice",
        "SUPERVISOR": f"WK{HEX}",
        "URL": "https://example.com/a?b",
    }
    text = right.get(name, right["URL"] if name == "URL_OR_SILENCE" else "abc")
    assert NAMED[name].find_problem(text) is None
    for broken in (spoil + text, text[:9] + spoil + text[9:], text + spoil):
        assert NAMED[name].find_problem(broken) is not None
        assert not passes_compiled_check(NAMED[name], broken)


CONTACTS = {
    "+15005550006": True,
    "client:käthe+ü@example.com": True,
    "client:a b": True,
    "sip:a@b:5060;transport=tls": True,
    f"app:AP{HEX}": True,
    f"WK{HEX}": True,
    "joey": True,
    "15005550006": True,
    "+1 500 555 0006": True,
    "+": True,
    "whatsapp:+15005550006": True,
    "tel:+15005550006": True,
    "client:": True,
    " client: a ": True,
    "sip:a": True,
    "日本語": True,
    "": False,
    " ": False,
    " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}": False,
    "client:alice\n": False,
    "+15005550006\n": False,
    "\t15005550006": False,
    "a\x85b": False,
}


@pytest.mark.parametrize("name", ["CONTACT", "SUPERVISOR", "CALLER"])
@pytest.mark.parametrize("text", CONTACTS)
def test_contact_is_any_text_that_is_not_blank(name: str, text: str) -> None:
    assert (NAMED[name].find_problem(text) is None) == CONTACTS[text]
    assert passes_compiled_check(NAMED[name], text) == CONTACTS[text]


URLS = {
    "https://example.com/cb?a=1&b=2": True,
    "http://localhost:8080": True,
    "HTTPS://EXAMPLE.COM/": True,
    "https://user:pw@example.com/x": True,
    "https://[::1]:8080/x": True,
    "https://bücher.example/ä": True,
    "https://example.com/wait music.mp3": True,
    "https://example.com#x": True,
    "https://example.com?x": True,
    "": False,
    "example.com": False,
    "/x": False,
    "//example.com": False,
    "https://": False,
    "https:///x": False,
    "https://?x": False,
    "ftp://example.com": False,
    "https:example.com": False,
    "https://example.com ": False,
    " https://example.com": False,
    "https://exa mple.com": False,
    "https://user@": False,
    "https://a:b": False,
    "https://a:123456": False,
    "https://[::1": False,
    "https://example.com\n": False,
    "javascript:alert(1)": False,
    "https://a@b@c/": False,
}


@pytest.mark.parametrize("text", URLS)
def test_url_is_absolute_http_or_https(text: str) -> None:
    assert (
        (NAMED["URL"].find_problem(text) is None)
        == URLS[text]
        == passes_compiled_check(NAMED["URL"], text)
    )
    assert (NAMED["URL_OR_SILENCE"].find_problem(text) is None) == (URLS[text] or text == "")


@pytest.mark.parametrize("wrong", [None, 1, b"x", ["x"], object()])
def test_text_refuses_other_types(wrong: object) -> None:
    for named in NAMED.values():
        if isinstance(named, Text):
            assert named.find_problem(wrong) is not None


def test_text_accepts_any_script() -> None:
    for name in ("NAME", "PASSWORD", "CALLER"):
        for text in ("käthe", "日本語", "\U0001f600", "~*-._ !'()&=+%20", "é"):
            assert NAMED[name].find_problem(text) is None


def test_text_patterns_take_linear_time() -> None:
    for named in NAMED.values():
        if isinstance(named, Text):
            for part in (
                "a",
                " ",
                "@",
                ":",
                "sip:a@",
                "https://",
                "https://a@",
                "+1",
                "client:",
                "[",
                "/",
                "a@:",
            ):
                named.find_problem(part * 20_000 + "\n")
                named.find_problem("https://" + part * 20_000 + " ")


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_shown_value_is_short_and_printable(name: str, data: st.DataObject) -> None:
    for strategy in (values(NAMED[name]), near_misses(NAMED[name]), ANYTHING):
        shown = NAMED[name].show(data.draw(strategy))
        assert len(shown) <= 80
        assert shown.isprintable()


@pytest.mark.parametrize("name", ["CONTACT", "CALLER", "SUPERVISOR", "NAME"])
@few
@given(data=st.data())
def test_personal_value_is_redacted_unless_a_sid(name: str, data: st.DataObject) -> None:
    value = data.draw(values(NAMED[name]))
    assert NAMED[name].sensitivity is Sensitivity.PERSONAL
    assert NAMED[name].show(value) == (
        "<personal>" if not re.fullmatch("[A-Z]{2}[0-9a-fA-F]{32}", str(value)) else repr(value)
    )


@given(ANYTHING)
def test_password_is_always_redacted(value: object) -> None:
    assert NAMED["PASSWORD"].show(value) == "<secret>"
    assert NAMED["PASSWORD"].show(f"WA{HEX}") == "<secret>"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@example.com:8080/a?key=secret#frag", "'https://example.com:8080/a?…'"),
        ("https://example.com", "'https://example.com'"),
        ("https://[::1", "<not a URL>"),
        ("example.com", "<not a URL>"),
        ("secret", "<not a URL>"),
        ("https://example.com/" + "a" * 100, "'https://example.com/" + "a" * 58 + "…"),
        (5, "<int>"),
        (["https://example.com"], "<list>"),
        ("", "<empty>"),
        ("https://example.com/15005550006", "'https://example.com/<personal>'"),
    ],
)
def test_url_is_shown_without_user_and_query(url: object, shown: str) -> None:
    assert Uri().show(url) == shown


@pytest.mark.parametrize(
    "value",
    [
        "https://user:hunter2@example.com/",
        "https://user:hunter2@",
        "https://user:hunter2@exa mple.com/",
        "https://example.com/?key=hunter2",
        "https://example.com/#hunter2",
        "ftp://user:hunter2@example.com/",
        "https:user:hunter2@example.com",
        "//user:hunter2@example.com/",
        "https://user:hunter2/@example.com/",
        "https://user:hunter2?@example.com/",
        "https://user:hunter2#@example.com/",
        "https://user:hunter2\\@example.com/",
        "https://[user:hunter2@example.com",
        b"https://user:hunter2@example.com/",
        ["https://user:hunter2@example.com/"],
        ("https://user:hunter2@example.com/",),
    ],
)
def test_almost_url_shows_no_password(value: object) -> None:
    assert "hunter2" not in Uri().show(value)


@pytest.mark.parametrize(
    "value",
    [
        "https://[:::]/",
        "https://[1.2]/",
        "https://exa\u2100mple.com/",
        "https://a\uff0fb/",
        "https://a\uff1ab@example.com/",
    ],
)
def test_url_that_urlsplit_refuses_is_shown(value: str) -> None:
    assert Uri().show(value)
    assert "b@" not in Uri().show(value)


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_encoded_value_decodes_to_itself(name: str, data: st.DataObject) -> None:
    value = data.draw(values(NAMED[name]))
    value = tuple(value) if isinstance(value, list) else value
    written = encode_value(value)
    assert all(type(text) is str for text in written)
    back = NAMED[name].decode(written)
    assert back == value
    assert type(back) is type(value)


def test_kinds_are_values() -> None:
    assert sid_kind("WA") == sid_kind("WA") != sid_kind("WK")
    assert Integer(1, 2) == Integer(1, 2) != Integer(1, 3)
    assert Choice(("a",)) == Choice(("a",)) != MultipleChoice(("a",))
    assert {
        Boolean().sensitivity,
        Integer(1, 2).sensitivity,
        Choice(("a",)).sensitivity,
        Uri().sensitivity,
        sid_kind("WA").sensitivity,
    } == {Sensitivity.PUBLIC}
    assert isinstance(Text(), Kind)


def test_repr_describes_the_valid_values() -> None:
    assert repr(Integer(2, 250)) == "<Integer: a whole number from 2 to 250>"


# --- redaction -----------------------------------------------------------------------------------


def test_redacted_parts_of_personal_value_include_encoded_forms() -> None:
    assert NAMED["CONTACT"].redacted_parts("client:a b") == dict.fromkeys(
        ("client:a b", "client%3Aa+b", "client%3Aa%20b", "a b", "a+b", "a%20b"),
        Sensitivity.PERSONAL,
    )


def test_redacted_parts_of_unnamed_contact_include_its_number() -> None:
    parts = NAMED["CONTACT"].redacted_parts("whatsapp:+15005550006")
    assert {"whatsapp:+15005550006", "+15005550006"} < parts.keys()
    assert "15005550006" in NAMED["CONTACT"].redacted_parts("15005550006")


def test_redacted_parts_of_url_are_user_password_and_query() -> None:
    parts = Uri().redacted_parts("https://user:hush@example.com/a?key=1")
    assert parts == dict.fromkeys(("user:hush", "hush", "key=1"), Sensitivity.SECRET)
    assert Uri().redacted_parts("https://example.com/a@b") == {}


@pytest.mark.parametrize("word", ["do-not-record", "record_from_answer", "leg"])
def test_open_word_is_shown_and_another_text_is_not(word: str) -> None:
    kind = NAMED["RECORDING"]
    assert (kind.show(word), kind.redacted_parts(word)) == (repr(word), {})
    assert kind.show("+15005550006") == kind.show(5) == "<personal>"
    assert "15005550006" in "".join(kind.redacted_parts("+15005550006"))
    assert kind.find_problem("+15005550006") is None


def test_public_value_has_no_redacted_parts() -> None:
    assert NAMED["RECORDING"].redacted_parts("do-not-record") == {}
    assert Boolean().redacted_parts(True) == {}
