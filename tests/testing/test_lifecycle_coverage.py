import threading

import attrs
import pytest

from reservation_core import (
    Accept,
    CommandNotAllowed,
    Complete,
    Indistinguishable,
    Reply,
    Request,
    Wrap,
    perform,
    prepare,
    read_reservation,
)
from reservation_core.emulator import InMemoryGateway, Platform, Settings
from reservation_core.testing.lifecycle_coverage import (
    EDGE_NAMES,
    OWN_EDGE_NAMES,
    REFUSAL_NAMES,
    REQUIRED_REFUSAL_NAMES,
    LifecycleCoverage,
    current_coverage,
)
from reservation_core.testing.recording import RecordingGateway

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


def test_empty_coverage_misses_everything() -> None:
    coverage = LifecycleCoverage()
    assert coverage.percent == 0.0
    assert len(coverage.missing_own_edges) == len(OWN_EDGE_NAMES)
    assert {*coverage.missing_own_edges, *coverage.missing_facts} == set(EDGE_NAMES)
    assert coverage.missing_refusals == REQUIRED_REFUSAL_NAMES
    assert coverage.report().splitlines()[:4] == [
        f"edges walked by the service    0 of {len(OWN_EDGE_NAMES)}",
        f"facts reported by others       0 of {len(EDGE_NAMES) - len(OWN_EDGE_NAMES)}",
        "  service   others",
        "        0        0  pending --accept--> accepted",
    ]
    assert coverage.report().count("not met") == len(REQUIRED_REFUSAL_NAMES)
    assert "not required" not in coverage.report()


def test_percent_is_the_least_of_own_edges_facts_and_refusals() -> None:
    own, others = dict.fromkeys(OWN_EDGE_NAMES, 1), dict.fromkeys(EDGE_NAMES, 1)
    refusals = dict.fromkeys(REQUIRED_REFUSAL_NAMES, 1)
    number, refused = len(OWN_EDGE_NAMES), len(REQUIRED_REFUSAL_NAMES)
    assert LifecycleCoverage(own, others, refusals).percent == 100.0
    without_edge = LifecycleCoverage(own | {OWN_EDGE_NAMES[3]: 0}, others, refusals)
    assert without_edge.percent == pytest.approx(100 * (number - 1) / number)
    without_fact = LifecycleCoverage(own, others | {"pending --timeout--> timeout": 0}, refusals)
    facts = len(EDGE_NAMES) - number
    assert without_fact.percent == pytest.approx(100 * (facts - 1) / facts)
    without_refusal = LifecycleCoverage(own, others, refusals | {REQUIRED_REFUSAL_NAMES[0]: 0})
    assert without_refusal.percent == pytest.approx(100 * (refused - 1) / refused)


@pytest.mark.parametrize(
    ("refusal", "is_required"),
    [
        ("accept-while-accepted", True),  # a worker clicked
        ("accept-while-completed", True),
        ("reject-while-onHold", True),
        ("conference-while-rescinded", True),
        ("wrap-while-completed", True),
        ("complete-while-completed", True),
        ("wrap-while-pending", False),  # nothing makes an accepted reservation pending
        ("complete-while-onHold", False),
        ("complete-while-rejected", False),
        ("supervise-while-timeout", False),
    ],
)
def test_required_refusals_are_those_of_an_outdated_belief(
    refusal: str, *, is_required: bool
) -> None:
    assert refusal in REFUSAL_NAMES
    assert (refusal in REQUIRED_REFUSAL_NAMES) is is_required


