"""Draws the texts that reservations are made of: SIDs, contacts, callers, names and addresses, and texts that are almost one.

Its three rules:

* what a text looks like is written here by hand and never taken from the library's own patterns, so that a pattern that is too narrow
  is met by a right text, and one that is too wide by a near miss;
* a near miss is wrong in one way only;
* each strategy shrinks to what a person would write, which its docstring names.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

_DIGITS: Final = string.digits
_LETTERS: Final = string.ascii_letters
_UNWRITABLE: Final = ("\n", "\r", "\t", "\x00", "\x1b", "\x7f", "\ud800", "\udfff")


def words(min_size: int = 1, max_size: int = 12) -> SearchStrategy[str]:
    """Draw short words of ASCII letters and digits; the least is ``0``."""
    return st.text(_LETTERS + _DIGITS, min_size=min_size, max_size=max_size)


def texts(min_size: int = 1, max_size: int = 30) -> SearchStrategy[str]:
    """Draw texts of any writable characters: no control characters, no halves of a character; the least is ``0``."""
    return st.text(
        st.characters(exclude_categories=("Cs", "Cc")), min_size=min_size, max_size=max_size
    )


def names() -> SearchStrategy[str]:
    """Draw names of people and users, of any characters; the least is ``alice``."""
    return st.just("alice") | texts()


def sids(prefix: str) -> SearchStrategy[str]:
    """Draw SIDs of one kind, such as ``WR``: the prefix and 32 hexadecimal digits, small or capital; the least ends in 32 zeros."""
    return st.integers(0, 2 * 16**32 - 1).map(
        lambda number: prefix + (f"{number >> 1:032X}" if number % 2 else f"{number >> 1:032x}")
    )


def near_sids(prefix: str) -> SearchStrategy[str]:
    """Draw texts that are a SID but for one thing: the length, the prefix, one digit, a blank, a line end; the least is empty."""
    right = sids(prefix)
    return st.one_of(
        st.sampled_from(("", prefix)),
        right.map(lambda text: text[:-1]),
        right.map(lambda text: text + "0"),
        right.map(lambda text: ("XX" if prefix != "XX" else "YY") + text[2:]),
        right.map(lambda text: prefix.lower() + text[2:]),
        right.map(lambda text: text[:20] + "g" + text[21:]),
        right.map(lambda text: text[:-1] + "\N{FULLWIDTH DIGIT ONE}"),
        right.map(lambda text: f" {text}"),
        right.map(lambda text: f"{text}\n"),
    )


# --- who is called, and who calls ------------------------------------------------------------------------------------------------


def phones() -> SearchStrategy[str]:
    """Draw phone numbers in E.164: a plus, and 7 to 15 digits of which the first is no zero; the least is ``+15005550006``."""
    return st.just("+15005550006") | st.integers(6, 14).flatmap(
        lambda zeros: st.integers(10**zeros, 10 ** (zeros + 1) - 1)
    ).map("+{}".format)


def clients() -> SearchStrategy[str]:
    """Draw client contacts, whose names may hold any characters; the least is ``client:alice``."""
    return (st.just("alice") | words() | texts().filter(lambda name: bool(name[0].strip()))).map(
        "client:".__add__
    )


def sip_uris() -> SearchStrategy[str]:
    """Draw SIP addresses, some secure, some with a port, some with capitals; the least is ``sip:alice@example.com``."""
    scheme = st.sampled_from(("sip", "sips", "SIP", "Sip"))
    tail = st.sampled_from(("", ":5060", ";transport=tls", "?x-header=1"))
    return st.just("sip:alice@example.com") | st.builds(
        "{}:{}@{}{}".format, scheme, words(), hosts(), tail
    )


def apps() -> SearchStrategy[str]:
    """Draw application contacts, which only one of the sources allows; the least ends in zeros."""
    return sids("AP").map("app:".__add__)


def contacts() -> SearchStrategy[str]:
    """Draw contacts of every form; the least is ``client:alice``."""
    return clients() | phones() | sip_uris() | apps()


def bare_names() -> SearchStrategy[str]:
    """Draw client names without the ``client:``, which only a call takes; the least is ``alice``."""
    return st.just("alice") | st.builds(
        str.__add__,
        st.sampled_from(_LETTERS + "_"),
        st.text(_LETTERS + _DIGITS + "_.-@", max_size=10),
    )


def numbers() -> SearchStrategy[str]:
    """Draw caller IDs that are phone numbers, some without the plus, as documented examples have them; the least is ``+15005550006``."""
    return phones() | st.sampled_from(("18001234567", "15005550006", "12345"))


def callers() -> SearchStrategy[str]:
    """Draw caller IDs: a number, a name, nearly anything; the least is ``+15005550006``."""
    return numbers() | bare_names() | texts().filter(lambda text: bool(text.strip()))


def supervisors() -> SearchStrategy[str]:
    """Draw who may join: a worker SID, or a contact; the least is ``WK`` and zeros."""
    return st.just("WK" + "0" * 32) | sids("WK") | contacts()


def near_contacts(*, bare: bool = False) -> SearchStrategy[str]:
    """Draw texts that are almost a contact; the least is empty. ``bare``: whether a client's bare name is right."""
    wrong = [
        "",
        "+",
        "+1",
        "+0123456",
        "+1500555000600000",
        "+1 500 555 0006",
        "+1500555000a",
        "client:",
        "client: a",
        "sip:",
        "sip:alice",
    ]
    wrong += [
        "sip:@example.com",
        "sip:a@",
        "sip:a b@example.com",
        "tel:+15005550006",
        " +15005550006",
        "+15005550006 ",
        "app:AP12",
        "app:",
    ]
    wrong += ["15005550006", "client\N{FULLWIDTH COLON}alice", "https://example.com/"]
    return _almost(wrong if bare else [*wrong, "joey", "alice@example.com"], contacts())


