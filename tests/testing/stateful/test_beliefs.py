from __future__ import annotations

import pytest

from reservation_core import ON_HOLD, Reservation, Status
from reservation_core.domain.lifecycle import State
from reservation_core.testing.stateful.beliefs import Belief, BeliefCheck, check_up_to_date


def check(*beliefs: tuple[Belief, State]) -> None:
    """Check successive beliefs about one reservation."""
    checks = BeliefCheck()
    for belief, actual in beliefs:
        checks.check("it", belief, actual)


def test_belief_may_lag_and_be_forgotten_after_the_end() -> None:
    check(
        (None, Status.PENDING),
        (Status.PENDING, Status.ACCEPTED),
        (Reservation(status=Status.ACCEPTED), Status.COMPLETED),
        (Status.COMPLETED, Status.COMPLETED),
        (None, Status.COMPLETED),
    )
    check((Reservation(status=Status.PENDING, on_hold=True), ON_HOLD))


@pytest.mark.parametrize(
    ("beliefs", "message"),
    [
        ([(Status.ACCEPTED, Status.PENDING)], "believes it is accepted, but it is pending"),
        ([(Status.REJECTED, Status.CANCELED)], "believes it is rejected, but it is canceled"),
        (
            [(Status.ACCEPTED, Status.ACCEPTED), (Status.PENDING, Status.ACCEPTED)],
            "went back from accepted to pending",
        ),
        (
            [(Status.PENDING, Status.PENDING), (None, Status.PENDING)],
            "forgot it while it was pending",
        ),
    ],
    ids=["ahead", "another branch", "back", "forgotten"],
)
def test_false_belief_is_an_error(beliefs: list[tuple[Belief, State]], message: str) -> None:
    with pytest.raises(AssertionError, match=f"it: the service {message}"):
        check(*beliefs)


def test_belief_is_up_to_date_or_forgotten_after_the_end() -> None:
    check_up_to_date("it", Status.ACCEPTED, Status.ACCEPTED)
    check_up_to_date("it", Reservation(status=Status.ACCEPTED), Status.ACCEPTED)
    check_up_to_date("it", None, Status.CANCELED)
    for belief in (None, Status.PENDING):
        with pytest.raises(AssertionError, match=f"believes it is {belief}, not accepted"):
            check_up_to_date("it", belief, Status.ACCEPTED)
