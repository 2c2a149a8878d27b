"""Delivery of one command, with repeats and reconciliation.

A command is repeated only if that is safe. After an unknown outcome the reservation is fetched, and
the outcome is reconciled with what the fetch shows.

A delivery does no I/O. It is a generator that yields requests and pauses, and receives replies.

=============================================  ===========================================
answer to the command                          what follows
=============================================  ===========================================
a reservation                                  the delivery is done
``NotSent``                                    send again after a back-off
429                                            send again after ``Retry-After`` or a back-off
no complete reply, 1xx, 3xx, 5xx, an           the outcome is unknown: fetch and reconcile
unreadable 2xx
400 because of the state, 409, 412             fetch and reconcile
another 400 to a plain status update           fetch and reconcile
anything else (404, 401, 403, other 400)       the error is final
=============================================  ===========================================

:mod:`reservation_core.delivery.reconciliation` decides what follows from a fetch.

A gateway repeats nothing by itself, but a proxy may. It returns the second answer then, such as a
412. So a refusal is believed only if the command's own act cannot explain it, or if the policy has
``trust_refusals``.

A 2xx that names no SID is believed: in the platform's API description the SID may be null. One that
names another SID is not: the outcome is unknown.

A delivery that reaches a limit of its policy raises the last failure if the command was certainly
not carried out. It raises ``OutcomeUnknown`` if one of its requests may have acted or may still
act.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from random import random as random_fraction
from typing import NamedTuple, NoReturn, TypeAlias, TypeVar

import attrs

from reservation_core.delivery.observer import Observer
from reservation_core.delivery.policy import Policy
from reservation_core.delivery.reconciliation import (
    ReconcileResult,
    Sent,
    closes,
    find_traces,
    is_legal,
    is_older,
    is_raised,
    may_act_later,
    may_be_undone,
    may_have_acted,
    reconcile,
)
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.errors import ReplyError, ReservationError
from reservation_core.domain.lifecycle import Status, state_phrase
from reservation_core.domain.reservation import IllegalSuccession, Reservation
from reservation_core.rest.addresses import Route
from reservation_core.rest.error_payload import CONFLICT_CODES
from reservation_core.rest.errors import (
    Attempt,
    GatewayError,
    Indistinguishable,
    LostRace,
    MalformedReply,
    NotSent,
    OutcomeUnknown,
    Refused,
    ServerFailed,
    Throttled,
    UnknownStatus,
)
from reservation_core.rest.fetch import conclude_fetch, prepare_fetch
from reservation_core.rest.messages import Reply, Request, is_header_value
from reservation_core.rest.update import conclude, leaves_pending, prepare

_T = TypeVar("_T")


class Pause(NamedTuple):
    """Number of seconds to wait before the next request."""

    seconds: float


@attrs.frozen
class PermissionCheck:
    """Question if the command may be sent again."""


Answer: TypeAlias = Reply | GatewayError | bool | None
"""The value to send to a delivery.

