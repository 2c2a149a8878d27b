"""What the recording gateway keeps and says, and what coverage of the lifecycle counts, each by itself."""

import asyncio

import attrs
import pytest

from reservation_core import (
    Accept,
    CommandNotAllowed,
    Conference,
    GatewayError,
    LostRace,
    NotFound,
    Reply,
    Request,
    Wrap,
    aperform,
    fetch,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.rest import update as exchange
from reservation_core.testing.faults import Fault, FaultyGateway
from reservation_core.testing.lifecycle_coverage import (
    ALL_EDGES,
    ALL_REFUSALS,
    LifecycleCoverage,
    current,
)
from reservation_core.testing.recording import RecordingGateway, UnexpectedRequest, show

SIDS = {
    "account_sid": "AC",
    "workspace_sid": "WS",
    "task_sid": "WT",
    "worker_sid": "WK",
    "sid": "WR",
}
RESERVED = read_reservation(
    {"reservation_status": "pending"} | {name: prefix + "0" * 32 for name, prefix in SIDS.items()}
)


def test_a_failure_beneath_is_kept() -> None:
    """An exchange that fails beneath is on record with its failure, in a loop and out of it."""
    beneath = FaultyGateway(InMemoryGateway(), [Fault(FaultKind.RESET_BEFORE)] * 2)
    gateway = RecordingGateway(beneath)
    with pytest.raises(GatewayError):
        gateway.send(prepare(RESERVED, Accept()))
    with pytest.raises(GatewayError):
        asyncio.run(gateway.asend(prepare(RESERVED, Accept())))
    assert [type(kept.outcome) for kept in gateway.exchanges] == [GatewayError] * 2
    assert gateway.leftovers() == ()


def test_a_script_comes_before_what_is_beneath() -> None:
    """Scripted answers are given first, then the platform answers; what it does not hold is left over."""
    platform = Platform()
    held = platform.add(RESERVED)
    gateway = RecordingGateway(InMemoryGateway(platform))
    gateway.script(Reply(404))
    with pytest.raises(NotFound):
        fetch(held, gateway)
    assert gateway.leftovers() == ()  # that 404 was arranged for
    assert asyncio.run(aperform(held, Accept(), gateway)).status == "accepted"
    with pytest.raises(NotFound):
        fetch(attrs.evolve(held, sid="WR" + "1" * 32), gateway)
    assert gateway.leftovers() == (f"an unexpected request: GET {gateway.requests[-1].path}",)


def test_nothing_answers_without_a_script() -> None:
    """With nothing beneath and no script a request fails at once, by an error that no handling of gateways' errors swallows."""
    gateway = RecordingGateway()
    with pytest.raises(
        UnexpectedRequest,
        match=r"nothing answers POST /v1/.* with Instruction, To; script an answer",
    ):
        perform(RESERVED, Conference(to="client:alice"), gateway)
    with pytest.raises(UnexpectedRequest):
        asyncio.run(gateway.asend(prepare(RESERVED, Accept())))
    assert not issubclass(UnexpectedRequest, GatewayError)
    assert len(gateway.leftovers()) == 2


def test_a_request_is_shown_without_its_values() -> None:
    """Neither the query, nor a value, nor a header is shown; a repeated name stands there once."""
    request = Request(
        "POST",
        "/v1/x?name=alice",
        {"If-Match": "hush"},
        (("Event", "a"), ("Event", "b"), ("To", "+15005550006")),
    )
    assert show(request) == "POST /v1/x with Event, To"
    assert show(Request("GET", "/v1/y")) == "GET /v1/y"


def test_nothing_is_covered_at_first() -> None:
    """An empty coverage misses everything, and says so."""
    coverage = LifecycleCoverage()
    assert (coverage.percent, coverage.missing_edges, coverage.missing_refusals) == (
        0.0,
        ALL_EDGES,
        ALL_REFUSALS,
    )
    assert coverage.report().startswith(
        "edges walked     0 of 23\n        0  pending --accept--> accepted"
    )
    assert coverage.report().count("not met") == 70


def test_all_is_covered_at_last() -> None:
    """With every edge and every refusal it is 100 %; without one of either it is less."""
    edges, refused = dict.fromkeys(ALL_EDGES, 1), dict.fromkeys(ALL_REFUSALS, 1)
    assert LifecycleCoverage(edges, refused).percent == 100.0
    assert LifecycleCoverage(edges | {ALL_EDGES[3]: 0}, refused).percent == pytest.approx(
        100 * 22 / 23
    )
    assert LifecycleCoverage(edges, refused | {ALL_REFUSALS[0]: 0}).percent == pytest.approx(
        100 * 69 / 70
    )


def test_the_library_s_refusals_are_overheard() -> None:
    """While it is recorded, what ``prepare`` refuses is counted, on hold as such, and what it allows is not; afterwards nothing is."""
    asked = exchange.__dict__["decide"]
    with LifecycleCoverage().recording() as coverage:
        assert current() is coverage
        for held in (RESERVED, attrs.evolve(RESERVED, on_hold=True)):
            with pytest.raises(CommandNotAllowed):
                prepare(held, Wrap())
        prepare(RESERVED, Accept())
    with pytest.raises(CommandNotAllowed):
        prepare(RESERVED, Wrap())
    assert coverage.refusals == {"wrap-while-pending": 1, "wrap-while-onHold": 1}
    assert current() is None
    assert exchange.__dict__["decide"] is asked


def test_the_platform_s_acts_and_refusals_are_counted() -> None:
    """An act on an observed platform is an edge, and a 400 for the state is a refusal; another 400 is none."""
    platform, coverage = Platform(), LifecycleCoverage()
    end = coverage.observe(platform)
    task = platform.add_task(str(RESERVED.workspace_sid), sid=RESERVED.task_sid)
    worker = platform.add_worker(str(RESERVED.workspace_sid), sid=RESERVED.worker_sid)
    held = attrs.evolve(platform.reserve(task.sid, worker.sid), etag=None)
    gateway = RecordingGateway(
        InMemoryGateway(platform),
        told=lambda request, reply: coverage.answered(platform, request, reply),
    )
    perform(held, Accept(), gateway)
    with pytest.raises(LostRace):
        perform(held, Accept(), gateway)
    path = prepare(held, Accept()).path
    gateway.send(Request("POST", path, form=(("Nonsense", "1"),)))
    gateway.send(
        Request("POST", path.replace(str(held.sid), "WR" + "1" * 32), form=Accept().form())
    )
    coverage.answered(
        platform,
        Request("POST", path.replace(str(held.sid), "WR" + "1" * 32), form=Accept().form()),
        Reply(400),
    )
    coverage.answered(platform, Request("POST", "/elsewhere"), Reply(400))
    end()
    perform(platform.get(str(held.sid)), Wrap(), gateway)
    assert coverage.edges == {"pending --accept--> accepted": 1}
    assert coverage.refusals == {"accept-while-accepted": 1}
