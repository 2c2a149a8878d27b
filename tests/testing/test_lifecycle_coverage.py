import threading

import attrs
import pytest

from reservation_core import (
    Accept,
    CommandNotAllowed,
    LostRace,
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
    REFUSAL_NAMES,
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
    assert coverage.missing_edges == EDGE_NAMES
    assert coverage.missing_refusals == REFUSAL_NAMES
    assert coverage.report().startswith(
        "edges walked     0 of 23\n        0  pending --accept--> accepted"
    )
    assert coverage.report().count("not met") == 70


def test_percent_is_the_lesser_of_edges_and_refusals() -> None:
    edges, refusals = dict.fromkeys(EDGE_NAMES, 1), dict.fromkeys(REFUSAL_NAMES, 1)
    assert LifecycleCoverage(edges, refusals).percent == 100.0
    without_edge = LifecycleCoverage(edges | {EDGE_NAMES[3]: 0}, refusals)
    assert without_edge.percent == pytest.approx(100 * 22 / 23)
    without_refusal = LifecycleCoverage(edges, refusals | {REFUSAL_NAMES[0]: 0})
    assert without_refusal.percent == pytest.approx(100 * 69 / 70)


def test_edges_of_orchestrated_tasks_are_counted_but_not_required() -> None:
    name = "pending --accept+orchestrated--> onHold"
    assert name not in EDGE_NAMES
    assert name not in LifecycleCoverage().report()
    platform, coverage = Platform(settings=Settings(orchestrated_accept=True)), LifecycleCoverage()
    coverage.observe(platform)
    perform(platform.add(RESERVED), Accept(), InMemoryGateway(platform))
    assert coverage.edges == {name: 1}
    assert f"1  {name}" in coverage.report()


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
    with pytest.raises(LostRace):
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
