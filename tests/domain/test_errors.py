"""Errors of commands."""

from __future__ import annotations

import pickle
from typing import cast

import pytest

from reservation_core import (
    CommandError,
    IncompleteReservation,
    InvalidCommand,
    ReservationError,
    Violation,
)

VIOLATION = Violation("To", "to", "must be a contact", "'5'", "leave it out", 40137)


def test_violation_text_has_rule_code_and_remedy() -> None:
    text = "To = '5': must be a contact (platform error 40137). Leave it out."
    assert str(VIOLATION) == text


def test_violation_text_without_code_and_remedy_has_only_the_rule() -> None:
    assert str(Violation("To", "to", "must be a contact", "'5'")) == "To = '5': must be a contact."


def test_base_errors_have_their_docstring_as_text() -> None:
    assert str(ReservationError()) == "Base class of all errors. Catch it to catch them all."
    assert "Nothing was sent" in str(CommandError())


@pytest.mark.parametrize(
    "error",
    [InvalidCommand("Accept", (VIOLATION,)), IncompleteReservation(("sid", "task_sid"))],
    ids=lambda error: type(error).__name__,
)
def test_error_is_a_value_and_survives_pickle_with_notes(error: ReservationError) -> None:
    error.add_note("a note")
    copy = cast("ReservationError", pickle.loads(pickle.dumps(error)))
    assert copy == error
    assert hash(copy) == hash(error)
    assert copy.__notes__ == ["a note"]
    assert str(copy) == str(error)
    assert error != ReservationError()


def test_incomplete_reservation_names_missing_fields() -> None:
    assert str(IncompleteReservation(("sid", "task_sid"))) == (
        "the address has no valid sid, task_sid. "
        "Set it, or read the reservation from a full payload."
    )


def test_invalid_command_lists_all_violations() -> None:
    error = InvalidCommand("Accept", (VIOLATION, VIOLATION))
    assert str(error).splitlines() == ["Accept cannot be sent:", *[f"  {VIOLATION}"] * 2]
