"""Rules that decide, after a fetch, if a command was carried out.

A delivery may have sent the command several times. A request is *open* if it may have acted. It is
closed only by proof. There are three questions to each open request:

1. **Can its answer hide an act?** No answer, 1xx, 3xx, 5xx and an unreadable body always can. So
   can a refusal: a proxy may have repeated a request that acted, and returned the second answer. A
   409 can always be such an answer. A 412 can, if the act raised the version. A 400 about the state
   can, if the platform refuses the command in the state that it leads to: a refused accept is open,
   and a refused call is not. With ``Policy.trust_refusals`` no refusal can. If the fetch shows the
   state in which the command was sent, two refusals are believed: a 400 to a plain status update
   that names no reason, and one of a command that the lifecycle refuses in that state.
2. **Can it have acted before the fetched state?** Yes, if that state can follow from an effect of
   the command, and the versions leave room for the action and the steps since: at most n actions
   happen between version v and version v+n. An orchestrated accept may be on hold, which shows
   pending, and ends as accepted or canceled. An accepting call or redirect may show pending, as in
   the worker SDK's mocks, and a dequeue, too. No source shows that a hold, a conference or a
   supervise raises the version. If the fetched status cannot follow the known one, the platform
   took a step that the lifecycle does not have. Then only a terminal effect is sure to show,
   because nothing leaves a terminal status. Such a step may also have undone a wrap: a wrap that
   still shows accepted has not acted only if the version leaves no room for two actions, or without
   a version if the date of the update is the same. An accept that no source allows may end where it
   began, too: it needs room for one action, because its hold may keep the version.
3. **Can it have acted after the fetched state?** A replica may show an old state, and a request may
   be late. So yes, if it could act in the fetched state. A request with an earlier version cannot.

If no open request can have acted before the fetched state:

========================================================  =========================================
what the fetch shows                                      result
========================================================  =========================================
the command is legal; it was refused with 412             ``REPEAT`` with the fetched version, if
                                                          the policy has ``retry_stale``
the command is legal; it was not refused                  ``REPEAT`` with the fetched version
pending; it was refused as not pending (400)              ``LOST_RACE``; the reservation is on hold
                                                          because of another command
the command is legal; it had a 400 that names no reason   ``REFUSED``: the state is not the reason
the command is not legal, or had another refusal          ``LOST_RACE``
========================================================  =========================================

A repetition is safe, because it cannot act if an open request did: that request would show, or the
repetition carries the same version, which the first of them to act uses up. ``LOST_RACE`` and
``REFUSED`` are raised as ``OutcomeUnknown`` if a request can have acted after the fetched state.

A command that was sent without ``Policy.strict`` is legal here also in the state in which it was
sent. After a fetch whose status cannot follow the known one, ``LOST_RACE`` takes the place of
``REPEAT``, unless the policy has ``accept_unexpected``.

If an open request can have acted before the fetched state, the first line that fits decides:

========================================================  =========================================
what the fetch shows                                      result
========================================================  =========================================
the status that the command leads to, or a later one;     ``DONE``, except for a status that the
the caller is the ``sole_writer``                         platform sets by itself
a higher version; the command was not refused; the        ``DONE``
caller is the ``sole_writer``
an accept is legal, as in the first table                 ``REPEAT``: the platform refuses a second
                                                          accept, also on hold
the command is legal; the policy has ``repeat_unknown``   ``REPEAT``
the status that the command leads to, or a later one      ``INDISTINGUISHABLE``
anything else                                             ``OUTCOME_UNKNOWN``
========================================================  =========================================

A concurrent writer (another client, the worker's screen, a timer of the platform) may have caused
what is shown. So a fetch alone never means *done*, unless the caller states that there are none
(``Policy.sole_writer``), and that the version was current when the command was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from reservation_core.delivery.policy import Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide, find_effects, follow
from reservation_core.domain.lifecycle import ON_HOLD, SET_BY_PLATFORM, TERMINAL, State, Status
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.error_payload import CONFLICT_CODES, TRANSFER_CODE
from reservation_core.rest.errors import LostRace, Refused

_MAY_KEEP_VERSION: Final = frozenset({"conference", "supervise"})
"""The commands for which no source shows that they raise the version.

