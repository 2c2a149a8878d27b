"""The messages, compared with their transcript."""

from __future__ import annotations

from pathlib import Path

from tests.project.messages import transcript


def test_messages_match_transcript() -> None:
    assert (
        list(transcript())
        == Path(__file__).with_name("messages.txt").read_text("utf-8").splitlines()
    )
