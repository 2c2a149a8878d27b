"""Many updates through a network and rivals that fail by plan, each verdict judged by the journal of the emulated platform.

``python -m tests.campaigns.delivery --updates 100000 --seed 1`` prints the counts; the exit code is 1 when anything is wrong. Time is virtual.
With ``--gateway pyreqwest`` (or another) the same cases go through that gateway, over sockets on 127.0.0.1; faults befall it from above.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from random import Random
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs

from reservation_core import (
    Accept,
    Call,
    Command,
    Complete,
    Conference,
    Dequeue,
    GatewayError,
    Indistinguishable,
    LostRace,
    NotSent,
    OutcomeUnknown,
    Policy,
    Redirect,
    Refused,
    Reject,
    Request,
    Reservation,
    ReservationError,
    Route,
    Status,
    Supervise,
    Wrap,
    aperform,
    perform,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.gateways.settings import Credentials
from reservation_core.rest.messages import IF_MATCH
from reservation_core.testing.contract.loopback import (
    MAX_WAIT,
    Connection,
    LoopbackServer,
    response_head,
)
from reservation_core.testing.faults import (
    Fault,
    FaultyGateway,
    Rival,
    VirtualClock,
    draw_plan,
)

HEX: Final = "0123456789abcdef" * 2
SID: Final = f"WR{HEX}"
WHERE: Final = Reservation(
    sid=SID,
    account_sid=f"AC{HEX}",
    workspace_sid=f"WS{HEX}",
    task_sid=f"WT{HEX}",
    worker_sid=f"WK{HEX}",
    status=Status.PENDING,
)
COMMANDS: Final[tuple[Command, ...]] = (
    Accept(),
    Reject(),
    Dequeue(to="client:alice"),
    Call(from_="+15005550006", url="https://example.com", accept=True),
    Call(from_="+15005550006", url="https://example.com"),
    Redirect(call_sid=f"CA{HEX}", url="https://example.com", accept=True),
    Redirect(call_sid=f"CA{HEX}", url="https://example.com"),
    Conference(to="client:alice"),
    Supervise(supervisor=f"WK{HEX}", supervisor_mode="monitor"),
    Wrap(),
    Complete(),
)
WORKING: Final = (Status.ACCEPTED, Status.WRAPPING)
STARTS: Final = {"supervise": WORKING, "wrap": WORKING[:1], "complete": WORKING}
CAREFUL: Final = Policy()
ALONE: Final = Policy(sole_writer=True)
ALONE_RIVALS: Final = (Rival.CANCELS, Rival.TIMES_OUT, Rival.RESCINDS)
"""What may happen to a reservation that nobody else commands."""
GATEWAYS: Final = {
    "pyreqwest": "PyreqwestGateway",
    "pyreqwest-async": "AsyncPyreqwestGateway",
    "httpx2": "Httpx2Gateway",
    "httpx2-async": "AsyncHttpx2Gateway",
    "aiohttp": "AiohttpGateway",
    "twilio": "TwilioGateway",
    "twilio-async": "AsyncTwilioGateway",
}
"""The gateways over sockets; each is imported only when it is asked for."""


@attrs.frozen
class Case:
    """One update: what is asked, from where, knowing what, and what goes wrong."""

    command: Command
    start: Status
    versioned: bool
    route: Route
    plan: tuple[Fault, ...]
    policy: Policy = CAREFUL


def is_silent(command: Command) -> bool:
    """Whether the lifecycle lets a command act again and again, so that only a version could stop a second delivery."""
    return command.trigger == "supervise" or (
        command.trigger in ("call", "redirect") and not command.is_accepting
    )


def shows_nothing(command: Command) -> bool:
    """Whether the effect of a command comes later, so that a reading shows nothing at first."""
    return is_silent(command) or command.trigger in ("dequeue", "conference")


def kinds_for(command: Command, *, versioned: bool, route: Route) -> tuple[FaultKind, ...]:
    """Give what may go wrong: all, but for what no sender can help, the network itself doubling what nothing can hold back."""
    helpless = is_silent(command) and not (versioned and route is Route.TASK)
    return tuple(kind for kind in FaultKind if not (helpless and kind is FaultKind.DUPLICATE))


@attrs.frozen
class Judged:
    """What came of a case: the verdict, how often our command acted, what befell, and everything that is wrong about it."""

    verdict: str
    acted: int
    counts: Counter[str]
    wrong: tuple[str, ...]


class Wire:
    """One real gateway, open all along, and a server on 127.0.0.1 that answers for one platform after the other."""

    def __init__(self, name: str, runner: asyncio.Runner) -> None:
        self.exchanges = 0
        self.server: Final = LoopbackServer(self._answer, max_connections=8)
        self.runner: Final = runner
        self.in_a_loop: Final = GATEWAYS[name].startswith("Async") or name == "aiohttp"
        self.gateway: Final[Any] = (
            runner.run(self._opened(name)) if self.in_a_loop else self._open(name)
        )
        self._platform = InMemoryGateway()

    def to(self, platform: Platform) -> Any:
        """Give the gateway, which from now on leads to this platform."""
        self._platform = InMemoryGateway(platform)
        self.server.requests.clear()  # what is on record stays small
        return self.gateway

    def _answer(self, connection: Connection) -> bool:
        received = connection.receive()
        self.exchanges += 1
        method, path, _ = received.line.split(" ")
        versions = [(IF_MATCH, version) for version in received.all(IF_MATCH)]
        form = parse_qsl(
            received.body.decode(), keep_blank_values=True, strict_parsing=bool(received.body)
        )
        reply = self._platform.send(Request(method, path, versions, tuple(form)))
        length = ("Content-Length", str(len(reply.body)))
        connection.write(
            response_head(f"{reply.status} -", [*reply.headers.pairs, length]) + reply.body
        )
        return True

    async def _opened(self, name: str) -> Any:
        return self._open(name)

    def _open(self, name: str) -> Any:
        library, credentials = (
            name.removesuffix("-async"),
            Credentials(str(WHERE.account_sid), "token"),
        )
        kind: Any = getattr(import_module(f"reservation_core.gateways.{library}"), GATEWAYS[name])
        if library != "twilio":
            return kind(credentials, base_url=self.server.origin, timeout=MAX_WAIT)
        http: Any = (
            import_module("twilio.http.async_http_client").AsyncTwilioHttpClient()
            if self.in_a_loop
            else None
        )
        twilio: Any = import_module("twilio.rest")
        self._client: Any = twilio.Client(
            credentials.username, credentials.password, http_client=http, environment={"": ""}
        )
        self._client.taskrouter.base_url = self.server.origin
        return kind(self._client, timeout=MAX_WAIT)

    def close(self) -> None:
        """Close the gateway, and the client beneath it where that is the service's own."""
        client = getattr(self, "_client", None)
        if self.in_a_loop:
            self.runner.run(self.gateway.aclose())
            if client:
                self.runner.run(client.http_client.close())
        else:
            self.gateway.close()
            if client:
                client.http_client.session.close()


