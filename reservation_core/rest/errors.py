"""The errors of an exchange, and the whole error tree.

Three branches, because a caller does three different things.

::

    ReservationError
    ├── CommandError               we would not ask this         fix the call; nothing was sent
    │   ├── InvalidCommand         .violations (every one, together)
    │   ├── CommandNotAllowed      .command .status .allowed .reason
    │   └── IncompleteReservation  .missing
    ├── ReplyError                 the platform answered, but …  look again
    │   ├── Refused                .http_status .code .message .more_info .attempts
    │   │   ├── LostRace           the reservation moved on (a state error, 412): .reservation when it was read again
    │   │   ├── NotFound           404
    │   │   ├── Throttled          429: .retry_after (seconds)
    │   │   ├── Unauthorized       401, 403
    │   │   └── ServerFailed       5xx: whether it acted is unknown
    │   ├── MalformedReply         an unreadable body: .faults
    │   │   └── UnknownStatus      a status outside today's eight: .raw_status
    │   └── IllegalSuccession      .before .after
    └── GatewayError               no usable answer: .attempts   outcome unknown: reconcile
        ├── NotSent                the request never left: safe to send again
        └── OutcomeUnknown         the policy gave up: .last_known
            └── Indistinguishable  done by us or by somebody else, which nobody can tell: .reservation

A webhook that is not believed to be the platform's is a branch of its own, :class:`reservation_core.webhooks.Forged`: act on nothing
in it.

``attempts`` holds every exchange of a delivery, and is no part of what errors are compared by.

Errors are values: they carry fields, compare by them, pickle, and build their text only when it is asked for. No text holds a
password, a phone number, a contact or a person's name; each names the remedy.
"""

from __future__ import annotations

import attrs

from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.messages import Request


def _count(attempts: tuple[Attempt, ...]) -> str:
    return f"<{len(attempts)} exchanges>"


# --- the platform answered, but … -------------------------------------------------------------------------------------------------


class ReplyError(ReservationError):
    """The platform answered, but not with a reservation that can be taken over; look again."""


@attrs.frozen(slots=False)
class Refused(ReplyError):
    """The platform refused; ``code`` and ``message`` are its own words, where it had any, with contacts masked."""

    http_status: int
    code: int | None = None
    message: str | None = None
    more_info: str | None = None
    attempts: tuple[Attempt, ...] = attrs.field(default=(), kw_only=True, eq=False, repr=_count)

    def __str__(self) -> str:
        """Give the HTTP status, the platform's code and message, and the remedy."""
        code = f", code {self.code}" if self.code is not None else ""
        more = f" (see {self.more_info})" if self.more_info else ""
        return (
            f"HTTP {self.http_status}{code}: {self.message or 'no message'}{more}; {self._remedy}"
        )

    @property
    def _remedy(self) -> str:
        if 300 <= self.http_status < 400:
            return "the address answers with a redirect, which is never followed; check the gateway's base URL"
        return "mend the request before sending it again"


@attrs.frozen(slots=False)
class LostRace(Refused):
    """The reservation moved on before the command arrived; ``reservation`` is how it stands now, when it was read again.

    ``http_status`` is that of the refusal, or 200 when no usable answer came and the reading told.
    """

    reservation: Reservation | None = None

    @property
    def _remedy(self) -> str:
        return "the reservation moved on; fetch it and decide again"


class NotFound(Refused):
    """No such reservation; one is removed about five minutes after its task ends."""

    @property
    def _remedy(self) -> str:
        return "check the SIDs; a reservation goes about five minutes after its task has ended"


@attrs.frozen(slots=False)
class Throttled(Refused):
    """Too many requests; this one was not processed. ``retry_after`` is in seconds, where the platform named it."""

    retry_after: float | None = None

    @property
    def _remedy(self) -> str:
        wait = "after a back-off" if self.retry_after is None else f"after {self.retry_after:g} s"
        return f"it was not processed and may be sent again {wait}"


class Unauthorized(Refused):
    """The credentials were not accepted (401), or do not reach this account (403)."""

    @property
    def _remedy(self) -> str:
        return "check the gateway's credentials"


class ServerFailed(Refused):
    """The platform failed while answering (5xx): whether it acted is unknown."""

    @property
    def _remedy(self) -> str:
        return "whether it acted is unknown; fetch the reservation before sending anything again"


@attrs.frozen
class PayloadFault:
    """One thing wrong with a payload: where (a path such as ``links.task``), what, and how the value may be shown."""

    path: str
    problem: str
    value: str = ""

    def __str__(self) -> str:
        """Name the path, the problem and the value."""
        return f"{self.path}: {self.problem}" + (f" (got {self.value})" if self.value else "")


@attrs.frozen(slots=False)
class MalformedReply(ReplyError):
    """A payload that cannot be read as a reservation; ``faults`` holds everything that is wrong with it."""

    faults: tuple[PayloadFault, ...]

    def __str__(self) -> str:
        """List every fault, a line each."""
        remedy = "fetch the reservation before assuming anything about it"
        return "\n  ".join(
            [f"the payload cannot be read as a reservation ({remedy}):", *map(str, self.faults)]
        )


