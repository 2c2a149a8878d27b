"""The pytest plugin: gateways and a platform as fixtures, strict about what is left over, and coverage of the lifecycle.

Its rules:

1. Only pytest is imported at the top; whatever a fixture or an option needs is imported when it is asked for. What is left is the
   package's own import (row 12 of the benchmark measures both).
2. **Nothing is left over.** A test fails that sent a request nobody arranged for (it is shown, without values), or that arranged for
   an answer or a fault nobody met; ``@pytest.mark.reservations(allow_leftovers=True)`` says that this is meant.
3. ``--lifecycle-coverage[=PERCENT]`` counts the edges walked and the refusals met in the whole run, prints them, and fails the run
   when either is below 100 %, or below PERCENT.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import pytest

if TYPE_CHECKING:  # rule 1
    from reservation_core.emulator import Platform
    from reservation_core.rest.messages import Reply, Request
    from reservation_core.testing.faults import Fault, FaultyGateway
    from reservation_core.testing.lifecycle_coverage import LifecycleCoverage
    from reservation_core.testing.recording import RecordingGateway

MARKER: Final = "reservations"
_OPTION: Final = "--lifecycle-coverage"
COVERAGE: Final = pytest.StashKey["LifecycleCoverage"]()
"""Where a run's configuration keeps the coverage, when it is counted."""
_LEFTOVERS: Final = pytest.StashKey[list[Callable[[], tuple[str, ...]]]]()
_NOTHING: Final[list[Callable[[], tuple[str, ...]]]] = []
_OUTPUT: Final = "reservation_core_lifecycle"  # what a worker of pytest-xdist sends home

Planned: TypeAlias = "Callable[..., FaultyGateway]"
"""Makes a gateway of the faults its exchanges are to suffer, in order."""


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no percentage; write {_OPTION}=90, or put the option behind the paths"
        )
    return percent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    said = "count which edges of the reservation lifecycle are walked and which refusals met; fail below PERCENT of either (default: 100)"
    parser.getgroup("reservations").addoption(
        _OPTION, nargs="?", const=100.0, default=None, type=_percent, metavar="PERCENT", help=said
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker, and begin to count if asked to."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*, seed=0, settings=None, allow_leftovers=False): how the fixtures of reservation_core are made for this test: "
        "the seed of the platform's SIDs, its Settings, and whether requests, answers and faults may be left over.",
    )
    if config.getoption(_OPTION) is not None:
        from reservation_core.testing.lifecycle_coverage import LifecycleCoverage  # noqa: PLC0415 - rule 1

        config.stash[COVERAGE] = LifecycleCoverage()


def _counting(config: pytest.Config, platform: Platform) -> Callable[[Request, Reply], None] | None:
    coverage = config.stash.get(COVERAGE, None)
    return None if coverage is None else partial(coverage.answered, platform)


# --- the fixtures ----------------------------------------------------------------------------------------------------------------


_MARKED: Final[Mapping[str, object]] = {"seed": 0, "settings": None, "allow_leftovers": False}


def _marked(item: pytest.Item) -> dict[str, object]:
    """Gather what the markers say, the nearest one first."""
    said: dict[str, object] = dict(_MARKED)
    for marker in reversed(list(item.iter_markers(MARKER))):
        if marker.args or not marker.kwargs.keys() <= _MARKED.keys():
            raise pytest.UsageError(
                f"@pytest.mark.{MARKER} takes only {', '.join(f'{name}=' for name in _MARKED)}; see pytest --markers"
            )
        said |= marker.kwargs
    return said


