"""Draws what reservations are made of: SIDs, contacts, callers, addresses, commands, and values that are almost right.

Its two rules:

* what a value looks like is written here by hand, and only *which* parameters a command has is taken from its declaration, so that a
  rule of the library that is too narrow is met by a right value, and one that is too wide by a near miss;
* near misses are wrong in one way only, and never ``None``, which means that a parameter is left out.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reservation_core import Command, Parameter, Reservation, Status, vocabulary
from reservation_core.commands import COMMANDS
from reservation_core.reservation import Links
from reservation_core.vocabulary import Flag, Kind, Many, OneOf, Value, Whole, sid

Arguments: TypeAlias = dict[str, Value]
"""Keyword arguments of a command."""

C = TypeVar("C", bound=Command)

_HEX: Final = "0123456789abcdefABCDEF"
_DIGITS: Final = "0123456789"
_WORD: Final = string.ascii_letters + _DIGITS
_UNWRITABLE: Final = ("\x00", "\t", "\n", "\r", "\x1b", "\x7f", "\ud800", "\udfff")
_NO_TEXTS: Final[tuple[object, ...]] = (0, 1, 20, 1.5, True, False, b"https://example.com/", (), ["client:alice"], {"a": 1}, object())


# --- values ----------------------------------------------------------------------------------------------------------------------


def sids(prefix: str) -> SearchStrategy[str]:
    """Draw SIDs of one kind: the prefix and 32 hexadecimal digits."""
    return st.text(_HEX, min_size=32, max_size=32).map(prefix.__add__)


def words(min_size: int = 1, max_size: int = 12) -> SearchStrategy[str]:
    """Draw short words of ASCII letters and digits."""
    return st.text(_WORD, min_size=min_size, max_size=max_size)


def texts(min_size: int = 1, max_size: int = 30) -> SearchStrategy[str]:
    """Draw texts of any writable characters: no control characters, no halves of a character."""
    return st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=min_size, max_size=max_size)


def phones() -> SearchStrategy[str]:
    """Draw phone numbers in E.164: a plus, and up to 15 digits of which the first is no zero."""
    return st.builds("+{}{}".format, st.sampled_from(_DIGITS[1:]), st.text(_DIGITS, min_size=6, max_size=14))


def clients() -> SearchStrategy[str]:
    """Draw client contacts; their names may hold any characters."""
    return (words() | texts().filter(lambda name: bool(name[0].strip()))).map("client:".__add__)


def sip_uris() -> SearchStrategy[str]:
    """Draw SIP addresses, some of them secure, some with a port, some with capitals."""
    scheme = st.sampled_from(("sip", "sip", "sips", "SIP", "Sip"))
    return st.builds("{}:{}@{}{}".format, scheme, words(), hosts(), st.sampled_from(("", ":5060", ";transport=tls", "?x-header=1")))


def apps() -> SearchStrategy[str]:
    """Draw application contacts, which only one of the sources allows."""
    return sids("AP").map("app:".__add__)


def contacts() -> SearchStrategy[str]:
    """Draw contacts of every form."""
    return phones() | clients() | sip_uris() | apps()


def bare_names() -> SearchStrategy[str]:
    """Draw client names without the ``client:``, which only a call takes."""
    return st.builds(str.__add__, st.sampled_from(string.ascii_letters + "_"), st.text(_WORD + "_.-@", max_size=10))


def numbers() -> SearchStrategy[str]:
    """Draw caller IDs that are phone numbers; documented examples have some without the plus."""
    return phones() | st.sampled_from(("18001234567", "15005550006", "+15005550006", "12345"))


def callers() -> SearchStrategy[str]:
    """Draw caller IDs: a number, a name, nearly anything."""
    return numbers() | bare_names() | texts().filter(lambda text: bool(text.strip()))


def hosts() -> SearchStrategy[str]:
    """Draw host names and addresses."""
    return st.sampled_from(
        ("example.com", "api.example.org", "localhost", "127.0.0.1", "xn--bcher-kva.example", "EXAMPLE.com", "a-b.c-d.io")
    )


def urls(*, spaces: bool = True) -> SearchStrategy[str]:
    """Draw absolute http and https addresses; some with user information, a port, a query, a fragment, or (if allowed) a space."""
    scheme = st.sampled_from(("https", "http", "HTTPS", "Http"))
    user = st.sampled_from(("", "", "user:pass@", "user@"))
    place = hosts() | st.just("[::1]") | st.just("bücher.example")
    port = st.sampled_from(("", ":8080", ":65535"))
    tails = ["", "/", "/twiml", "/a/b%20c", "?a=1&b=2", "/cb?a=1&b=2#top", "#x", "/käthe", "/~u/(x)!$&'*+,;=:@"]
    return st.builds("{}://{}{}{}{}".format, scheme, user, place, port, st.sampled_from([*tails, "/wait music.mp3"] if spaces else tails))


def supervisors() -> SearchStrategy[str]:
    """Draw who may join: a worker SID, or a contact."""
    return sids("WK") | contacts()


def recordings() -> SearchStrategy[str]:
    """Draw recording modes: the two that are listed, and others that the reference hints at."""
    return st.sampled_from(("record-from-answer", "do-not-record", "record-from-answer-dual", "record-from-ringing"))


def _kind(named: object) -> Kind:
    kind = get_args(named)[1]
    assert isinstance(kind, Kind)
    return kind


_TEXTS: Final[Mapping[Kind, SearchStrategy[str]]] = {
    **{sid(prefix): sids(prefix) for prefix in ("AC", "AP", "CA", "WA", "WK", "WR", "WS", "WT")},
    _kind(vocabulary.Contact): contacts(),
    _kind(vocabulary.NamedContact): contacts() | bare_names(),
    _kind(vocabulary.Caller): callers(),
    _kind(vocabulary.SupervisorName): supervisors(),
    _kind(vocabulary.Name): texts(),
    _kind(vocabulary.Password): texts(),
    _kind(vocabulary.Url): urls(),
    _kind(vocabulary.UrlOrSilence): urls() | st.just(""),
    _kind(vocabulary.Recording): recordings(),
}


def values(kind: Kind) -> SearchStrategy[Value]:
    """Draw right values of a kind.

    :raises LookupError: for a kind this module has not been told of.
    """
    match kind:
        case Whole():
            return st.integers(kind.minimum, kind.maximum) | st.sampled_from((kind.minimum, kind.maximum))
        case Flag():
            return st.booleans()
        case Many():
            some = st.lists(st.sampled_from(kind.words), min_size=1, max_size=len(kind.words))
            return some | some.map(tuple)
        case OneOf():
            return st.sampled_from(kind.words)
        case _:
            return _TEXTS[kind]


# --- values that are almost right ------------------------------------------------------------------------------------------------


def _spoilt(right: SearchStrategy[str]) -> SearchStrategy[str]:
    """Put one character that no form can carry into a right text, wherever it likes: the end as well."""

    @st.composite
    def spoil(draw: DrawFn) -> str:
        text = draw(right)
        place = draw(st.integers(0, len(text)) | st.just(len(text)))
        return text[:place] + draw(st.sampled_from(_UNWRITABLE)) + text[place:]

    return spoil()


def near_sids(prefix: str) -> SearchStrategy[str]:
    """Draw texts that are a SID but for one thing: the length, the prefix, one digit, a blank, a line end."""
    right = sids(prefix)
    return st.one_of(
        right.map(lambda text: text[:-1]),
        right.map(lambda text: text + "0"),
        right.map(lambda text: ("XX" if prefix != "XX" else "YY") + text[2:]),
        right.map(lambda text: prefix.lower() + text[2:]),
        right.map(lambda text: text[:20] + "g" + text[21:]),
        right.map(lambda text: text[:-1] + "\N{FULLWIDTH DIGIT ONE}"),
        right.map(lambda text: f" {text}"),
        right.map(lambda text: f"{text}\n"),
        st.just(prefix),
        st.just(""),
    )


def near_contacts(*, bare: bool = False) -> SearchStrategy[str]:
    """Draw texts that are almost a contact. ``bare``: whether a client's bare name is right."""
    wrong = ["", "+", "+1", "+0123456", "+1500555000600000", "+1 500 555 0006", "+1500555000a", "client:", "client: a", "sip:", "sip:alice"]
    wrong += ["sip:@example.com", "sip:a@", "sip:a b@example.com", "tel:+15005550006", " +15005550006", "+15005550006 ", "app:AP12", "app:"]
    wrong += ["15005550006", "client\N{FULLWIDTH COLON}alice", "https://example.com/"]
    return st.sampled_from(wrong if bare else [*wrong, "joey", "alice@example.com"]) | _spoilt(contacts())


