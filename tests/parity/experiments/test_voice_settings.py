"""Experiments with calls end without a value if the answer is unclear."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import pytest

from reservation_core import Reply, Request
from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.platform.settings import OnHoldStatus
from reservation_core.parity.scene import Voice
from tests.parity.stage import Stage, Twist, change, describe, find

UNCLEAR: Final[Mapping[str, tuple[str, Twist, str]]] = {
    "no call": ("on_hold_shown_as", change("=conference", 400), "a conference was refused: 400"),
    "answered": ("on_hold_shown_as", change("=completed", 200), "was not on hold any more"),
    "other word": (
        "on_hold_shown_as",
        change("GET .*/WR", body={"reservation_status": "reserved"}),
        "it shows another word: reserved",
    ),
    "caller refused": (
        "dequeue_needs_from",
        change("Instruction=dequeue", 400),
        "with it, it is refused, too",
    ),
    "redirect refused": (
        "redirects_only_task_calls",
        change("Instruction=redirect", 400),
        "the task's own call is refused, too",
    ),
    "no redirect": ("redirect_accept", change("Instruction=redirect", 400), "was refused: 400"),
}
"""Experiment, change of the replies, and part of the reason."""


@pytest.mark.parametrize(("name", "twist", "reason"), UNCLEAR.values(), ids=UNCLEAR)
def test_unclear_answer_to_an_instruction_is_no_value(name: str, twist: Twist, reason: str) -> None:
    finding = find(name, twist=twist)
    assert not finding.is_known
    assert reason in finding.seen


@pytest.mark.parametrize("shown", [OnHoldStatus.PENDING, OnHoldStatus.ACCEPTED])
@pytest.mark.parametrize(("accepts", "status"), [(True, "accepted"), (False, "canceled")])
def test_missed_call_is_told_once_it_ends(shown: OnHoldStatus, accepts: bool, status: str) -> None:
    """The test misses it after a few fetches."""
    platform = Platform(
        ManualClock(), settings=Settings(accepts_unanswered=accepts, on_hold_shown_as=shown)
    )
    fetches = 0

    def miss(request: Request, reply: Reply) -> Reply:
        nonlocal fetches
        is_fetch = "GET" in describe(request) and "/WR" in request.path
        fetches += is_fetch
        if is_fetch and fetches == 4:
            platform.miss_call(str(json.loads(reply.body)["sid"]))
        return reply

    stage = Stage(platform=platform, names=["accepts_unanswered"], twist=miss)
    (finding,) = stage.run().findings
    assert (finding.value, finding.seen) == (
        accepts,
        f"after a call that was missed it is {status}",
    )


def test_given_call_is_used() -> None:
    voice = Voice(caller="+1", callee="+2", call_sid="CA" + "5" * 32)
    stage = Stage(names=["redirects_only_task_calls"], voice=voice)
    assert stage.run().findings[0].is_known
    assert any("CA" + "5" * 32 in each for each in stage.gateway.requests)