After a request it is its reply or error, after a pause ``None``, after a permission check a bool.
"""

_Step: TypeAlias = Request | Pause | PermissionCheck

Steps: TypeAlias = Generator[_Step | Reservation, Answer]
"""The steps of a delivery. The last one is a reservation, the result."""

FirstExchange: TypeAlias = tuple[Request, Reply | None, ReplyError | GatewayError]
"""A request that was sent, its reply, and the failure that follows from it."""

_Exchanges: TypeAlias = Generator[_Step, Answer, _T]
_Failure: TypeAlias = ReplyError | GatewayError
_Outcome: TypeAlias = Reservation | _Failure


def deliver(
    reservation: Reservation,
    command: Command,
    *,
    route: Route | str,
    policy: Policy,
    observer: Observer,
    clock: Callable[[], float],
    random: Callable[[], float] | None,
    began: float,
    first: FirstExchange | None,
    resume: bool,
    has_permission_check: bool,
) -> Steps:
    """Yield the requests and pauses of a delivery, then the reservation.

    :param reservation: the reservation as it was last reported.
    :param clock: returns seconds of a monotonic clock.
    :param random: returns a number from 0 to 1. ``random.random`` by default.
    :param began: the time of the clock when the delivery began.
    :param first: the first request, its reply and its failure, if it was sent already.
    :param resume: fetch first, because another process may have sent the command.
    :param has_permission_check: yield a :class:`PermissionCheck` before the command is sent again.
    :raises CommandError: at the first step, if the command is not allowed.
    :raises ReplyError, GatewayError: at the end, as ``perform`` describes. ``attempts`` holds every
        exchange.
    """
    random = random or random_fraction
    observer = observer.for_delivery(reservation, command)
    delivery = _Delivery(reservation, command, route, policy, observer, clock, random, began)
    done = yield from delivery.run(first, resume=resume, has_permission_check=has_permission_check)
    observer.delivered(done)
    yield done


@attrs.define(eq=False, repr=False)
class _Delivery:
    known: Reservation
    """The reservation as it was last reported."""
    command: Command
    route: Route | str
    policy: Policy
    observer: Observer
    clock: Callable[[], float]
    random: Callable[[], float]
    began: float
    attempts: list[Attempt] = attrs.Factory(list[Attempt])
    unsettled: list[Sent] = attrs.Factory(list[Sent])
    """The requests with an open outcome."""
    failure: ReservationError | None = None
    """The failure of the last time that the command was sent."""
    was_fetched: bool = False
    """True if the reservation was fetched since the command was last sent."""
    has_fetched: bool = False
    """True if the reservation was fetched in this delivery."""
    unexpected: IllegalSuccession | None = None
    """The last fetch, if its status cannot follow the one known before."""
    unknown_status: UnknownStatus | None = None
    """The last fetch, if it showed a status outside the eight."""
    times_sent: int = 0
    pauses: int = 0
    last_pause: float = 0.0

    def run(
        self, first: FirstExchange | None, *, resume: bool, has_permission_check: bool
    ) -> _Exchanges[Reservation]:
        """Deliver the command.

        :param first: the first request, its reply and its failure, if it was sent.
        """
        done: Reservation | None = None
        if resume:
            self._prepare()  # raises if it cannot have been sent
            self.failure = GatewayError("the process that may have sent the command ended")
            done = yield from self._reconcile()
        elif first is not None:
            request, reply, failure = first
            self.times_sent = 1
            self._record(request, 0.0, 0.0, _label(failure), reply)
            done = yield from self._handle_failure(failure)
        while done is None:
            if has_permission_check and (resume or self.times_sent):
                is_permitted = yield PermissionCheck()
                if not is_permitted:
                    reason = "another process has taken the command over"
                    self._raise(OutcomeUnknown(reason, self.known))
            self.times_sent, self.was_fetched = self.times_sent + 1, False
            request = self._prepare()
            for caution in request.cautions:
                self.observer.cautioned(caution)
            read = partial(conclude, self.known, self.command)
            outcome = yield from self._exchange(request, read)
            if isinstance(outcome, Reservation):
                done = outcome
            else:
                done = yield from self._handle_failure(outcome)
        return done

    def _prepare(self) -> Request:
        return prepare(self.known, self.command, route=self.route, strict=self.policy.strict)

    def _handle_failure(self, failure: _Failure) -> _Exchanges[Reservation | None]:
        """Decide what follows from a failure. Return ``None`` to send again."""
        self.failure = failure
        if isinstance(failure, IllegalSuccession) and self.policy.accept_unexpected:
            self.observer.cautioned(failure.caution)
            return failure.reservation
        if not isinstance(failure, (NotSent, Throttled)):
            needs_fetch = _is_unknown(failure) or _is_about_state(failure, self.command)
            if not (needs_fetch and self.policy.reconcile):
                self._give_up("the last failure rules out a retry")
            done = yield from self._reconcile()
            if done is not None:
                return done
        if self.times_sent >= self.policy.attempts:
            self._give_up("all attempts are used up")
        yield from self._pause(failure)
        return None

    def _exchange(
        self, request: Request, read: Callable[[Reply], Reservation]
    ) -> _Exchanges[_Outcome]:
        """Yield one request and read its answer. Record it even if interrupted."""
        started = self.clock() - self.began
        if self.attempts and started >= self.policy.deadline:
            self._give_up("the deadline passed")
        pause, self.last_pause = self.last_pause, 0.0
        self.observer.before_attempt(Attempt(len(self.attempts) + 1, request, started, pause))
        label, answer = "abandoned", None
        try:
            answer = yield request
            outcome = _read(answer, read)
            label = _label(outcome)
        finally:
            self._record(request, started, pause, label, answer)
        return outcome

    def _record(
        self, request: Request, started: float, pause: float, outcome: str, answer: Answer
    ) -> None:
        number, duration = len(self.attempts) + 1, self.clock() - self.began - started
        attempt = Attempt(number, request, started, pause, outcome, duration)
        if isinstance(answer, Reply):
            attempt = attempt._replace(http_status=answer.status, headers=answer.headers)
        self.attempts.append(attempt)
        self.observer.after_attempt(attempt)

    def _reconcile(self) -> _Exchanges[Reservation | None]:
        """Fetch the reservation and decide. Return ``None`` to send again."""
        refusal = self.failure if isinstance(self.failure, Refused) else None
        if isinstance(refusal, ServerFailed):
            refusal = None
        sent, command = self.known, self.command
        is_trusted = refusal is not None and self.policy.trust_refusals
        request = Sent(
            sent,
            () if is_trusted else find_traces(sent, command, refusal),
            is_given=not self.has_fetched,
            may_have_other_version=self.times_sent == 0,
        )
        is_unnamed = type(refusal) is Refused  # then it is open only if the state was the reason
        before = list(self.unsettled)
        if request.traces and not is_unnamed:
            self.unsettled.append(request)
        now = yield from self._fetch()
        is_closed = refusal is not None and closes(refusal, sent, command, now)
        self.unsettled = [*before, *([request] if request.traces and not is_closed else [])]
        suspects = [one for one in self.unsettled if may_have_acted(one, command, now)]
        self.unsettled = [
            one for one in self.unsettled if one in suspects or may_act_later(one, command, now)
        ]
        is_not_pending = _says_not_pending(self.failure) and is_legal(Status.PENDING, command)
        if is_not_pending and now.status is Status.PENDING:
            # It was refused as not pending, but is shown pending: another command is on hold.
            now = attrs.evolve(now, on_hold=True)
        self.known = now
        result = reconcile(now, command, suspects, refusal, self.policy, sent.state)
        if self.unexpected is not None and self.policy.accept_unexpected:
            self.observer.cautioned(self.unexpected.caution)
        elif self.unexpected is not None and result is ReconcileResult.REPEAT:
            result = ReconcileResult.LOST_RACE
        self.observer.reconciled(now, result)
        if result is ReconcileResult.REPEAT:
            return None
        if result is ReconcileResult.REFUSED:
            self._give_up("the last failure rules out a retry")
        if result is ReconcileResult.LOST_RACE:
            self._give_up("the reservation moved on")
        may_be_held = now.status is Status.PENDING and any(
            leaves_pending(one.known.state, command.trigger, command.is_accepting)
            and is_raised(one.known, now)
            for one in suspects
        )
        self.known = attrs.evolve(now, on_hold=now.on_hold or may_be_held)
        if result is ReconcileResult.DONE:
            return self.known
        self._raise_unknown(result)

    def _fetch(self) -> _Exchanges[Reservation]:
        """Fetch the reservation. Repeat after failures that may be temporary."""
        request = prepare_fetch(self.known, route=self.route)
        for number in range(1, self.policy.attempts + 1):
            outcome = yield from self._exchange(request, partial(conclude_fetch, self.known))
            self.unexpected = outcome if isinstance(outcome, IllegalSuccession) else None
            if self.unexpected is not None:
                outcome = self.unexpected.reservation
            # A replica may show an older version: then the fetch is repeated.
            if isinstance(outcome, Reservation) and not is_older(outcome, self.known):
                self.was_fetched = self.has_fetched = True
                can_send_etag = outcome.etag is None or is_header_value(outcome.etag)
                return outcome if can_send_etag else attrs.evolve(outcome, etag=None)
            if isinstance(outcome, UnknownStatus):
                self.unknown_status = outcome
                self._give_up(outcome.description)
            if isinstance(outcome, Refused) and not isinstance(outcome, (Throttled, ServerFailed)):
                break
            if number < self.policy.attempts:
                yield from self._pause(outcome)
        self._give_up("the reservation could not be fetched")

    def _pause(self, failure: _Outcome) -> _Exchanges[None]:
        """Pause for the platform's ``Retry-After``, or for a back-off."""
        seconds = failure.retry_after if isinstance(failure, Throttled) else None
        if seconds is None:
            longest = self.policy.backoff * 2.0 ** min(self.pauses, 64)
            seconds = self.random() * min(self.policy.backoff_cap, longest)
        self.pauses += 1
        if self.clock() - self.began + seconds >= self.policy.deadline:
            self._give_up("the next pause would exceed the deadline")
        yield Pause(seconds)
        self.last_pause = seconds

    def _give_up(self, reason: str) -> NoReturn:
        """Raise the last failure, or ``OutcomeUnknown`` if a request may have acted."""
        error = self.failure
        assert error is not None
        if self.unsettled:
            reason += "; a request that was sent may have acted, or may act later"
            error = OutcomeUnknown(
                reason,
                self.known,
                unknown_status=self.unknown_status,
                may_be_on_hold=self._may_be_on_hold(),
            )
        elif isinstance(error, LostRace):
            now = self.known if self.was_fetched else None
            error = attrs.evolve(error, reservation=now, unknown_status=self.unknown_status)
        elif type(error) is Refused and self._shows_another_state():
            error = LostRace(
                error.http_status,
                error.code,
                error.message,
                error.more_info,
                self.known if self.was_fetched else None,
                unknown_status=self.unknown_status,
            )
        elif self.was_fetched and _is_unknown(error):
            # The fetch shows that it was not carried out, and no request can still act.
            message = f"the command was not carried out: {reason}"
            error = LostRace(200, message=message, reservation=self.known)
        self._raise(error)

    def _shows_another_state(self) -> bool:
        """Return True if the fetch shows a state that explains a refusal."""
        is_illegal = self.was_fetched and not is_legal(self.known.state, self.command)
        return is_illegal or self.unknown_status is not None

    def _raise_unknown(self, result: ReconcileResult) -> NoReturn:
        name, now = self.command.trigger, self.known
        if result is ReconcileResult.INDISTINGUISHABLE:
            reason = f"the reservation is {state_phrase(now.state)}, and this {name} cannot be told"
            reason += " apart from an action of a concurrent writer"
            error = Indistinguishable(reason, now, now, is_final=True)
            self._raise(error)
        if any(may_be_undone(sent.known, self.command, now) for sent in self.unsettled):
            why = "the platform may have undone it"
        elif all(sent.known.status is not now.status for sent in self.unsettled):
            why = f"the reservation may be {state_phrase(now.state)} with or without it"
        else:
            why = "it may have no visible effect at first"
        reason = f"no fetch can show if the {name} was carried out: {why}"
        may_hold = self._may_be_on_hold()
        self._raise(OutcomeUnknown(reason, now, is_final=True, may_be_on_hold=may_hold))

    def _may_be_on_hold(self) -> bool:
        """Return True if a request may have put the reservation on hold."""
        command, is_pending = self.command, self.known.status is Status.PENDING
        return is_pending and any(
            leaves_pending(sent.known.state, command.trigger, command.is_accepting)
            for sent in self.unsettled
        )

    def _raise(self, error: ReservationError) -> NoReturn:
        if isinstance(error, (Refused, GatewayError)):
            error = attrs.evolve(error, attempts=tuple(self.attempts))
        self.observer.gave_up(error)
        raise error from (None if error is self.failure else self.failure)