@contextmanager
def wired(name: str) -> Generator[Wire]:
    """Open a gateway to a server of its own."""
    with asyncio.Runner() as runner:
        wire = Wire(name, runner)
        with wire.server:
            try:
                yield wire
            finally:
                wire.close()


def run(case: Case, *, in_a_loop: bool = False, wire: Wire | None = None) -> Judged:
    """Deliver one command, in a thread or in an event loop, in memory or over a wire, and let the journal judge."""
    clock, platform = VirtualClock(), Platform()
    held = platform.add(attrs.evolve(WHERE, status=case.start))
    beneath = InMemoryGateway(platform) if wire is None else wire.to(platform)
    in_a_loop = in_a_loop if wire is None else wire.in_a_loop
    finish = asyncio.run if wire is None else wire.runner.run
    gateway = FaultyGateway(beneath, case.plan, platform=platform, clock=clock)
    known = held if case.versioned else attrs.evolve(held, etag=None)
    jitter = Random(len(case.plan)).random
    outcome: Reservation | ReservationError
    try:
        if in_a_loop:
            asleep = clock.asleep
            delivery = aperform(
                known,
                case.command,
                gateway,
                route=case.route,
                policy=case.policy,
                clock=clock,
                sleep=asleep,
                random=jitter,
            )
            outcome = finish(delivery)
        else:
            outcome = perform(
                known,
                case.command,
                gateway,
                route=case.route,
                policy=case.policy,
                clock=clock,
                sleep=clock.sleep,
                random=jitter,
            )
    except ReservationError as error:
        outcome = error
    took, now, acted = clock.now, platform.get(SID), acts_of(platform, "client")
    # What was still under way arrives now, when the verdict is out.
    if in_a_loop:
        finish(gateway.asettle())
    else:
        gateway.settle()
    in_the_end = acts_of(platform, "client")
    wrong = [*judge(case, outcome, now, acted, in_the_end, acts_of(platform, "rival"))]
    if took > case.policy.deadline + 5.0 * 2:  # an exchange or two may be under way when it passes
        wrong.append("it went on beyond the deadline")
    return Judged(type(outcome).__name__, in_the_end, gateway.counts, tuple(wrong))


