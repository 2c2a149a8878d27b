"""The pytest plugin, by running pytest on small suites: its fixtures, its strictness, its marker and its option."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from types import SimpleNamespace

import pytest

from reservation_core.domain.decisions import get_shared_machine
from reservation_core.testing import pytest_plugin

PLUGIN = "reservation_core.testing.pytest_plugin"
LOADED = (
    () if any(point.value == PLUGIN for point in entry_points(group="pytest11")) else ("-p", PLUGIN)
)

RESERVED = """
import pytest
from reservation_core import *
from reservation_core.domain.errors import *
from reservation_core.testing.faults import Fault, Rival
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.paths import *

WORKSPACE = "WS" + "0" * 32
AT_ONCE = Policy(backoff=0.0)

@pytest.fixture
def reserved(task_router):
    worker = task_router.add_worker(WORKSPACE, attributes={"contact_uri": "client:alice"})
    task_router.add_worker(WORKSPACE, sid="WK" + "0" * 32, attributes={"contact_uri": "client:boss"})
    task = task_router.add_task(WORKSPACE, attributes={"call_sid": "CA" + "0" * 32, "from": "+15005550006"})
    return task_router.reserve(task.sid, worker.sid)
"""

Run = Callable[..., pytest.RunResult]

get_shared_machine()  # what is imported in a run is forgotten after it, and the machine must not outlive the library that it is of


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Give what runs pytest on a suite."""

    def run(suite: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(RESERVED + suite)
        return pytester.runpytest_inprocess(
            *LOADED, "-p", "no:cacheprovider", "--strict-markers", *arguments
        )

    return run


def test_the_fixtures_work_together(run: Run) -> None:
    """The gateways reach the platform, sync and async and over HTTP; faults and rivals come as planned; a script is answered."""
    result = run("""
import asyncio, json, urllib.request

def test_in_memory(task_router, reservation_gateway, reserved):
    assert perform(reserved, Accept(), reservation_gateway).status is task_router.get(reserved.sid).status is Status.ACCEPTED
    assert [request.method for request in reservation_gateway.requests] == ["POST"]

def test_in_a_loop(reservation_gateway, reserved):
    assert asyncio.run(aperform(reserved, Accept(), reservation_gateway)).status == "accepted"

def test_over_http(task_router, emulator_url, reserved):
    with urllib.request.urlopen(emulator_url + prepare_fetch(reserved).path, timeout=5) as reply:
        assert json.load(reply)["reservation_status"] == "pending"

def test_faults(task_router, faulty_gateway, reserved):
    gateway = faulty_gateway(Fault(FaultKind.THROTTLED), Fault(rival=Rival.CANCELS))
    with pytest.raises(LostRace):
        perform(reserved, Accept(), gateway, policy=AT_ONCE)
    assert task_router.get(reserved.sid).status == "canceled"

def test_a_script(recording_gateway, reserved):
    recording_gateway.script(Reply(503), NotSent("no connection"), Reply(404))
    with pytest.raises(ServerFailed):
        perform(reserved, Accept(), recording_gateway, policy=ONCE)
    with pytest.raises(NotSent):
        perform(reserved, Accept(), recording_gateway, policy=ONCE)
    with pytest.raises(NotFound):
        asyncio.run(aperform(reserved, Accept(), recording_gateway))
    assert len(recording_gateway.exchanges) == 3

@pytest.mark.reservations(seed=7)
def test_another_seed(task_router, reserved):
    assert reserved.sid != "WR" + "0" * 32

def test_time_stands_still(task_router, reserved):
    task_router.advance(119)
    assert task_router.get(reserved.sid).status == "pending"
    task_router.advance(2)
    assert task_router.get(reserved.sid).status == "timeout"
""")
    result.assert_outcomes(passed=7)


def test_what_is_left_over_fails_the_test(run: Run) -> None:
    """A request nobody arranged for is shown without its values; so are an answer and a fault that nobody met, unless that is meant."""
    result = run("""
from urllib.error import HTTPError
import urllib.request

def test_unknown(reservation_gateway, reserved):
    import attrs
    other = attrs.evolve(reserved, sid="WR" + "f" * 32)
    with pytest.raises(NotFound):
        perform(other, Conference(to="client:secret-alice"), reservation_gateway)

def test_unknown_over_http(emulator_url):
    with pytest.raises(HTTPError) as error:
        urllib.request.urlopen(emulator_url + "/v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0?x=secret-alice", timeout=5)
    error.value.close()

def test_swallowed(recording_gateway, reserved):
    try:
        perform(reserved, Accept(), recording_gateway)
    except BaseException:
        pass

def test_unused(recording_gateway, faulty_gateway):
    recording_gateway.script(Reply(200), NotSent("never"))
    faulty_gateway(Fault(FaultKind.LOST_REPLY))

def test_that_fails_anyway(recording_gateway):
    recording_gateway.script(Reply(200))
    assert 1 == 2

@pytest.mark.reservations(allow_leftovers=True)
def test_meant(recording_gateway):
    recording_gateway.script(Reply(200))
""")
    result.assert_outcomes(passed=1, failed=5)
    assert "secret-alice" not in result.stdout.str().replace(
        'to="client:secret-alice"', ""
    ).replace('x=secret-alice"', "")
    result.stdout.fnmatch_lines_random(
        [
            "*an unexpected request: POST /v1/Workspaces/WS*/Reservations/WRffff* with Instruction, To*",
            "*an unexpected request: GET /v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0",
            "*an unexpected request: POST /v1/Workspaces/*",
            "*a scripted answer nobody asked for: HTTP 200*",
            "*a scripted answer nobody asked for: NotSent*",
            "*an unused fault: lost reply*",
            "*assert 1 == 2*",
        ]
    )


def test_without_the_extra_it_is_said_what_to_install(run: Run) -> None:
    """Where the emulator's server is not installed, the fixture that needs it says how to get it."""
    result = run("""
@pytest.fixture(autouse=True)
def bare(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "reservation_core.emulator.server", None)

def test_over_http(emulator_url):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*emulator_url lacks *; pip install 'reservation-core[[]emulator[]]'*"]
    )


def test_a_marker_is_read_strictly(run: Run) -> None:
    """The nearest marker counts, a setting reaches the platform, and what the marker does not know is an error that says what it does."""
    result = run("""
from reservation_core.emulator import Settings

pytestmark = pytest.mark.reservations(settings=Settings(reservation_timeout=10))

def test_settings(task_router):
    assert task_router.settings.reservation_timeout == 10

@pytest.mark.reservations(settings=Settings(reservation_timeout=20))
def test_nearest(task_router):
    assert task_router.settings.reservation_timeout == 20

@pytest.mark.reservations(leftovers=True)
def test_wrong(task_router):
    pass
""")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*@pytest.mark.reservations takes only seed=, settings=, allow_leftovers=*"]
    )


WALKS_ALL = """
@pytest.mark.parametrize("path", edge_paths(), ids=str)
def test_edges(task_router, reservation_gateway, reserved, path):
    arrive(path, reserved, reservation_gateway, task_router.set_status)

@pytest.mark.parametrize("refusal", refused_commands(), ids=str)
def test_refusals(task_router, reservation_gateway, reserved, refusal):
    held = arrive(shortest_path(refusal.state), reserved, reservation_gateway, task_router.set_status)
    with pytest.raises(CommandNotAllowed):
        perform(held, example(refusal.trigger), reservation_gateway)
"""


def test_a_suite_that_walks_all_is_covered(run: Run) -> None:
    """Every edge path and every refusal make 100 %, which passes and is printed."""
    result = run(WALKS_ALL, "--lifecycle-coverage")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*lifecycle coverage*",
            "edges walked    23 of 23",
            "*pending --accept--> accepted",
            "100.0 % covered, 100 % required",
        ]
    )


ONE_EDGE = """
import attrs

def test_one(reservation_gateway, reserved):
    reserved = attrs.evolve(reserved, etag=None)  # or else the version is what is refused
    perform(reserved, Accept(), reservation_gateway)
    with pytest.raises(LostRace):
        perform(reserved, Accept(), reservation_gateway)
"""


def test_a_gap_fails_the_run(run: Run) -> None:
    """Below 100 %, or what is asked for, the run fails though every test passed; what was not met is named, a platform's refusal counts."""
    result = run(ONE_EDGE, "--lifecycle-coverage")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*1  pending --accept--> accepted",
            "refusals met     1 of 70",
            "  not met  wrap-while-pending",
            "FAIL: *",
        ]
    )
    assert "not met  accept-while-accepted" not in result.stdout.str()
    assert (
        run(ONE_EDGE, "--lifecycle-coverage=1.5").ret == pytest.ExitCode.TESTS_FAILED
    )  # 1 of 70 is 1.43 %
    assert run(ONE_EDGE, "--lifecycle-coverage=1.4").ret == pytest.ExitCode.OK
    assert "lifecycle coverage" not in run(ONE_EDGE).stdout.str()
    assert run(ONE_EDGE, "--lifecycle-coverage", "--collect-only").ret == pytest.ExitCode.OK


