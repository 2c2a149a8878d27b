"""The pytest plugin: a platform, gateways, leftovers and lifecycle coverage.

1. A run that does not use the library does not import it: fixtures and options import what they
   need when they are used. Such a run of 170 ms takes 2 to 4 ms longer: 0.5 ms to load this
   module, the rest for pytest to list the distribution's files (processor time, medians of 41
   runs, Python 3.11, pytest 9.2).
2. A test fails if it sent an unexpected request, or left a scripted reply or a planned fault
   unused. ``@pytest.mark.reservations(allow_leftovers=True)`` turns this off for a test.
3. ``--lifecycle-coverage[=PERCENT]`` counts the edges that the service walks, those that others
   walk, and the met refusals of the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator
from random import Random
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl

import pytest

if TYPE_CHECKING:  # rule 1
    from reservation_core.emulator import Platform
    from reservation_core.rest.messages import Reply, Request
    from reservation_core.testing.coverage_plugin import CoveragePlugin
    from reservation_core.testing.faults import Fault, FaultyGatewayFactory
    from reservation_core.testing.recording import RecordingGateway

_MARKER: Final = "reservations"
_DEFAULTS: Final = {"seed": 0, "settings": None, "allow_leftovers": False}
_OPTION: Final = "--lifecycle-coverage"
_COVERAGE: Final = "reservation_core_coverage"  # the coverage plugin's name
_LEFTOVERS: Final = pytest.StashKey[list[Callable[[], tuple[str, ...]]]]()


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a percentage. Write {_OPTION}=90, or put the option after the paths"
        )
    return percent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--lifecycle-coverage``."""
    parser.getgroup("reservations").addoption(
        _OPTION,
        nargs="?",
        const=100.0,
        default=None,
        type=_percent,
        metavar="PERCENT",
        help="count the edges of the reservation lifecycle that the service walks, those that"
        " others walk, and the refusals that are met; fail if any is below PERCENT (default: 100)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker, and the coverage plugin if its option is given."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(*, seed=0, settings=None, allow_leftovers=False): settings of"
        " reservation_core's fixtures for this test: the seed of the platform's SIDs, its Settings,"
        " and whether requests, replies and faults may be left over.",
    )
    percent = config.getoption(_OPTION)
    if percent is not None:
        from reservation_core.testing.coverage_plugin import CoveragePlugin  # noqa: PLC0415 - rule 1

        config.pluginmanager.register(CoveragePlugin(config, percent), _COVERAGE)


def _coverage(request: pytest.FixtureRequest) -> CoveragePlugin | None:
    return cast("CoveragePlugin | None", request.config.pluginmanager.get_plugin(_COVERAGE))


def _count_reply(
    request: pytest.FixtureRequest, platform: Platform
) -> Callable[[Request, Reply], None] | None:
    plugin = _coverage(request)
    return None if plugin is None else plugin.reply_counter(platform)


def _marked(item: pytest.Item) -> dict[str, object]:
    """Return the arguments of a test's markers. The nearest marker wins."""
    marked: dict[str, object] = dict(_DEFAULTS)
    for marker in reversed(list(item.iter_markers(_MARKER))):
        if marker.args or not marker.kwargs.keys() <= _DEFAULTS.keys():
            allowed = ", ".join(f"{name}=" for name in _DEFAULTS)
            raise pytest.UsageError(
                f"@pytest.mark.{_MARKER} takes only {allowed}. See pytest --markers"
            )
        marked |= marker.kwargs
    return marked


