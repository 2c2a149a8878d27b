"""Observations of a platform replace the evidence of a decision."""

from __future__ import annotations

from typing import Final

import pytest

from reservation_core import (
    Accept,
    Call,
    Command,
    Conference,
    Evidence,
    Reservation,
    Source,
    Status,
    Supervise,
    explain,
)
from reservation_core.domain.lifecycle import ON_HOLD, State
from reservation_core.domain.observations import Observation, Observations

CALL: Final = Call(from_="+15005550006", url="https://example.com", accept=True)
SUPERVISE: Final = Supervise(supervisor="WK" + "0" * 32, supervisor_mode="monitor")


@pytest.mark.parametrize(
    ("state", "command", "result", "agrees"),
    [
        (Status.PENDING, Accept(), "accepted", True),
        (Status.PENDING, Accept(), "pending", False),
        (Status.PENDING, Accept(), "refused", False),
        (Status.PENDING, Conference(), "pending", True),
        (Status.PENDING, Conference(), "accepted", True),
        (Status.WRAPPING, SUPERVISE, "wrapping", True),
        (Status.WRAPPING, Accept(), "refused", True),
        (Status.WRAPPING, Accept(), "accepted", False),
        (ON_HOLD, Accept(), "refused", True),
    ],
)
def test_observation_is_the_evidence_if_it_agrees(
    state: State, command: Command, result: str, agrees: bool
) -> None:
    """Otherwise the decision stays, and its text names the difference."""
    observation = Observation(command.trigger, state, result)
    before = explain(state, command)
    after = explain(state, command, observations=Observations([observation]))
    assert after.is_allowed is before.is_allowed
    assert after.observation == observation
    assert ("a parity run on your account" in str(after)) is agrees
    assert ("A parity run saw otherwise: the platform" in str(after)) is not agrees
    rule = after.edge or after.refusal
    assert rule is not None
    assert (rule.evidence is Evidence.OBSERVED and Source.PARITY_RUN in rule) is agrees
    if not agrees:
        assert (after.edge, after.refusal) == (before.edge, before.refusal)


def test_decision_without_observation_is_unchanged() -> None:
    nothing = Observations()
    assert explain(Status.PENDING, Accept, observations=nothing) == explain(Status.PENDING, Accept)
    reservation = Reservation(status=Status.PENDING)
    assert reservation.explain(Accept, observations=nothing) == reservation.explain(Accept)


def test_call_with_its_flag_is_not_compared_with_one_without() -> None:
    """A refusal holds for both."""
    done = Observations([Observation("call", Status.PENDING, "pending")])
    assert explain(Status.PENDING, CALL, observations=done) == explain(Status.PENDING, CALL)
    refused = Observations([Observation("call", Status.PENDING, "refused")])
    assert "saw otherwise" in str(explain(Status.PENDING, CALL, observations=refused))