An accept that is put on hold may keep it, too.
"""

_MAY_SHOW_PENDING: Final = frozenset({"dequeue", "call", "redirect"})
"""The commands that may leave the status at pending, though it is not their only effect."""

_SAFE_TO_REPEAT: Final = frozenset({"accept"})
"""The commands that may be sent again though they may have acted: the platform refuses a second."""

_VERSION: Final = r'(?:W/)?"?([0-9]{1,18})"?'


@document_members
class ReconcileResult(StrEnum):
    """Conclusion from a fetch about the command.

    The values of the last four are the names of the errors that a delivery raises.
    """

    DONE = "done"
    """The command was carried out."""
    REPEAT = "repeat"
    """The command was not carried out and is still legal. Send it again."""
    REFUSED = "Refused"
    """The platform refused the command, and it is still legal. Repeating it cannot help."""
    LOST_RACE = "LostRace"
    """The command was not carried out and is no longer legal."""
    INDISTINGUISHABLE = "Indistinguishable"
    """The effect is shown. This command or a concurrent writer's action had it."""
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    """No fetch can show if the command was carried out."""


class Trace(NamedTuple):
    """Effect that an act of the command may have had.

    :param state: the state that it led to.
    :param raised: how much it raised the version at least.
    """

    state: State
    raised: int


class Sent(NamedTuple):
    """Request whose outcome is open.

    :param known: the reservation as it was known when the request was sent.
    :param traces: the effects that it may have had, as far as its answer does not exclude them.
    :param is_given: the reservation is the caller's, and was not fetched.
    :param may_have_other_version: another process sent it, perhaps with a version that it fetched.
    """

    known: Reservation
    traces: tuple[Trace, ...]
    is_given: bool = False
    may_have_other_version: bool = False


def reconcile(
    now: Reservation,
    command: Command,
    suspects: Sequence[Sent],
    refusal: Refused | None,
    policy: Policy,
    asked_in: State,
) -> ReconcileResult:
    """Decide what follows from a fetched reservation.

    :param now: the reservation as it was fetched. It is on hold if it is shown as pending, but the
        command was refused as not pending.
    :param suspects: the requests that may have acted (:func:`may_have_acted`).
    :param refusal: the error of the last reply, if the platform refused the command.
    :param asked_in: the state known when the command was last sent. It can be sent in it again.
    """
    can_repeat = is_legal(now.state, command) or now.state == asked_in
    is_stale = refusal is not None and refusal.http_status == 412
    may_repeat = can_repeat and (refusal is None or (is_stale and policy.retry_stale))
    if suspects:
        is_repeatable = policy.repeat_unknown or command.trigger in _SAFE_TO_REPEAT
        if policy.sole_writer and any(_is_own(sent, command, now, refusal) for sent in suspects):
            return ReconcileResult.DONE
        if may_repeat and is_repeatable:
            return ReconcileResult.REPEAT
        if any(shows_effect(sent.known, command, now) for sent in suspects):
            return ReconcileResult.INDISTINGUISHABLE
        return ReconcileResult.OUTCOME_UNKNOWN
    if may_repeat:
        return ReconcileResult.REPEAT
    if can_repeat and not isinstance(refusal, LostRace):
        return ReconcileResult.REFUSED
    return ReconcileResult.LOST_RACE


def is_legal(state: State, command: Command) -> bool:
    """Return True if the lifecycle allows the command in this state."""
    return decide(state, command.trigger, command.is_accepting).edge is not None


def find_traces(sent: Reservation, command: Command, refusal: Refused | None) -> tuple[Trace, ...]:
    """Return the effects that a request with this answer may have had.

    :param sent: the reservation as it was known when the command was sent.
    :param refusal: the answer, if the platform refused the command.
    """
    traces = tuple(_all_traces(sent, command))
    if refusal is None:
        return traces
    if refusal.code == TRANSFER_CODE:
        return ()
    if refusal.http_status in (409, 412) or refusal.code in CONFLICT_CODES:
        return tuple(Trace(state, 1) for state, _ in traces)
    refused = (trace for trace in traces if not is_legal(trace.state, command))
    is_plain = isinstance(refusal, LostRace)
    return tuple(trace for trace in refused if is_plain or trace.state != ON_HOLD)


def _all_traces(sent: Reservation, command: Command) -> Iterator[Trace]:
    keeps_version = command.trigger in _MAY_KEEP_VERSION
    for effect in _effects_of(sent, command):
        is_held_accept = effect == ON_HOLD and command.trigger == "accept"
        yield Trace(effect, 0 if keeps_version or is_held_accept else 1)
    if sent.status is Status.PENDING and command.trigger in _MAY_SHOW_PENDING:
        yield Trace(Status.PENDING, 1)


