"""Fields, read by name and type, with a fault for each error."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import attrs
import pytest

from reservation_core import MalformedReply, PayloadFault, ReservationError
from reservation_core.rest.field_reader import FieldReader, LenientFieldReader

SID: Final = "WR" + "a" * 32
NIL: Final = "WR" + "0" * 32
RULE: Final = "(WR and 32 hexadecimal digits)"


def faults(reader: FieldReader) -> dict[str, str]:
    """Return the problem of each fault, by its path."""
    return {fault.path: fault.problem for fault in reader.faults}


def read_digit(reader: FieldReader) -> int:
    """Read an integer up to 9, by default 5."""
    return reader.integer("a", 5, maximum=9)


def read_share(reader: FieldReader) -> float | None:
    """Read a number up to 1."""
    return reader.number("a", None, maximum=1)


# --- one field -----------------------------------------------------------------------------------


VALID: Final[list[tuple[Callable[[FieldReader], object], object, object]]] = [
    (lambda reader: reader.text("a"), "x", "x"),
    (lambda reader: reader.text("a"), "", ""),
    (lambda reader: reader.sid("a", "WR"), SID, SID),
    (lambda reader: reader.required_sid("a", "WR"), SID, SID),
    (lambda reader: reader.choice("a", ("x", "y")), "y", "y"),
    (lambda reader: reader.choices("a", ("x", "y")), ["y", "x"], ("y", "x")),
    (lambda reader: reader.choices("a", ("x", "y")), "y", ("y",)),
    (lambda reader: reader.integer("a", None), 0, 0),
    (lambda reader: reader.integer("a", 5, minimum=-1, maximum=9), -1, -1),
    (lambda reader: reader.integer("a", 5, maximum=9), 9, 9),
    (lambda reader: reader.number("a", None), 1.5, 1.5),
    (lambda reader: reader.number("a", None, maximum=1), 1, 1),
    (lambda reader: reader.date("a"), 0, datetime(1970, 1, 1, tzinfo=UTC)),
    (lambda reader: reader.mapping("a"), {"b": 1}, {"b": 1}),
]


@pytest.mark.parametrize(("read", "value", "result"), VALID)
def test_valid_field_is_returned(
    read: Callable[[FieldReader], object], value: object, result: object
) -> None:
    reader = FieldReader({"a": value})
    assert read(reader) == result
    assert list(reader.faults) == []
    reader.finish()


@pytest.mark.parametrize("fields", [{}, {"a": None}])
def test_absent_field_is_the_default(fields: dict[str, object]) -> None:
    reader = FieldReader(fields)
    assert (reader.text("a"), reader.sid("a", "WR"), reader.date("a"), reader.mapping("a")) == (
        (None,) * 4
    )
    assert (reader.integer("a", 7), reader.number("a", 0.5), reader.choices("a", ("x",))) == (
        (7, 0.5, ())
    )
    assert list(reader.each("a")) == []
    reader.finish()


WRONG: Final[list[tuple[Callable[[FieldReader], object], object, object, str]]] = [
    (lambda reader: reader.text("a"), 5, None, "is a JSON number, not a string"),
    (lambda reader: reader.sid("a", "WR"), "WR1", None, f"is not a SID {RULE}"),
    (lambda reader: reader.sid("a", "WR"), "", None, f"is not a SID {RULE}"),
    (lambda reader: reader.required_sid("a", "WR"), 5, NIL, f"is not a SID {RULE}"),
    (
        lambda reader: reader.required_sid("a", "WR"),
        None,
        NIL,
        f"is missing; give a SID {RULE}",
    ),
    (lambda reader: reader.choice("a", ("x", "y")), "z", "x", "must be one of x, y"),
    (lambda reader: reader.choice("a", ("x", "y")), None, "x", "must be one of x, y"),
    (
        lambda reader: reader.choices("a", ("x", "y")),
        ["y", 5],
        ("y",),
        "must hold only words of x, y",
    ),
    (read_digit, -1, 5, "is not a whole number from 0 to 9"),
    (read_digit, 10, 5, "is not a whole number from 0 to 9"),
    (read_digit, 1.0, 5, "is not a whole number from 0 to 9"),
    (read_digit, True, 5, "is not a whole number from 0 to 9"),
    (read_digit, "3", 5, "is not a whole number from 0 to 9"),
    (read_share, -0.1, None, "is not a number from 0 to 1"),
    (read_share, 1.1, None, "is not a number from 0 to 1"),
    (read_share, True, None, "is not a number from 0 to 1"),
    (read_share, "1", None, "is not a number from 0 to 1"),
    (read_share, math.nan, None, "is not a number from 0 to 1"),
    (lambda reader: reader.mapping("a"), [], None, "is a JSON array, not an object"),
    (lambda reader: list(reader.each("a")), {}, [], "is a JSON object, not a list"),
]


@pytest.mark.parametrize(("read", "value", "result", "problem"), WRONG)
def test_wrong_field_is_a_fault_and_its_default(
    read: Callable[[FieldReader], object], value: object, result: object, problem: str
) -> None:
    reader = FieldReader({"a": value})
    assert read(reader) == result
    assert faults(reader) == {"a": problem}


# --- whole objects -------------------------------------------------------------------------------


def test_value_that_is_not_an_object_is_read_as_an_empty_one() -> None:
    assert faults(FieldReader([])) == {"(body)": "is a JSON array, not an object"}
    assert faults(FieldReader(5, "tasks[0]", wanted="a task")) == {
        "tasks[0]": "is a JSON number, not a task"
    }
    assert FieldReader(5).text("a") is None


def test_list_is_read_object_by_object_with_their_paths() -> None:
    reader = FieldReader({"tasks": [{"a": 1}, 5, {"b": "x"}]}, "seed")
    for item in reader.each("tasks"):
        item.text("a")
        item.reject_unread()
    assert faults(reader) == {
        "seed.tasks[0].a": "is a JSON number, not a string",
        "seed.tasks[1]": "is a JSON number, not an object",
        "seed.tasks[2].b": "is not a known field; check its spelling, or leave it out",
    }


def test_unread_fields_are_returned_and_rejected_once() -> None:
    reader = FieldReader({"a": 1, "b": 2})
    reader.integer("a", None)
    assert reader.unread() == {"b": 2}
    reader.reject_unread()
    with pytest.raises(MalformedReply) as caught:
        reader.finish()
    assert [fault.path for fault in caught.value.faults] == ["b"]


def test_faults_raise_the_error_of_the_reader() -> None:
    @attrs.frozen(slots=False)
    class Unreadable(ReservationError):
        faults: tuple[PayloadFault, ...]
        omitted: int

    reader = FieldReader({"a": 1}, error=Unreadable)
    reader.raise_faults()
    with pytest.raises(Unreadable):
        reader.finish()


def test_path_and_value_of_a_fault_are_masked() -> None:
    reader = FieldReader({"+15005550006": 1, "a" * 99: 1, "sid": "+15005550006"})
    reader.sid("sid", "WR")
    reader.reject_unread()
    assert "5005550006" not in str(list(reader.faults))
    assert max(len(fault.path) for fault in reader.faults) == 80


# --- lenient readers -----------------------------------------------------------------------------


def test_lenient_reader_reads_values_as_forms_spell_them() -> None:
    reader = LenientFieldReader(
        {"empty": "", "list": ["x"], "none": [], "number": "12", "date": "0", "json": '{"a": [1]}'}
    )
    assert [reader.text(name) for name in ("empty", "list", "none")] == [None, "x", None]
    assert reader.integer("number", None) == 12
    assert reader.date("date") == reader.milliseconds("date") == datetime(1970, 1, 1, tzinfo=UTC)
    assert reader.attributes("json") == {"a": [1]}
    assert reader.attributes("empty") == {}
    assert list(reader.faults) == []


WRONG_LENIENT: Final[list[tuple[Callable[[LenientFieldReader], object], object, str]]] = [
    (lambda reader: reader.text("a"), ["x", "y"], "is given 2 times"),
    (lambda reader: reader.milliseconds("a"), "9" * 18, "is beyond all dates"),
    (lambda reader: reader.attributes("a"), "{", "is not JSON"),
    (lambda reader: reader.attributes("a"), "null", "is a JSON null, not an object"),
    (lambda reader: reader.nested("a", str), None, "is missing"),
    (lambda reader: reader.nested("a", str), [{}], "is a JSON array, not an object"),
]


@pytest.mark.parametrize(("read", "value", "problem"), WRONG_LENIENT)
def test_fault_of_a_lenient_reader_has_the_name_of_its_field(
    read: Callable[[LenientFieldReader], object], value: object, problem: str
) -> None:
    reader = LenientFieldReader({"data": {"a": value}}).nested("data", str)
    read(reader)
    assert faults(reader) == {"data.a": problem}


def test_names_of_a_lenient_reader_are_translated() -> None:
    reader = LenientFieldReader(
        {"task_sid": 5, "other": 1}, "[0]", rename={"TaskSid": "task_sid"}.__getitem__
    )
    assert reader.text("TaskSid") is None
    assert faults(reader) == {"[0].task_sid": "is a JSON number, not a string"}
    assert reader.unread() == {"other": 1}
