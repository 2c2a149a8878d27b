"""Settings have a description and evidence each, and bounds."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import attrs
import pytest

from reservation_core import (
    Evidence,
)
from reservation_core.emulator import (
    Settings,
)
from reservation_core.emulator.platform.settings import describe_settings

UNSETTLED: Final = {  # open questions, from the notes on the platform's behavior
    "state_codes",
    "instruction_codes",
    "both_given",
    "neither_given",
    "checks_version_first",
    "has_quoted_etag",
    "on_hold_shown_as",
    "can_reject_on_hold",
    "can_rescind_on_hold",
    "system_status",
    "foreign_parameters",
    "blank_values",
}


def test_describe_settings_describes_every_setting() -> None:
    """Every setting has a description of its own, evidence and its default."""
    described = list(describe_settings())
    assert [name for name, _, _ in described] == [field.name for field in attrs.fields(Settings)]
    assert len({info.description for _, _, info in described}) == len(described)
    for name, default, info in described:
        assert default == getattr(Settings(), name)
        assert info.description
        assert info.evidence in Evidence


def test_unsettled_behavior_has_a_setting() -> None:
    """None of them claims to be documented."""
    marks = {name: info.evidence for name, _, info in describe_settings()}
    assert marks.keys() >= UNSETTLED
    assert {name for name in UNSETTLED if marks[name] is Evidence.DOCUMENTED} == set()


def test_default_times_are_the_documented_ones() -> None:
    defaults = Settings()
    assert (
        defaults.reservation_timeout,
        defaults.delete_after,
        defaults.callback_timeout,
        defaults.max_rounds,
    ) == (120, 300, 5, 1000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reservation_timeout", 0),
        ("reservation_timeout", 86_401),
        ("rate_limit", 0),
        ("delete_after", -1),
        ("delete_after", float("nan")),
        ("callback_timeout", 0),
        ("max_body_bytes", 0),
        ("max_rounds", 0),
        ("journal_length", 0),
        ("accounts", {"": "x"}),
        ("accounts", {"a:b": "x"}),
        ("accounts", {"a": ""}),
    ],
)
def test_setting_out_of_bounds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})


def test_setting_takes_its_words_as_text() -> None:
    for name, default, _ in describe_settings():
        if not isinstance(default, StrEnum):
            continue
        for word in type(default):
            given: dict[str, Any] = {name: str(word)}
            assert getattr(Settings(**given), name) is word
        wrong: dict[str, Any] = {name: "another"}
        words = ", ".join(type(default))
        with pytest.raises(ValueError, match=f"^{name} must be one of {words}, not 'another'$"):
            Settings(**wrong)


def test_accounts_are_copied_and_not_in_the_repr() -> None:
    accounts = {"AC1": "hush"}
    settings = Settings(accounts=accounts)
    accounts.clear()
    assert settings.accounts == {"AC1": "hush"}
    assert "hush" not in repr(settings)
    assert "AC1" not in repr(settings)
