"""Every disputed rule has an experiment, or a reason for none."""

from __future__ import annotations

from reservation_core.domain.commands import disputes
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.lifecycle import ON_HOLD, Status
from reservation_core.emulator.platform.settings import describe_settings
from reservation_core.parity.experiments.catalogue import EXPERIMENTS, SETTINGS
from reservation_core.parity.experiments.values import UNOBSERVABLE_DISPUTES
from reservation_core.parity.findings import STATE_PREFIX


def test_every_dispute_is_settled_by_an_experiment_or_cannot_be_observed() -> None:
    named = {name: value for name, value in vars(disputes).items() if isinstance(value, Dispute)}
    settled = [dispute for each in EXPERIMENTS for dispute in each.disputes]
    missing = {name for name, dispute in named.items() if dispute not in settled}
    assert missing == {*UNOBSERVABLE_DISPUTES}
    assert all(UNOBSERVABLE_DISPUTES.values())


def test_names_of_experiments_are_different() -> None:
    names = [each.name for each in EXPERIMENTS]
    assert len(names) == len({*names})
    assert [each.name for each in SETTINGS] == [name for name, _, _ in describe_settings()]
    states = {name.removeprefix(STATE_PREFIX) for name in names if name.startswith(STATE_PREFIX)}
    assert states == {*Status, ON_HOLD}


def test_experiment_that_calls_needs_consent() -> None:
    """Some experiments send fewer requests without it."""
    for each in EXPERIMENTS:
        is_optional = each.name.startswith(STATE_PREFIX) or each.name in (
            "state_codes",
            "both_given",
            "on_hold_shown_as",
            "can_reject_on_hold",
        )
        assert not each.calls or each.needs_voice or is_optional