def near_urls(*, silence: bool = False) -> SearchStrategy[str]:
    """Draw texts that are almost an absolute http or https address. ``silence``: whether an empty text is right."""
    wrong = ["example.com", "/relative", "//example.com/x", "http:", "http://", "https:///path", "https://?q", "ftp://example.com/", " "]
    wrong += ["https:/example.com", "https://user@/x", "https://exa mple.com/", "https://example.com/ ", " https://example.com/"]
    wrong += ["https://example.com:port/", "https://example.com:123456/", "https://[::1/", "javascript:alert(1)", "wss://example.com/"]
    return st.sampled_from(wrong if silence else [*wrong, ""]) | _spoilt(urls())


_NEAR_TEXTS: Final[Mapping[Kind, SearchStrategy[str]]] = {
    **{sid(prefix): near_sids(prefix) for prefix in ("AC", "AP", "CA", "WA", "WK", "WR", "WS", "WT")},
    _kind(vocabulary.Contact): near_contacts(),
    _kind(vocabulary.NamedContact): near_contacts(bare=True),
    _kind(vocabulary.Caller): st.sampled_from(("", " ", "  ")) | _spoilt(callers()),
    _kind(vocabulary.SupervisorName): near_sids("WK") | near_contacts(),
    _kind(vocabulary.Name): st.just("") | _spoilt(texts()),
    _kind(vocabulary.Password): st.just("") | _spoilt(texts()),
    _kind(vocabulary.Url): near_urls(),
    _kind(vocabulary.UrlOrSilence): near_urls(silence=True),
    _kind(vocabulary.Recording): st.sampled_from(("", "record from answer", "record_from_answer", "1", "record;", "do-not-record\n")),
}


