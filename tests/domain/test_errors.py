"""Errors of commands."""

from __future__ import annotations

from reservation_core import (
    Violation,
)


def test_violation_text_includes_known_error_code() -> None:
    assert (
        str(Violation("To", "to", "must be", "5", "give", 40137))
        == "To = 5: must be (platform error 40137). Give."
    )
    assert str(Violation("To", "to", "must be", "5", "give")) == "To = 5: must be. Give."