def near_callers() -> SearchStrategy[str]:
    """Draw texts that are almost a caller ID; the least is empty."""
    return _almost(("", " ", "  "), callers())


def near_names() -> SearchStrategy[str]:
    """Draw texts that are almost a name, or a password; the least is empty."""
    return _almost(("",), texts())


# --- addresses and words ---------------------------------------------------------------------------------------------------------


def hosts() -> SearchStrategy[str]:
    """Draw host names and addresses; the least is ``example.com``."""
    return st.sampled_from(
        (
            "example.com",
            "api.example.org",
            "localhost",
            "127.0.0.1",
            "xn--bcher-kva.example",
            "EXAMPLE.com",
            "a-b.c-d.io",
        )
    )


def urls() -> SearchStrategy[str]:
    """Draw absolute http and https addresses, some with user information, a port, a query, a fragment or a space.

    The least is ``https://example.com/``.
    """
    scheme = st.sampled_from(("https", "http", "HTTPS", "Http"))
    user = st.sampled_from(("", "user:pass@", "user@"))
    place = hosts() | st.sampled_from(("[::1]", "bücher.example"))
    port = st.sampled_from(("", ":8080", ":65535"))
    tails = (
        "/",
        "",
        "/twiml",
        "/a/b%20c",
        "?a=1&b=2",
        "/cb?a=1&b=2#top",
        "#x",
        "/käthe",
        "/~u/(x)!$&'*+,;=:@",
        "/wait music.mp3",
    )
    return st.builds("{}://{}{}{}{}".format, scheme, user, place, port, st.sampled_from(tails))


def near_urls(*, silence: bool = False) -> SearchStrategy[str]:
    """Draw texts that are almost an absolute http or https address. ``silence``: whether an empty text is right.

    The least is ``example.com``.
    """
    wrong = [
        "example.com",
        "/relative",
        "//example.com/x",
        "http:",
        "http://",
        "https:///path",
        "https://?q",
        "ftp://example.com/",
        " ",
    ]
    wrong += [
        "https:/example.com",
        "https://user@/x",
        "https://exa mple.com/",
        "https://example.com/ ",
        " https://example.com/",
    ]
    wrong += [
        "https://example.com:port/",
        "https://example.com:123456/",
        "https://[::1/",
        "javascript:alert(1)",
        "wss://example.com/",
    ]
    return _almost(wrong if silence else [*wrong, ""], urls())


def recordings() -> SearchStrategy[str]:
    """Draw recording modes: the two that are listed, and others that the reference hints at; the least is ``record-from-answer``."""
    return st.sampled_from(
        ("record-from-answer", "do-not-record", "record-from-answer-dual", "record-from-ringing")
    )


def near_recordings() -> SearchStrategy[str]:
    """Draw texts that are almost a recording mode; the least is empty."""
    return st.sampled_from(
        ("", "record from answer", "record_from_answer", "1", "record;", "do-not-record\n")
    )


@st.composite
def _spoilt(draw: DrawFn, right: SearchStrategy[str]) -> str:
    """Put one character that no form can carry into a right text, wherever it likes: the end as well."""
    text = draw(right)
    place = draw(st.just(len(text)) | st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from(_UNWRITABLE)) + text[place:]


def _almost(wrong: Sequence[str], right: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.sampled_from(wrong) | _spoilt(right)
