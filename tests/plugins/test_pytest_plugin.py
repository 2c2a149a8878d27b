import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest

import reservation_core
from reservation_core.domain.decisions import get_shared_machine
from reservation_core.testing.coverage_plugin import CoveragePlugin

PLUGIN = "_reservation_core_plugins.pytest_plugin"
INSTALLED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", PLUGIN)

RESERVED = """
import pytest
from reservation_core import *
from reservation_core.domain.errors import *
from reservation_core.testing.faults import *
from reservation_core.testing.paths import *

WORKSPACE = "WS" + "0" * 32
AT_ONCE = Policy(backoff=0.0)

@pytest.fixture
def reserved(task_router):
    worker = task_router.add_worker(WORKSPACE, attributes={"contact_uri": "client:alice"})
    boss = {"contact_uri": "client:boss"}
    task_router.add_worker(WORKSPACE, sid="WK" + "0" * 32, attributes=boss)
    call = {"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
    task = task_router.add_task(WORKSPACE, attributes=call)
    return task_router.reserve(task.sid, worker.sid)
"""

Run = Callable[..., pytest.RunResult]

get_shared_machine()  # built before any run: pytester forgets the modules that a run imports


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return a function that runs pytest on a suite."""

    def run(suite: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(RESERVED + suite)
        return pytester.runpytest_inprocess(
            *LOADED, "-p", "no:cacheprovider", "--strict-markers", *arguments
        )

    return run


def test_fixtures_work_together(run: Run) -> None:
    result = run("""
import asyncio, json, urllib.request

def test_in_memory(task_router, reservation_gateway, reserved):
    assert perform(reserved, Accept(), reservation_gateway).status is Status.ACCEPTED
    assert task_router.get(reserved.sid).status is Status.ACCEPTED
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


def test_leftovers_fail_the_test_and_are_shown_without_values(run: Run) -> None:
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
        path = "/v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0?x=secret-alice"
        urllib.request.urlopen(emulator_url + path, timeout=5)
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
def test_allowed(recording_gateway):
    recording_gateway.script(Reply(200))
""")
    result.assert_outcomes(passed=1, failed=5)
    assert "secret-alice" not in result.stdout.str().replace(
        'to="client:secret-alice"', ""
    ).replace('x=secret-alice"', "")
    result.stdout.fnmatch_lines_random(
        [
            "*unexpected request: POST /v1/*/Reservations/WRffff* with Instruction, To*",
            "*unexpected request: GET /v1/Workspaces/WS0/Tasks/WT0/Reservations/WR0",
            "*unexpected request: POST /v1/Workspaces/*",
            "*unused scripted reply: HTTP 200*",
            "*unused scripted reply: NotSent*",
            "*unused fault: lost reply*",
            "*assert 1 == 2*",
        ]
    )


def test_emulator_url_names_the_missing_extra(run: Run) -> None:
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
        ["*emulator_url needs *. Run pip install 'reservation-core[[]emulator[]]'*"]
    )


def test_nearest_marker_wins_and_unknown_arguments_are_errors(run: Run) -> None:
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


FULL_COVERAGE = """
@pytest.mark.parametrize("path", edge_paths(), ids=str)
def test_edges(task_router, reservation_gateway, reserved, path):
    walk_to_end(path, reserved, reservation_gateway, task_router.set_status)

@pytest.mark.parametrize("refusal", refused_commands(), ids=str)
def test_refusals(task_router, reservation_gateway, reserved, refusal):
    path = shortest_path(refusal.state)
    held = walk_to_end(path, reserved, reservation_gateway, task_router.set_status)
    with pytest.raises(CommandNotAllowed):
        perform(held, example_command(refusal.trigger), reservation_gateway)
"""


def test_full_coverage_passes_and_is_printed(run: Run) -> None:
    result = run(FULL_COVERAGE, "--lifecycle-coverage")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*lifecycle coverage*",
            "edges walked by the service * of *",
            "facts reported by others * of *",
            "*pending --accept--> accepted",
            "100.0 % covered, 100 % required",
        ]
    )


ONE_EDGE = """
import attrs

