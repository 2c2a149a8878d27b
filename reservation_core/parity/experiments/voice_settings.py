"""Experiments about settings of the emulator that need a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.emulator.platform.settings import OnHoldStatus
from reservation_core.parity.experiments.instructions import (
    conference_form,
    dequeue_form,
    redirect_form,
)
from reservation_core.parity.experiments.settings import is_on_hold, refusal_or_success, show
from reservation_core.parity.findings import CouldNotTell, Seen
from reservation_core.parity.scene import Held, ParityScene
from reservation_core.parity.wire import must

_RING_SECONDS: Final = 45.0


def hold(scene: ParityScene) -> Held:
    """Return a reservation on hold.

    :raises CouldNotTell: if neither a call nor an orchestrated accept can make one.
    """
    if scene.voice is not None:
        held = scene.one(scene.call_attributes())
        must(held.update(*conference_form(scene)), "a conference")
        return held
    held = scene.one()
    held.must_set("accepted")
    if not is_on_hold(held):
        raise CouldNotTell("a reservation on hold needs a voice instruction: --voice allows one")
    return held


def _on_hold_shown_as(scene: ParityScene) -> Seen:
    held = hold(scene)
    word = held.status
    if not is_on_hold(held):
        raise CouldNotTell("the reservation was not on hold any more")
    if word not in tuple(OnHoldStatus):
        raise CouldNotTell(f"it shows another word: {word}")
    return Seen(OnHoldStatus(word), f"a reservation on hold shows {word}")


def _can_reject_on_hold(scene: ParityScene) -> Seen:
    answer = hold(scene).set_status("rejected")
    return Seen(refusal_or_success(answer), show(answer))


def _can_rescind_on_hold(scene: ParityScene) -> Seen:
    scene.require_voice()
    first, second = scene.reserve(2, scene.call_attributes())[:2]
    must(first.update(*dequeue_form(scene)), "a dequeue")
    second.must_set("accepted")
    is_rescinded = first.wait_for("rescinded")
    text = f"the one on hold is {first.status} after the other one was accepted"
    return Seen(is_rescinded, text)


def _dequeue_rescinds(scene: ParityScene) -> Seen:
    scene.require_voice()
    first, second = scene.reserve(2, scene.call_attributes())[:2]
    must(first.update(*dequeue_form(scene)), "a dequeue")
    is_rescinded = second.wait_for("rescinded")
    return Seen(is_rescinded, f"the sibling is {second.status} after the dequeue")


def _accepts_unanswered(scene: ParityScene) -> Seen:
    scene.require_voice()
    held = hold(scene)
    ends: list[str] = []

    def has_ended() -> bool:
        status = held.status
        if status == "canceled" or (status == "accepted" and not is_on_hold(held)):
            ends.append(status)
        return bool(ends)

    if not scene.wire.wait_for(has_ended, _RING_SECONDS):
        raise CouldNotTell("the call did not end in time")
    return Seen(ends == ["accepted"], f"after a call that was missed it is {ends[0]}")


def _needs_from(scene: ParityScene, make_form: Callable[[bool], FormPairs]) -> Seen:
    """Compare an instruction with and without its caller ID."""
    scene.require_voice()
    without = scene.one(scene.call_attributes()).update(*make_form(False))
    if without.is_done:
        return Seen(False, f"without it {show(without)}")
    scene.finish()
    given = scene.one(scene.call_attributes()).update(*make_form(True))
    if not given.is_done:
        raise CouldNotTell(f"with it, it is refused, too: {given.describe()}")
    return Seen(True, f"without it {show(without)}; with it {given.describe()}")


def _dequeue_needs_from(scene: ParityScene) -> Seen:
    return _needs_from(scene, lambda has_caller: dequeue_form(scene, has_caller=has_caller))


def _conference_needs_from(scene: ParityScene) -> Seen:
    return _needs_from(scene, lambda has_caller: conference_form(scene, has_caller=has_caller))


def _redirects_only_task_calls(scene: ParityScene) -> Seen:
    scene.require_voice()
    call_sid = scene.call_sid
    held = scene.one(scene.call_attributes(call_sid))
    other = held.update(*redirect_form(f"CA{'0' * 31}1"))
    if other.is_done:
        return Seen(False, f"another call than the task's: {show(other)}")
    own = held.update(*redirect_form(call_sid))
    if not own.is_done:
        raise CouldNotTell(f"the task's own call is refused, too: {own.describe()}")
    return Seen(True, f"another call than the task's: {show(other)}; its own: {own.describe()}")


HOLD_SETTINGS: Final[Mapping[str, tuple[Callable[[ParityScene], Seen], int]]] = {
    "on_hold_shown_as": (_on_hold_shown_as, 1),
    "can_reject_on_hold": (_can_reject_on_hold, 1),
}
"""Experiments that an orchestrated accept allows, too, with the number of calls."""

VOICE_SETTINGS: Final[Mapping[str, tuple[Callable[[ParityScene], Seen], int]]] = {
    "can_rescind_on_hold": (_can_rescind_on_hold, 1),
    "dequeue_rescinds": (_dequeue_rescinds, 1),
    "accepts_unanswered": (_accepts_unanswered, 1),
    "dequeue_needs_from": (_dequeue_needs_from, 2),
    "conference_needs_from": (_conference_needs_from, 2),
    "redirects_only_task_calls": (_redirects_only_task_calls, 0),
}
"""Experiments that need a voice instruction, with the number of calls."""

UNOBSERVABLE: Final[Mapping[str, str]] = {
    "accounts": "the accounts are secret, and only your own is known here",
    "callback_timeout": "it needs a server that the platform can reach",
    "max_body_bytes": "it is a limit of the emulator",
    "journal_length": "it is a limit of the emulator",
}
"""Settings that no experiment can tell, with the reason."""