def may_have_acted(sent: Sent, command: Command, now: Reservation) -> bool:
    """Return True if the fetch can follow from an effect.

    :param now: the reservation as it was fetched.
    """
    most = max_actions_between(sent.known, now)
    for effect, raised in sent.traces:
        steps = _steps_after(effect, sent.known, command, now)
        if steps is not None and (most is None or raised + steps <= most):
            return True
    return False


def _steps_after(
    effect: State, sent: Reservation, command: Command, now: Reservation
) -> int | None:
    """Return the least number of steps from an effect to a fetch."""
    if effect == ON_HOLD and now.status is Status.PENDING:
        return 0
    path = follow(effect, now.status)
    if path is None and effect not in TERMINAL:
        is_unexpected = follow(sent.status, now.status) is None
        if is_unexpected or may_be_undone(sent, command, now):
            return 1  # a step that the lifecycle does not have
    return None if path is None else len(path)


def may_act_later(sent: Sent, command: Command, now: Reservation) -> bool:
    """Return True if a request can act after the fetch.

    :param now: the reservation as it was fetched. A replica may show an old state.
    """
    # A status may hide a hold, so the state need not be the same.
    can_act = is_legal(now.state, command) or now.status is sent.known.status
    if not (can_act or _may_be_old(sent.known, now)):
        return False
    return sent.may_have_other_version or not is_raised(sent.known, now)


def shows_effect(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Return True if the status is a result of the command.

    It is one that the command leads to, or a later one.

    :param sent: the reservation as it was known when the command was sent.
    :param now: the reservation as it was fetched.
    """
    if now.status is sent.status or _may_be_old(sent, now):
        return False
    effects = (effect for effect in _effects_of(sent, command) if effect != sent.state)
    aims = (Status.ACCEPTED if effect == ON_HOLD else effect for effect in effects)
    return any(follow(aim, now.status) is not None for aim in aims)


def _may_be_old(sent: Reservation, now: Reservation) -> bool:
    """Return True if a fetch may show an earlier status."""
    is_before = now.status is not sent.status and follow(now.status, sent.status) is not None
    return is_before and not is_raised(sent, now)


def closes(refusal: Refused, sent: Reservation, command: Command, now: Reservation) -> bool:
    """Return True if a refusal is believed after a fetch.

    It names no reason, or the command is refused in the known state anyway, and the fetch shows
    that state.
    """
    is_expected = not isinstance(refusal, LostRace) or (
        refusal.http_status == 400 and not is_legal(sent.state, command)
    )
    return is_expected and now.state == sent.state and not may_be_undone(sent, command, now)


def _is_own(sent: Sent, command: Command, now: Reservation, refusal: Refused | None) -> bool:
    """Return True if a sole writer's fetch shows its own act."""
    if shows_effect(sent.known, command, now):
        is_end_of_hold = sent.known.on_hold and follow(ON_HOLD, now.status) is not None
        return now.status not in SET_BY_PLATFORM and not is_end_of_hold
    if not sent.is_given or refusal is not None or may_be_undone(sent.known, command, now):
        return False
    return now.status is sent.known.status and is_raised(sent.known, now)


def is_raised(sent: Reservation, now: Reservation) -> bool:
    """Return True if the version is certainly higher than it was."""
    return bool(max_actions_between(sent, now))


def is_older(now: Reservation, known: Reservation) -> bool:
    """Return True if a fetched version is certainly older."""
    return bool(max_actions_between(now, known))


def max_actions_between(sent: Reservation, now: Reservation) -> int | None:
    """Return the maximum number of actions between two versions, if known."""
    if sent.etag is None or now.etag is None:
        return None
    if sent.etag == now.etag:
        return 0
    before, after = re.fullmatch(_VERSION, sent.etag), re.fullmatch(_VERSION, now.etag)
    if before is None or after is None or int(after[1]) < int(before[1]):
        return None
    return int(after[1]) - int(before[1])


def _effects_of(sent: Reservation, command: Command) -> tuple[State, ...]:
    return find_effects(sent.state, command.trigger, command.is_accepting)


def may_be_undone(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Return True if the platform may have undone the command since.

    The status is as before then, and neither the version nor the date of the update rules it out.
    """
    is_same = now.status is sent.status is not Status.PENDING
    if not is_same or now.status in _effects_of(sent, command):
        return False
    most = max_actions_between(sent, now)
    if most is None:
        return sent.date_updated is None or sent.date_updated != now.date_updated
    least = min(trace.raised for trace in _all_traces(sent, command))
    return most > least  # the action, and the step back
