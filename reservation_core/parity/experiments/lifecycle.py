"""Experiments about the lifecycle: the commands that are carried out in each state.

A refused command leaves the reservation as it is, so that the next one can be tried on it. After
one that is carried out, a new reservation is brought into the state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from reservation_core.domain.commands import disputes
from reservation_core.domain.commands.cautions import Dispute
from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.decisions import find_allowed_triggers
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.lifecycle import ON_HOLD, State, Status, status_trigger
from reservation_core.domain.observations import REFUSED_RESULT
from reservation_core.parity.experiments.instructions import (
    call_form,
    conference_form,
    dequeue_form,
    redirect_form,
    supervise_form,
)
from reservation_core.parity.experiments.model import Experiment
from reservation_core.parity.experiments.settings import refusal_or_success
from reservation_core.parity.experiments.voice_settings import hold
from reservation_core.parity.findings import STATE_PREFIX, CouldNotTell, Seen, Subject
from reservation_core.parity.scene import Held, ParityScene

_SHORT_TIMEOUT: Final = 1
_TIMEOUT_WAIT: Final = 20.0

_STATUSES: Final = {
    "accept": "accepted",
    "reject": "rejected",
    "wrap": "wrapping",
    "complete": "completed",
    **{
        status_trigger(status): status.value
        for status in (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED)
    },
}
"""The status that a command without an instruction sets."""


def _pending(scene: ParityScene) -> Held:
    return scene.one(scene.call_attributes() if scene.voice else None)


def _after(status: str, scene: ParityScene) -> Held:
    held = _pending(scene)
    held.must_set(status)
    return held


def _wrapping(scene: ParityScene) -> Held:
    held = _after("accepted", scene)
    held.must_set("wrapping")
    return held


def _completed(scene: ParityScene) -> Held:
    held = _after("accepted", scene)
    held.must_set("completed")
    return held


def _canceled(scene: ParityScene) -> Held:
    held = _pending(scene)
    scene.update_task(held.task_sid, "canceled")
    return _expect(held, "canceled")


def _rescinded(scene: ParityScene) -> Held:
    first, second = scene.reserve(2, scene.call_attributes() if scene.voice else None)[:2]
    first.must_set("accepted")
    return _expect(second, "rescinded")


def _timeout(scene: ParityScene) -> Held:
    held = scene.reserve(1, timeout=_SHORT_TIMEOUT)[0]
    return _expect(held, "timeout", _TIMEOUT_WAIT)


def _expect(held: Held, status: str, seconds: float = 5.0) -> Held:
    if not held.wait_for(status, seconds):
        raise CouldNotTell(f"the reservation is {held.status}, not {status}")
    return held


_STATES: Final[Mapping[State, Callable[[ParityScene], Held]]] = {
    Status.PENDING: _pending,
    ON_HOLD: hold,
    Status.ACCEPTED: partial(_after, "accepted"),
    Status.WRAPPING: _wrapping,
    Status.COMPLETED: _completed,
    Status.REJECTED: partial(_after, "rejected"),
    Status.CANCELED: _canceled,
    Status.RESCINDED: _rescinded,
    Status.TIMEOUT: _timeout,
}
"""Functions that bring a reservation into each state."""


def _instructions(scene: ParityScene, held: Held, state: State) -> dict[str, FormPairs]:
    """Return the forms of the instructions to try, which need consent."""
    if scene.voice is None or state in (Status.PENDING, Status.ACCEPTED):
        return {}  # there they act, and each would be a call
    return {
        "dequeue": dequeue_form(scene),
        "call": call_form(scene),
        "redirect": redirect_form(scene.call_sid),
        "conference": conference_form(scene),
        "supervise": supervise_form(held.worker_sid),
    }


def _try_commands(state: State, scene: ParityScene) -> Seen:
    reach = _STATES[state]
    held = reach(scene)
    forms: dict[str, FormPairs] = {
        command: (("ReservationStatus", status),) for command, status in _STATUSES.items()
    }
    forms |= _instructions(scene, held, state)
    results: dict[str, str] = {}
    for command, form in forms.items():
        answer = held.update(*form)
        results[command] = REFUSED_RESULT
        if refusal_or_success(answer):
            results[command] = held.status
            scene.finish()
            held = reach(scene)
    return Seen(results, ", ".join(f"{each}: {result}" for each, result in results.items()))


_DISPUTES: Final[Mapping[State, tuple[Dispute, ...]]] = {
    Status.PENDING: (disputes.STATUS_OF_PLATFORM,),
    Status.ACCEPTED: (disputes.WRAP_FOR_FLEX_ONLY,),
}


_CALLS: Final[Mapping[State, int]] = {ON_HOLD: 12, Status.PENDING: 0, Status.ACCEPTED: 0}
"""Number of calls at most: if each instruction, or on hold each command, is carried out."""


def _make(state: State) -> Experiment:
    return Experiment(
        name=f"{STATE_PREFIX}{state}",
        subject=Subject.LIFECYCLE,
        rule=f"the commands that are carried out while {state}",
        interpretation=", ".join(find_allowed_triggers(state)) or "none",
        evidence=Evidence.INFERRED,
        run=partial(_try_commands, state),
        needs_voice=False,
        calls=_CALLS.get(state, 3),
        disputes=_DISPUTES.get(state, ()),
    )


LIFECYCLE: Final = tuple(map(_make, _STATES))
"""Experiments about the commands in each state."""
