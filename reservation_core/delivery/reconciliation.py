"""What a reading of the reservation tells about a command whose outcome is not known: the whole judgement, without I/O.

Its four rules:

1. **A command may have acted when what is read can follow from its effect.** A reservation that is canceled was never accepted by us.
   An accepting call or redirect is documented to accept at once, and the worker SDK's mocks show the reservation pending: it may be either.
2. **Between version v and version v+n at most n things happened**, and between v and v nothing did: each act of a plain status update,
   a dequeue, a call or a redirect raises the version (seen in the worker SDK; of conference and supervise nobody shows it).
3. **A conditional request whose version has passed can never act any more**; an unconditional one may still be on its way. But an accept
   may be on hold, which no body shows: as long as the reservation is pending, it is in doubt.
4. **That it may have acted is no proof that it did.** Whoever else can ask for the same thing leaves the same reservation behind: a
   reading alone never says *done*, unless the caller knows that there is nobody else (``Policy.sole_writer``).
"""

from __future__ import annotations

import re
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide, follow
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.reservation import Reservation

_COUNTED: Final = frozenset({"accept", "reject", "wrap", "complete", "dequeue", "call", "redirect"})
"""The commands whose acting is seen to raise the version."""

_VERSION: Final = r'(?:W/)?"?([0-9]{1,18})"?'


def is_legal(state: State, command: Command) -> bool:
    """Whether the command is a step of the lifecycle from there."""
    return decide(state, command.trigger, command.is_accepting).edge is not None


def effect_of(sent: Reservation, command: Command) -> State:
    """Where the command takes the reservation it was sent for: a status, on hold, or where it stands."""
    edge = decide(sent.state, command.trigger, command.is_accepting).edge
    assert edge is not None  # it was sent
    return edge.target


def acts_between(sent: Reservation, now: Reservation) -> int | None:
    """Count how many things happened at most between two versions; ``None`` when the versions do not tell."""
    if sent.etag is None or now.etag is None:
        return None
    if sent.etag == now.etag:
        return 0
    before, after = re.fullmatch(_VERSION, sent.etag), re.fullmatch(_VERSION, now.etag)
    if before is None or after is None or int(after[1]) < int(before[1]):
        return None
    return int(after[1]) - int(before[1])


def may_have_acted(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Whether what is read now can follow from the command's having acted.

    :param sent: the reservation as it was held when the command was sent.
    """
    effect = effect_of(sent, command)
    held_for_us = (
        now.on_hold and effect == Status.ACCEPTED
    )  # an accept that is still being carried out
    if held_for_us or (
        now.status is Status.PENDING and (effect == ON_HOLD or command.is_accepting)
    ):
        path: tuple[object, ...] | None = ()
    else:
        path = follow(effect, now.status)
    most = acts_between(sent, now) if command.trigger in _COUNTED and not held_for_us else None
    return path is not None and (most is None or len(path) < most)


def may_yet_act(sent: Reservation, command: Command, now: Reservation) -> bool:
    """Whether a request that is still on its way could be carried out when it arrives, or an accept may be on hold that no body shows."""
    if now.status is Status.PENDING and effect_of(sent, command) == Status.ACCEPTED:
        return True
    return is_legal(now.state, command) and (None in (sent.etag, now.etag) or sent.etag == now.etag)


def has_moved(sent: Reservation, now: Reservation) -> bool:
    """Whether anything is seen to have happened since it was sent: another status, a hold, another version."""
    return now.state != sent.state or acts_between(sent, now) != (
        None if None in (sent.etag, now.etag) else 0
    )
