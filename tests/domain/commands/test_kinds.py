"""Every kind of value at its limits, and what may be shown of a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, IntEnum, StrEnum
from functools import cache
from types import FunctionType
from typing import cast, get_args

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
    sid,
)
from reservation_core.domain.commands.parameters import Parameter, ParameterInfo
from reservation_core.domain.redaction import Sensitivity, mask, shorten
from reservation_core.testing.strategies import near_misses, values
from tests.reference.oracle import rows

UNWRITABLE = [chr(code) for code in (0x00, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0xD800, 0xDFFF)]
few = settings(max_examples=25)
HEX = "0123456789abcdef" * 2


def kind(named: object) -> Kind:
    """Take the kind out of a named type, as a parameter's declaration does."""
    hint, made = get_args(named)
    assert isinstance(made, Kind)
    return made.bind(hint)


NAMED: dict[str, Kind] = {
    name: kind(named)
    for name, named in vars(vocabulary).items()
    if not name.startswith("_")
    and len(get_args(named)) == 2
    and isinstance(get_args(named)[1], Kind)
}


class Probe:
    """Stand-in for a command with one parameter."""

    def __init__(self, value: object) -> None:
        self.value = value

    def _require_valid(self) -> None:
        raise LookupError


@cache
def compiled_check(of: Kind) -> FunctionType:
    """Compile the check of a command with one parameter of this kind."""
    parameter = Parameter("value", "Value", of, False, ParameterInfo("A value."))
    methods = compile_methods(Probe, ("Instruction", "probe"), (parameter,), ())
    return methods["__attrs_post_init__"]


def expression(of: Kind, value: object) -> bool:
    """Return true if a value passes the compiled check of a kind."""
    try:
        compiled_check(of)(Probe(value))
    except LookupError:
        return False
    return True


def taken_over(value: object) -> object:
    """Make a tuple of a list, as a command's constructor does."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def test_the_named_types_are_all_here() -> None:
    """Every named type is found by the tests below, and each says what it may be."""
    assert len(NAMED) == 29
    assert all(
        named.describe() and named.describe() == named.describe().strip()
        for named in NAMED.values()
    )


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_a_right_value_has_no_problem(name: str, data: st.DataObject) -> None:
    """Whatever is drawn as right is right for the long check and for the quick one."""
    value = data.draw(values(NAMED[name]))
    taken = tuple(value) if isinstance(value, list) else value
    assert NAMED[name].find_problem(taken) is None
    assert expression(NAMED[name], taken)


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_a_near_miss_has_a_problem(name: str, data: st.DataObject) -> None:
    """Whatever is drawn as almost right is wrong for both checks, and the rule and the remedy are said."""
    value = data.draw(near_misses(NAMED[name]))
    value = taken_over(value)
    problem = NAMED[name].find_problem(value)
    assert problem is not None
    assert problem.rule.startswith("must ")
    assert not expression(NAMED[name], value)


class Word(StrEnum):
    """Words that are a text, and more than a text."""

    TRUE = "true"
    GET = "GET"
    START = "start"
    CONTACT = "client:alice"
    ADDRESS = "https://example.com/"


class OldWord(str, Enum):  # noqa: UP042 - written as before StrEnum on purpose: str() of it gives the member's name
    """The same, as written before there was ``StrEnum``."""

    TRUE = "true"
    GET = "GET"
    START = "start"
    CONTACT = "client:alice"
    ADDRESS = "https://example.com/"


class Number(IntEnum):
    """A number, and more than a number."""

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
def test_the_quick_check_agrees_with_the_long_one(name: str, value: object) -> None:
    """The two checks of a kind agree on anything at all; ``None``, which is a parameter left out, passes the quick one."""
    assert expression(NAMED[name], value) == (
        value is None or NAMED[name].find_problem(value) is None
    )


@pytest.mark.parametrize(
    "value", [*Word, *OldWord, *Number, (Word.START,), (OldWord.START,)], ids=repr
)
def test_what_is_more_than_a_text_is_written_as_the_text(value: Value) -> None:
    """A member of an enumeration is taken where its text is, by both checks alike, and is written as that text."""
    words: Sequence[object] = (value,) if isinstance(value, (str, int)) else value
    texts_ = [str.__str__(word) for word in words if isinstance(word, str)]
    for named in NAMED.values():
        if named.find_problem(value) is None:
            assert "&".join(encode_value(value)) == "&".join(texts_)
        else:
            assert not expression(named, value)


# --- SIDs ------------------------------------------------------------------------------------------------------------------------


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
def test_a_sid_is_34_characters_of_one_prefix(text: object, right: bool) -> None:
    """A SID is its prefix and 32 hexadecimal digits, not one more, not one less, and no line end after them."""
    assert (sid("WA").find_problem(text) is None) == right == expression(sid("WA"), text)


@pytest.mark.parametrize(
    "row", [row for row in rows("parameters") if row["kind"] == "sid"], ids=lambda row: row["name"]
)
@few
@given(text=st.text("WACK0123456789abcdefABCDEFgG \n", min_size=30, max_size=36))
def test_a_sid_is_what_the_pattern_of_the_platform_says(row: dict[str, str], text: str) -> None:
    """Our check and the platform's pattern agree on anything that looks like a SID."""
    prefix = row["pattern"][1:3]
    for candidate in (
        text,
        prefix + text[2:],
        prefix + text.replace("W", "a").replace("K", "b")[:32],
    ):
        assert (sid(prefix).find_problem(candidate) is None) == (
            re.fullmatch(row["pattern"].strip("^$"), candidate) is not None
        )


