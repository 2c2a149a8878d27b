"""Forms are encoded as by the standard library, and decoded as they were sent."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core.rest.urlencoding import decode_form, encode_form

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
