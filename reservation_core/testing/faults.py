"""A network and rivals that fail by plan: a wrapper around any gateway, sync or async, in virtual time.

A plan is plain data, a tuple of :class:`Fault`: the n-th exchange, readings included, suffers the n-th fault; after the last one all
goes well. So a plan can be drawn, shrunk, printed and pasted. :func:`draw_plan` draws one from a seeded source.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from enum import StrEnum
from functools import partial
from random import Random
from typing import Final, TypeAlias, cast

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import (
    Accept,
    Call,
    Complete,
    Conference,
    Reject,
    Supervise,
    Wrap,
)
from reservation_core.domain.lifecycle import Status
from reservation_core.emulator import Platform, StateConflict
from reservation_core.emulator.faults import ACTING
from reservation_core.emulator.faults import FaultKind as FaultKind  # noqa: PLC0414 - it is part of the vocabulary here
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request


class Rival(StrEnum):
    """What somebody else does just before an exchange."""

    NONE = "none"
    WRITES = "rival writes"  #: the version moves on, the status does not
    ACCEPTS = "rival accepts"
    REJECTS = "rival rejects"
    HOLDS = "rival begins a conference"
    WRAPS = "rival wraps"
    COMPLETES = "rival completes"
    CANCELS = "canceled"
    TIMES_OUT = "timed out"
    RESCINDS = "rescinded"
    ANSWERS = "worker answers"  #: what was on hold is accepted


@attrs.frozen
class Fault:
    """What befalls one exchange: first the rival, then the network.

    :param status: of a 5xx.
    :param retry_after: seconds that a 429 names; ``None`` for none.
    :param late: how many exchanges later a delayed request arrives.
    """

    kind: FaultKind = FaultKind.NONE
    rival: Rival = Rival.NONE
    status: int = 503
    retry_after: float | None = None
    late: int = 1


Plan: TypeAlias = tuple[Fault, ...]
RivalAction: TypeAlias = Callable[[Rival, Request], bool]
"""Lets a rival act on what a request is about; tells whether it could."""

_NOTHING: Final = Fault()


def draw_plan(
    random: Random,
    *,
    kinds: Iterable[FaultKind] = FaultKind,
    rivals: Iterable[Rival] = Rival,
    longest: int = 6,
    rate: float = 0.5,
) -> Plan:
    """Draw a plan: every exchange suffers a fault, and is preceded by a rival, at that rate each (a rival half as often)."""
    kinds, rivals = tuple(kinds), tuple(rivals)

    def fault() -> Fault:
        kind = random.choice(kinds) if random.random() < rate else FaultKind.NONE
        rival = random.choice(rivals) if random.random() < rate / 2 else Rival.NONE
        wait = random.choice((None, 0.0, 1.0, 60.0)) if kind is FaultKind.THROTTLED else None
        return Fault(kind, rival, random.choice((500, 503)), wait, random.randint(1, 3))

    return tuple(fault() for _ in range(random.randint(0, longest)))


class VirtualClock:
    """Seconds that pass only when somebody waits: the clock, and both kinds of sleep."""

    def __init__(self) -> None:
        self.now: float = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Let time pass, in an event loop."""
        self.now += seconds