# --- numbers ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("Seconds", 0, False),
        ("Seconds", 1, True),
        ("Seconds", 999, True),
        ("Seconds", 1000, False),
        ("Seconds", -1, False),
        ("Participants", 1, False),
        ("Participants", 2, True),
        ("Participants", 250, True),
        ("Participants", 251, False),
        ("Seconds", True, False),
        ("Seconds", 20.0, False),
        ("Seconds", "20", False),
        ("Participants", 10.5, False),
        ("Seconds", float("nan"), False),
        ("Seconds", 10**400, False),
    ],
)
def test_a_whole_number_stays_within_its_limits(name: str, value: object, right: bool) -> None:
    """Both limits are included; a boolean, a fraction and a text are no whole numbers."""
    assert (NAMED[name].find_problem(value) is None) == right == expression(NAMED[name], value)


def test_a_whole_number_names_its_limits() -> None:
    """The rule says what is counted and from where to where."""
    problem = NAMED["Seconds"].find_problem(1000)
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
def test_a_number_is_read_off_a_form_only_when_it_is_written_plainly(
    text: str, read: object
) -> None:
    """A zero in front, a sign, blanks and other scripts' digits are left as they are, for the check to refuse."""
    assert Integer(1, 999).decode([text]) == read
    assert Integer(1, 999).decode(["\N{ARABIC-INDIC DIGIT TWO}"]) == "\N{ARABIC-INDIC DIGIT TWO}"
    assert isinstance(Integer(1, 999).decode(["9" * 5000]), str)


# --- flags, words, lists ---------------------------------------------------------------------------------------------------------


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
def test_a_flag_is_read_in_any_letter_case(text: str, read: object) -> None:
    """The two words are read whatever their case; anything else is left for the check to refuse."""
    decoded = Boolean().decode([text])
    assert decoded == read
    assert type(decoded) is type(read)


@pytest.mark.parametrize("wrong", [0, 1, "true", "", None, [], 1.0])
def test_a_flag_is_a_boolean(wrong: object) -> None:
    """Nothing stands in for True and False."""
    assert Boolean().find_problem(wrong) is not None


def test_words_are_those_of_the_annotation() -> None:
    """A closed set takes its words from the ``Literal`` it annotates, reads them in any case, and writes them as listed."""
    beep = kind(vocabulary.Beep)
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
        (["start end"], ("start end",)),
        ([""], ("",)),
        (["start,"], ("start", "")),
    ],
)
def test_a_list_is_read_repeated_or_joined(texts_: list[str], read: tuple[str, ...]) -> None:
    """A list is read as repeated keys or comma-joined, in any letter case; what is no word stays for the check to refuse."""
    assert kind(vocabulary.ConferenceEvents).decode(texts_) == read


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
def test_a_list_holds_some_words(wrong: object) -> None:
    """An empty list, one text, a set, and a list with anything but the words are refused."""
    events = kind(vocabulary.ConferenceEvents)
    assert events.find_problem(wrong) is not None
    assert wrong is None or not expression(events, wrong)