def acts_of(platform: Platform, who: str) -> int:
    """Count what somebody did."""
    return sum(act.by == who for act in platform.journal)


def judge(
    case: Case,
    outcome: Reservation | ReservationError,
    now: Reservation,
    acted: int,
    in_the_end: int,
    rivals: int,
) -> list[str]:
    """Say all that is wrong with a verdict.

    :param now: the reservation as the platform held it when the verdict was given.
    :param acted: how often our command had acted by then; ``in_the_end`` counts what arrived later, too.
    """
    wrong = ["double action"] if in_the_end > 1 else []
    shown = attrs.evolve(now, etag=now.etag if case.route is Route.TASK else None)
    match outcome:
        case Reservation():
            if acted != 1:
                wrong.append("done, but it did not act")
            if (outcome.status, outcome.etag, outcome.on_hold) != (
                shown.status,
                shown.etag,
                shown.on_hold,
            ):
                wrong.append("done, but the reservation is another")
        case OutcomeUnknown():
            wrong += [
                f"cannot tell, but {why}" for why in _could_tell(case, outcome, now, acted, rivals)
            ]
        case Refused() | NotSent():
            if acted:
                wrong.append("lost acknowledgement")
            elif in_the_end:
                wrong.append("not done, but it acted later")
            if (
                isinstance(outcome, LostRace)
                and outcome.reservation is not None
                and outcome.reservation.status is not now.status
            ):
                wrong.append("not done, but the reservation is another")
        case _:
            wrong.append(f"no verdict: {type(outcome).__name__}")
    if not isinstance(outcome, Reservation) and not (
        isinstance(outcome, (Refused, GatewayError)) and outcome.attempts
    ):
        wrong.append("the attempts are missing")
    return wrong


def _could_tell(
    case: Case, error: OutcomeUnknown, now: Reservation, acted: int, rivals: int
) -> list[str]:
    """Say by what a reader could have told whether it acted."""
    found: list[str] = []
    sendings = [attempt for attempt in error.attempts if attempt.request.method == "POST"]
    if not any(
        attempt.outcome in ("GatewayError", "ServerFailed", "MalformedReply")
        for attempt in sendings
    ):
        found.append("no outcome was ever open")
    if isinstance(error, Indistinguishable):
        if error.reservation is None or error.reservation.status is not now.status:
            found.append("the reservation is another")
        if not acted and not rivals:
            found.append("nobody did anything")
        if case.policy.sole_writer and now.status not in (
            Status.CANCELED,
            Status.TIMEOUT,
            Status.RESCINDED,
        ):
            found.append("there is nobody else")
    elif error.attempts[-1].outcome in list(Status) and not (
        is_silent(case.command)
        or case.command.trigger in ("dequeue", "conference", "call", "redirect")
    ):
        used_up = len(sendings) == case.policy.attempts
        late = (
            error.attempts[-1].started + error.attempts[-1].duration + case.policy.backoff_cap
            >= case.policy.deadline
        )
        if not (used_up or late):
            found.append("it was read and could be sent again")
    return found


