"""Every error of the library, in three branches, because a caller does three different things.

::

    ReservationError
    ├── CommandError               we would not ask this         fix the call; nothing was sent
    │   ├── InvalidCommand         .violations (every one, together)
    │   ├── CommandNotAllowed      .command .status .allowed .why
    │   └── IncompleteReservation  .missing
    ├── ReplyError                 the platform answered, but …  look again
    │   ├── Refused                .http_status .code .message .more_info .attempts
    │   │   ├── LostRace           the reservation moved on (a state error, 412): .reservation when it was read again
    │   │   ├── NotFound           404
    │   │   ├── Throttled          429: .retry_after (seconds)
    │   │   ├── Unauthorized       401, 403
    │   │   └── ServerFailed       5xx: whether it acted is unknown
    │   ├── MalformedReply         an unreadable body: .faults
    │   │   └── UnknownStatus      a status outside today's eight: .word
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

from typing import TYPE_CHECKING, TypeVar

import attrs

from reservation_core.fields import ByFields, fields_of

if TYPE_CHECKING:  # errors stand below everything; these names are only for the types of fields
    from reservation_core.delivery import Attempt
    from reservation_core.lifecycle import Status
    from reservation_core.parameters import Command
    from reservation_core.reservation import Reservation

E = TypeVar("E", bound="ReservationError")


def _count(attempts: tuple[Attempt, ...]) -> str:
    return f"<{len(attempts)} exchanges>"


class ReservationError(ByFields, Exception):
    """What every error of this library is: catch it to catch them all."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the declared fields (an exception's own way would lose them)."""
        kind = type(self)
        held = {field.name: getattr(self, field.name) for field in fields_of(kind)}
        return _restore, (kind, held), {"__notes__": notes} if (notes := getattr(self, "__notes__", None)) else None

    def __str__(self) -> str:
        """Say what is wrong, where, and what to do."""
        return type(self).__doc__ or type(self).__name__


def _restore(kind: type[E], fields: dict[str, object]) -> E:
    return kind(**fields)


# --- we would not ask this -------------------------------------------------------------------------------------------------------


class CommandError(ReservationError):
    """The call is wrong; nothing was sent."""


@attrs.frozen(eq=False, repr=False)
class Violation(ByFields):
    """One broken rule of one parameter.

    ``parameter`` is the wire name (``ConferenceRecord``), ``field`` the Python one (``conference_record``), ``value`` how the value
    may be shown (``<personal>`` or ``<secret>`` where it may not), ``code`` the platform's own error number for it, where one is known.
    """

    parameter: str
    field: str
    rule: str
    value: str
    remedy: str
    code: int | None = None

    def __str__(self) -> str:
        """Name the parameter, the rule, the value and the remedy."""
        code = f" (the platform's error {self.code})" if self.code else ""
        return f"{self.parameter} = {self.value}: {self.rule}{code}; {self.remedy}"


@attrs.frozen(slots=False, repr=False)
class InvalidCommand(CommandError):
    """A command breaks rules of its parameters; ``violations`` holds every one, in the order of the parameters."""

    command: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """List every violation, a line each."""
        return "\n  ".join([f"{self.command} cannot be sent:", *map(str, self.violations)])


@attrs.frozen(slots=False, repr=False)
class CommandNotAllowed(CommandError):
    """A command is no step of the lifecycle from where the reservation stands.

    ``allowed`` holds the command classes that are; ``why`` is the reason with its evidence mark and source.
    """

    command: Command
    status: Status
    allowed: tuple[type[Command], ...]
    why: str

    def __str__(self) -> str:
        """Name the command, the status, the reason and what may be asked instead."""
        instead = ", ".join(command.__name__ for command in self.allowed) or "nothing; fetch the reservation to see whether it moved on"
        return f"{type(self.command).__name__} is refused while {self.status}: {self.why}. Allowed instead: {instead}."


@attrs.frozen(slots=False, repr=False)
class IncompleteReservation(CommandError):
    """A reservation lacks what its address is made of; ``missing`` names the fields that are absent or are no SID."""

    missing: tuple[str, ...]

    def __str__(self) -> str:
        """Name the fields and the remedy."""
        return f"the reservation has no usable {', '.join(self.missing)}; read it from a full payload, or set them, before asking"


# --- the platform answered, but … -------------------------------------------------------------------------------------------------


class ReplyError(ReservationError):
    """The platform answered, but not with a reservation that can be taken over; look again."""


@attrs.frozen(slots=False, repr=False)
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
        return f"HTTP {self.http_status}{code}: {self.message or 'no message'}{more}; {self._remedy}"

    @property
    def _remedy(self) -> str:
        if 300 <= self.http_status < 400:
            return "the address answers with a redirect, which is never followed; check the gateway's base URL"
        return "mend the request before sending it again"


@attrs.frozen(slots=False, repr=False)
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


@attrs.frozen(slots=False, repr=False)
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


@attrs.frozen(eq=False, repr=False)
class Fault(ByFields):
    """One thing wrong with a payload: where (a path such as ``links.task``), what, and how the value may be shown."""

    path: str
    problem: str
    value: str = ""

    def __str__(self) -> str:
        """Name the path, the problem and the value."""
        return f"{self.path}: {self.problem}" + (f" (got {self.value})" if self.value else "")


@attrs.frozen(slots=False, repr=False)
class MalformedReply(ReplyError):
    """A payload that cannot be read as a reservation; ``faults`` holds everything that is wrong with it."""

    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """List every fault, a line each."""
        remedy = "fetch the reservation before assuming anything about it"
        return "\n  ".join([f"the payload cannot be read as a reservation ({remedy}):", *map(str, self.faults)])


@attrs.frozen(slots=False, repr=False)
class UnknownStatus(MalformedReply):
    """A payload whose status is none of today's eight; ``word`` is the status as it came (shown only as the fault shows it)."""

    word: str = attrs.field(repr=False)


@attrs.frozen(slots=False, repr=False)
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


@attrs.frozen(slots=False, repr=False)
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


@attrs.frozen(slots=False, repr=False)
class OutcomeUnknown(GatewayError):
    """Delivery gave up without learning the outcome; ``last_known`` is the reservation as it was last read, ``attempts`` the tries made.

    ``is_final`` says that the reservation was read, and that no other reading would tell more.
    """

    last_known: Reservation | None = None
    is_final: bool = attrs.field(default=False, kw_only=True)

    @property
    def _remedy(self) -> str:
        return "fetch the reservation before sending anything again"


@attrs.frozen(slots=False, repr=False)
class Indistinguishable(OutcomeUnknown):
    """What was asked may have been done by us or by somebody else, and nobody can tell which; ``reservation`` is how it stands now."""

    reservation: Reservation | None = None

    @property
    def _remedy(self) -> str:
        return "go on from the reservation as it stands, which this error carries; a caller who is alone may set Policy.sole_writer"
