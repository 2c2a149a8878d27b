"""Rules 2 and 3 of generated runs: checks of a service's commands.

The service is handed a :class:`ServiceMonitor`. It knows what events and whole replies have
reported to the service. The :class:`UpdateRecorder` is the last gateway before the platform and
records which updates acted. Between the two is the faulty network. Both change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Wrap
from reservation_core.domain.decisions import decide, follow
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import (
    ON_HOLD,
    TERMINAL,
    UNLISTED_STEPS,
    State,
    Status,
)
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.errors import GatewayError, MalformedReply, NotSent
from reservation_core.rest.messages import IF_MATCH, Reply, Request
from reservation_core.rest.reservation_payload import read_reservation
from reservation_core.rest.update import leaves_pending
from reservation_core.testing.recording import describe_request
from reservation_core.testing.wrapping import GatewayWrapper, WrappedExchange, find_sid


class UpdateRecorder(GatewayWrapper):
    """Gateway wrapper that records which updates acted.

    :param gateway: the gateway to wrap.
    :param on_exchange: called with each request that reached the platform, and its reply.
    """

    def __init__(
        self, gateway: Gateway | AsyncGateway, on_exchange: Callable[[Request, Reply], None]
    ) -> None:
        super().__init__(gateway)
        self._on_exchange = on_exchange
        self.acted: Final[list[Request]] = []

    def exchange(self, request: Request) -> WrappedExchange:
        """Exchange one request and record it."""
        reply = yield request
        # A faulty network repeats the same object; a service that sends twice makes two objects.
        is_update = request.method == "POST" and reply.status < 300
        if is_update and all(request is not known for known in self.acted):
            self.acted.append(request)
        self._on_exchange(request, reply)
        return reply


class ServiceMonitor(GatewayWrapper):
    """Gateway that a service under test sends its commands through.

    :param gateway: the gateway to wrap.
    :param recorder: the recorder of the updates that acted.
    :param name: returns the name of a reservation for messages, by its SID.
    :param show: called with a line about each exchange, such as ``POST accept -> 400``.
    """

    def __init__(
        self,
        gateway: Gateway | AsyncGateway,
        recorder: UpdateRecorder,
        name: Callable[[str], str],
        show: Callable[[str], object],
    ) -> None:
        super().__init__(gateway)
        self._recorder = recorder
        self._name = name
        self._show = show
        self._known: dict[str, State] = {}
        self._unknown_outcome: set[str] = set()  # and neither read nor reported since
        self._unlisted: Counter[str] = Counter()  # undone wraps, by reservation
        self._seen_wrapping: Counter[str] = Counter()
        self._known_undone: dict[str, int] = {}  # when the last wrap was sent
        self._problems: list[str] = []

    @property
    def problems(self) -> list[str]:
        """Broken rules so far, a sentence each."""
        return [*self._problems, *self._repeated()]

    def learn(self, reported: Reservation) -> None:
        """Take over a report that the service received, unless outdated."""
        sid, status = str(reported.sid), reported.status
        known = self._known.get(sid)
        if known != status and status is Status.WRAPPING:
            self._seen_wrapping[sid] += 1
        if known is None or (known != status and _can_be_newer(known, status)):
            self._known[sid] = status
            self._unknown_outcome.discard(sid)

    def hold(self, reservation: Reservation) -> None:
        """Take over that the service answered a callback."""
        self._known[str(reservation.sid)] = ON_HOLD

    def release(self, reservation: Reservation) -> None:
        """Take over that the answer to a callback had no effect."""
        sid = str(reservation.sid)
        if self._known.get(sid) == ON_HOLD:
            self._known[sid] = Status.PENDING

    def expect_unlisted(self, sid: str, *, undoes_wrap: bool) -> None:
        """Take over a step that the lifecycle does not have."""
        self._unlisted[sid] += undoes_wrap

    def exchange(self, request: Request) -> WrappedExchange:
        """Check and exchange one request."""
        checked = self._check(request)
        try:
            reply = yield checked
        except GatewayError as error:
            if checked.method == "POST" and not isinstance(error, NotSent):
                self._unknown_outcome.add(find_sid(checked))
            self._show(f"{self._describe(checked)} -> {error.reason}")
            raise
        reported = _reservation(reply)
        self._show(f"{self._describe(checked)} -> {_describe_reply(reply, reported)}")
        self._learn_reply(checked, reply, reported)
        return reply

    def _describe(self, request: Request) -> str:
        """Return a request's reservation, method and command."""
        sid, command = find_sid(request), _command(request)
        if not sid:
            return describe_request(request)
        return f"{self._name(sid)}: {request.method}" + (f" {command.trigger}" if command else "")

    def _check(self, request: Request) -> Request:
        """Check a request against the service's knowledge and return a copy."""
        sid, command = find_sid(request), _command(request)
        known = self._known.get(sid)
        if isinstance(command, Wrap):
            self._known_undone[sid] = min(self._unlisted[sid], self._seen_wrapping[sid])
        if command is not None and known is not None:
            sent = f"{self._name(sid)}: {command.trigger} was sent"
            if known in TERMINAL:
                self._problems.append(f"{sent} although the reservation had ended ({known})")
            elif sid in self._unlisted:
                pass  # the service may know a status that the monitor takes for outdated
            elif (decision := decide(known, command.trigger, command.is_accepting)).refusal:
                self._problems.append(f"{sent} although it is not allowed: {decision}")
            if sid in self._unknown_outcome and IF_MATCH not in request.headers:
                self._problems.append(
                    f"{sent} while the outcome of an earlier command was unknown."
                    " Read the reservation first"
                )
        return attrs.evolve(request)

    def _learn_reply(self, request: Request, reply: Reply, reported: Reservation | None) -> None:
        sid, command = find_sid(request), _command(request)
        if reported is None:
            if request.method == "POST" and (reply.status >= 500 or reply.status < 300):
                self._unknown_outcome.add(sid)
            return
        before = self._known.get(sid, Status.PENDING)
        self.learn(reported)
        if request.method == "GET":
            self._unknown_outcome.discard(sid)
        elif (
            command is not None
            and reported.status is Status.PENDING
            and leaves_pending(before, command.trigger, command.is_accepting)
        ):
            self._known[sid] = ON_HOLD

    def _repeated(self) -> list[str]:
        times = Counter((find_sid(request), request.form) for request in self._recorder.acted)
        return [
            f"{self._name(sid)}: the same command acted {often} times"
            for (sid, form), often in times.items()
            if often > 1 + (self._known_undone.get(sid, 0) if form == Wrap().form() else 0)
        ]


def _can_be_newer(known: State, status: Status) -> bool:
    return follow(known, status) is not None or status in UNLISTED_STEPS.get(known, ())


def _command(request: Request) -> Command | None:
    """Return the command of an update, if it can be parsed."""
    try:
        return Command.from_form(request.form) if request.method == "POST" else None
    except InvalidCommand:
        return None


def _describe_reply(reply: Reply, reported: Reservation | None) -> str:
    if reported is not None:
        return reported.status
    return f"{reply.status}" + (", no reservation in it" if reply.status < 300 else "")


def _reservation(reply: Reply) -> Reservation | None:
    if not 200 <= reply.status < 300:
        return None
    try:
        return read_reservation(reply.body)
    except MalformedReply:
        return None