def test_one(reservation_gateway, reserved):
    reserved = attrs.evolve(reserved, etag=None)  # else the version is refused
    perform(reserved, Accept(), reservation_gateway)
    with pytest.raises(Indistinguishable):
        perform(reserved, Accept(), reservation_gateway)
"""


FACT = """
def test_fact(task_router, reserved):
    task_router.set_status(reserved.sid, Status.CANCELED)
"""


def test_low_coverage_fails_the_run_and_names_what_is_missing(run: Run) -> None:
    result = run(ONE_EDGE, "--lifecycle-coverage")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*1        0  pending --accept--> accepted",
            "refusals met *  1 of *",
            "  not met  accept-while-completed",
            "FAIL: *",
        ]
    )
    assert "not met  accept-while-accepted" not in result.stdout.str()
    both = ONE_EDGE + FACT
    assert run(ONE_EDGE, "--lifecycle-coverage=1").ret == pytest.ExitCode.TESTS_FAILED  # no fact
    assert run(both, "--lifecycle-coverage=5").ret == pytest.ExitCode.TESTS_FAILED
    assert run(both, "--lifecycle-coverage=1").ret == pytest.ExitCode.OK
    assert "lifecycle coverage" not in run(ONE_EDGE).stdout.str()
    assert run(ONE_EDGE, "--lifecycle-coverage", "--collect-only").ret == pytest.ExitCode.OK


def test_coverage_counts_edges_and_refusals_over_http(run: Run) -> None:
    result = run(
        """
from urllib.error import HTTPError
import urllib.request

def test_over_http(emulator_url, reserved):
    request = prepare(reserved, Accept())
    import attrs
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    bare = urllib.request.Request(emulator_url + request.path, request.body, headers)
    urllib.request.urlopen(bare, timeout=5).close()
    with pytest.raises(HTTPError) as error:
        urllib.request.urlopen(bare, timeout=5)
    error.value.close()
"""
        + FACT,
        "--lifecycle-coverage=1",
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["*1        0  pending --accept--> accepted", "refusals met *  1 of *"]
    )


@pytest.mark.parametrize("wrong", ["tests", "-1", "101", "nan"])
def test_invalid_percentage_is_a_usage_error(run: Run, wrong: str) -> None:
    result = run(ONE_EDGE, f"--lifecycle-coverage={wrong}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is not a percentage*"])


WORKER = """
import json, pytest

def pytest_configure(config):
    config.workeroutput = {}

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    with open("output.json", "w") as file:
        json.dump(session.config.workeroutput, file)
"""


def test_xdist_workers_send_counts_and_the_controller_adds_them(
    run: Run, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(WORKER)
    assert run(ONE_EDGE, "--lifecycle-coverage").ret == pytest.ExitCode.OK
    sent = json.loads((pytester.path / "output.json").read_text())
    controller = CoveragePlugin(pytester.parseconfigure("-p", "no:cacheprovider"), 100.0)
    empty: dict[str, object] = {}
    for output in (sent, sent, empty):
        controller.pytest_testnodedown(SimpleNamespace(workeroutput=output))
    controller.pytest_testnodedown(SimpleNamespace())  # a worker that crashed
    assert controller.coverage.own["pending --accept--> accepted"] == 2


def test_run_that_does_not_use_the_library_imports_neither_it_nor_hypothesis(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    (tmp_path / "conftest.py").write_text(
        "import json, pathlib, sys\n"
        "def pytest_unconfigure():\n"
        "    pathlib.Path('modules.json').write_text(json.dumps(list(sys.modules)))\n"
    )
    root = Path(reservation_core.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    modules = json.loads((tmp_path / "modules.json").read_text())
    assert PLUGIN in modules
    assert not [name for name in modules if name.startswith(("hypothesis", "reservation_core"))]
