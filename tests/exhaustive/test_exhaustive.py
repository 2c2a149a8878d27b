"""Exploration of a few cases, broken rules, and kept counterexamples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from reservation_core.delivery import engine, reconciliation
from reservation_core.delivery.reconciliation import ReconcileResult, Sent, Trace
from tests.exhaustive.__main__ import main
from tests.exhaustive.cases import Case, all_cases
from tests.exhaustive.explorer import Bound, Totals, explore
from tests.exhaustive.verdicts import COULD_SAY_MORE

BOUND = Bound(depth=2, moves=1, attempts=2, delayed=1)
CASES = {str(case): case for case in all_cases(BOUND.attempts, is_small=True)}
SUITE = (
    "accept of a reservation that is pending (version held)",
    "call of a reservation that is pending (accepting, version held)",
    "call of a reservation that is pending (version held, sole writer)",
    "wrap of a reservation that is accepted (version held, unlisted steps)",
    "accept of a reservation that is pending (no versions, refusals trusted)",
)


def wrong(totals: Totals) -> set[str]:
    """Return the kinds of wrong verdicts."""
    return {kind for kind in totals.found if not kind.startswith(COULD_SAY_MORE)}


@pytest.mark.parametrize("name", SUITE)
def test_no_run_within_the_bound_has_a_wrong_verdict(name: str) -> None:
    totals = explore(CASES[name], BOUND)
    assert wrong(totals) == set()
    assert totals.runs > 20
    assert totals.cut > 0


def _believe_refusals(sent: Any, command: Any, refusal: Any) -> tuple[Trace, ...]:
    return () if refusal is not None else reconciliation.find_traces(sent, command, refusal)


def _call_stale_repeat(now: Any, command: Any, suspects: Any, *more: Any) -> ReconcileResult:
    if more[0] is not None and more[0].http_status == 412:
        return ReconcileResult.REPEAT
    return reconciliation.reconcile(now, command, suspects, *more)


def _claim_effect(now: Any, command: Any, suspects: Any, *more: Any) -> ReconcileResult:
    result = reconciliation.reconcile(now, command, suspects, *more)
    is_unknown = result is ReconcileResult.OUTCOME_UNKNOWN
    return ReconcileResult.INDISTINGUISHABLE if is_unknown else result


def _acted_never(*_: object) -> bool:
    return False


def _is_always_raised(*_: object) -> bool:
    return True


BROKEN: tuple[tuple[str, object, str, Callable[..., object], str, int], ...] = (
    # a request that is late is forgotten
    ("may_act_later", engine, SUITE[2], _acted_never, "may still act", 2),
    # a change does not make a suspect
    ("may_have_acted", engine, SUITE[1], _acted_never, "it acted", 2),
    # a refusal is a proof
    ("find_traces", engine, SUITE[1], _believe_refusals, "it acted", 2),
    # a stale version is always repeated
    ("reconcile", engine, SUITE[2], _call_stale_repeat, "acts twice", 3),
    # what is unknown is claimed to be shown
    ("reconcile", engine, SUITE[1], _claim_effect, "the effect is not shown", 2),
    # a version that is only spelled otherwise counts as a higher one
    ("is_raised", reconciliation, SUITE[2], _is_always_raised, "it did not act", 2),
)


@pytest.mark.parametrize(("rule", "module", "name", "instead", "found", "depth"), BROKEN)
def test_exploration_notices_a_broken_rule(
    rule: str,
    module: object,
    name: str,
    instead: Callable[..., object],
    found: str,
    depth: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, rule, instead)
    case = CASES[name]
    if depth == 2:  # then a command that is sent once has a verdict
        case = case._replace(policy=attrs.evolve(case.policy, attempts=1))
    totals = explore(case, BOUND._replace(depth=depth))
    (kind, *_) = [kind for kind in sorted(wrong(totals)) if found in kind]
    assert totals.findings[kind].lines[0] == "at first: pending, version 3"


def test_exploration_tells_where_a_verdict_could_say_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def suspect(sent: Sent, *_: object) -> bool:
        return bool(sent.traces)

    monkeypatch.setattr(engine, "may_have_acted", suspect)
    totals = explore(CASES["reject of a reservation that is pending (version held)"], BOUND)
    assert any("it did not act" in kind for kind in totals.found)
    assert wrong(totals) == set()


def test_main_prints_counts_and_scenarios(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explore_here(cases: list[Case], bound: Bound, _: int) -> Totals:
        totals = Totals()
        for case in cases:
            totals.add(explore(case, bound))
        return totals

    monkeypatch.setattr("tests.exhaustive.__main__.explore_all", explore_here)
    only = "supervise of a reservation that is accepted (version held, sole"
    arguments = ["--depth", "3", "--small", "--only", only]
    assert main(arguments) == 0
    assert "kinds of wrong verdicts: 0" in capsys.readouterr().out
    monkeypatch.setattr(engine, "may_have_acted", _acted_never)
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert "supervise acts twice" in shown
    assert "    send with If-Match 3: it acts, accepted, version" in shown
