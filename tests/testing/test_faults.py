"""The faults do what they are called, by plan, in both flavours, and are counted."""

from __future__ import annotations

import asyncio
from random import Random

import attrs
import pytest

from reservation_core import (
    GatewayError,
    NotSent,
    Reply,
    Request,
    Reservation,
    Route,
    Status,
    prepare,
    prepare_fetch,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.faults import (
    Fault,
    FaultyGateway,
    Rival,
    VirtualClock,
    draw_plan,
)
from tests.campaigns.delivery import COMMANDS, SID, WHERE, acts_of

ACCEPT, CALL, CONFERENCE = COMMANDS[0], COMMANDS[4], COMMANDS[7]
REQUEST = prepare(WHERE, ACCEPT)


def faulty(
    *plan: Fault, status: Status = Status.PENDING
) -> tuple[FaultyGateway, Platform, VirtualClock]:
    """Make a platform behind faults."""
    platform, clock = Platform(), VirtualClock()
    platform.add(attrs.evolve(WHERE, status=status))
    return (
        FaultyGateway(InMemoryGateway(platform), plan, platform=platform, clock=clock),
        platform,
        clock,
    )


def send(gateway: FaultyGateway, request: Request, *, in_a_loop: bool) -> Reply | GatewayError:
    """Send in either flavour, and give what comes back."""
    try:
        return asyncio.run(gateway.asend(request)) if in_a_loop else gateway.send(request)
    except GatewayError as error:
        return error


@pytest.mark.parametrize("in_a_loop", [False, True])
@pytest.mark.parametrize(
    ("fault", "outcome", "acted", "took"),
    [
        (Fault(), 200, 1, 0.0),
        (Fault(FaultKind.NOT_SENT), NotSent, 0, 0.0),
        (Fault(FaultKind.LOST_REQUEST), GatewayError, 0, 5.0),
        (Fault(FaultKind.LOST_REPLY), GatewayError, 1, 5.0),
        (Fault(FaultKind.DELAYED), GatewayError, 0, 5.0),
        (Fault(FaultKind.RESET_BEFORE), GatewayError, 0, 0.0),
        (Fault(FaultKind.RESET_AFTER), GatewayError, 1, 0.0),
        (Fault(FaultKind.DUPLICATE), 200, 2, 0.0),
        (Fault(FaultKind.THROTTLED), 429, 0, 0.0),
        (Fault(FaultKind.FAILED_BEFORE, status=500), 500, 0, 0.0),
        (Fault(FaultKind.FAILED_AFTER), 503, 1, 0.0),
        (Fault(FaultKind.UNREADABLE), 200, 1, 0.0),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else None,
)
def test_each_fault_is_what_it_is_called(
    fault: Fault, outcome: int | type[GatewayError], acted: int, took: float, *, in_a_loop: bool
) -> None:
    """Each kind acts, answers and takes time as its name says, once, and is counted; then all goes well."""
    gateway, platform, clock = faulty(fault)
    back = send(gateway, prepare(WHERE, CALL), in_a_loop=in_a_loop)
    if isinstance(back, Reply):
        assert back.status == outcome
    else:
        assert type(back) is outcome
    assert (acts_of(platform, "client"), clock.now) == (acted, took)
    assert gateway.counts == ({} if fault.kind is FaultKind.NONE else {fault.kind.value: 1})
    good = send(gateway, prepare_fetch(WHERE), in_a_loop=in_a_loop)
    assert isinstance(good, Reply)
    assert good.status == 200


def test_every_kind_is_tried_above() -> None:
    """No kind is without its line."""
    marks = test_each_fault_is_what_it_is_called.pytestmark  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
    assert {row[0].kind for row in marks[0].args[1]} == set(FaultKind)


@pytest.mark.parametrize("wait", [None, 0.0, 2.5])
def test_a_throttle_names_its_wait(wait: float | None) -> None:
    """A 429 says when to come back, or does not."""
    assert faulty(Fault(FaultKind.THROTTLED, retry_after=wait))[0].send(REQUEST).retry_after == wait


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_delayed_request_arrives_later(late: int) -> None:
    """It arrives just before the exchange it was delayed to, and at the end at the latest."""
    gateway, platform, _ = faulty(Fault(FaultKind.DELAYED, late=late))
    with pytest.raises(GatewayError):
        gateway.send(REQUEST)
    for number in range(1, 4):
        gateway.send(prepare_fetch(WHERE))
        assert acts_of(platform, "client") == (number >= late)


@pytest.mark.parametrize("in_a_loop", [False, True])
def test_in_the_end_everything_arrives(*, in_a_loop: bool) -> None:
    """What is still under way arrives when the network settles, once."""
    gateway, platform, _ = faulty(Fault(FaultKind.DELAYED, late=3))
    assert isinstance(send(gateway, REQUEST, in_a_loop=in_a_loop), GatewayError)
    for _ in range(2):
        asyncio.run(gateway.asettle()) if in_a_loop else gateway.settle()
    assert acts_of(platform, "client") == 1


@pytest.mark.parametrize(
    ("rival", "before", "after"),
    [
        (Rival.WRITES, Status.PENDING, Status.PENDING),
        (Rival.WRITES, Status.WRAPPING, Status.WRAPPING),
        (Rival.ACCEPTS, Status.PENDING, Status.ACCEPTED),
        (Rival.REJECTS, Status.PENDING, Status.REJECTED),
        (Rival.HOLDS, Status.PENDING, Status.PENDING),
        (Rival.WRAPS, Status.ACCEPTED, Status.WRAPPING),
        (Rival.COMPLETES, Status.ACCEPTED, Status.COMPLETED),
        (Rival.CANCELS, Status.PENDING, Status.CANCELED),
        (Rival.TIMES_OUT, Status.PENDING, Status.TIMEOUT),
        (Rival.RESCINDS, Status.PENDING, Status.RESCINDED),
        (Rival.ANSWERS, Status.PENDING, Status.ACCEPTED),
    ],
)
def test_a_rival_acts_first(rival: Rival, before: Status, after: Status) -> None:
    """A rival acts just before the exchange, is in the journal as one, and is counted; where it cannot act, nothing happens."""
    gateway, platform, _ = faulty(Fault(rival=rival), status=before)
    gateway.send(prepare_fetch(WHERE))
    assert platform.get(SID).status is after
    assert [act.by for act in platform.journal] == ["rival"]
    assert gateway.counts == {rival.value: 1}
    gateway, platform, _ = faulty(Fault(rival=rival), status=Status.COMPLETED)
    gateway.send(prepare_fetch(WHERE))
    assert (list(platform.journal), gateway.counts) == ([], {})


def test_a_rival_needs_a_reservation() -> None:
    """A request for nothing that is known, or without anybody to meddle, has no rival."""
    gateway, platform, _ = faulty(Fault(rival=Rival.ACCEPTS), Fault(rival=Rival.ACCEPTS))
    gateway.send(Request("GET", "/elsewhere"))
    gateway.send(prepare_fetch(attrs.evolve(WHERE, sid="WR" + "0" * 32)))
    FaultyGateway(InMemoryGateway(platform), [Fault(rival=Rival.ACCEPTS)]).send(
        prepare_fetch(WHERE)
    )
    assert list(platform.journal) == []


def test_a_plan_is_drawn_from_its_seed() -> None:
    """The same seed draws the same plan; all kinds and rivals come up, none beyond those asked for, and no plan is too long."""
    assert [draw_plan(Random(1)) for _ in range(3)] == [draw_plan(Random(1)) for _ in range(3)]
    random = Random(2)
    plans = [draw_plan(random) for _ in range(2000)]
    assert {fault.kind for plan in plans for fault in plan} == set(FaultKind)
    assert {fault.rival for plan in plans for fault in plan} == set(Rival)
    assert {len(plan) for plan in plans} == set(range(7))
    few = [
        draw_plan(random, kinds=[FaultKind.THROTTLED], rivals=[Rival.CANCELS], longest=2, rate=1)
        for _ in range(200)
    ]
    assert {fault.kind for plan in few for fault in plan} == {FaultKind.THROTTLED}
    assert {fault.retry_after for plan in few for fault in plan} == {None, 0.0, 1.0, 60.0}


def test_the_journal_tells_who_did_what() -> None:
    """The emulated platform records every command and fact with its author and the version it made."""
    platform = Platform()
    held: Reservation = platform.add(WHERE)
    assert held.etag == "0"
    InMemoryGateway(platform).send(prepare(held, CONFERENCE, route=Route.WORKER))
    platform.set_status(SID, Status.ACCEPTED)
    acts = [(act.sid, act.trigger, act.by, act.version) for act in platform.journal]
    assert acts == [(SID, "conference", "client", "1"), (SID, "accepted", "platform", "2")]


def test_virtual_time_passes_when_somebody_waits() -> None:
    """The clock goes on by what is slept, in both flavours, and by nothing else."""
    clock = VirtualClock()
    clock.sleep(1.5)
    asyncio.run(clock.asleep(2.0))
    assert clock() == clock.now == 3.5
