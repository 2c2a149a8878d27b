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

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, NamedTuple, NoReturn, TypeAlias, TypeVarTuple

import attrs

from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import Policy
from reservation_core.delivery.reconciliation import (
    has_moved,
    is_legal,
    may_have_acted,
    may_yet_act,
)
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route
from reservation_core.rest.errors import (
    Attempt,
    GatewayError,
    IllegalSuccession,
    Indistinguishable,
    LostRace,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    Refused,
    ReplyError,
    ServerFailed,
    Throttled,
)
from reservation_core.rest.messages import Reply, Request, is_header_value
from reservation_core.rest.update import (
    conclude,
    conclude_fetch,
    leaves_pending,
    prepare,
    prepare_fetch,
)


class Pause(NamedTuple):
    """The driver is to wait so many seconds."""

    seconds: float


Answer: TypeAlias = Reply | GatewayError | None


class FirstFailure(NamedTuple):
    """A command's first sending that went wrong: the request, when it began (by the delivery's clock), and the failure."""

    request: Request
    began: float
    failure: ReplyError | GatewayError


Flow: TypeAlias = Generator[Request | Pause, Answer, Reservation]

_Outcome: TypeAlias = Reservation | ReplyError | GatewayError
_Known = TypeVarTuple("_Known")
"""What is known when a reply is read: the reservation as it was held, and the command where there is one."""


def deliver(
    reservation: Reservation,
    command: Command,
    policy: Policy,
    route: Route,
    clock: Callable[[], float],
    random: Callable[[], float],
    observer: Observer,
    first: FirstFailure | None = None,
    *,
    resume: bool = False,
) -> Flow:
    """Deliver a command: yield each request to send and each pause to make, and return the reservation as the platform reports it.

    :param clock: seconds, of a clock that never goes back.
    :param random: draws from 0 to 1.
    :param first: the first sending, where it was made already and nobody was to be told.
    :param resume: the command may have been sent for this reservation already, by a process that ended: read the reservation first.
    :raises CommandError: when it is first resumed, before anything is yielded, when the command must not be asked.
    :raises Refused, GatewayError: at the end; ``attempts`` holds every exchange.
    """
    delivery = _Delivery(reservation, command, policy, route, clock, random, observer)
    return delivery.take_up() if resume else delivery.run(first)


_PLATFORM_ENDS: Final = frozenset({Status.TIMEOUT, Status.CANCELED, Status.RESCINDED})
"""What no command sets."""


