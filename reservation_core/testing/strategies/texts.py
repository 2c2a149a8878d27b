"""Strategies for texts: SIDs, contacts, callers, names and URLs.

* The valid texts are written by hand and never taken from the library's patterns. So a pattern
  that is too narrow meets a valid text, and one that is too wide meets a near miss.
* A near miss is a text that is wrong in exactly one way.
* Each strategy shrinks to a text that a person would write. Its docstring names it.
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
    """Draw words of ASCII letters and digits. The simplest is ``0``."""
    return st.text(_LETTERS + _DIGITS, min_size=min_size, max_size=max_size)


def texts(min_size: int = 1, max_size: int = 30) -> SearchStrategy[str]:
    """Draw texts without control characters and surrogates. The simplest is ``0``."""
    return st.text(
        st.characters(exclude_categories=("Cs", "Cc")), min_size=min_size, max_size=max_size
    )


def names() -> SearchStrategy[str]:
    """Draw names of people and users, of any characters. The simplest is ``alice``."""
    return st.just("alice") | texts()


def sids(prefix: str) -> SearchStrategy[str]:
    """Draw SIDs of one kind, such as ``WR``. The simplest ends in 32 zeros.

    The 32 hexadecimal digits are all lower or all upper case.
    """
    return st.integers(0, 2 * 16**32 - 1).map(
        lambda number: prefix + (f"{number >> 1:032X}" if number % 2 else f"{number >> 1:032x}")
    )


def near_sids(prefix: str) -> SearchStrategy[str]:
    """Draw near misses of a SID. The simplest is empty.

    Wrong is the length, the prefix, one digit, a blank or a line end.
    """
    valid = sids(prefix)
    return st.one_of(
        st.sampled_from(("", prefix)),
        valid.map(lambda text: text[:-1]),
        valid.map(lambda text: text + "0"),
        valid.map(lambda text: ("XX" if prefix != "XX" else "YY") + text[2:]),
        valid.map(lambda text: prefix.lower() + text[2:]),
        valid.map(lambda text: text[:20] + "g" + text[21:]),
        valid.map(lambda text: text[:-1] + "\N{FULLWIDTH DIGIT ONE}"),
        valid.map(lambda text: f" {text}"),
        valid.map(lambda text: f"{text}\n"),
    )


# --- contacts and callers ------------------------------------------------------------------------


def phone_numbers() -> SearchStrategy[str]:
    """Draw phone numbers in E.164. The simplest is ``+15005550006``.

    After the plus are 7 to 15 digits, of which the first is not zero.
    """
    return st.just("+15005550006") | st.integers(6, 14).flatmap(
        lambda zeros: st.integers(10**zeros, 10 ** (zeros + 1) - 1)
    ).map("+{}".format)


def client_contacts() -> SearchStrategy[str]:
    """Draw client contacts with names of any characters. The simplest is ``client:alice``."""
    return (st.just("alice") | words() | texts().filter(lambda name: bool(name[0].strip()))).map(
        "client:".__add__
    )


def sip_uris() -> SearchStrategy[str]:
    """Draw SIP URIs. The simplest is ``sip:alice@example.com``.

    Some are secure, some have a port or capitals.
    """
    scheme = st.sampled_from(("sip", "sips", "SIP", "Sip"))
    tail = st.sampled_from(("", ":5060", ";transport=tls", "?x-header=1"))
    return st.just("sip:alice@example.com") | st.builds(
        "{}:{}@{}{}".format, scheme, words(), hosts(), tail
    )


def app_contacts() -> SearchStrategy[str]:
    """Draw application contacts. The simplest is ``app:AP`` and 32 zeros.

    Only one of the sources allows them.
    """
    return sids("AP").map("app:".__add__)


def bare_names() -> SearchStrategy[str]:
    """Draw client names without ``client:``. The simplest is ``alice``."""
    return st.just("alice") | st.builds(
        str.__add__,
        st.sampled_from(_LETTERS + "_"),
        st.text(_LETTERS + _DIGITS + "_.-@", max_size=10),
    )


def unnamed_contacts() -> SearchStrategy[str]:
    """Draw contacts of a form that no document names. The simplest is ``15005550006``."""
    return st.sampled_from(
        (
            *("15005550006", "whatsapp:+15005550006", "messenger:1234", "tel:+15005550006"),
            *("+1 500 555 0006", "+1", " +15005550006", "Client:alice", "client:", "client: a"),
            *("sip:alice", "sip:a b@example.com", "app:AP12", "https://example.com/", "käthe ö"),
        )
    )


def contacts() -> SearchStrategy[str]:
    """Draw contacts of every form. The simplest is ``client:alice``."""
    named = client_contacts() | phone_numbers() | sip_uris()
    return named | app_contacts() | bare_names() | unnamed_contacts()


def caller_numbers() -> SearchStrategy[str]:
    """Draw caller IDs that are phone numbers. The simplest is ``+15005550006``.

    Some lack the plus, as in documented examples.
    """
    return phone_numbers() | st.sampled_from(("18001234567", "15005550006", "12345"))


def callers() -> SearchStrategy[str]:
    """Draw caller IDs: a number or almost any name. The simplest is ``+15005550006``."""
    return caller_numbers() | bare_names() | texts().filter(lambda text: bool(text.strip()))


def supervisors() -> SearchStrategy[str]:
    """Draw supervisors: a worker SID or a contact. The simplest is ``WK`` and 32 zeros."""
    return st.just("WK" + "0" * 32) | sids("WK") | contacts()


def near_contacts() -> SearchStrategy[str]:
    """Draw near misses of a contact or a supervisor. The simplest is empty."""
    return _near(("", " ", "  "), supervisors())


def near_callers() -> SearchStrategy[str]:
    """Draw near misses of a caller ID. The simplest is empty."""
    return _near(("", " ", "  "), callers())


def near_names() -> SearchStrategy[str]:
    """Draw near misses of a name or a password. The simplest is empty."""
    return _near(("",), texts())


# --- URLs and recording modes --------------------------------------------------------------------

_HOSTS: Final = (
    "example.com",
    "api.example.org",
    "localhost",
    "127.0.0.1",
    "xn--bcher-kva.example",
    "EXAMPLE.com",
    "a-b.c-d.io",
)


def hosts() -> SearchStrategy[str]:
    """Draw host names and IP addresses. The simplest is ``example.com``."""
    return st.sampled_from(_HOSTS)


_URL_TAILS: Final = (
    *("/", "", "/twiml", "/a/b%20c", "?a=1&b=2", "/cb?a=1&b=2#top", "#x"),
    *("/käthe", "/~u/(x)!$&'*+,;=:@", "/wait music.mp3"),
)


def urls() -> SearchStrategy[str]:
    """Draw absolute http and https URLs. The simplest is ``https://example.com/``.

    Some have user information, a port, a query, a fragment or a space.
    """
    scheme = st.sampled_from(("https", "http", "HTTPS", "Http"))
    user = st.sampled_from(("", "user:pass@", "user@"))
    host = hosts() | st.sampled_from(("[::1]", "bücher.example"))
    port = st.sampled_from(("", ":8080", ":65535"))
    return st.builds("{}://{}{}{}{}".format, scheme, user, host, port, st.sampled_from(_URL_TAILS))


_NEAR_URLS: Final = (
    *("example.com", "/relative", "//example.com/x", "http:", "http://", "https:///path"),
    *("https://?q", "ftp://example.com/", " ", "https:/example.com", "https://user@/x"),
    *("https://exa mple.com/", "https://example.com/ ", " https://example.com/"),
    *("https://example.com:port/", "https://example.com:123456/", "https://[::1/"),
    *("javascript:alert(1)", "wss://example.com/"),
)


def near_urls(*, silence: bool = False) -> SearchStrategy[str]:
    """Draw near misses of an http or https URL. The simplest is ``example.com``.

    :param silence: whether an empty text is valid.
    """
    return _near(_NEAR_URLS if silence else (*_NEAR_URLS, ""), urls())


def recording_modes() -> SearchStrategy[str]:
    """Draw recording modes. The simplest is ``record-from-answer``.

    Two are listed in the reference, others are hinted at.
    """
    return st.sampled_from(
        (
            *("record-from-answer", "do-not-record", "record-from-answer-dual"),
            *("record-from-ringing", "record_from_answer", "worker leg", "1"),
        )
    )


def near_recording_modes() -> SearchStrategy[str]:
    """Draw near misses of a recording mode. The simplest is empty."""
    return _near(("", " ", "do-not-record\n"), recording_modes())


def extra_pairs() -> SearchStrategy[tuple[tuple[str, str], ...]]:
    """Draw form parameters that no command has. The simplest is none."""
    name = st.sampled_from(("Transcribe", "TranscriptionConfiguration")) | words().map("X".__add__)
    return st.lists(st.tuples(name, st.just("true") | texts(min_size=0)), max_size=3).map(tuple)


@st.composite
def _with_unwritable(draw: DrawFn, valid: SearchStrategy[str]) -> str:
    """Insert one character that no form can carry into a valid text."""
    text = draw(valid)
    place = draw(st.just(len(text)) | st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from(_UNWRITABLE)) + text[place:]


def _near(wrong: Sequence[str], valid: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.sampled_from(wrong) | _with_unwritable(valid)