# --- texts -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Contact",
        "NamedContact",
        "Caller",
        "SupervisorName",
        "Name",
        "Password",
        "Url",
        "UrlOrSilence",
        "Recording",
    ],
)
@pytest.mark.parametrize("spoil", UNWRITABLE)
def test_no_text_holds_what_a_form_cannot_carry(name: str, spoil: str) -> None:
    """A control character or half a character is refused in front, within and behind, in every kind of text."""
    right = {
        "Contact": "client:alice",
        "NamedContact": "joey",
        "SupervisorName": f"WK{HEX}",
        "Url": "https://example.com/a?b",
    }
    text = right.get(name, right["Url"] if name == "UrlOrSilence" else "abc")
    assert NAMED[name].find_problem(text) is None
    for broken in (spoil + text, text[:9] + spoil + text[9:], text + spoil):
        assert NAMED[name].find_problem(broken) is not None
        assert not expression(NAMED[name], broken)


CONTACTS = {
    "+15005550006": True,
    "+12": True,
    "+123456789012345": True,
    "+1234567890123456": False,
    "+1": False,
    "+0123456": False,
    "+": False,
    "+1 500 555 0006": False,
    "15005550006": False,
    "client:alice": True,
    "client:käthe+ü@example.com": True,
    "client:a b": True,
    "client:": False,
    "client: a": False,
    "Client:alice": False,
    "sip:agent@example.com": True,
    "SIP:agent@example.com": True,
    "sips:a@b": True,
    "sip:a@b:5060;transport=tls": True,
    "sip:@b": False,
    "sip:a@": False,
    "sip:a": False,
    "sip:a b@c": False,
    f"app:AP{HEX}": True,
    "app:AP1": False,
    "app:": False,
    "tel:+15005550006": False,
    "": False,
    " ": False,
    "joey": False,
    "client:alice\n": False,
    "+15005550006\n": False,
    "\N{FULLWIDTH PLUS SIGN}15005550006": False,
    "+1500555000\N{ARABIC-INDIC DIGIT SIX}": False,
}


@pytest.mark.parametrize("text", CONTACTS)
def test_a_contact_is_a_number_a_client_or_a_sip_address(text: str) -> None:
    """Three forms are documented, a fourth (an application) is disputed, and nothing else is one."""
    assert (NAMED["Contact"].find_problem(text) is None) == CONTACTS[text]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("joey", True),
        ("joey.smith@x", True),
        ("_a", True),
        ("1a", False),
        ("a b", False),
        ("", False),
        ("a:b", False),
    ],
)
def test_a_call_may_name_a_client_without_its_scheme(text: str, right: bool) -> None:
    """A bare name, shown once in an example, begins with a letter and holds no blanks."""
    assert (NAMED["NamedContact"].find_problem(text) is None) == right


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
def test_a_url_is_absolute_and_of_the_web(text: str) -> None:
    """An address has the scheme http or https and a host; a blank within the path is let through, for the official clients send it."""
    assert (NAMED["Url"].find_problem(text) is None) == URLS[text] == expression(NAMED["Url"], text)
    assert (NAMED["UrlOrSilence"].find_problem(text) is None) == (URLS[text] or text == "")


@pytest.mark.parametrize("wrong", [None, 1, b"x", ["x"], object()])
def test_a_text_is_a_text(wrong: object) -> None:
    """What is no ``str`` is refused by every kind of text, without being read."""
    for named in NAMED.values():
        if isinstance(named, Text):
            assert named.find_problem(wrong) is not None


def test_a_text_of_any_script_is_right() -> None:
    """Names, passwords and callers may be written in any script."""
    for name in ("Name", "Password", "Caller"):
        for text in ("käthe", "日本語", "\U0001f600", "~*-._ !'()&=+%20", "é"):
            assert NAMED[name].find_problem(text) is None


def test_a_long_text_is_checked_in_no_time() -> None:
    """No pattern takes more than linear time, however the text is built."""
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


# --- showing ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_what_is_shown_is_short_and_of_one_line(name: str, data: st.DataObject) -> None:
    """A value, right or wrong, is shown in at most 80 characters, none of which a log or a terminal would obey."""
    for strategy in (values(NAMED[name]), near_misses(NAMED[name]), ANYTHING):
        shown = NAMED[name].show(data.draw(strategy))
        assert len(shown) <= 80
        assert shown.isprintable()


