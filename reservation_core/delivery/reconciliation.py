"""Rules that decide, after a fetch, if a command was carried out.

A delivery may have sent the command several times. Each *request* is judged by three questions:

1. **May the request have acted?** Yes, if the fetched reservation can follow from one of the
   command's effects. For example, an accept has not acted if the reservation timed out. If it is
   canceled now, an orchestrated accept may have acted: it was on hold first. An accepting call or
   redirect is documented to accept at once, but the worker SDK's mocks show the reservation
   pending, so both statuses count as its effect. If the fetched status cannot follow the known one,
   the platform took a step that the lifecycle does not have. Then only a terminal effect is sure to
   show, because nothing leaves a terminal status. Such a step may also have undone a wrap. So
   a wrap that still shows accepted has not acted only if the version leaves no room for two
   actions, or without a version if the date of the update is the same.
2. **How many actions can there have been?** At most n between version v and version v+n. Each plain
   status update, dequeue, call or redirect raises the version (seen in the worker SDK). For
   conference and supervise no source shows it.
3. **May the request still act?** It may be delayed in the network. If it carries a version that is
   no longer current, it cannot act. Without a version it may. An accept may also be on hold, which
   no body shows. So it stays in doubt as long as the reservation is pending.

That a command may have acted does not prove that it did. A concurrent writer (another client, the
worker's screen, a timer of the platform) may have caused the same change. So a fetch alone never
means *done*, unless the caller states that there are no concurrent writers
(``Policy.sole_writer``).

If no request may have acted, because each was refused or does not fit the fetched reservation:

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

A command that was sent without ``Policy.strict`` is legal here also in the state in which it was
sent. After a fetch whose status cannot follow the known one, ``LOST_RACE`` takes the place of
``REPEAT``, unless the policy has ``accept_unexpected``.

If a request with an unknown outcome may have acted:

========================================================  =========================================
what the fetch shows                                      result
========================================================  =========================================
a change, and the caller is the ``sole_writer``           ``DONE``, except for a status that the
                                                          platform sets by itself
a change, and there may be concurrent writers             ``INDISTINGUISHABLE``
no change, from a command without an effect at first      ``OUTCOME_UNKNOWN``
accepted as before, from a wrap                           ``OUTCOME_UNKNOWN``
the command is legal; the policy has ``repeat_unknown``   ``REPEAT``, in place of the last three
========================================================  =========================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from reservation_core.delivery.policy import Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide, find_effects, follow
from reservation_core.domain.lifecycle import ON_HOLD, SET_BY_PLATFORM, TERMINAL, State, Status
from reservation_core.domain.member_docs import document_members
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.errors import LostRace, Refused

_VERSIONED: Final = frozenset(
    {"accept", "reject", "wrap", "complete", "dequeue", "call", "redirect"}
)
"""The commands that were observed to raise the version."""

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
    """This command or a concurrent writer's action had the effect that is shown."""
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    """No fetch can show if the command was carried out."""


def reconcile(
    now: Reservation,
    command: Command,
    suspects: Sequence[Reservation],
    refusal: Refused | None,
    policy: Policy,
    asked_in: State,
) -> ReconcileResult:
    """Decide what follows from a fetched reservation.

    :param now: the reservation as it was fetched.
    :param suspects: the known reservation at the time of each request that may have acted
        (:func:`may_have_acted`).
    :param refusal: the error of the last reply, if the platform refused the command.
    :param asked_in: the state known when the command was last sent. It can be sent in it again.
    """
    can_repeat = is_legal(now.state, command) or now.state == asked_in
    if suspects:
        has_changed = any(_has_changed(sent, command, now) for sent in suspects)
        if has_changed and policy.sole_writer and now.status not in SET_BY_PLATFORM:
            return ReconcileResult.DONE
        if not (can_repeat and policy.repeat_unknown):
            if has_changed:
                return ReconcileResult.INDISTINGUISHABLE
            return ReconcileResult.OUTCOME_UNKNOWN
    is_stale = refusal is not None and refusal.http_status == 412
    if can_repeat and (refusal is None or (is_stale and policy.retry_stale)):
        return ReconcileResult.REPEAT
    if can_repeat and not isinstance(refusal, LostRace):
        return ReconcileResult.REFUSED
    return ReconcileResult.LOST_RACE


def is_legal(state: State, command: Command) -> bool:
    """Return True if the lifecycle allows the command in this state."""
    return decide(state, command.trigger, command.is_accepting).edge is not None


def may_have_acted(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Return True if the fetched reservation can follow from the command's effect.

    :param sent: the reservation as it was known when the command was sent.
    :param now: the reservation as it was fetched.
    """
    effects = _effects_of(sent, command)
    if now.on_hold and Status.ACCEPTED in effects:
        return True  # an accept that is still being carried out
    if now.status is Status.PENDING and (command.is_accepting or effects == (ON_HOLD,)):
        effects = (Status.PENDING,)
    most = max_actions_between(sent, now) if command.trigger in _VERSIONED else None
    return any(
        steps is not None and (most is None or steps < most)
        for steps in (_steps_after(effect, sent, command, now) for effect in effects)
    )


def _steps_after(
    effect: State, sent: Reservation, command: Command, now: Reservation
) -> int | None:
    """Return the least number of steps from an effect to a fetch."""
    path = follow(effect, now.status)
    if path is None and effect not in TERMINAL:
        is_unexpected = follow(sent.status, now.status) is None
        if is_unexpected or may_be_undone(sent, command, now):
            return 1  # a step that the lifecycle does not have
    return None if path is None else len(path)


def may_still_act(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Return True if a request on its way can still act.

    An accept may also be on hold, which no body shows.

    :param sent: the reservation as it was known when the command was sent.
    :param now: the reservation as it was fetched.
    """
    if now.status is Status.PENDING and Status.ACCEPTED in _effects_of(sent, command):
        return True
    can_act = is_legal(now.state, command) or now.state == sent.state
    return can_act and (None in (sent.etag, now.etag) or sent.etag == now.etag)


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
    return most >= 2  # the action, and the step back


def _has_changed(sent: Reservation, command: Command, now: Reservation) -> bool:
    if may_be_undone(sent, command, now):
        return False
    has_versions = None not in (sent.etag, now.etag)
    return now.state != sent.state or (has_versions and max_actions_between(sent, now) != 0)