def near_misses(kind: Kind) -> SearchStrategy[object]:
    """Draw values that are almost of a kind: beyond a limit, of another type, of another spelling."""
    match kind:
        case Whole():
            wrong: list[object] = [kind.minimum - 1, kind.maximum + 1, -kind.minimum, 0, 10**12, True, False, float(kind.minimum), "20", ""]
            return st.sampled_from([*wrong, [20], b"20", 10.5, float("nan"), object()])
        case Flag():
            return st.sampled_from((0, 1, 2, "", "true", "false", "True", b"true", 1.0, [], [True], object()))
        case Many():
            word, *_ = kind.words
            lists = st.sampled_from(([], (), ["bogus"], [word, "bogus"], [word, None], [word, ""], [word.upper()], [[word]], [f"{word} "]))
            return lists | st.sampled_from((word, "", f"{word},{word}", {word}, {word: 1}, 1, True, b"x", [1], object()))
        case OneOf():
            word = kind.words[0]
            return st.sampled_from(
                ("", "bogus", f"{word} ", f" {word}", f"{word}\n", True, False, 0, 1, [word], (word,), b"true", object(), ",")
            )
        case _:
            return _NEAR_TEXTS[kind] | st.sampled_from(_NO_TEXTS)


# --- commands --------------------------------------------------------------------------------------------------------------------