def _read(answer: Answer, read: Callable[[Reply], Reservation]) -> _Outcome:
    if isinstance(answer, GatewayError):
        return answer
    assert isinstance(answer, Reply)  # a driver answers a request with a reply or an error
    try:
        return read(answer)
    except ReplyError as error:
        return error


def _label(outcome: _Outcome) -> str:
    return outcome.status.value if isinstance(outcome, Reservation) else type(outcome).__name__


def _is_unknown(failure: ReservationError) -> bool:
    """Return True if the platform may have acted despite this failure."""
    return isinstance(
        failure, (GatewayError, ServerFailed, MalformedReply, IllegalSuccession)
    ) and not isinstance(failure, NotSent)


def _is_about_state(failure: ReservationError, command: Command) -> bool:
    """Return True if the state may be the reason of a refusal.

    No document names the code or the text of a 400 to a plain status update (20001 was observed).
    """
    is_plain_update = command.first_pair[0] == STATUS_FIELD
    is_bare_400 = type(failure) is Refused and failure.http_status == 400
    return isinstance(failure, LostRace) or (is_plain_update and is_bare_400)


def _says_not_pending(failure: ReservationError | None) -> bool:
    """Return True if the refusal says that the reservation is not pending."""
    return (
        isinstance(failure, LostRace)
        and failure.http_status == 400
        and failure.code not in CONFLICT_CODES
    )
