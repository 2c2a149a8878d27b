"""The errors of an exchange, and the whole error tree.

There are three branches, because a caller reacts in three ways.

::

    ReservationError
    ├── CommandError               a wrong call                  fix the call; nothing was sent
    │   ├── InvalidCommand         .violations (all of them)
    │   ├── InvalidDocument        .name .faults
    │   ├── CommandNotAllowed      .command .status .allowed .reason
    │   └── IncompleteReservation  .missing
    ├── ReplyError                 no reservation in the reply   fetch the reservation again
    │   ├── Refused                .http_status .code .message .more_info .attempts
    │   │   ├── LostRace           moved on (400, 409, 412): .reservation .unknown_status
    │   │   ├── NotFound           404
    │   │   ├── Throttled          429: .retry_after (seconds)
    │   │   ├── Unauthorized       401, 403
    │   │   └── ServerFailed       1xx, 3xx, 5xx: the outcome is unknown, unlike the others
    │   ├── MalformedReply         an unreadable body: .faults
    │   │   └── UnknownStatus      a status outside the eight: .raw_status .fields
    │   └── IllegalSuccession      the status cannot follow: .before .reservation
    └── GatewayError               no complete reply: .attempts  fetch before sending again
        ├── NotSent                the request was not sent: safe to send again
        └── OutcomeUnknown         the delivery gave up: .last_known .is_final .unknown_status
            │                      .may_be_on_hold
            └── Indistinguishable  its effect is shown, by us or another writer: .reservation

A *concurrent writer* is anything else that commands the same reservation: another client, the
worker's screen, a timer of the platform.

A webhook that fails verification is a branch of its own, :class:`reservation_core.webhooks.Forged`.

``attempts`` holds all exchanges of a delivery. Errors are compared without it.

Errors are values: they carry fields, compare by them, pickle, and build their text on demand. The
text names the remedy. It holds no password, phone number, contact or name of a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, NamedTuple

import attrs

from reservation_core.domain.errors import ReplyError, ReservationError
from reservation_core.domain.lifecycle import SET_BY_PLATFORM, state_phrase
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.messages import Headers, RateLimit, Request, read_rate_limit


def with_remedy(failure: str, remedy: str) -> str:
    """Join the text of a failure and its remedy."""
    return f"{failure.removesuffix('.')}. {remedy}"


_RESUME: Final = "With a book, call book.resume(sid, gateway)."
_FETCH_FIRST: Final = (
    f"The outcome is unknown: fetch the reservation before sending anything again. {_RESUME}"
)
_READ_AGAIN: Final = "Nothing was commanded: read again."


class Attempt(NamedTuple):
    """One exchange of a delivery: a command or a fetch.

    :param number: 1-based sequence number. Commands and fetches are counted together.
    :param started: its start, in seconds since the delivery began.
    :param pause: seconds waited before it.
    :param outcome: the status of the reservation that was received, or the class of the failure.
        It is ``"abandoned"`` if the exchange was interrupted, and ``None`` before it ends. It
        holds no text of the platform.
    :param duration: its duration in seconds.
    :param http_status: the status of the reply, ``None`` without one.
    :param headers: the headers of the reply. Their values are not in the ``repr``.
    """

    number: int
    request: Request
    started: float
    pause: float
    outcome: str | None = None
    duration: float = 0.0
    http_status: int | None = None
    headers: Headers = Headers()

    @property
    def request_id(self) -> str | None:
        """The platform's identifier of the request, for its support."""
        return self.headers.get("Twilio-Request-Id")

    @property
    def rate_limit(self) -> RateLimit:
        """The rate-limit headers of the reply."""
        return read_rate_limit(self.headers)


def _count(attempts: tuple[Attempt, ...]) -> str:
    return f"<{len(attempts)} exchanges>"


# --- ReplyError ----------------------------------------------------------------------------------


@attrs.frozen(slots=False, repr=False)
class Refused(ReplyError):
    """The platform refused a request.

    :param http_status: the status of the reply, outside 2xx.
    :param code: the platform's error number, if it gave one.
    :param message: the platform's text, if it gave one, with contacts masked.
    :param more_info: the URL of the error's documentation, if it gave one.
    :param attempts: all exchanges of the delivery. Empty outside a delivery.
    """

    http_status: int
    code: int | None = None
    message: str | None = None
    more_info: str | None = None
    attempts: tuple[Attempt, ...] = attrs.field(default=(), kw_only=True, eq=False, repr=_count)

    _REMEDY: ClassVar = "Correct the request before sending it again."

    def __str__(self) -> str:
        """Return the HTTP status, the platform's code and message, and the remedy."""
        return with_remedy(self._failure, self._remedy)

    @property
    def _failure(self) -> str:
        code = f", code {self.code}" if self.code is not None else ""
        more = f" (see {self.more_info})" if self.more_info else ""
        return f"HTTP {self.http_status}{code}: {self.message or 'no message'}{more}"

    @property
    def _remedy(self) -> str:
        return self._REMEDY