def _keep_tidy(item: pytest.Item, leftovers: Callable[[], tuple[str, ...]]) -> None:
    item.stash[_LEFTOVERS] = [*item.stash.get(_LEFTOVERS, _NOTHING), leftovers]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed but left something over."""
    result = yield
    left = [said for leftovers in item.stash.get(_LEFTOVERS, _NOTHING) for said in leftovers()]
    if left and not _marked(item)["allow_leftovers"]:
        remedy = f"arrange for it, or mark the test @pytest.mark.{MARKER}(allow_leftovers=True)"
        pytest.fail("\n  ".join([f"left over ({remedy}):", *left]), pytrace=False)
    return result


@pytest.fixture
def task_router(request: pytest.FixtureRequest) -> Platform:
    """Give the test a platform of its own, empty, whose time stands still until the test advances it."""
    from random import Random  # noqa: PLC0415 - rule 1

    from reservation_core.emulator import ManualClock, Platform, Settings  # noqa: PLC0415

    said = _marked(request.node)
    settings = cast("Settings | None", said["settings"]) or Settings()
    random = Random(cast("int", said["seed"]))  # noqa: S311 - names, not secrets
    platform = Platform(ManualClock(), settings=settings, random=random)
    coverage = request.config.stash.get(COVERAGE, None)
    if coverage is not None:
        coverage.observe(platform)
    return platform


@pytest.fixture
def reservation_gateway(request: pytest.FixtureRequest, task_router: Platform) -> RecordingGateway:
    """Give a gateway to ``task_router``, sync and async, that records; a request for what the platform does not hold is left over."""
    from reservation_core.emulator import InMemoryGateway  # noqa: PLC0415 - rule 1
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415

    gateway = RecordingGateway(
        InMemoryGateway(task_router), told=_counting(request.config, task_router)
    )
    _keep_tidy(request.node, gateway.leftovers)
    return gateway


@pytest.fixture
def recording_gateway(request: pytest.FixtureRequest) -> RecordingGateway:
    """Give a gateway, sync and async, that answers by script only (``recording_gateway.script(Reply(…))``), and records."""
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415 - rule 1

    gateway = RecordingGateway()
    _keep_tidy(request.node, gateway.leftovers)
    return gateway


@pytest.fixture
def faulty_gateway(
    request: pytest.FixtureRequest, task_router: Platform, reservation_gateway: RecordingGateway
) -> Planned:
    """Give what makes a gateway to ``task_router`` whose exchanges, and rivals, go wrong by plan: ``faulty_gateway(Fault(…), …)``."""
    from reservation_core.testing.faults import FaultyGateway  # noqa: PLC0415 - rule 1

    def make(*plan: Fault) -> FaultyGateway:
        gateway = FaultyGateway(reservation_gateway, plan, platform=task_router)
        _keep_tidy(
            request.node,
            lambda: tuple(
                f"an unused fault: {fault.kind}, with rival: {fault.rival}"
                for fault in gateway.plan.pending
            ),
        )
        return gateway

    return make


@pytest.fixture
def emulator_url(request: pytest.FixtureRequest, task_router: Platform) -> Iterator[str]:
    """Give the address of an emulator that answers over HTTP for ``task_router`` during the test; needs the extra ``emulator``.

    As strict as ``reservation_gateway``: a request for what the platform does not hold is left over.
    """
    from urllib.parse import parse_qsl  # noqa: PLC0415 - rule 1

    try:
        from reservation_core.emulator.server import running_emulator  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        pytest.fail(
            f"emulator_url lacks {missing.name}; pip install 'reservation-core[emulator]'",
            pytrace=False,
        )
    from reservation_core.rest.messages import Reply, Request  # noqa: PLC0415
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415

    record = RecordingGateway(told=_counting(request.config, task_router))

    def note(method: str, target: str, body: bytes, reply: Reply | None, *_: object) -> None:
        asked = Request(method, target, form=tuple(parse_qsl(body.decode(errors="replace"))))
        record.record(asked, reply or Reply(0))  # none came

    _keep_tidy(request.node, record.leftovers)
    with running_emulator(task_router, on_exchange=note) as emulator:
        yield emulator.url


# --- coverage of the lifecycle ---------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Record while the tests run."""
    coverage = session.config.stash.get(COVERAGE, None)
    if coverage is None:
        return (yield)
    with coverage.recording():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what was covered, or send it home from a worker."""
    config = session.config
    coverage = config.stash.get(COVERAGE, None)
    if coverage is None:
        return
    home: dict[str, object] | None = getattr(config, "workeroutput", None)
    if home is not None:
        home[_OUTPUT] = (dict(coverage.edges), dict(coverage.refusals))
    elif session.exitstatus == pytest.ExitCode.OK and _is_short(config, coverage):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take in what a worker of pytest-xdist counted."""
    config = cast("pytest.Config", getattr(node, "config"))  # noqa: B009 - xdist's types are not at hand
    sent: dict[str, tuple[dict[str, int], dict[str, int]]] = getattr(node, "workeroutput", {})
    if _OUTPUT in sent:
        config.stash[COVERAGE].add(type(config.stash[COVERAGE])(*sent[_OUTPUT]))


def _required(config: pytest.Config) -> float:
    return cast("float", config.getoption(_OPTION))


def _is_short(config: pytest.Config, coverage: LifecycleCoverage) -> bool:
    return not cast("bool", config.getoption("collectonly")) and coverage.percent < _required(
        config
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was covered, and whether it is enough."""
    coverage = config.stash.get(COVERAGE, None)
    if coverage is None:
        return
    terminalreporter.section("lifecycle coverage")
    terminalreporter.line(coverage.report())
    short, least = _is_short(config, coverage), _required(config)
    terminalreporter.line(
        f"{'FAIL: ' if short else ''}{coverage.percent:.1f} % covered, {least:g} % required",
        red=short,
        green=not short,
    )
