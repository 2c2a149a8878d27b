"""All experiments, in the order of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, cast

from reservation_core.domain.commands import disputes
from reservation_core.emulator.platform.settings import describe_settings
from reservation_core.parity.experiments.lifecycle import LIFECYCLE
from reservation_core.parity.experiments.model import DEFAULT_LIMIT, Experiment
from reservation_core.parity.experiments.rules import RULES
from reservation_core.parity.experiments.settings import PLAIN_SETTINGS, SLOW_SETTINGS
from reservation_core.parity.experiments.values import VALUES
from reservation_core.parity.experiments.voice_settings import (
    HOLD_SETTINGS,
    UNOBSERVABLE,
    VOICE_SETTINGS,
)
from reservation_core.parity.findings import CouldNotTell, ObservedValue, Seen, Subject
from reservation_core.parity.scene import ParityScene

_DISPUTES: Final = {
    "dequeue_needs_from": (disputes.CALLER_ID_REQUIRED,),
    "conference_needs_from": (disputes.CONFERENCE_CALLER_ID_REQUIRED,),
}


_MORE_CALLS: Final = {"state_codes": 1, "both_given": 2}
"""Number of calls of experiments that need none, but make them with consent."""


def _tell_nothing(reason: str) -> Callable[[ParityScene], Seen]:
    def run(_: ParityScene) -> Seen:
        raise CouldNotTell(reason)

    return run


def _make_settings() -> Iterator[Experiment]:
    for name, default, info in describe_settings():
        run, calls, limit = PLAIN_SETTINGS.get(name), 0, DEFAULT_LIMIT
        if name in SLOW_SETTINGS:
            run, limit = SLOW_SETTINGS[name]
        elif run is None:
            ringing = {**HOLD_SETTINGS, **VOICE_SETTINGS}
            reason = UNOBSERVABLE.get(name, "there is no experiment for it")
            run, calls = ringing.get(name) or (_tell_nothing(reason), 0)
        yield Experiment(
            name=name,
            subject=Subject.SETTING,
            rule=info.description,
            interpretation=cast("ObservedValue", None if name == "accounts" else default),
            evidence=info.evidence,
            run=run,
            needs_voice=name in VOICE_SETTINGS,
            calls=calls + _MORE_CALLS.get(name, 0),
            is_slow=name in SLOW_SETTINGS,
            limit=limit,
            disputes=_DISPUTES.get(name, ()),
        )


SETTINGS: Final = tuple(_make_settings())
"""One experiment for each setting of the emulator, in their order."""

EXPERIMENTS: Final = (*SETTINGS, *RULES, *LIFECYCLE, *VALUES)
"""All experiments. Their names are different."""