class _Delivery:
    def __init__(
        self,
        reservation: Reservation,
        command: Command,
        policy: Policy,
        route: Route,
        clock: Callable[[], float],
        random: Callable[[], float],
        observer: Observer,
    ) -> None:
        self.held = reservation  # as last reported
        self.command = command
        self.policy = policy
        self.route = route
        self.clock = clock
        self.random = random
        self.observer = observer
        self.began = clock()
        self.attempts: list[Attempt] = []
        self.open: list[Reservation] = []  # as held at each sending whose outcome is not known
        self.failure: ReservationError | None = None  # of the last sending
        self.was_read = False  # since the last sending
        self.sent = 0
        self.pauses = 0
        self.paused = 0.0

    def run(self, first: FirstFailure | None = None) -> Flow:
        outcome: _Outcome | None = None
        if first is not None:
            self.began, outcome = first.began, first.failure
            self._record(first.request, 0.0, 0.0, type(outcome).__name__)
        while True:
            self.sent, self.was_read = self.sent + 1, False
            if outcome is None:
                request = prepare(self.held, self.command, route=self.route)
                outcome = yield from self._exchange(request, conclude, self.held, self.command)
            if isinstance(outcome, Reservation):
                return outcome
            self.failure = outcome
            if isinstance(outcome, (NotSent, Throttled)):
                yield from self._before_repeating(outcome)
            elif self.policy.reconcile and (_is_unknown(outcome) or isinstance(outcome, LostRace)):
                if (done := (yield from self._find_out(outcome))) is not None:
                    return done
                yield from self._before_repeating()
            else:
                self._give_up("the platform refused it for good")
            outcome = None

    def take_up(self) -> Flow:
        """Go on as after a reply that was lost."""
        prepare(self.held, self.command, route=self.route)  # refuses what was never sent
        self.failure = GatewayError("the process that was to send it ended")
        if (done := (yield from self._find_out(self.failure))) is not None:
            return done
        return (yield from self.run())

    def _find_out(
        self, outcome: ReservationError
    ) -> Generator[Request | Pause, Answer, Reservation | None]:
        """Read the reservation, and decide by it."""
        if not isinstance(outcome, LostRace):
            self.open.append(self.held)
        now = yield from self._read()
        return self._settle(now, outcome)

    def _exchange(
        self, request: Request, read: Callable[[*_Known, Reply], Reservation], *known: *_Known
    ) -> Generator[Request | Pause, Answer, _Outcome]:
        """Yield one request, and read what comes back. It is on record whatever happens."""
        at = self.clock() - self.began
        if self.attempts and at >= self.policy.deadline:
            self._give_up("the deadline passed")
        paused, self.paused = self.paused, 0.0
        if self.observer is not NO_OBSERVER:
            self.observer.before_attempt(Attempt(len(self.attempts) + 1, request, at, paused))
        shown = "abandoned"
        try:
            outcome = _read((yield request), read, *known)
            shown = (
                outcome.status.value if isinstance(outcome, Reservation) else type(outcome).__name__
            )
        finally:
            self._record(request, at, paused, shown)
        return outcome

    def _record(self, request: Request, at: float, paused: float, outcome: str) -> None:
        attempt = Attempt(
            len(self.attempts) + 1, request, at, paused, outcome, self.clock() - self.began - at
        )
        self.attempts.append(attempt)
        self.observer.after_attempt(attempt)

    def _read(self) -> Generator[Request | Pause, Answer, Reservation]:
        """Read the reservation, trying again whatever may pass."""
        request = prepare_fetch(self.held, route=self.route)
        for number in range(1, self.policy.attempts + 1):
            outcome = yield from self._exchange(request, conclude_fetch, self.held)
            if isinstance(outcome, Reservation):
                self.was_read = True
                sendable = outcome.etag is None or is_header_value(outcome.etag)
                return outcome if sendable else attrs.evolve(outcome, etag=None)
            if isinstance(outcome, Refused) and not isinstance(outcome, (Throttled, ServerFailed)):
                break
            if number < self.policy.attempts:
                yield from self._pause(outcome)
        self._give_up("the reservation could not be read")

    def _settle(self, now: Reservation, outcome: ReservationError) -> Reservation | None:
        """Decide by what was read: done with a reservation, ``None`` to send again, or an error."""
        refusal = outcome if isinstance(outcome, LostRace) else None
        if refusal is not None and refusal.http_status == 400 and now.status is Status.PENDING:
            now = attrs.evolve(
                now, on_hold=True
            )  # shown as pending, refused as not: an answer is being carried out
        self.held = now
        legal = is_legal(now.state, self.command)
        suspects = [sent for sent in self.open if may_have_acted(sent, self.command, now)]
        if suspects:
            moved = any(has_moved(sent, now) for sent in suspects)
            if moved and self.policy.sole_writer and now.status not in _PLATFORM_ENDS:
                self.observer.reconciled(now, "done")
                on_hold = now.status is Status.PENDING and leaves_pending(
                    suspects[0].state, self.command.trigger, self.command.is_accepting
                )
                return attrs.evolve(now, on_hold=on_hold)
            if not (legal and self.policy.repeat_unknown):
                self._cannot_tell(now, moved=moved)
        else:
            self.open = [sent for sent in self.open if may_yet_act(sent, self.command, now)]
        if not legal or (
            refusal is not None and not (refusal.http_status == 412 and self.policy.retry_stale)
        ):
            self.observer.reconciled(now, LostRace.__name__)
            self._give_up("the reservation moved on, and the command was not carried out")
        self.observer.reconciled(now, "repeat")
        return None

    def _cannot_tell(self, now: Reservation, *, moved: bool) -> NoReturn:
        name, tries = self.command.trigger, tuple(self.attempts)
        if moved:
            why = f"the reservation is {now.state}, and whether this {name} or somebody else's act did it cannot be told apart"
            error: OutcomeUnknown = Indistinguishable(why, now, now, attempts=tries, is_final=True)
        else:
            why = f"no reading can tell whether the {name} was taken, for it shows nothing at first"
            error = OutcomeUnknown(why, now, attempts=tries, is_final=True)
        self.observer.reconciled(now, type(error).__name__)
        self._raise(error)

    def _before_repeating(
        self, failure: ReservationError | None = None
    ) -> Generator[Pause, Answer]:
        if self.sent >= self.policy.attempts:
            self._give_up("all attempts are used up")
        yield from self._pause(failure)

    def _pause(self, failure: ReservationError | None) -> Generator[Pause, Answer]:
        """Wait as long as the platform asked, or else a back-off; but not beyond the deadline."""
        asked = failure.retry_after if isinstance(failure, Throttled) else None
        longest = min(self.policy.backoff_cap, self.policy.backoff * 2.0 ** min(self.pauses, 64))
        seconds = self.random() * longest if asked is None else asked
        self.pauses += 1
        if self.clock() - self.began + seconds >= self.policy.deadline:
            self._give_up("the deadline comes first")
        yield Pause(seconds)
        self.paused = seconds

    def _give_up(self, why: str) -> NoReturn:
        """End with what is known for certain."""
        failure, tries = self.failure, tuple(self.attempts)
        if self.open:
            reason = f"{why}; a request that was sent may have been carried out, or may still be"
            self._raise(OutcomeUnknown(reason, self.held, attempts=tries))
        if isinstance(failure, LostRace):
            self._raise(
                attrs.evolve(
                    failure, reservation=self.held if self.was_read else None, attempts=tries
                )
            )
        if self.was_read and failure is not None and _is_unknown(failure):
            # The reading told what the answer did not: it was not carried out, and no request under way can be any more.
            message = f"{why}; read as {self.held.state}"
            self._raise(LostRace(200, message=message, reservation=self.held, attempts=tries))
        assert failure is not None
        self._raise(
            attrs.evolve(failure, attempts=tries)
            if isinstance(failure, (Refused, GatewayError))
            else failure
        )

    def _raise(self, error: ReservationError) -> NoReturn:
        self.observer.gave_up(error)
        raise error from (None if error is self.failure else self.failure)


def _read(
    answer: Answer, read: Callable[[*_Known, Reply], Reservation], *known: *_Known
) -> _Outcome:
    if isinstance(answer, GatewayError):
        return answer
    assert answer is not None  # the driver has sent nothing in return for a request
    try:
        return read(*known, answer)
    except ReplyError as error:
        return error


def _is_unknown(outcome: ReservationError) -> bool:
    """Whether the platform may have acted all the same."""
    return isinstance(
        outcome, (GatewayError, ServerFailed, MalformedReply, IllegalSuccession)
    ) and not isinstance(outcome, NotSent)