@attrs.frozen(slots=False)
class UnknownStatus(MalformedReply):
    """A payload whose status is none of today's eight; ``raw_status`` is the status as it came (shown only as the fault shows it)."""

    raw_status: str = attrs.field(repr=False)


@attrs.frozen(slots=False)
class IllegalSuccession(ReplyError):
    """The platform reports a status that no run of facts leads to from what it reported before."""

    before: Status
    after: Status

    def __str__(self) -> str:
        """Name both statuses and the remedy."""
        return (
            f"{self.after} was reported, but nothing leads there from {self.before}; "
            "the report is late or of another reservation: fetch it and trust the newest"
        )


# --- no usable answer ------------------------------------------------------------------------------------------------------------


@attrs.frozen(slots=False)
class GatewayError(ReservationError):
    """No usable answer came back: the command may have been carried out. ``reason`` says what happened, without anything secret."""

    reason: str
    attempts: tuple[Attempt, ...] = attrs.field(default=(), kw_only=True, eq=False, repr=_count)

    def __str__(self) -> str:
        """Give the reason and the remedy."""
        return f"{self.reason}; {self._remedy}"

    @property
    def _remedy(self) -> str:
        return "whether the platform acted is unknown: fetch the reservation before sending anything again"


class NotSent(GatewayError):
    """The request never left this machine: it may be sent again without harm."""

    @property
    def _remedy(self) -> str:
        return "nothing was sent: it may be sent again"


@attrs.frozen(slots=False)
class OutcomeUnknown(GatewayError):
    """Delivery gave up without learning the outcome; ``last_known`` is the reservation as it was last read, ``attempts`` the tries made.

    ``is_final`` says that the reservation was read, and that no other reading would tell more.
    """

    last_known: Reservation | None = None
    is_final: bool = attrs.field(default=False, kw_only=True)

    @property
    def _remedy(self) -> str:
        return "fetch the reservation before sending anything again"


@attrs.frozen(slots=False)
class Indistinguishable(OutcomeUnknown):
    """What was asked may have been done by us or by somebody else, and nobody can tell which; ``reservation`` is how it stands now."""

    reservation: Reservation | None = None

    @property
    def _remedy(self) -> str:
        return "go on from the reservation as it stands, which this error carries; a caller who is alone may set Policy.sole_writer"


"""How a command is delivered: sent again where that is safe, read back where the outcome is not known, and ended in time.

It is a generator, without I/O: it yields requests and pauses, and is sent replies, failures and nothing. What it does after each answer:

===============================================  ==================================================================================
the command was answered with                    then
===============================================  ==================================================================================
the reservation                                  done
nothing, and it never left (``NotSent``)         sent again after a back-off
429                                              sent again after ``Retry-After``, or else a back-off
no whole reply, 5xx, a 2xx that is unreadable    the outcome is not known: read the reservation, then as below
a state error, 409, 412                          it was not carried out: read the reservation, then as below
anything else (404, 401, 403, 400, 3xx)          final
===============================================  ==================================================================================

And after the reading, by the rules of :mod:`reservation_core.delivery.reconciliation`:

====================================================  =============================================================================
an outcome is open, and what is read …                then
====================================================  =============================================================================
cannot follow from it, and the command is legal       sent again, with the version that was read
cannot follow from it, and it is not legal any more   ``LostRace``: it was not carried out
may follow from it, or from somebody else's act       ``Indistinguishable``; done, where the caller knows to be the ``sole_writer``
shows nothing, where nothing is to be seen at first   ``OutcomeUnknown``; sent again only with ``repeat_unconfirmed``
====================================================  =============================================================================

====================================================  =============================================================================
no outcome is open (each was refused), and it is …    then
====================================================  =============================================================================
still legal, and the refusal was 412                  sent again, with the version that was read (``retry_stale``)
shown pending, and was refused for its state (400)    ``LostRace``, its reservation on hold: another answer is being carried out
not legal any more, or refused otherwise              ``LostRace``: somebody else was first
====================================================  =============================================================================

A refusal is believed, because a gateway repeats nothing by itself. An end by the limits is what was last known for certain: the failure
itself when the command was never carried out, ``OutcomeUnknown`` when a request may have acted or may still.
"""


@attrs.frozen
class Attempt:
    """One exchange: the command, or a reading of the reservation (``GET``).

    :param number: from 1, over both.
    :param started: seconds since the delivery began.
    :param pause: seconds that were waited before it.
    :param outcome: the status of the reservation that came, or the class of the failure; ``"abandoned"`` when the driver was
        interrupted; ``None`` while it is under way. No text of the platform's.
    :param duration: seconds.
    """

    number: int
    request: Request
    started: float
    pause: float
    outcome: str | None = None
    duration: float = 0.0
