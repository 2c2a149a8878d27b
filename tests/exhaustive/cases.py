"""The cases to explore: command, first state, version, policy, and who else writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs

from reservation_core import Command, Policy, Reservation, Status
from reservation_core.domain.decisions import decide
from reservation_core.domain.lifecycle import ON_HOLD, State
from tests.campaigns.delivery_cases import COMMANDS, WHERE
from tests.exhaustive.network import TOKENS, Tokens
from tests.exhaustive.platform import (
    START_VERSION,
    Order,
    Others,
    View,
    World,
    order_of,
)


class Case(NamedTuple):
    """One delivery to explore.

    :param resume: another process may have sent the command before.
    """

    command: Command
    first: State
    tokens: Tokens
    policy: Policy
    others: Others
    resume: bool

    @property
    def order(self) -> Order:
        """The command, as the platform sees it."""
        return order_of(self.command, str(self.first))

    @property
    def known(self) -> Reservation:
        """The reservation as the client knows it."""
        is_held = self.first == ON_HOLD
        status = Status.PENDING if is_held else Status(self.first)
        etag = self.tokens.etag(START_VERSION) if self.tokens.is_held else None
        return attrs.evolve(WHERE, status=status, on_hold=is_held, etag=etag)

    @property
    def is_repeated(self) -> bool:
        """True if a proxy may repeat the command."""
        return not self.policy.trust_refusals

    @property
    def world(self) -> World:
        """The world in which the delivery begins."""
        known = self.known
        earlier = "accepted" if known.status is Status.WRAPPING else "pending"
        past = (View(earlier, START_VERSION - 1),)
        return World(str(known.status), is_held=known.on_hold, past=past)

    def __str__(self) -> str:
        """Return the case in one line."""
        policy = self.policy
        flags = [
            *(["accepting"] if self.command.is_accepting else []),
            *(["extra"] if self.command.extra else []),
            self.tokens.name,
            *(["sole writer"] if policy.sole_writer else []),
            *(["refusals trusted"] if policy.trust_refusals else []),
            *([] if policy.strict else ["not strict"]),
            *(["accepts unexpected reports"] if policy.accept_unexpected else []),
            *(["unlisted steps"] if self.others.is_unlisted else []),
            *(["resumed"] if self.resume else []),
        ]
        return f"{self.command.trigger} of a reservation that is {self.first} ({', '.join(flags)})"


def _firsts(command: Command, *, strict: bool) -> tuple[State, ...]:
    found: list[State] = []
    for state in (*Status, ON_HOLD):
        refusal = decide(state, command.trigger, command.is_accepting).refusal
        if refusal is None if strict else (refusal is not None and not refusal.evidence.is_certain):
            found.append(state)
    return tuple(found)


def all_cases(attempts: int, *, is_small: bool) -> Iterator[Case]:
    """Yield every case, those of one command and first state together.

    A first state that the lifecycle refuses is explored without ``strict``, any other with it:
    there the flag changes nothing.

    :param is_small: leave out what the rules treat like another case: redirect is like call, timed
        out and rescinded are like canceled. Versions are then held or not shown.
    """
    for command in COMMANDS:
        is_double = command.trigger in ("redirect", "set_timeout", "set_rescinded")
        if (is_small and is_double) or (command.extra and is_small):
            continue
        for strict in (True, False):
            for first in _firsts(command, strict=strict):
                if is_small and first in (Status.TIMEOUT, Status.RESCINDED, Status.REJECTED):
                    continue
                for tokens in TOKENS:
                    if command.trigger == "supervise" and not tokens.is_shown:
                        continue  # the worker route, which has no ETag, does not have it
                    if is_small and not (tokens.is_held or not tokens.is_shown):
                        continue
                    if is_small and not strict and tokens.is_shown:
                        continue
                    yield from _variants(command, first, tokens, strict, attempts)


def _variants(
    command: Command, first: State, tokens: Tokens, strict: bool, attempts: int
) -> Iterator[Case]:
    policy = Policy(attempts=attempts, strict=strict)
    alone = attrs.evolve(policy, sole_writer=True)
    trusting = attrs.evolve(policy, trust_refusals=True)
    for resume in (False, True):
        yield Case(command, first, tokens, policy, Others(), resume)
        yield Case(command, first, tokens, alone, Others(is_alone=True), resume)
        yield Case(command, first, tokens, trusting, Others(), resume)
        if first in (Status.ACCEPTED, Status.WRAPPING):
            for accepts in (False, True):
                unlisted = attrs.evolve(policy, accept_unexpected=accepts)
                yield Case(command, first, tokens, unlisted, Others(is_unlisted=True), resume)
