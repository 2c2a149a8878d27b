"""Every text is as it was last read."""

from __future__ import annotations

from pathlib import Path

from tests.project.messages import everything


def test_every_text_is_as_it_was_last_read() -> None:
    """What is said of every decision, and of each thing that may be wrong or odd, is in the transcript, word by word."""
    assert (
        list(everything())
        == Path(__file__).with_name("messages.txt").read_text("utf-8").splitlines()
    )