@attrs.frozen(slots=False, repr=False)
class LostRace(Refused):
    """The reservation moved on before the command arrived.

    :param http_status: the status of the refusal. It is 200 if the outcome of the command was
        unknown and a fetch showed that it was not carried out.
    :param reservation: the reservation as it is now, if the delivery fetched it.
    :param unknown_status: the error of the fetch, if it showed a status outside the eight.
    """

    reservation: Reservation | None = None
    unknown_status: UnknownStatus | None = attrs.field(default=None, kw_only=True)

    @property
    def is_refusal(self) -> bool:
        """True if the platform refused the command. False if a fetch showed the lost race."""
        return self.http_status >= 400

    @property
    def _failure(self) -> str:
        return self.message if self.message and not self.is_refusal else super()._failure

    @property
    def _remedy(self) -> str:
        if self.unknown_status is not None:
            return f"{self.unknown_status.description}: decide by that status."
        if self.reservation is None:
            return "The reservation moved on: fetch it and decide again."
        return f"The reservation is {state_phrase(self.reservation.state)} now: decide again."


class NotFound(Refused):
    """The reservation does not exist. It is removed about five minutes after its task ends."""

    _REMEDY = "Check the SIDs: a reservation is removed about five minutes after its task ends."


@attrs.frozen(slots=False, repr=False)
class Throttled(Refused):
    """The platform received too many requests and did not process this one.

    :param retry_after: seconds to wait, if the platform gave them.
    """

    retry_after: float | None = None

    @property
    def _remedy(self) -> str:
        wait = "after a back-off" if self.retry_after is None else f"after {self.retry_after:g} s"
        return f"The request was not processed and may be sent again {wait}."


class Unauthorized(Refused):
    """The credentials are not accepted (401) or not sufficient (403)."""

    _REMEDY = "Check the gateway's credentials."


@attrs.frozen(slots=False, repr=False)
class ServerFailed(Refused):
    """The platform failed (5xx), or the answer says nothing (1xx, 3xx).

    It is the only refusal that leaves the outcome of a command unknown. A delivery then fetches the
    reservation. If that does not help, it raises :class:`OutcomeUnknown`, so it raises this error
    only with ``Policy.reconcile`` off. A fetch or a list raises it as it is.

    :param is_read_only: True if the request read only, so that nothing was commanded.
    """

    is_read_only: bool = attrs.field(default=False, kw_only=True, eq=False, repr=False)

    @property
    def _remedy(self) -> str:
        remedy = _READ_AGAIN if self.is_read_only else _FETCH_FIRST
        if 300 <= self.http_status < 400:
            redirect = "It is a redirect, which is not followed: check the gateway's base URL."
            return f"{redirect} {remedy}"
        return remedy


class PayloadFault(NamedTuple):
    """One fault of a payload.

    :param path: its place, such as ``links.task``.
    :param problem: the problem, such as ``is missing``.
    :param value: the wrong value as it may be shown. Empty if there is none.
    """

    path: str
    problem: str
    value: str = ""

    def __str__(self) -> str:
        """Return the path, the problem and the value."""
        return f"{self.path}: {self.problem}" + (f" (got {self.value})" if self.value else "")


def list_faults(first_line: str, faults: Iterable[PayloadFault], omitted: int) -> str:
    """Return a text with one line for each fault.

    :param omitted: the number of further faults.
    """
    more = [f"and {omitted} more fault{'s'[: omitted != 1]}"] if omitted else []
    return "\n  ".join([first_line, *map(str, faults), *more])


@attrs.frozen(slots=False, repr=False)
class MalformedReply(ReplyError):
    """A payload cannot be read: the body of a reply or of a webhook.

    :param faults: all faults, but no more than the first hundred.
    :param read_as: the kind of payload that it was read as, such as ``an event callback``. Empty
        if there is only one kind.
    :param omitted: the number of further faults that were found.
    """

    faults: tuple[PayloadFault, ...]
    read_as: str = attrs.field(default="", kw_only=True, repr=False)
    omitted: int = attrs.field(default=0, kw_only=True, repr=False)

    def __str__(self) -> str:
        """Return the remedy, then all faults, one per line."""
        failure = "the payload cannot be read"
        if self.read_as:
            failure += f" as {self.read_as}"
        remedy = "Fetch the reservation before assuming anything about it. The faults:"
        return list_faults(with_remedy(failure, remedy), self.faults, self.omitted)


