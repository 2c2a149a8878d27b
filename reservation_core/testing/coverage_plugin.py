"""Lifecycle coverage of a pytest run, loaded only by its option."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Final, cast

from reservation_core._extras import extra
from reservation_core.emulator import Platform
from reservation_core.rest.messages import Reply, Request
from reservation_core.testing.lifecycle_coverage import LifecycleCoverage

with extra("testing"):
    import pytest


_OUTPUT: Final = "reservation_core_coverage"  # key of a pytest-xdist worker's output


class CoveragePlugin:
    """Lifecycle coverage of one pytest run.

    It fails the run if the coverage is below a percentage. A worker of pytest-xdist sends its
    counts to the controller, which adds and judges them.

    :param percent: the required coverage of the service's edges, of facts and of refusals, each.
    """

    def __init__(self, config: pytest.Config, percent: float) -> None:
        self.coverage: Final = LifecycleCoverage()
        self._config = config
        self._required = percent

    def reply_counter(self, platform: Platform) -> Callable[[Request, Reply], None]:
        """Return a function that counts a platform's replies."""
        return partial(self.coverage.count_reply, platform)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Record while the tests run."""
        with self.coverage.recording():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge the coverage, or send it to the controller."""
        output: dict[str, object] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            counts = (self.coverage.own, self.coverage.others, self.coverage.refusals)
            output[_OUTPUT] = tuple(map(dict, counts))
        elif session.exitstatus == pytest.ExitCode.OK and self._is_short():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add the counts of a pytest-xdist worker."""
        output: dict[str, tuple[dict[str, int], ...]]
        output = getattr(node, "workeroutput", {})
        if _OUTPUT in output:  # a crashed worker sends none
            self.coverage.update(LifecycleCoverage(*output[_OUTPUT]))

    def _is_short(self) -> bool:
        is_collecting = cast("bool", self._config.getoption("collectonly"))
        return not is_collecting and self.coverage.percent < self._required

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the coverage, and whether it is enough."""
        terminalreporter.section("lifecycle coverage")
        terminalreporter.line(self.coverage.report())
        is_short = self._is_short()
        terminalreporter.line(
            f"{'FAIL: ' if is_short else ''}{self.coverage.percent:.1f} % covered,"
            f" {self._required:g} % required",
            red=is_short,
            green=not is_short,
        )