def _check_leftovers(
    request: pytest.FixtureRequest, leftovers: Callable[[], tuple[str, ...]]
) -> None:
    request.node.stash.setdefault(_LEFTOVERS, []).append(leftovers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed but has leftovers."""
    result = yield
    left = [each for leftovers in item.stash.get(_LEFTOVERS, ()) for each in leftovers()]
    if left and not _marked(item)["allow_leftovers"]:
        remedy = f"expect them, or mark the test @pytest.mark.{_MARKER}(allow_leftovers=True)"
        pytest.fail("\n  ".join([f"leftovers ({remedy}):", *left]), pytrace=False)
    return result


@pytest.fixture
def task_router(request: pytest.FixtureRequest) -> Platform:
    """Return an empty platform, whose time only the test advances."""
    from reservation_core.emulator import ManualClock, Platform, Settings  # noqa: PLC0415 - rule 1

    marked = _marked(request.node)
    settings = cast("Settings | None", marked["settings"]) or Settings()
    random = Random(cast("int", marked["seed"]))  # noqa: S311 - names, not secrets
    platform = Platform(ManualClock(), settings=settings, random=random)
    if (plugin := _coverage(request)) is not None:
        plugin.coverage.observe(platform)
    return platform


@pytest.fixture
def reservation_gateway(request: pytest.FixtureRequest, task_router: Platform) -> RecordingGateway:
    """Return a recording gateway to ``task_router``, sync and async.

    A request for something that the platform does not hold is unexpected.
    """
    from reservation_core.emulator import InMemoryGateway  # noqa: PLC0415 - rule 1
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415

    gateway = RecordingGateway(
        InMemoryGateway(task_router), on_exchange=_count_reply(request, task_router)
    )
    _check_leftovers(request, gateway.leftovers)
    return gateway


@pytest.fixture
def recording_gateway(request: pytest.FixtureRequest) -> RecordingGateway:
    """Return a recording gateway that replies by script only, sync and async.

    ``recording_gateway.script(Reply(…), …)`` sets the script.
    """
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415 - rule 1

    gateway = RecordingGateway()
    _check_leftovers(request, gateway.leftovers)
    return gateway


@pytest.fixture
def faulty_gateway(
    request: pytest.FixtureRequest, task_router: Platform, reservation_gateway: RecordingGateway
) -> FaultyGatewayFactory:
    """Return a function that makes a gateway to ``task_router`` with planned faults.

    ``faulty_gateway(Fault(…), …)`` takes the faults of the exchanges, in order.
    """
    from reservation_core.testing.faults import FaultyGateway  # noqa: PLC0415 - rule 1

    def make(*faults: Fault) -> FaultyGateway:
        gateway = FaultyGateway(reservation_gateway, faults, platform=task_router)
        _check_leftovers(
            request,
            lambda: tuple(
                f"unused fault: {fault.kind}, rival: {fault.rival}"
                for fault in gateway.plan.pending
            ),
        )
        return gateway

    return make


@pytest.fixture
def emulator_url(request: pytest.FixtureRequest, task_router: Platform) -> Iterator[str]:
    """Return the address of an HTTP emulator of ``task_router``.

    It needs the extra ``emulator``. A request for something that the platform does not hold is
    unexpected.
    """
    try:
        from reservation_core.emulator.api.exchange_log import RawRequest  # noqa: PLC0415
        from reservation_core.emulator.server import running_emulator  # noqa: PLC0415
    except ImportError as error:
        pytest.fail(
            f"emulator_url needs {error.name}. Run pip install 'reservation-core[emulator]'",
            pytrace=False,
        )
    from reservation_core.rest.messages import Reply, Request  # noqa: PLC0415
    from reservation_core.testing.recording import RecordingGateway  # noqa: PLC0415

    recorder = RecordingGateway(on_exchange=_count_reply(request, task_router))

    def record(received: RawRequest, reply: Reply | None, *_: object) -> None:
        form = tuple(parse_qsl(received.body.decode(errors="replace")))
        sent = Request(received.method, received.target, form=form)
        recorder.record(sent, reply or Reply(0))  # no reply was sent

    _check_leftovers(request, recorder.leftovers)
    with running_emulator(task_router, on_exchange=record) as emulator:
        yield emulator.url