def test_over_http_counts_too(run: Run) -> None:
    """What a service does to an emulator over HTTP is covered as well: the edge, and the platform's refusal."""
    result = run(
        """
from urllib.error import HTTPError
import urllib.request

def test_over_http(emulator_url, reserved):
    request = prepare(reserved, Accept())
    import attrs
    bare = urllib.request.Request(emulator_url + request.path, request.body, {"Content-Type": "application/x-www-form-urlencoded"})
    urllib.request.urlopen(bare, timeout=5).close()
    with pytest.raises(HTTPError) as error:
        urllib.request.urlopen(bare, timeout=5)
    error.value.close()
""",
        "--lifecycle-coverage=1",
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*1  pending --accept--> accepted", "refusals met     1 of 70"])


@pytest.mark.parametrize("wrong", ["tests", "-1", "101", "nan"])
def test_a_percentage_is_asked_for(run: Run, wrong: str) -> None:
    """A path in the option's place, or what is no percentage, is named as wrong usage."""
    result = run(ONE_EDGE, f"--lifecycle-coverage={wrong}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is no percentage*"])


WORKER = """
import json, pytest

def pytest_configure(config):
    config.workeroutput = {}

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    with open("home.json", "w") as file:
        json.dump(session.config.workeroutput, file)
"""