def draw_case(random: Random) -> Case:
    """Draw a case."""
    command = random.choice(COMMANDS)
    alone = random.random() < 0.25
    route = Route.WORKER if command.trigger != "supervise" and random.random() < 0.2 else Route.TASK
    versioned = random.random() < 0.5
    plan = draw_plan(
        random,
        kinds=kinds_for(command, versioned=versioned, route=route),
        rivals=ALONE_RIVALS if alone else Rival,
    )
    start = random.choice(STARTS.get(command.trigger, (Status.PENDING,)))
    return Case(command, start, versioned, route, plan, ALONE if alone else CAREFUL)


def campaign(
    updates: int, seed: int, wire: Wire | None = None
) -> tuple[Counter[str], Counter[str], list[tuple[Case, Judged]]]:
    """Run so many updates: the verdicts, what befell, and the cases that went wrong."""
    random = Random(seed)
    verdicts, faults = Counter[str](), Counter[str]()
    wrong: list[tuple[Case, Judged]] = []
    for _ in range(updates):
        case = draw_case(random)
        judged = run(case, wire=wire)
        verdicts[judged.verdict] += 1
        verdicts[f"{'alone' if case.policy.sole_writer else 'among rivals'}: {judged.verdict}"] += 1
        faults += judged.counts
        if judged.wrong:
            wrong.append((case, judged))
    return verdicts, faults, wrong


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaigns.delivery", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--updates", type=int, help="100,000 in memory, 500 over sockets, unless given"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--gateway",
        choices=["memory", *GATEWAYS],
        default="memory",
        help="what the requests go through",
    )
    options = parser.parse_args(arguments)
    updates = (
        (100_000 if options.gateway == "memory" else 500)
        if options.updates is None
        else options.updates
    )
    if updates < 1:
        parser.error("--updates must be 1 or more")
    began = time.perf_counter()
    sockets = ""
    if options.gateway == "memory":
        verdicts, faults, wrong = campaign(updates, options.seed)
    else:
        with wired(options.gateway) as wire:
            verdicts, faults, wrong = campaign(updates, options.seed, wire)
        sockets = f"over sockets       {wire.exchanges:>9,}   (exchanges by {options.gateway}, {wire.server.connections} connections)\n"
    complaints = Counter(complaint for _, judged in wrong for complaint in judged.wrong)
    unknown = verdicts["OutcomeUnknown"] + verdicts["Indistinguishable"]
    say = sys.stdout.write
    say(
        f"updates            {updates:>9,}   (seed {options.seed}, {time.perf_counter() - began:.0f} s)\n"
    )
    say(sockets)
    say(f"faults injected    {faults.total():>9,}\n")
    for name, count in sorted(faults.items()):
        say(f"  {name:<28} {count:>9,}\n")
    say(f"double actions     {complaints['double action']:>9,}\n")
    say(f"lost acknowledgements {complaints['lost acknowledgement']:>6,}\n")
    say(f"wrong verdicts     {len(wrong):>9,}\n")
    say(f"cannot tell        {unknown:>9,}   ({unknown / updates:.1%})\n")
    for name, count in sorted(verdicts.items()):
        say(f"  {name:<40} {count:>9,}\n")
    for case, judged in wrong[:5]:
        say(f"wrong: {judged.wrong} {judged.verdict}\n  {case}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
