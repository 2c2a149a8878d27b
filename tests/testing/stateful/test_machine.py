from collections import Counter

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from reservation_core import (
    Accept,
    GatewayError,
    LostRace,
    NotSent,
    OutcomeUnknown,
    ReplyError,
    Reservation,
    ReservationError,
    Status,
    Throttled,
    follow,
    perform,
)
from reservation_core.emulator import Platform
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.httpx2 import Httpx2Gateway
from reservation_core.gateways.port import Gateway
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.lifecycle_coverage import EDGE_NAMES, LifecycleCoverage
from reservation_core.testing.stateful import Belief, ReportedEvent, ReservationRuns
from tests.campaigns.mutants import LastEventWins
from tests.examples.test_desk import AT_ONCE, DeskRuns


class Onlooker(ReservationRuns):
    """Runs around a service that stores events and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Reservation] = {}

    def deliver(self, event: ReportedEvent) -> None:
        held = self.known.get(str(event.reservation.sid))
        if held is None or follow(held.status, event.reservation.status):
            self.known[str(event.reservation.sid)] = event.reservation

    def look_up(self, sid: str) -> Belief:
        return held.status if (held := self.known.get(sid)) else None


def generate(
    runs: type[ReservationRuns], *, most: int = 100, steps: int = 100, shrink: bool = False
) -> None:
    """Generate the same runs each time."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    usual = settings(
        runs.TestCase.settings, max_examples=most, stateful_step_count=steps, phases=phases
    )
    run_state_machine_as_test(runs, settings=settings(usual, derandomize=True, database=None))


@pytest.mark.slow
def test_default_runs_walk_every_edge_20_times() -> None:
    class Runs(Onlooker):
        pass

    usual = Runs.TestCase.settings
    with LifecycleCoverage().recording() as coverage:
        run_state_machine_as_test(Runs, settings=settings(usual, derandomize=True, database=None))
    assert min(Runs.coverage.edges[name] for name in EDGE_NAMES) >= 20
    assert Runs.coverage.edges["pending --accept+orchestrated--> onHold"] >= 20
    assert coverage.edges == Runs.coverage.edges
    assert not Onlooker.coverage.edges


def test_failure_shrinks_to_a_few_annotated_steps() -> None:
    class Runs(DeskRuns):
        def __init__(self) -> None:
            super().__init__()
            self.desk = LastEventWins(self.gateway)

    with pytest.raises(AssertionError) as failure:
        generate(Runs, most=10, steps=15, shrink=True)
    shown = "\n".join(getattr(failure.value, "__notes__", []))
    assert "went back" in str(failure.value) or "reservation 0: the service believes" in str(
        failure.value
    )
    assert shown.count("state.") <= 8
    assert "# delivered: reservation." in shown


@pytest.mark.parametrize("missing", ["deliver", "look_up"])
def test_subclass_without_a_required_method_is_an_error(missing: str) -> None:
    runs = type("Runs", (Onlooker,), {missing: getattr(ReservationRuns, missing)})
    with pytest.raises(NotImplementedError, match=f"define {missing}"):
        generate(runs, most=2)


def test_runs_reach_an_emulator_over_http() -> None:
    with (
        running_emulator() as emulator,
        Httpx2Gateway(CREDENTIALS, base_url=emulator.url) as gateway,
    ):

        class Runs(DeskRuns):
            def make_platform(self) -> Platform:
                emulator.platform.reset()
                return emulator.platform

            def make_gateway(self, platform: Platform) -> Gateway:
                assert platform is emulator.platform
                return gateway

        generate(Runs, most=5, steps=30)
    assert sum(Runs.coverage.edges.values()) > 10


class Accepter(Onlooker):
    """Runs around a service that accepts each reservation once."""

    def deliver(self, event: ReportedEvent) -> None:
        sid, reported = str(event.reservation.sid), event.reservation
        is_new = sid not in self.known
        super().deliver(event)
        if is_new and reported.status is Status.PENDING:
            try:
                self.known[sid] = perform(reported, Accept(), self.gateway, policy=AT_ONCE)
            except LostRace as lost:
                self.known[sid] = lost.reservation or reported
            except (GatewayError, ReplyError) as error:
                self.handle(error)

    def handle(self, error: ReservationError) -> None:
        """Handle an error that tells no status."""


@pytest.mark.slow
def test_outages_walk_the_handlers_of_deliveries_that_give_up() -> None:
    handled: list[ReservationError] = []

    class Runs(Accepter):
        def handle(self, error: ReservationError) -> None:
            handled.append(error)

    generate(Runs, most=25)
    kinds = Counter(type(error) for error in handled)
    assert kinds[NotSent] + kinds[Throttled], kinds  # 5 to 30 here, and none without outages
    assert kinds[OutcomeUnknown] > 7, kinds  # 7 without outages


def test_exchanges_are_shown_above_the_step_that_raised() -> None:
    class Runs(Accepter):
        def handle(self, error: ReservationError) -> None:
            raise error

    Runs.TestCase.settings = settings(
        Runs.TestCase.settings, report_multiple_bugs=False, print_blob=False
    )
    with pytest.raises(ReservationError) as failure:
        generate(Runs, most=30, shrink=True)
    lines = [line for note in failure.value.__notes__ for line in note.splitlines()]
    steps = [number for number, line in enumerate(lines) if "state." in line]
    shown = [number for number, line in enumerate(lines) if ": POST accept -> " in line]
    assert shown
    assert all(steps[-3] < number < steps[-2] for number in shown), lines
    assert lines[-1] == "state.teardown()"
    assert "# Each step stands below" in lines[2]
