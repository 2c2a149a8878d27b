"""The delivery campaign, in memory and over sockets."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Route
from reservation_core.emulator.faults import FaultKind, Rival
from reservation_core.testing.strategies import plans
from tests.campaigns.delivery import campaign, main, run
from tests.campaigns.delivery_cases import (
    ALONE,
    ALONE_RIVALS,
    CAREFUL,
    COMMANDS,
    Case,
    UnexpectedStep,
    kinds_for,
    starts_for,
    unexpected_targets,
)
from tests.campaigns.delivery_sockets import GATEWAYS, open_sockets

pytestmark = pytest.mark.slow

KINDS = {kind.value for kind in FaultKind if kind is not FaultKind.NONE}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case that shrinks to the fewest faults."""
    command, is_alone = draw(st.sampled_from(COMMANDS)), draw(st.booleans())
    route = Route.TASK if command.trigger == "supervise" else draw(st.sampled_from(Route))
    versioned = draw(st.booleans())
    plan = draw(
        plans(
            kinds_for(command, versioned=versioned, route=route),
            (Rival.NONE, *ALONE_RIVALS) if is_alone else Rival,
        )
    )
    is_strict = draw(st.booleans())
    start = draw(st.sampled_from(starts_for(command, strict=is_strict)))
    targets = () if is_alone else unexpected_targets(start)
    steps = st.builds(UnexpectedStep, st.integers(1, 4), st.sampled_from(targets or (start,)))
    unexpected = draw(st.none() | steps) if targets else None
    policy = attrs.evolve(
        ALONE if is_alone else CAREFUL,
        attempts=draw(st.integers(1, 5)),
        retry_stale=draw(st.booleans()),
        strict=is_strict,
        accept_unexpected=draw(st.booleans()),
    )
    return Case(command, start, versioned, route, plan, policy, draw(st.booleans()), unexpected)


@given(cases())
@settings(max_examples=400)
def test_delivery_acts_at_most_once_and_its_outcome_is_right(case: Case) -> None:
    assert run(case).problems == ()


@given(cases())
@settings(max_examples=150)
def test_async_delivery_has_the_same_outcomes(case: Case) -> None:
    assert run(case, is_async=True) == run(case)


def test_campaign_in_memory_finds_nothing_wrong() -> None:
    _, faults, wrong = campaign(2000, 1)
    assert wrong == []
    assert faults["unexpected step"] > 10
    assert faults.keys() >= KINDS


@pytest.mark.parametrize("name", GATEWAYS)
def test_campaign_over_sockets_has_the_same_outcomes_as_in_memory(name: str) -> None:
    with open_sockets(name) as sockets:
        outcomes, faults, wrong = campaign(60, 1, sockets)
    assert wrong == []
    assert faults.keys() >= KINDS
    assert (outcomes, faults, wrong) == campaign(60, 1)
    assert sockets.exchanges > 60
    assert sockets.server.connections < 5


@pytest.mark.parametrize("gateway", ["memory", "pyreqwest"])
def test_main_prints_the_counts(gateway: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--updates", "50", "--gateway", gateway]) == 0
    counts = printed_counts(capsys.readouterr().out)
    assert counts["updates"] == "50"
    assert int(counts["faults injected"]) > 0
    assert ("over sockets" in counts) is (gateway != "memory")


def test_main_prints_the_same_counts_again_with_the_same_seed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--updates", "2000", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    assert main(["--updates", "2000", "--seed", "3"]) == 0
    assert first.splitlines()[1:] == capsys.readouterr().out.splitlines()[1:]
    counts = printed_counts(first)
    for name in ("double actions", "lost acknowledgements", "wrong outcomes"):
        assert counts[name] == "0"
    assert counts.keys() >= KINDS | {rival.value for rival in Rival if rival is not Rival.NONE}


def test_main_refuses_a_campaign_without_updates(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--updates", "0"])
    assert "--updates must be 1 or more" in capsys.readouterr().err


def printed_counts(text: str) -> dict[str, str]:
    """Return the counts that the campaign printed, by name."""
    lines = (line.rsplit("(", 1)[0].rsplit(maxsplit=1) for line in text.splitlines())
    return {name.strip(): count for name, count in lines}
