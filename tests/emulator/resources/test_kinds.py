"""Kinds of parameters: texts that are read, and texts that are refused."""

from __future__ import annotations

import pytest

from reservation_core.emulator.resources import kinds

SID = "WA" + "0" * 32
READ = (
    (kinds.text(3), "abc", "abc"),
    (kinds.text(), "", ""),
    (kinds.url, "https://example.com/a?b=c", "https://example.com/a?b=c"),
    (kinds.url, "", None),
    (kinds.sid_of("WA", "WK"), SID, SID),
    (kinds.integer(0, kinds.MAX_PRIORITY), "2147483647", 2147483647),
    (kinds.flag, "YES", True),
    (kinds.flag, "1", True),
    (kinds.flag, "on", False),
    (kinds.flag, "", False),
    (kinds.word("FIFO", "LIFO"), "lifo", "LIFO"),
    (kinds.json_object, '{"a": [1, null]}', {"a": [1, None]}),
    (kinds.json_text, '{ "a":1 }', '{ "a":1 }'),
    (kinds.expression, "1 == 1", "1 == 1"),
    (kinds.expression, "", ""),
    (kinds.date, "2030-01-01T12:00:00+02:00", "2030-01-01T10:00:00Z"),
    (kinds.date, "1900-01-01", "1900-01-01T00:00:00Z"),
)
REFUSED = (
    (kinds.text(3), "abcd", "must have at most 3 characters"),
    (kinds.url, "ftp://example.com", "must be an absolute http or https URL"),
    (kinds.sid_of("WA", "WK"), "WA1", "must be a SID of 34 characters: WA and 32 hexadecimal"),
    (kinds.integer(1, 50), "51", "must be a whole number from 1 to 50"),
    (kinds.integer(1, 50), "0", "must be a whole number from 1 to 50"),
    (kinds.integer(1, 50), "1e1", "must be a whole number from 1 to 50"),
    (kinds.word("FIFO", "LIFO"), "first", "must be one of FIFO, LIFO"),
    (kinds.json_object, "[1]", "must be a JSON object"),
    (kinds.json_object, "{", "must be a JSON object"),
    (kinds.json_object, '{"a": NaN}', "must be a JSON object"),
    (kinds.json_object, '{"a": ' + "[" * 200 + "]" * 200 + "}", "must be a JSON object"),
    (kinds.json_object, "[" * 100_000, "must be a JSON object"),
    (kinds.json_text, "null", "must be a JSON object"),
    (kinds.expression, "a == 1", "is an expression, which the emulator does not evaluate"),
    (kinds.date, "1899-12-31T23:59:59Z", "must not be before the year 1900"),
    (kinds.date, "soon", "must be a date such as"),
    (kinds.date, "0001-01-01T00:00:00+14:00", "must be a date such as"),
)


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_kind_reads_text(kind: kinds.FieldKind, text: str, value: object) -> None:
    read = kind(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("kind", "text", "rule"), REFUSED)
def test_kind_refuses_text_with_its_rule(kind: kinds.FieldKind, text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        kind(text)