def test_workers_send_home_what_they_counted(run: Run, pytester: pytest.Pytester) -> None:
    """In a worker of pytest-xdist nothing is judged: what it counted goes home, where it is added to the others'."""
    pytester.makeconftest(WORKER)
    assert run(ONE_EDGE, "--lifecycle-coverage").ret == pytest.ExitCode.OK
    sent = json.loads((pytester.path / "home.json").read_text())
    home = pytester.parseconfigure(*LOADED, "--lifecycle-coverage", "-p", "no:cacheprovider")
    empty: dict[str, object] = {}
    for output in (sent, sent, empty):
        pytest_plugin.pytest_testnodedown(SimpleNamespace(config=home, workeroutput=output))
    pytest_plugin.pytest_testnodedown(
        SimpleNamespace(config=home)
    )  # a worker that crashed sends nothing
    assert home.stash[pytest_plugin.COVERAGE].edges["pending --accept--> accepted"] == 2


def test_importing_it_imports_only_pytest() -> None:
    """The plugin itself brings pytest and the core, and neither hypothesis nor the emulator nor anything else of the kit."""
    script = f"import json, sys, pytest; before = set(sys.modules); import {PLUGIN}; print(json.dumps(sorted(set(sys.modules) - before)))"
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    brought = set(json.loads(out))
    assert PLUGIN in brought
    assert not [
        name
        for name in brought
        if name.startswith(("hypothesis", "reservation_core.emulator", "reservation_core.testing."))
        and name != PLUGIN
    ]
