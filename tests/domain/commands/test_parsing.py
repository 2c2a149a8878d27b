"""A form is read back as it was sent."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core.rest.urlencoding import decode_form, encode_form

pairs = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))
    )
).map(tuple)


@given(pairs)
@settings(max_examples=100)
def test_a_form_that_was_encoded_is_decoded(form: tuple[tuple[str, str], ...]) -> None:
    """Whatever is in names and values comes back, in its order."""
    assert decode_form(encode_form(form).decode()) == form


@given(st.text(st.sampled_from("ab=&+%c3a9 ;ü")))
@example("a&&=b&c=d=e&%41=%2B+%26&%")
@settings(max_examples=300)
def test_any_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    """The same pairs, or the same refusal."""
    try:
        expected = tuple(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="decode"):
            decode_form(text)
    else:
        assert decode_form(text) == expected


def test_a_form_has_a_thousand_fields_at_most() -> None:
    """More is no form of the platform's."""
    assert len(decode_form("a=1&" * 999 + "a=1")) == 1000
    with pytest.raises(ValueError, match="more than 1000 fields"):
        decode_form("a=1&" * 1000 + "a=1")
