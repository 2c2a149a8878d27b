"""What a service sends, judged by what it could know: gateways that watch over the commands of a service under test.

:class:`Supervision` stands right under the service and knows what it was told, by notices and by replies that came back whole;
:class:`Arrivals` stands right above the platform and knows what acted. Between the two is the network that fails. What is held against a
service are rules 2 and 3 of :mod:`reservation_core.testing.stateful.machine`; nothing that goes through is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide, follow
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import ON_HOLD, TERMINAL, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.errors import GatewayError, MalformedReply, NotSent
from reservation_core.rest.messages import IF_MATCH, Reply, Request
from reservation_core.rest.reservation_payload import read_reservation


class Arrivals:
    """A gateway that keeps the updates that were carried out, and tells of each reply.

    :param told: hears of each request that reached the platform, and of its reply.
    """

    def __init__(
        self, beneath: Gateway | AsyncGateway, told: Callable[[Request, Reply], None]
    ) -> None:
        self._beneath = beneath
        self._told = told
        self.acted: Final[list[Request]] = []

    def send(self, request: Request) -> Reply:
        """Pass one request on."""
        return self._note(request, cast("Gateway", self._beneath).send(request))

    async def asend(self, request: Request) -> Reply:
        """Pass one request on, in an event loop."""
        return self._note(request, await cast("AsyncGateway", self._beneath).asend(request))

    def _note(self, request: Request, reply: Reply) -> Reply:
        # The network doubles a request as the same object; a service's own second sending is another one.
        if (
            request.method == "POST"
            and reply.status < 300
            and all(request is not known for known in self.acted)
        ):
            self.acted.append(request)
        self._told(request, reply)
        return reply


class Supervision:
    """The gateway that a service is handed. ``wrongs`` are the sentences held against it, in order.

    :param name: names a reservation in them, by its SID.
    """

    def __init__(
        self, beneath: Gateway | AsyncGateway, arrivals: Arrivals, name: Callable[[str], str]
    ) -> None:
        self._beneath = beneath
        self._arrivals = arrivals
        self._name = name
        self._known: dict[str, State] = {}
        self._open: set[str] = (
            set()
        )  # reservations with an exchange whose outcome is not known, and nothing read or told since
        self._wrongs: list[str] = []

    @property
    def wrongs(self) -> list[str]:
        """Everything that is held against the service so far."""
        return [*self._wrongs, *self._doubles()]

    def learn(self, told: Reservation) -> None:
        """Take note of what the service was told; what is older than what it knows tells it nothing."""
        sid, status = str(told.sid), told.status
        known = self._known.get(sid)
        if known is None or (known != status and follow(known, status) is not None):
            self._known[sid] = status
            self._open.discard(sid)

    def send(self, request: Request) -> Reply:
        """Pass one request of the service's on, through the network."""
        sending = self._watch(request)
        try:
            reply = cast("Gateway", self._beneath).send(sending)
        except GatewayError as error:
            self._failed(sending, error)
            raise
        return self._came(sending, reply)

    async def asend(self, request: Request) -> Reply:
        """Pass one request of the service's on, in an event loop."""
        sending = self._watch(request)
        try:
            reply = await cast("AsyncGateway", self._beneath).asend(sending)
        except GatewayError as error:
            self._failed(sending, error)
            raise
        return self._came(sending, reply)

    def _watch(self, request: Request) -> Request:
        """Judge a request before it is sent; each sending is an object of its own."""
        sid, command = _sid(request), _command(request)
        known = self._known.get(sid)
        if command is not None and known is not None:
            what = f"{command.trigger} was sent for {self._name(sid)}"
            if known in TERMINAL:
                self._wrongs.append(f"{what}, which the service was told is over ({known})")
            elif (decision := decide(known, command.trigger, command.is_accepting)).refusal:
                self._wrongs.append(f"{what}, and the service could know: {decision}")
            if sid in self._open and IF_MATCH not in request.headers:
                self._wrongs.append(
                    f"{what} while it was not known what became of an earlier command; read the reservation first"
                )
        return attrs.evolve(request)

    def _failed(self, request: Request, error: GatewayError) -> None:
        if request.method == "POST" and not isinstance(error, NotSent):
            self._open.add(_sid(request))

    def _came(self, request: Request, reply: Reply) -> Reply:
        sid, command = _sid(request), _command(request)
        told = _reservation(reply)
        if told is None:
            if request.method == "POST" and (reply.status >= 500 or reply.status < 300):
                self._open.add(sid)
            return reply
        before = self._known.get(sid, Status.PENDING)
        self.learn(told)
        if request.method == "GET":
            self._open.discard(sid)
        elif command is not None and told.status is Status.PENDING:
            edge = decide(before, command.trigger, command.is_accepting).edge
            if edge is not None and edge.target == ON_HOLD:
                self._known[sid] = ON_HOLD
        return reply

    def _doubles(self) -> list[str]:
        counts: dict[tuple[str, object], int] = {}
        for request in self._arrivals.acted:
            key = (_sid(request), request.form)
            counts[key] = counts.get(key, 0) + 1
        return [
            f"the same command acted {often} times on {self._name(sid)}"
            for (sid, _), often in counts.items()
            if often > 1
        ]


def _sid(request: Request) -> str:
    where = parse_path(request.path)
    return "" if where is None else where[1].sid or ""


def _command(request: Request) -> Command | None:
    """Read the command that an update asks for; one that cannot be read is the platform's to refuse."""
    try:
        return Command.from_form(request.form) if request.method == "POST" else None
    except InvalidCommand:
        return None


def _reservation(reply: Reply) -> Reservation | None:
    """Read the reservation that a reply tells of, where it does."""
    if not 200 <= reply.status < 300:
        return None
    try:
        return read_reservation(reply.body)
    except MalformedReply:
        return None