@pytest.mark.parametrize("name", ["Contact", "NamedContact", "Caller", "SupervisorName", "Name"])
@few
@given(data=st.data())
def test_a_person_is_never_shown(name: str, data: st.DataObject) -> None:
    """A right value of a personal kind is masked, unless it is a SID, which names nobody."""
    value = data.draw(values(NAMED[name]))
    assert NAMED[name].sensitivity is Sensitivity.PERSONAL
    assert NAMED[name].show(value) == (
        "<personal>" if not re.fullmatch("[A-Z]{2}[0-9a-fA-F]{32}", str(value)) else repr(value)
    )


@given(ANYTHING)
def test_a_password_is_never_shown(value: object) -> None:
    """Whatever stands where a password should is masked, even a SID, a number or nothing."""
    assert NAMED["Password"].show(value) == "<secret>"
    assert NAMED["Password"].show(f"WA{HEX}") == "<secret>"


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
def test_an_address_is_shown_without_user_and_query(url: object, shown: str) -> None:
    """User information, query and fragment may hold a secret; a number in the path may be a person's."""
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
def test_no_password_is_shown_of_what_is_almost_an_address(value: object) -> None:
    """However an address is spoilt, and whatever it is packed in, what may be its password or its query is not shown."""
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
def test_an_address_that_python_cannot_split_is_shown_all_the_same(value: str) -> None:
    """Showing never fails, whether such an address is right or wrong."""
    assert Uri().show(value)
    assert "b@" not in Uri().show(value)


def test_what_has_no_short_text_is_shown_by_its_type() -> None:
    """A number of thousands of digits and a structure too deep to write are named, not written."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shorten(10**5000) == "<int>"
    assert shorten(deep) == "<list>"
    assert shorten("a\nb\x1b\u2028") == repr("a\nb\x1b\u2028")
    assert mask("a\nb\x1b\u2028\ud800") == "a\\nb\\x1b\\u2028\\ud800"
    while deep:
        (deep,) = deep  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def test_what_looks_like_a_contact_is_masked_in_any_text() -> None:
    """Numbers and contact addresses in somebody else's words are masked, known values too, and the text is cut."""
    assert mask("call +1 (500) 555-0006 now") == "call <personal> now"
    assert (
        mask("to client:alice, sip:bob@example.com; tel:5550006")
        == "to <personal>, <personal>; <personal>"
    )
    assert mask("caller 15005550006.") == "caller <personal>."
    assert mask("code 40135 in state [accepted]") == "code 40135 in state [accepted]"
    assert (
        mask("the caller bob is not bobby", {"bob": Sensitivity.PERSONAL})
        == "the caller <personal> is not bobby"
    )
    assert (
        mask("wrong password hunter2", {"hunter2": Sensitivity.SECRET}) == "wrong password <secret>"
    )
    assert mask("x" * 501) == "x" * 499 + "…"
    assert mask("x" * 500) == "x" * 500
    assert shorten("x" * 200) == "'" + "x" * 78 + "…"
    assert shorten("+15005550006") == "'<personal>'"


# --- writing ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
@few
@given(data=st.data())
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    """A right value, written as the form does and read back, is the same value of the same type."""
    value = data.draw(values(NAMED[name]))
    value = tuple(value) if isinstance(value, list) else value
    written = encode_value(value)
    assert all(type(text) is str for text in written)
    back = NAMED[name].decode(written)
    assert back == value
    assert type(back) is type(value)


def test_kinds_are_values() -> None:
    """Two kinds that say the same are equal; each keeps a value's privacy to itself."""
    assert sid("WA") == sid("WA") != sid("WK")
    assert Integer(1, 2) == Integer(1, 2) != Integer(1, 3)
    assert Choice(("a",)) == Choice(("a",)) != MultipleChoice(("a",))
    assert {
        Boolean().sensitivity,
        Integer(1, 2).sensitivity,
        Choice().sensitivity,
        Uri().sensitivity,
        sid("WA").sensitivity,
    } == {Sensitivity.PUBLIC}
    assert Boolean().bind(bool) == Boolean()
    assert isinstance(Text(), Kind)


def test_a_message_with_a_very_short_secret_is_not_shown() -> None:
    """Masking a secret of a few characters wherever it stands would spell it out, so nothing of the message is left."""
    assert mask("bad a banana", {"an": Sensitivity.SECRET}) == "<secret>"
    assert mask("bad pear", {"an": Sensitivity.SECRET}) == "bad pear"
