"""Each remedy of an error text is followed: it does what the text says, and succeeds.

A follower provokes the error, does what its text says, checks that it worked, and returns the text.
A new text in the package without a follower fails, and so does a follower whose text is gone.
"""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.project.remedies import (
    book,
    calls,
    commands,
    gateways,
    lifecycle,
    outcomes,
    replies,
    webhooks,
)
from tests.project.remedies.base import (
    FOLLOWERS,
    STATEMENTS,
    Follower,
)
from tests.project.remedies.texts import remedy_texts

ROOMS: Final = (book, calls, commands, gateways, lifecycle, outcomes, replies, webhooks)
"""The modules that register their followers."""


def test_each_text_with_a_remedy_has_a_follower() -> None:
    known = {*FOLLOWERS, *STATEMENTS}
    texts = remedy_texts()
    assert {text: module for text, module in texts.items() if text not in known} == {}
    assert known - texts.keys() == set()


@pytest.mark.parametrize(
    ("text", "follower"), FOLLOWERS.items(), ids=[each.__name__ for each in FOLLOWERS.values()]
)
def test_remedy_can_be_followed(text: str, follower: Follower) -> None:
    shown = follower()
    pattern = re.escape(text.strip()).replace(r"\{\}", ".*")
    assert re.search(pattern, shown, re.IGNORECASE | re.DOTALL), (text, shown)