def test_steps_of_others_are_counted_apart_and_cover_facts() -> None:
    platform, coverage = Platform(), LifecycleCoverage()
    coverage.observe(platform)
    sid = str(platform.add(RESERVED).sid)
    platform.execute(sid, Accept(), by="rival")
    assert coverage.own == {}
    assert coverage.others == {"pending --accept--> accepted": 1}
    assert "pending --accept--> accepted" in coverage.missing_own_edges
    assert "pending --accepted--> accepted" not in coverage.missing_facts
    platform.execute(sid, Wrap(), by="callback")
    platform.execute(sid, Complete())
    assert coverage.own == {"accepted --wrap--> wrapping": 1, "wrapping --complete--> completed": 1}
    assert "wrapping --completed--> completed" in coverage.missing_facts
    assert sum(coverage.edges.values()) == 3


def test_refusal_that_is_not_required_is_listed_when_met() -> None:
    coverage = LifecycleCoverage(refusals={"wrap-while-pending": 2})
    assert "        2  wrap-while-pending (not required)" in coverage.report()
    assert coverage.percent == 0.0


def test_edges_of_orchestrated_tasks_are_counted_but_not_required() -> None:
    name = "pending --accept+orchestrated--> onHold"
    assert name not in EDGE_NAMES
    assert name not in LifecycleCoverage().report()
    platform, coverage = Platform(settings=Settings(orchestrated_accept=True)), LifecycleCoverage()
    coverage.observe(platform)
    perform(platform.add(RESERVED), Accept(), InMemoryGateway(platform))
    assert coverage.edges == {name: 1}
    assert f"        1        0  {name}" in coverage.report()


def refuse() -> None:
    with pytest.raises(CommandNotAllowed):
        prepare(RESERVED, Wrap())


def test_recording_counts_the_library_s_refusals_in_every_thread() -> None:
    with LifecycleCoverage().recording() as coverage:
        assert current_coverage() is coverage
        refuse()
        with pytest.raises(CommandNotAllowed):
            prepare(attrs.evolve(RESERVED, on_hold=True), Wrap())
        prepare(RESERVED, Accept())
        thread = threading.Thread(target=refuse)
        thread.start()
        thread.join()
    refuse()
    assert coverage.refusals == {"wrap-while-pending": 2, "wrap-while-onHold": 1}
    assert current_coverage() is None


def test_observed_platform_counts_edges_and_refusals() -> None:
    platform, coverage = Platform(), LifecycleCoverage()
    end = coverage.observe(platform)
    task = platform.add_task(str(RESERVED.workspace_sid), sid=RESERVED.task_sid)
    worker = platform.add_worker(str(RESERVED.workspace_sid), sid=RESERVED.worker_sid)
    held = attrs.evolve(platform.reserve(task.sid, worker.sid), etag=None)
    gateway = RecordingGateway(
        InMemoryGateway(platform),
        on_exchange=lambda request, reply: coverage.count_reply(platform, request, reply),
    )
    coverage.count_reply(platform, prepare(held, Accept()), Reply(400))  # for another reason
    perform(held, Accept(), gateway)
    with pytest.raises(Indistinguishable):
        perform(held, Accept(), gateway)
    path = prepare(held, Accept()).path
    unknown = Request("POST", path.replace(str(held.sid), "WR" + "1" * 32), form=Accept().form())
    gateway.send(Request("POST", path, form=(("Nonsense", "1"),)))
    gateway.send(unknown)
    coverage.count_reply(platform, unknown, Reply(400))
    coverage.count_reply(platform, Request("POST", "/elsewhere"), Reply(400))
    end()
    perform(platform.get(str(held.sid)), Wrap(), gateway)
    assert coverage.edges == {"pending --accept--> accepted": 1}
    assert coverage.refusals == {"accept-while-accepted": 1}


@pytest.mark.parametrize(("status", "count"), [(400, 1), (412, 0), (429, 0)])
def test_only_a_400_counts_as_a_refusal(status: int, count: int) -> None:
    platform, coverage = Platform(), LifecycleCoverage()
    request = prepare(platform.add(RESERVED), Accept())
    platform.execute(str(RESERVED.sid), Accept(), by="rival")
    coverage.count_reply(platform, request, Reply(status))
    assert coverage.refusals["accept-while-accepted"] == count
