"""Callback settings."""

from __future__ import annotations

import pytest

from reservation_core.emulator import CallbackSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"assignment_url": "ftp://example.com"}, "assignment_url must be an http or https URL"),
        ({"fallback_url": "/assign"}, "fallback_url must be"),
        (
            {"event_url": "https://user:hush@example.com/"},
            "event_url must be .* without user information",
        ),
        ({"event_url": "https://example.com/ä"}, "event_url must be .* ASCII"),
        ({"event_url": "https://example.com/a b"}, "event_url must be"),
        ({"event_url": "https://example.com:70000/"}, "event_url must be"),
        ({"event_url": "https://example.com:0/"}, "event_url must be"),
        ({"event_url": "https://example.com/\r\nX: 1"}, "event_url must be"),
        ({"auth_token": ""}, "auth_token must not be empty"),
        ({"auth_token": "hush "}, "auth_token must not be empty"),
        (
            {"event_types": ["reservation.created", "hush"]},
            "event_types must be among .*: 1 are not",
        ),
        ({"fields": {"TaskPriority": 5}}, "fields must map names to strings"),
        ({"duplicates": 1.5}, "duplicates must be from 0 .* to 1"),
        ({"reordered": float("nan")}, "reordered must be"),
    ],
)
def test_invalid_settings_are_refused_without_their_value(
    wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        CallbackSettings(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert "hush" not in str(refused.value)


def test_urls_are_those_that_are_set() -> None:
    settings = CallbackSettings(assignment_url="https://a.example/", event_url="https://b.example/")
    assert settings.urls == ("https://a.example/", "https://b.example/")
    assert CallbackSettings().urls == ()
