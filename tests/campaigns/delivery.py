"""Campaign of deliveries through planned faults and concurrent writers.

    python -m tests.campaigns.delivery --updates 100000 --seed 1

Each update is delivered in virtual time, and its outcome is checked against the journal of the
emulated platform. The counts are printed. The exit code is 1 if any outcome is wrong. With
``--gateway pyreqwest`` (or another) the same cases go through that gateway, over sockets on
127.0.0.1. The faults are then injected above the gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import attrs

from reservation_core import (
    GatewayError,
    Indistinguishable,
    LostRace,
    NotSent,
    OutcomeUnknown,
    Refused,
    Request,
    Reservation,
    ReservationError,
    Route,
    Status,
    aperform,
    perform,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, Settings
from reservation_core.emulator.platform.settings import SystemStatus
from reservation_core.testing.faults import FaultyGateway, VirtualClock
from reservation_core.testing.wrapping import GatewayWrapper, WrappedExchange
from tests.campaigns.delivery_cases import (
    SID,
    WHERE,
    Case,
    can_act_repeatedly,
    draw_case,
    is_unexpected,
)
from tests.campaigns.delivery_sockets import GATEWAYS, SocketGateway, open_sockets


@attrs.frozen
class CaseResult:
    """Result of one case.

    :param outcome: the class of the delivery's result or error.
    :param actions: how often our command acted, including late arrivals.
    :param counts: the injected faults and the acts of rivals, by kind.
    :param problems: everything that is wrong about the outcome.
    """

    outcome: str
    actions: int
    counts: Counter[str]
    problems: tuple[str, ...]


class UnexpectedSteps(GatewayWrapper):
    """Gateway wrapper that makes the unexpected step of a case."""

    def __init__(self, gateway: Any, case: Case, platform: Platform) -> None:
        super().__init__(gateway)
        self._step = case.unexpected
        self._platform = platform
        self._count = 0
        self.made = 0

    def exchange(self, request: Request) -> WrappedExchange:
        """Exchange one request, after the unexpected step if it is due."""
        self._count += 1
        self._platform.advance(1.0)  # so that the dates show each change
        step, held = self._step, self._platform.stored(SID)
        is_due = step is not None and self._count == step.before
        if step is not None and is_due and is_unexpected(held.reservation.status, step.target):
            self._platform.force_status(SID, step.target, by="rival")
            self.made += 1
        return (yield request)


def run(case: Case, *, is_async: bool = False, sockets: SocketGateway | None = None) -> CaseResult:
    """Deliver one command, in memory or over sockets, and check the outcome."""
    settings = Settings(
        orchestrated_accept=case.orchestrated, system_status=SystemStatus.CARRIED_OUT
    )
    clock, platform = VirtualClock(), Platform(ManualClock(), settings=settings)
    held = platform.add(attrs.evolve(WHERE, status=case.start))
    inner = InMemoryGateway(platform) if sockets is None else sockets.connect(platform)
    is_async = is_async if sockets is None else sockets.is_async
    complete = asyncio.run if sockets is None else sockets.runner.run
    gateway = FaultyGateway(inner, case.plan, platform=platform, clock=clock)
    steps = UnexpectedSteps(gateway, case, platform)
    known = held if case.versioned else attrs.evolve(held, etag=None)
    jitter = Random(len(case.plan)).random
    outcome: Reservation | ReservationError
    try:
        if is_async:
            delivery = aperform(
                known,
                case.command,
                steps,
                route=case.route,
                policy=case.policy,
                clock=clock,
                sleep=clock.asleep,
                random=jitter,
            )
            outcome = complete(delivery)
        else:
            outcome = perform(
                known,
                case.command,
                steps,
                route=case.route,
                policy=case.policy,
                clock=clock,
                sleep=clock.sleep,
                random=jitter,
            )
    except ReservationError as error:
        outcome = error
    duration, now, actions = clock.now, platform.get(SID), acts_of(platform, "client")
    # Delayed requests arrive now, after the outcome.
    if is_async:
        complete(gateway.asettle())
    else:
        gateway.settle()
    all_actions = acts_of(platform, "client")
    problems = [*check(case, outcome, now, actions, all_actions, acts_of(platform, "rival"))]
    if duration > case.policy.deadline + 5.0 * 2:  # two exchanges may be under way when it passes
        problems.append("it continued beyond the deadline")
    if steps.made:
        gateway.counts["unexpected step"] += 1
    return CaseResult(type(outcome).__name__, all_actions, gateway.counts, tuple(problems))


def acts_of(platform: Platform, who: str) -> int:
    """Count the acts of one party in the journal."""
    return sum(act.by == who for act in platform.journal)


def check(
    case: Case,
    outcome: Reservation | ReservationError,
    now: Reservation,
    actions: int,
    all_actions: int,
    rivals: int,
) -> Iterator[str]:
    """Yield everything that is wrong about an outcome.

    :param now: the reservation as the platform held it at the time of the outcome.
    :param actions: how often our command had acted by then.
    :param all_actions: the same, including requests that arrived later.
    :param rivals: how often rivals acted.
    """
    if all_actions > 1:
        yield "double action"
    match outcome:
        case Reservation():
            if actions != 1:
                yield "done, but it did not act"
            etag = now.etag if case.route is Route.TASK else None
            shown = (now.status, etag, now.on_hold)
            if (outcome.status, outcome.etag, outcome.on_hold) != shown:
                yield "done, but the reservation is another"
        case OutcomeUnknown():
            for problem in _check_unknown(case, outcome, now, actions, rivals):
                yield f"outcome unknown, but {problem}"
        case Refused() | NotSent():
            if actions:
                yield "lost acknowledgement"
            elif all_actions:
                yield "not done, but it acted later"
            fetched = outcome.reservation if isinstance(outcome, LostRace) else None
            if fetched is not None and fetched.status is not now.status:
                yield "not done, but the reservation is another"
        case _:
            yield f"unexpected outcome: {type(outcome).__name__}"
    if not isinstance(outcome, Reservation) and not (
        isinstance(outcome, (Refused, GatewayError)) and outcome.attempts
    ):
        yield "the attempts are missing"


def _check_unknown(
    case: Case, error: OutcomeUnknown, now: Reservation, actions: int, rivals: int
) -> Iterator[str]:
    """Yield each fact from which the outcome could have been known."""
    sendings = [attempt for attempt in error.attempts if attempt.request.method == "POST"]
    unknown = ("GatewayError", "ServerFailed", "MalformedReply", "IllegalSuccession")
    refused = ("LostRace", "Refused")  # a proxy may have repeated a request that acted
    if not any(attempt.outcome in (*unknown, *refused) for attempt in sendings):
        yield "no sending had an unknown outcome"
    last = error.attempts[-1]
    if isinstance(error, Indistinguishable):
        if error.reservation is None or error.reservation.status is not now.status:
            yield "the reservation is another"
        if not actions and not rivals:
            yield "there was no action"
        set_by_platform = (Status.CANCELED, Status.TIMEOUT, Status.RESCINDED)
        if case.policy.sole_writer and now.status not in set_by_platform:
            yield "there is no other writer"
    elif (
        last.outcome in list(Status)
        and case.policy.strict
        and not now.status.is_terminal  # an accept that was on hold may have been canceled
        and sendings[-1].outcome not in ("LostRace", "Refused")
        and not (
            can_act_repeatedly(case.command)
            or case.command.trigger in ("dequeue", "conference", "call", "redirect")
            or (case.command.trigger == "wrap" and rivals)  # the platform may have undone it
        )
    ):
        is_used_up = len(sendings) == case.policy.attempts
        end = last.started + last.duration + case.policy.backoff_cap
        if not (is_used_up or end >= case.policy.deadline):
            yield "it was fetched and could be sent again"


def campaign(
    updates: int, seed: int, sockets: SocketGateway | None = None
) -> tuple[Counter[str], Counter[str], list[tuple[Case, CaseResult]]]:
    """Run updates. Return the outcomes, the faults and the wrong cases."""
    random = Random(seed)
    outcomes, faults = Counter[str](), Counter[str]()
    wrong: list[tuple[Case, CaseResult]] = []
    for _ in range(updates):
        case = draw_case(random)
        result = run(case, sockets=sockets)
        outcomes[result.outcome] += 1
        writers = "sole writer" if case.policy.sole_writer else "among rivals"
        outcomes[f"{writers}: {result.outcome}"] += 1
        faults += result.counts
        if result.problems:
            wrong.append((case, result))
    return outcomes, faults, wrong


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.delivery", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--updates", type=int, help="default: 100,000 in memory, 500 over sockets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--gateway",
        choices=["memory", *GATEWAYS],
        default="memory",
        help="the gateway that sends the requests",
    )
    options = parser.parse_args(arguments)
    updates: int | None = options.updates
    if updates is None:
        updates = 100_000 if options.gateway == "memory" else 500
    if updates < 1:
        parser.error("--updates must be 1 or more")
    began = time.perf_counter()
    socket_line = ""
    if options.gateway == "memory":
        outcomes, faults, wrong = campaign(updates, options.seed)
    else:
        with open_sockets(options.gateway) as sockets:
            outcomes, faults, wrong = campaign(updates, options.seed, sockets)
        socket_line = (
            f"over sockets       {sockets.exchanges:>9,}   (exchanges by {options.gateway}, "
            f"{sockets.server.connections} connections)\n"
        )
    seconds = time.perf_counter() - began
    write = sys.stdout.write
    write(f"updates            {updates:>9,}   (seed {options.seed}, {seconds:.0f} s)\n")
    write(socket_line)
    write(f"faults injected    {faults.total():>9,}\n")
    for name, count in sorted(faults.items()):
        write(f"  {name:<28} {count:>9,}\n")
    problems = Counter(problem for _, result in wrong for problem in result.problems)
    unknown = outcomes["OutcomeUnknown"] + outcomes["Indistinguishable"]
    write(f"double actions     {problems['double action']:>9,}\n")
    write(f"lost acknowledgements {problems['lost acknowledgement']:>6,}\n")
    write(f"wrong outcomes     {len(wrong):>9,}\n")
    write(f"unknown outcomes   {unknown:>9,}   ({unknown / updates:.1%})\n")
    for name, count in sorted(outcomes.items()):
        write(f"  {name:<40} {count:>9,}\n")
    for case, result in wrong[:5]:
        write(f"wrong: {result.problems} {result.outcome}\n  {case}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