def _name_fields(fields: Mapping[str, object]) -> str:
    return f"<{', '.join(fields)}>"


@attrs.frozen(slots=False, repr=False)
class UnknownStatus(MalformedReply):
    """A payload has a status that is not one of the eight.

    :param raw_status: the status as it was received. The error's text shows it masked.
    :param fields: everything else that was read, by the names of the fields of a
        :class:`Reservation`. ``attrs.evolve(reservation, **error.fields)`` takes it over.
    """

    raw_status: str = attrs.field(repr=False)
    fields: Mapping[str, object] = attrs.field(
        factory=dict[str, object], repr=_name_fields, eq=False
    )

    @property
    def description(self) -> str:
        """The status, masked, in a sentence."""
        shown = [fault.value for fault in self.faults if fault.path.endswith("reservation_status")]
        return f"the reservation is in the unknown status {''.join(shown) or '<not shown>'}"

    def __str__(self) -> str:
        """Return the faults and the remedies."""
        remedy = "Decide by this error's raw_status. Its fields hold everything else that was read."
        return list_faults(with_remedy(self.description, remedy), self.faults, self.omitted)


# --- GatewayError --------------------------------------------------------------------------------


@attrs.frozen(slots=False, repr=False)
class GatewayError(ReservationError):
    """There was no complete reply. The command may have been carried out.

    :param reason: the failure, without anything secret.
    :param attempts: all exchanges of the delivery. Empty outside a delivery.
    :param is_read_only: True if the request read only, so that nothing was commanded.
    """

    reason: str
    attempts: tuple[Attempt, ...] = attrs.field(default=(), kw_only=True, eq=False, repr=_count)

    is_read_only: bool = attrs.field(default=False, kw_only=True, eq=False, repr=False)

    _REMEDY: ClassVar = ""

    def __str__(self) -> str:
        """Return the reason and the remedy."""
        return with_remedy(self.reason, self._remedy)

    @property
    def _remedy(self) -> str:
        return self._REMEDY or (_READ_AGAIN if self.is_read_only else _FETCH_FIRST)


class NotSent(GatewayError):
    """The request was not sent. It may be sent again."""

    _REMEDY = "The request was not sent: it may be sent again."


@attrs.frozen(slots=False, repr=False)
class OutcomeUnknown(GatewayError):
    """The delivery gave up without learning the outcome of the command.

    :param last_known: the reservation as it was last reported: by a fetch, or before the delivery.
    :param is_final: True if the reservation was fetched and another fetch cannot show more.
    :param unknown_status: the error of the fetch, if it showed a status outside the eight.
    :param may_be_on_hold: True if the command may have put the reservation on hold. No fetch shows
        that. ``last_known`` is on hold only if its version or a refusal speaks for it.
    """

    last_known: Reservation | None = None
    is_final: bool = attrs.field(default=False, kw_only=True)
    unknown_status: UnknownStatus | None = attrs.field(default=None, kw_only=True)
    may_be_on_hold: bool = attrs.field(default=False, kw_only=True)

    @property
    def _remedy(self) -> str:
        if self.unknown_status is not None:
            return "Decide by that status: this error's unknown_status holds it."
        if not self.is_final:
            hold = ". If it is pending, it may be on hold" if self.may_be_on_hold else ""
            return f"Fetch the reservation before sending anything again{hold}. {_RESUME}"
        now = self.last_known
        if now is not None and now.status.is_terminal:
            return f"The reservation is {state_phrase(now.status)}: nothing can be sent any more."
        if now is not None and now.on_hold:
            remedy = "If the hold is over, give it up with released(), or with book.release(sid)."
            return f"Wait for the platform's next report. {remedy}"
        hold = "The reservation may be on hold. " if self.may_be_on_hold else ""
        repeat = "If it is still allowed and may act twice, set Policy.repeat_unknown."
        return f"{hold}Wait for the platform's next report. {repeat} {_RESUME}"


@attrs.frozen(slots=False, repr=False)
class Indistinguishable(OutcomeUnknown):
    """The command's effect is shown, but may be a concurrent writer's.

    The reservation has the status that the command leads to, or a later one. This command or an
    action of a concurrent writer led there. No fetch can tell which.

    :param reservation: the reservation as it is now.
    """

    reservation: Reservation | None = None

    @property
    def _remedy(self) -> str:
        remedy = "Continue from the reservation that this error carries."
        if self.reservation is not None and self.reservation.status in SET_BY_PLATFORM:
            return remedy
        return f"{remedy} If there are no concurrent writers, set Policy.sole_writer."
