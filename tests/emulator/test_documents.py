"""Documents of the emulator, and all their faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs
import pytest

from reservation_core import PayloadFault, Status
from reservation_core.emulator.documents import UnreadableDocument, as_json, read_document


@attrs.frozen
class Value:
    """A value with a date, a status and nested values."""

    date: datetime
    status: Status
    nested: tuple[object, ...]


def test_value_is_converted_to_json() -> None:
    value = Value(datetime(2026, 1, 1, tzinfo=UTC), Status.PENDING, ({"a": None}, [1.5, "x"]))
    assert as_json(value) == {
        "date": "2026-01-01T00:00:00+00:00",
        "status": "pending",
        "nested": [{"a": None}, [1.5, "x"]],
    }
    assert as_json(PayloadFault("a", "is odd", "1")) == {
        "path": "a",
        "problem": "is odd",
        "value": "1",
    }


@pytest.mark.parametrize("text", ["", b" \n", "{}", b"\xef\xbb\xbf{}"])
def test_empty_document_is_an_empty_object(text: str | bytes) -> None:
    reader = read_document(text)
    assert reader.fields == {}
    reader.finish()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"{", "is not JSON: line 1, column 2"),
        (b"\xff", "is not UTF-8 text"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a": NaN}', "holds a value that JSON does not have: NaN, infinity or half a character"),
        (b'"\\ud800"', "holds a value that JSON does not have: NaN, infinity or half a character"),
    ],
)
def test_text_that_is_not_json_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_document(text)
    assert caught.value.faults == (PayloadFault("(body)", problem),)


def test_faults_of_a_document_raise_unreadable_document() -> None:
    reader = read_document('{"a": 1, "b": 2}')
    reader.text("a")
    with pytest.raises(UnreadableDocument) as caught:
        reader.finish()
    assert str(caught.value).splitlines() == [
        "the document cannot be read:",
        "  a: is a JSON number, not a string",
        "  b: is not a known field; check its spelling, or leave it out",
    ]


@pytest.mark.parametrize(
    "value",
    ["1e999", "1E0999", "-2.5e+400", "1" * 400 + ".5", "1" * 250 + "e99", '"\\ud800"', "NaN"],
)
def test_value_that_json_does_not_have_is_refused_in_bytes_and_text(value: str) -> None:
    for text in (f'{{"a": [{value}]}}', f'{{"a": [{value}]}}'.encode()):
        with pytest.raises(UnreadableDocument, match="a value that JSON does not have"):
            read_document(text)


@pytest.mark.parametrize("value", ["1e99", "1e-999", "1" * 199, '"1e999"', '"e+000 NaN"', "0.1E5"])
def test_value_that_only_looks_large_is_read(value: str) -> None:
    assert read_document(f'{{"a": {value}}}'.encode()).fields == {"a": json.loads(value)}
