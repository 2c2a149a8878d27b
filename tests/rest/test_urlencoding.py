"""Forms, encoded as by the standard library, and decoded."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import Request
from reservation_core.rest.urlencoding import decode_form, encode_form
from tests.rest.examples import RECORDED, UPDATES

texts = st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from("ab\t\n %+&=~é"))
forms = st.lists(st.tuples(texts, texts)).map(tuple)


@given(forms)
@example((("a\tb", "c"),))
@example((("a", "b\nc"), ("d", "")))
@settings(max_examples=200)
def test_form_is_encoded_like_urlencode(form: tuple[tuple[str, str], ...]) -> None:
    assert encode_form(form) == urlencode(form).encode()


@given(forms)
@settings(max_examples=100)
def test_encoded_form_is_decoded_in_its_order(form: tuple[tuple[str, str], ...]) -> None:
    assert decode_form(encode_form(form).decode()) == form


@given(st.text(st.sampled_from("ab=&+%c3a9 ;ü")))
@example("a&&=b&c=d=e&%41=%2B+%26&%")
@settings(max_examples=300)
def test_any_text_is_decoded_like_parse_qsl(text: str) -> None:
    try:
        expected = tuple(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="a form with escapes that are not UTF-8"):
            decode_form(text)
    else:
        assert decode_form(text) == expected


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("=b", (("", "b"),)),
        ("a", (("a", ""),)),
        ("a+b=%2B", (("a b", "+"),)),
        ("a=b=c", (("a", "b=c"),)),
        ("&&", ()),
        ("a=%", (("a", "%"),)),
        ("a=b;c=d", (("a", "b;c=d"),)),
    ],
)
def test_odd_forms_are_decoded(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert decode_form(text) == pairs


def test_form_of_more_than_1000_fields_is_refused() -> None:
    assert len(decode_form("a=1&" * 999 + "a=1")) == 1000
    with pytest.raises(ValueError, match="a form of more than 1,000 fields"):
        decode_form("a=1&" * 1000 + "a=1")


TEXT: Final = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "\t\n\r\x00\x7f &=+%~ azAZ09-._*'()!", max_size=20
)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
@settings(max_examples=300)
@example([])
@example([("", "")])
@example([("a\tb", "c")])
@example([("a", "b\nc\td")])
@example([("a", "\t"), ("\n", "b")])
@example([("To", "client:käthe+ü@example.com"), ("P", "~*-._ !'()&=+%20")])
@example([("".join(map(chr, range(128))), "")])
@example([("a", "".join(map(chr, range(32, 127))))])
def test_form_of_a_request_is_encoded_like_urlencode(pairs: list[tuple[str, str]]) -> None:
    assert Request("POST", "/", form=tuple(pairs)).body == urlencode(pairs).encode()


@pytest.mark.parametrize(
    "char", [chr(code) for code in range(256)], ids=lambda char: f"{ord(char):02x}"
)
def test_every_character_is_encoded_like_urlencode(char: str) -> None:
    pairs = ((f"a{char}b", "1"), ("c", f"d{char}{char}e"), (char, char))
    assert Request("POST", "/", form=pairs).body == urlencode(pairs).encode()


@pytest.mark.parametrize("name", UPDATES)
def test_recorded_form_is_encoded_to_the_recorded_bytes(name: str) -> None:
    pairs = tuple((name, value) for name, value in RECORDED[name]["form_pairs"])
    assert Request("POST", "/", form=pairs).body == RECORDED[name]["body"].encode()


@pytest.mark.parametrize("half", ["\ud800", "a\udc80b"])
def test_lone_surrogate_is_refused_like_urlencode(half: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        urlencode([("a", half)])
    with pytest.raises(UnicodeEncodeError):
        _ = Request("POST", "/", form=(("a", half),)).body


def test_form_of_too_many_escapes_or_fields_is_refused() -> None:
    assert decode_form("Note=" + "%41" * 50_000) == (("Note", "A" * 50_000),)
    with pytest.raises(ValueError, match="a form of more than 50,000 escapes"):
        decode_form("Note=" + "%41" * 50_001)
    assert len(decode_form("a=1&" * 999 + "a=1")) == 1000
    with pytest.raises(ValueError, match="a form of more than 1,000 fields"):
        decode_form("a=1&" * 1000 + "a=1")
