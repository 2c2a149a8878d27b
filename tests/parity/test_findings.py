"""Findings: the comparison of the commands in a state with the lifecycle."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reservation_core.domain.evidence import Evidence
from reservation_core.parity.findings import Finding, Subject


@pytest.mark.parametrize(
    ("value", "is_as_expected"),
    [
        ({"wrap": "wrapping", "complete": "completed", "accept": "refused"}, True),
        ({"wrap": "wrapping"}, True),
        ({"wrap": "refused", "complete": "completed"}, False),
        ({"wrap": "wrapping", "complete": "completed", "accept": "accepted"}, False),
    ],
)
def test_commands_in_a_state_are_compared_in_both_directions(
    value: Mapping[str, str], is_as_expected: bool
) -> None:
    finding = Finding(
        name="commands_while_accepted",
        subject=Subject.LIFECYCLE,
        rule="",
        interpretation="supervise, wrap, complete",
        evidence=Evidence.INFERRED,
        is_known=True,
        value=value,
        seen="",
    )
    assert finding.is_as_expected is is_as_expected
