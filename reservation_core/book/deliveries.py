"""Delivery of an intent, and how its outcome is recorded.

==================================================  ===========================================
the delivery ended with                             the intent
==================================================  ===========================================
a reply that the command was carried out            ends as done
a refusal, a lost race, or a request not sent       ends as not done
404: the platform no longer has the reservation     ends as deleted, unless the entry is recent
a fetch that cannot tell whose command acted        ends as unknown
any other error: the outcome is not known           stays open; ``AsyncBook.recover`` fetches
==================================================  ===========================================

A 404 may be wrong for a recent entry (:data:`DELETION_DELAY`). Then it ends nothing: a refused
command ends as not done, and one with an unknown outcome stays open.

If no fetch can tell the outcome, and the reservation is in another state now, the intent ends as
unknown, too.

A delivery that is resumed after a crash has two differences. If no later fetch can tell more, the
intent ends as unknown instead of staying open, in any state. And a lost race without a refusal by
the platform leaves it open if the command is still legal: time or attempts ran out before it was
sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import attrs

from reservation_core.book.records import Ending, Entry, Intent
from reservation_core.delivery.client import aperform
from reservation_core.delivery.observer import Observer
from reservation_core.delivery.policy import Policy, require_policy
from reservation_core.delivery.reconciliation import is_legal
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway
from reservation_core.rest.errors import (
    Indistinguishable,
    LostRace,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Refused,
    ServerFailed,
)

DELETION_DELAY: Final = timedelta(minutes=5)
"""Time between the end of a task and the deletion of its reservations by the platform.

A reservation that was reported live within this time cannot be deleted yet. The API was seen to
answer 404 for resources that exist.
"""


PolicyChoice: TypeAlias = Policy | Callable[[Intent], Policy]
"""A policy for all intents, or a function that chooses the policy of each."""


def require_policy_choice(policy: object) -> None:
    """Raise TypeError for anything but a policy or a function."""
    if isinstance(policy, type) or not callable(policy):
        require_policy(policy)


def choose_policy(policy: PolicyChoice, intent: Intent) -> Policy:
    """Return the policy of an intent."""
    chosen = policy if isinstance(policy, Policy) else policy(intent)
    require_policy(chosen)
    return chosen


@attrs.frozen
class DeliveryOutcome:
    """Outcome of one delivery.

    :param ending: how the command ended; ``None`` if the intent stays open.
    :param reservation: the reservation as last read, if it was read.
    :param error: the error of the delivery; ``None`` if it succeeded.
    """

    ending: Ending | None
    reservation: Reservation | None = None
    error: ReservationError | None = None

    @property
    def may_be_on_hold(self) -> bool:
        """True if the command may have put the reservation on hold."""
        return isinstance(self.error, OutcomeUnknown) and self.error.may_be_on_hold


async def deliver_intent(
    intent: Intent,
    gateway: AsyncGateway,
    policy: Policy,
    observer: Observer,
    sleep: Callable[[float], Awaitable[object]] | None,
    *,
    may_send_again: Callable[[], Awaitable[bool]],
    resume: bool,
) -> DeliveryOutcome:
    """Deliver a command that was written down.

    :param sleep: waits between two attempts, in seconds; ``None`` for the event loop's own.
    :param may_send_again: returns false if the intent was closed or taken over.
    :param resume: true if another process may have sent the command: then fetch first.
    """
    try:
        reservation = await aperform(
            intent.reservation,
            intent.command,
            gateway,
            route=intent.route,
            policy=policy if intent.strict else attrs.evolve(policy, strict=False),
            observer=observer,
            sleep=sleep,
            resume=resume,
            may_send_again=may_send_again,
        )
    except ReservationError as error:
        return classify_failure(error, intent, is_resumed=resume)
    return DeliveryOutcome(Ending.DONE, reservation)


def classify_failure(
    error: ReservationError, intent: Intent, *, is_resumed: bool
) -> DeliveryOutcome:
    """Return the outcome of a delivery that ended with an error."""
    match error:
        case Indistinguishable():
            return DeliveryOutcome(Ending.UNKNOWN, error.reservation, error)
        case OutcomeUnknown() if is_resumed and error.attempts[-1].outcome == NotFound.__name__:
            return DeliveryOutcome(Ending.DELETED, None, error)
        case OutcomeUnknown() if error.is_final and (is_resumed or _has_moved(error, intent)):
            return DeliveryOutcome(Ending.UNKNOWN, error.last_known, error)
        case NotFound():
            return DeliveryOutcome(Ending.DELETED, None, error)
        case LostRace() if not (is_resumed and _is_unfinished(error, intent.command)):
            return DeliveryOutcome(Ending.NOT_DONE, error.reservation, error)
        case LostRace() | ServerFailed():
            return DeliveryOutcome(None, None, error)
        case Refused() | NotSent():
            return DeliveryOutcome(Ending.NOT_DONE, None, error)
        case _:
            return DeliveryOutcome(None, None, error)


def is_recent(entry: Entry, now: datetime) -> bool:
    """Return True if the entry has news from within the deletion delay."""
    return now - entry.refreshed_at < DELETION_DELAY


def without_deletion(outcome: DeliveryOutcome) -> Ending | None:
    """Return the ending of a delivery whose 404 proves nothing."""
    return Ending.NOT_DONE if isinstance(outcome.error, NotFound) else None


def _has_moved(error: OutcomeUnknown, intent: Intent) -> bool:
    """Return True if the last fetch shows another state."""
    return error.last_known is not None and error.last_known.state != intent.reservation.state


def _is_unfinished(error: LostRace, command: Command) -> bool:
    return (
        not error.is_refusal
        and error.reservation is not None
        and is_legal(error.reservation.state, command)
    )
