"""Text of any kind is read, or refused with the reason."""

import json
import math
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reservation_core import (
    MalformedReply,
    PayloadFault,
    read_reservation,
)
from reservation_core.rest.bodies import parse_json, read_body
from tests.rest.payloads import (
    CALLBACK,
    FULL,
    JSON,
    TEXTS,
    TODAY,
    attempt,
    faults_of,
)

# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("name", TODAY)
def test_text_is_read_like_the_mapping(name: str, write: Callable[[str], str | bytes]) -> None:
    assert read_reservation(write(json.dumps(TODAY[name], ensure_ascii=False))) == read_reservation(
        TODAY[name]
    )


@pytest.mark.parametrize("form", TEXTS.values(), ids=list(TEXTS))
def test_only_white_space_may_surround_an_object(
    form: Callable[[str], str | bytes],
) -> None:
    body = json.dumps(FULL)
    for text in (f"{body}\n", f" \t\r\n{body} \n"):
        assert read_reservation(form(text)) == read_reservation(FULL)
    for text in (f"{body}x", f"{body} {{}}", f"{body},", f"x{body}", f"{body}\0"):
        assert faults_of(form(text)) == ["(body)"]


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "is empty"),
        (" \n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        ('{\n "a": }', ": line 2, column 7"),
        ("<html>", "neither JSON nor a form"),
        ("[1]", "is a JSON array, not an object"),
        ("5", "is a JSON number, not an object"),
        ("true", "is a JSON boolean, not an object"),
        ("null", "is a JSON null, not an object"),
        ('"accepted"', "is a JSON string, not an object"),
    ],
)
def test_unreadable_text_is_described(payload: str | bytes, problem: str) -> None:
    with pytest.raises(MalformedReply) as caught:
        read_reservation(payload)
    (fault,) = caught.value.faults
    assert fault.path == "(body)"
    assert problem in fault.problem


NO_JSON: Final[tuple[str, ...]] = (
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"sid": ' + "[" * 970 + "]" * 970 + "}",
    '{"date_created": %s}' % ("9" * 9_999),
)
"""Texts that stop a reader by their depth or their length."""


@pytest.mark.parametrize("text", NO_JSON, ids=["arrays", "objects", "a deep SID", "a long number"])
@pytest.mark.parametrize("write", TEXTS.values(), ids=TEXTS)
def test_text_too_deep_or_too_long_is_refused(
    text: str, write: Callable[[str], str | bytes]
) -> None:
    attempt(write(text))
    assert faults_of(write(text))


@given(JSON)
@settings(max_examples=150)
@example(math.nan)
@example({"sid": "\ud800", "reservation_status": "\udfff", "links": {"a": 1}})
@example({"ReservationSid": "WR", "TaskSid": [1, 2], "WorkerName": {}})
@example("ReservationSid=1")
def test_any_json_text_is_read_or_refused(value: object) -> None:
    text = json.dumps(value)
    attempt(text)
    attempt(text.encode())
    attempt(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-16"))
    | st.text().map(lambda text: b"ReservationSid=" + text.encode())
)
@settings(max_examples=150)
@example(b"")
@example(b" \n")
@example(b"\xff\xfe{\x00}\x00")
@example(b"\xef\xbb\xbf")
@example(b"ReservationSid=%ff%ED%A0%80")
@example(b'{"reservation_status": "\xed\xa0\x80"}')
@example(b"{}{}")
@example(b"[]")
@example(b"null")
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    attempt(payload)


# --- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["\n ", "a=1&", "\ufeff"])
def test_form_is_recognised_by_its_first_letter(before: str) -> None:
    """A JSON object never begins with a letter."""
    text = f"{before}ReservationSid={CALLBACK['ReservationSid']}"
    assert read_reservation(text.encode()).sid == CALLBACK["ReservationSid"]


def test_form_of_more_than_1000_fields_is_refused() -> None:
    fields = "&a=1" * 999
    assert read_reservation(f"ReservationSid={CALLBACK['ReservationSid']}{fields}").sid
    with pytest.raises(MalformedReply) as caught:
        read_reservation(f"ReservationSid={CALLBACK['ReservationSid']}{fields}&a=1")
    assert caught.value.faults == (PayloadFault("(body)", "is a form of more than 1,000 fields"),)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "b=c"}', {"a": "b=c"}),
        (' {"a": "b=c"}', {"a": "b=c"}),
        ('["b=c"]', ["b=c"]),
        ('"b=c"', "b=c"),
        ("a=b&a=c", {"a": ["b", "c"]}),
    ],
)
def test_body_with_an_equals_sign_is_json_or_a_form(text: str, value: object) -> None:
    assert read_body(text) == value


def test_json_problem_names_line_and_column() -> None:
    with pytest.raises(MalformedReply) as caught:
        parse_json("x")
    assert caught.value.faults == (PayloadFault("(body)", "is not JSON: line 1, column 1"),)


def test_object_that_names_a_form_field_is_not_a_form() -> None:
    text = json.dumps({**FULL, "worker_name": "ReservationSid=WR"})
    assert read_reservation(text).worker_name == "ReservationSid=WR"


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", ["[]", "{}", "0", '""', '{"a":1}', '"a,a,a,a"'])
def test_crowded_text_is_refused_before_it_is_parsed(item: str) -> None:
    text = f"[{','.join([item] * 90_000)}]"
    with pytest.raises(MalformedReply, match="has more than 65536 commas and brackets"):
        parse_json(text)
    assert parse_json(f"[{','.join([item] * 5_000)}]") == [json.loads(item)] * 5_000


def test_crowded_text_of_brackets_is_refused() -> None:
    with pytest.raises(MalformedReply, match="has more than 65536 commas and brackets"):
        parse_json(f"[{','.join(['[[[0]]]'] * 40_000)}]")


def test_text_at_the_limit_is_parsed() -> None:
    assert parse_json("[" + "0 ," * 65_535 + "1]") == [0] * 65_535 + [1]


def test_limit_of_a_texts_values_grows_with_its_length() -> None:
    """The platform's densest bodies have a comma or bracket in 20 characters."""
    field = '"assignment_status":"ab",'
    assert len(field) == 25
    body = "{" + field * 100_000 + '"a":1}'
    assert parse_json(body) == {"assignment_status": "ab", "a": 1}
    assert isinstance(parse_json("[" + '"a-string-of-20",' * 140_000 + "1]"), list)
    with pytest.raises(MalformedReply, match="has more than 131250 commas"):
        parse_json("[" + '"a-string",    ' * 140_000 + "1]")


def test_short_crowded_text_is_parsed() -> None:
    assert parse_json("[" + "0," * 65_000 + "1]") == [0] * 65_000 + [1]


def test_long_text_with_more_than_800_digits_in_a_row_is_refused() -> None:
    """The time to read and to show an integer is quadratic."""
    spaces = " " * 150_000
    for place in range(0, 400, 7):
        padding = f'{spaces}"{"a" * place}",'
        assert parse_json(f"[{padding}{'9' * 399}, -{'9' * 399}]")
        with pytest.raises(MalformedReply, match="has hundreds of digits in a row"):
            parse_json(f"[{padding}{'9' * 801}]")
    assert parse_json("9" * 4000) == int("9" * 4000)
