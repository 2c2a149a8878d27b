"""Fault injection in process: a gateway with planned faults, in virtual time.

A plan is plain data, an iterable of :class:`Fault`: each exchange, reads included, takes the first
fault that matches it. Once the plan is used up, exchanges succeed. So a plan can be drawn, shrunk,
printed and pasted. :func:`draw_plan` draws one from a seeded source.

A *rival* is a concurrent writer: another client, a worker's click, or the platform's own timers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Final, TypeAlias

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
from reservation_core.emulator.faults import ACTING_KINDS, Fault, FaultKind, FaultPlan, Rival
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.errors import GatewayError, NotSent
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.wrapping import GatewayWrapper, WrappedExchange, find_sid

__all__ = [
    "Fault",
    "FaultKind",
    "FaultPlan",
    "FaultyGateway",
    "FaultyGatewayFactory",
    "Rival",
    "VirtualClock",
    "draw_plan",
]

_NO_FAULT: Final = Fault()


def draw_plan(
    random: Random,
    *,
    kinds: Iterable[FaultKind] = FaultKind,
    rivals: Iterable[Rival] = Rival,
    longest: int = 6,
    rate: float = 0.5,
) -> tuple[Fault, ...]:
    """Draw a fault plan from a seeded source.

    :param random: the seeded source.
    :param kinds: the network faults to choose from.
    :param rivals: the concurrent writer's acts to choose from.
    :param longest: the largest number of faults.
    :param rate: probability of a network fault for each exchange; half of it for a rival's act.
    """
    kinds, rivals = tuple(kinds), tuple(rivals)

    def fault() -> Fault:
        kind = random.choice(kinds) if random.random() < rate else FaultKind.NONE
        rival = random.choice(rivals) if random.random() < rate / 2 else Rival.NONE
        wait = random.choice((None, 0.0, 1.0, 60.0)) if kind is FaultKind.THROTTLED else None
        return Fault(kind, rival, random.choice((500, 503)), wait, random.randint(1, 3))

    return tuple(fault() for _ in range(random.randint(0, longest)))


class VirtualClock:
    """Clock with a sync and an async sleep. Time passes only in a sleep."""

    def __init__(self) -> None:
        self.now: float = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class FaultyGateway(GatewayWrapper):
    """Gateway wrapper that injects planned faults.

    It is sync or async like the gateway it wraps. ``plan`` holds the faults still to come; more
    can be added to it. ``counts`` has the number of each fault and of each rival's act.

    :param gateway: the gateway to wrap.
    :param faults: the faults of the exchanges, in order.
    :param platform: the emulator's platform on which rivals act; without it they do nothing.
    :param clock: the clock on which time-outs pass.
    :param timeout: seconds until a missing reply is given up.
    """

    def __init__(
        self,
        gateway: Gateway | AsyncGateway,
        faults: Iterable[Fault] = (),
        *,
        platform: Platform | None = None,
        clock: VirtualClock | None = None,
        timeout: float = 5.0,
    ) -> None:
        super().__init__(gateway)
        self.plan: Final = FaultPlan(faults)
        self._platform = platform
        self._clock = clock or VirtualClock()
        self._timeout = timeout
        self._delayed: list[tuple[int, Request]] = []  # exchanges to wait for, and the request
        self.counts: Final[Counter[str]] = Counter()

    def settle(self) -> None:
        """Deliver all delayed requests."""
        self._drive(self._deliver_delayed(everything=True))

    async def asettle(self) -> None:
        """Deliver all delayed requests."""
        await self._adrive(self._deliver_delayed(everything=True))

    def exchange(self, request: Request) -> WrappedExchange:
        """Exchange one request with its planned fault."""
        fault = self.plan.take(request.method, request.path) or _NO_FAULT
        yield from self._deliver_delayed()
        if self._platform is not None and _act_as(fault.rival, self._platform, request):
            self.counts[fault.rival.value] += 1
        if fault.kind is FaultKind.NONE:
            return (yield request)
        self.counts[fault.kind.value] += 1
        if fault.kind in ACTING_KINDS:
            reply = yield request
            if fault.kind is FaultKind.DUPLICATE:
                yield request
                return reply
        return fault.planned_reply() or self._fail(fault, request)

    def _fail(self, fault: Fault, request: Request) -> Reply:
        match fault.kind:
            case FaultKind.NOT_SENT:
                raise NotSent("no connection, by plan")
            case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER:
                raise GatewayError("the connection was reset, by plan")
            case _:
                if fault.kind is FaultKind.DELAYED:
                    self._delayed.append((fault.late, request))
                self._clock.sleep(self._timeout)
                raise GatewayError(f"no complete reply in {self._timeout:g} s, by plan")

    def _deliver_delayed(self, *, everything: bool = False) -> WrappedExchange:
        """Deliver the delayed requests that are due, and drop their replies."""
        delayed, self._delayed = self._delayed, []
        for late, request in delayed:
            if everything or late <= 1:
                yield request
            else:
                self._delayed.append((late - 1, request))
        return Reply(204)


FaultyGatewayFactory: TypeAlias = Callable[..., FaultyGateway]
"""Function that takes faults, in order: the pytest fixture ``faulty_gateway``."""

_ACTS: Final[Mapping[Rival, tuple[Command | Status, ...]]] = {
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
"""Commands and facts of each rival; the first that the lifecycle allows is carried out."""


def _act_as(rival: Rival, platform: Platform, request: Request) -> bool:
    """Carry out a rival's act on the request's reservation, if possible."""
    sid = find_sid(request)
    for act in _ACTS[rival]:
        try:
            if isinstance(act, Status):
                platform.set_status(sid, act, by="rival")
            else:
                platform.execute(sid, act, by="rival")
        except (KeyError, StateConflict):
            continue
        return True
    return False