def _is_sip(contact: object) -> bool:
    return str(contact).lower().startswith(("sip:", "sips:"))


def _settle(draw: DrawFn, kind: type[Command], drawn: Arguments) -> Arguments:
    """Draw again what breaks a rule over several parameters."""
    to = drawn.get("to")
    if _is_sip(to) and "timeout" in drawn:
        drawn["timeout"] = draw(st.integers(1, 600) | st.just(600))
    if str(to).startswith("+") and "from_" in drawn:
        drawn["from_"] = draw(numbers())
    if _is_sip(to) and "from_" in drawn and kind.trigger == "conference":
        drawn["from_"] = draw(words())
    return drawn


@st.composite
def arguments(draw: DrawFn, kind: type[Command], *, everything: bool = False) -> Arguments:
    """Draw right arguments of a command: what it requires, and any (or all) of its other parameters."""
    optional = [parameter.field for parameter in kind.parameters if not parameter.required]
    chosen = set(optional) if everything else draw(st.sets(st.sampled_from(optional))) if optional else set[str]()
    given_: Arguments = {}
    for parameter in kind.parameters:
        if parameter.required or parameter.field in chosen:
            given_[parameter.field] = draw(values(parameter.kind))
    return _settle(draw, kind, given_)


def commands(*kinds: type[Command]) -> SearchStrategy[Command]:
    """Draw commands of these kinds, or of any."""
    return st.sampled_from(kinds or COMMANDS).flatmap(lambda kind: arguments(kind).map(lambda given_: build(kind, given_)))


def build(kind: type[C], given_: Mapping[str, object]) -> C:
    """Build a command of arguments that only its own check knows."""
    make: object = kind
    assert callable(make)
    made: object = make(**given_)
    assert isinstance(made, kind)
    return made


@st.composite
def spoilt_arguments(draw: DrawFn, kind: type[Command]) -> tuple[dict[str, object], Parameter]:
    """Draw arguments of a command of which exactly one is wrong; give it too."""
    right = draw(arguments(kind))
    wrong = draw(st.sampled_from(kind.parameters))
    return {**right, wrong.field: draw(near_misses(wrong.kind))}, wrong


# --- reservations ----------------------------------------------------------------------------------------------------------------


def statuses() -> SearchStrategy[Status]:
    """Draw one of the eight statuses."""
    return st.sampled_from(Status)


def moments() -> SearchStrategy[datetime]:
    """Draw moments in UTC, to the second, as the platform writes them."""
    return st.integers(1_451_606_400, 2_082_758_400).map(lambda second: datetime.fromtimestamp(second, UTC))


@st.composite
def reservations(draw: DrawFn, status: SearchStrategy[Status] | None = None) -> Reservation:
    """Draw reservations with all their SIDs, in any status, or in one of these; never on hold."""
    created = draw(moments())
    task, worker, workspace = draw(sids("WT")), draw(sids("WK")), draw(sids("WS"))
    place = f"https://taskrouter.twilio.com/v1/Workspaces/{workspace}"
    sid_ = draw(sids("WR"))
    return Reservation(
        sid=sid_,
        account_sid=draw(sids("AC")),
        workspace_sid=workspace,
        task_sid=task,
        worker_sid=worker,
        worker_name=draw(st.none() | texts()),
        status=draw(status or statuses()),
        date_created=created,
        date_updated=max(created, draw(moments())),
        url=f"{place}/Tasks/{task}/Reservations/{sid_}",
        links=Links((("task", f"{place}/Tasks/{task}"), ("worker", f"{place}/Workers/{worker}"), ("workspace", place))),
        etag=draw(st.none() | st.integers(0, 99).map(str)),
    )
