"""Policy: the ranges of its settings and the default values."""

from typing import Any, cast

import attrs
import pytest

from reservation_core import ONCE, Policy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("attempts",) for value in (0, -1, 101, 2.0, True, "4", None)),
        *(
            (name, value)
            for name in ("deadline", "backoff", "backoff_cap")
            for value in (-1, 86_401, float("nan"), "1", True, None)
        ),
        *(
            (name, value)
            for name in (
                *("retry_stale", "repeat_unknown", "sole_writer", "trust_refusals", "reconcile"),
                *("strict", "accept_unexpected"),
            )
            for value in (0, 1, None, "no")
        ),
    ],
)
def test_policy_refuses_wrong_values(name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError), match=f"{name} must be"):
        Policy(**cast("Any", {name: value}))


def test_policy_accepts_its_limits() -> None:
    policy = Policy(attempts=100, deadline=86_400, backoff=0, backoff_cap=86_400)
    assert (policy.attempts, policy.deadline, policy.backoff, policy.backoff_cap) == (
        100,
        86_400,
        0,
        86_400,
    )


def test_policy_defaults() -> None:
    policy = Policy()
    assert (policy.attempts, policy.deadline, policy.retry_stale, policy.repeat_unknown) == (
        4,
        30.0,
        True,
        False,
    )
    assert (policy.sole_writer, policy.trust_refusals) == (False, False)
    assert (policy.strict, policy.accept_unexpected) == (True, False)
    assert attrs.evolve(policy, attempts=1, reconcile=False) == ONCE