class FaultyGateway:
    """A gateway whose exchanges go wrong by plan. It is sync or async as the gateway it wraps; ``counts`` says what befell, by kind.

    :param meddle: lets rivals act, see :func:`meddler`; without it no rival does.
    :param clock: in which time passes here.
    :param timeout: seconds after which a reply is given up.
    """

    def __init__(
        self,
        gateway: Gateway | AsyncGateway,
        plan: Iterable[Fault],
        *,
        meddle: RivalAction | None = None,
        clock: VirtualClock | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._gateway = gateway
        self._plan = iter(plan)
        self._meddle = meddle
        self._clock = clock or VirtualClock()
        self._timeout = timeout
        self._under_way: list[tuple[int, Request]] = []
        self.counts: Final[Counter[str]] = Counter()

    def send(self, request: Request) -> Reply:
        """Send one request through the faults."""
        return self._drive(self._befall(request))

    async def asend(self, request: Request) -> Reply:
        """Send one request through the faults, in an event loop."""
        return await self._adrive(self._befall(request))

    def settle(self) -> None:
        """Let whatever is still under way arrive."""
        self._drive(self._arrive(everything=True))

    async def asettle(self) -> None:
        """Let whatever is still under way arrive, in an event loop."""
        await self._adrive(self._arrive(everything=True))

    def _drive(self, flow: _Flow) -> Reply:
        gateway = cast("Gateway", self._gateway)
        try:
            request = next(flow)
            while True:
                request = flow.send(gateway.send(request))
        except StopIteration as end:
            done: Reply = end.value
            return done

    async def _adrive(self, flow: _Flow) -> Reply:
        gateway = cast("AsyncGateway", self._gateway)
        try:
            request = next(flow)
            while True:
                request = flow.send(await gateway.asend(request))
        except StopIteration as end:
            done: Reply = end.value
            return done

    def _befall(self, request: Request) -> _Flow:
        fault = next(self._plan, _NOTHING)
        yield from self._arrive()
        if (
            self._meddle is not None
            and fault.rival is not Rival.NONE
            and self._meddle(fault.rival, request)
        ):
            self.counts[fault.rival.value] += 1
        if fault.kind is FaultKind.NONE:
            return (yield request)
        self.counts[fault.kind.value] += 1
        if fault.kind in ACTING:
            reply = yield request
            if fault.kind is FaultKind.DUPLICATE:
                yield request
                return reply
        return self._break(fault, request)

    def _break(self, fault: Fault, request: Request) -> Reply:
        """Give what comes back of a broken exchange, or raise it."""
        match fault.kind:
            case FaultKind.NOT_SENT:
                raise NotSent("no connection, by plan")
            case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER:
                raise GatewayError("the connection was reset, by plan")
            case FaultKind.THROTTLED:
                return _error(
                    429,
                    20429,
                    {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"},
                )
            case FaultKind.FAILED_BEFORE | FaultKind.FAILED_AFTER:
                return _error(fault.status, 20500)
            case FaultKind.UNREADABLE:
                return Reply(200, {"Content-Type": "text/html"}, b"<html>")
            case _:
                if fault.kind is FaultKind.DELAYED:
                    self._under_way.append((fault.late, request))
                self._clock.sleep(self._timeout)
                raise GatewayError(f"no whole reply in {self._timeout:g} s, by plan")

    def _arrive(self, *, everything: bool = False) -> _Flow:
        """Let those requests arrive whose time has come; nobody hears the answer."""
        under_way, self._under_way = self._under_way, []
        for late, request in under_way:
            if everything or late <= 1:
                yield request
            else:
                self._under_way.append((late - 1, request))
        return Reply(204)


_Flow: TypeAlias = Generator[Request, Reply, Reply]


def _error(status: int, code: int, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps({"code": code, "message": "by plan", "status": status})
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body.encode())


_DOES: Final[Mapping[Rival, tuple[Command | Status, ...]]] = {
    Rival.NONE: (),
    Rival.WRITES: (
        Call(from_="+15005550006", url="https://example.com/rival"),
        Supervise(supervisor="WK" + "0" * 32, supervisor_mode="monitor"),
    ),
    Rival.ACCEPTS: (Accept(),),
    Rival.REJECTS: (Reject(),),
    Rival.HOLDS: (Conference(to="client:rival"),),
    Rival.WRAPS: (Wrap(),),
    Rival.COMPLETES: (Complete(),),
    Rival.CANCELS: (Status.CANCELED,),
    Rival.TIMES_OUT: (Status.TIMEOUT,),
    Rival.RESCINDS: (Status.RESCINDED,),
    Rival.ANSWERS: (Status.ACCEPTED,),
}
"""What a rival does: the first of these that the lifecycle allows."""


def rival_actor(platform: Platform) -> RivalAction:
    """Make rivals that act on the emulator's platform, each recorded in its journal as ``rival``."""
    return partial(_meddle, platform)


def _meddle(platform: Platform, rival: Rival, request: Request) -> bool:
    where = parse_path(request.path)
    sid = "" if where is None else where[1].sid or ""
    for deed in _DOES[rival]:
        try:
            if isinstance(deed, Status):
                platform.report(sid, deed, by="rival")
            else:
                platform.carry_out(sid, deed, by="rival")
        except (KeyError, StateConflict):
            continue
        return True
    return False
