"""Refusals of the emulated API."""

from __future__ import annotations

from reservation_core.emulator.resources.refused import RefusedRequest


def test_refusal_shows_its_message() -> None:
    refused = RefusedRequest("no")
    assert (str(refused), refused.is_conflict) == ("no", False)
