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
    Route,
    Status,
    prepare,
    prepare_fetch,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.testing.faults import (
    Fault,
    FaultKind,
    FaultyGateway,
    Rival,
    VirtualClock,
    draw_plan,
)
from tests.campaigns.delivery import acts_of
from tests.campaigns.delivery_cases import COMMANDS, SID, WHERE

ACCEPT, CALL, CONFERENCE = COMMANDS[0], COMMANDS[4], COMMANDS[7]
REQUEST = prepare(WHERE, ACCEPT)


def faulty(
    *faults: Fault, status: Status = Status.PENDING
) -> tuple[FaultyGateway, Platform, VirtualClock]:
    """Return a faulty gateway to one reservation, its platform and clock."""
    platform, clock = Platform(), VirtualClock()
    platform.add(attrs.evolve(WHERE, status=status))
    gateway = FaultyGateway(InMemoryGateway(platform), faults, platform=platform, clock=clock)
    return gateway, platform, clock


def send(gateway: FaultyGateway, request: Request, *, is_async: bool) -> Reply | GatewayError:
    """Send sync or async. Return the reply or the error."""
    try:
        return asyncio.run(gateway.asend(request)) if is_async else gateway.send(request)
    except GatewayError as error:
        return error


@pytest.mark.parametrize("is_async", [False, True])
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
def test_fault_affects_one_exchange_as_its_kind_says(
    fault: Fault, outcome: int | type[GatewayError], acted: int, took: float, *, is_async: bool
) -> None:
    gateway, platform, clock = faulty(fault)
    back = send(gateway, prepare(WHERE, CALL), is_async=is_async)
    if isinstance(back, Reply):
        assert back.status == outcome
    else:
        assert type(back) is outcome
    assert (acts_of(platform, "client"), clock.now) == (acted, took)
    assert gateway.counts == ({} if fault.kind is FaultKind.NONE else {fault.kind.value: 1})
    after = send(gateway, prepare_fetch(WHERE), is_async=is_async)
    assert isinstance(after, Reply)
    assert after.status == 200


def test_every_kind_of_fault_is_tested_above() -> None:
    marks = test_fault_affects_one_exchange_as_its_kind_says.pytestmark  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
    assert {row[0].kind for row in marks[0].args[1]} == set(FaultKind)


def test_fault_affects_only_requests_that_match_it() -> None:
    gateway, platform, _ = faulty(Fault(FaultKind.RESET_BEFORE, method="POST", path_contains=SID))
    assert gateway.send(prepare_fetch(WHERE)).status == 200
    assert len(gateway.plan.pending) == 1
    with pytest.raises(GatewayError):
        gateway.send(REQUEST)
    assert acts_of(platform, "client") == 0
    assert not gateway.plan


@pytest.mark.parametrize("wait", [None, 0.0, 2.5])
def test_throttled_reply_has_the_planned_retry_after(wait: float | None) -> None:
    assert faulty(Fault(FaultKind.THROTTLED, retry_after=wait))[0].send(REQUEST).retry_after == wait


@pytest.mark.parametrize("late", [1, 2, 3])
def test_delayed_request_arrives_before_a_later_exchange(late: int) -> None:
    gateway, platform, _ = faulty(Fault(FaultKind.DELAYED, late=late))
    with pytest.raises(GatewayError):
        gateway.send(REQUEST)
    for number in range(1, 4):
        gateway.send(prepare_fetch(WHERE))
        assert acts_of(platform, "client") == (number >= late)


@pytest.mark.parametrize("is_async", [False, True])
def test_settle_delivers_delayed_requests_once(*, is_async: bool) -> None:
    gateway, platform, _ = faulty(Fault(FaultKind.DELAYED, late=3))
    assert isinstance(send(gateway, REQUEST, is_async=is_async), GatewayError)
    for _ in range(2):
        asyncio.run(gateway.asettle()) if is_async else gateway.settle()
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
def test_rival_acts_before_the_exchange_if_it_can(
    rival: Rival, before: Status, after: Status
) -> None:
    gateway, platform, _ = faulty(Fault(rival=rival), status=before)
    gateway.send(prepare_fetch(WHERE))
    assert platform.get(SID).status is after
    assert [act.by for act in platform.journal] == ["rival"]
    assert gateway.counts == {rival.value: 1}
    gateway, platform, _ = faulty(Fault(rival=rival), status=Status.COMPLETED)
    gateway.send(prepare_fetch(WHERE))
    assert (list(platform.journal), gateway.counts) == ([], {})


def test_rival_does_nothing_without_a_platform_or_a_known_reservation() -> None:
    gateway, platform, _ = faulty(Fault(rival=Rival.ACCEPTS), Fault(rival=Rival.ACCEPTS))
    gateway.send(Request("GET", "/elsewhere"))
    gateway.send(prepare_fetch(attrs.evolve(WHERE, sid="WR" + "0" * 32)))
    without_platform = FaultyGateway(InMemoryGateway(platform), [Fault(rival=Rival.ACCEPTS)])
    without_platform.send(prepare_fetch(WHERE))
    assert list(platform.journal) == []


def test_same_seed_draws_the_same_plan() -> None:
    assert [draw_plan(Random(1)) for _ in range(3)] == [draw_plan(Random(1)) for _ in range(3)]


def test_drawn_plans_cover_all_faults_and_keep_to_the_given_ones() -> None:
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


def test_journal_records_author_and_version_of_each_act() -> None:
    platform = Platform()
    held = platform.add(WHERE)
    assert held.etag == "0"
    InMemoryGateway(platform).send(prepare(held, CONFERENCE, route=Route.WORKER))
    platform.set_status(SID, Status.ACCEPTED)
    acts = [(act.sid, act.trigger, act.by, act.version) for act in platform.journal]
    assert acts == [(SID, "conference", "client", "1"), (SID, "accepted", "platform", "2")]


def test_virtual_time_passes_only_in_a_sleep() -> None:
    clock = VirtualClock()
    clock.sleep(1.5)
    asyncio.run(clock.asleep(2.0))
    assert clock() == clock.now == 3.5
