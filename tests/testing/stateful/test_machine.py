"""Generated lives walk the whole lifecycle, find what is wrong, find nothing where nothing is, and show it in a few steps."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from reservation_core import Reservation, follow
from reservation_core.emulator import Platform
from reservation_core.emulator.server import running_emulator
from reservation_core.gateways.httpx2 import Httpx2Gateway
from reservation_core.gateways.port import Gateway
from reservation_core.testing.contract.gateway import CREDENTIALS
from reservation_core.testing.lifecycle_coverage import ALL_EDGES, LifecycleCoverage
from reservation_core.testing.stateful.machine import Belief, ReportedEvent, ReservationRuns
from tests.campaigns.mutants import LastEventWins
from tests.examples.test_desk import DeskLives


class Onlooker(ReservationRuns):
    """Lives around nothing: it only keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Reservation] = {}

    def tell(self, notice: ReportedEvent) -> None:
        held = self.known.get(str(notice.reservation.sid))
        if held is None or follow(held.status, notice.reservation.status):
            self.known[str(notice.reservation.sid)] = notice.reservation

    def ask(self, sid: str) -> Belief:
        return held.status if (held := self.known.get(sid)) else None


def lead(
    lives: type[ReservationRuns], *, most: int = 100, steps: int = 100, shrink: bool = False
) -> None:
    """Lead lives, the same in every run."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    usual = settings(
        lives.TestCase.settings, max_examples=most, stateful_step_count=steps, phases=phases
    )
    run_state_machine_as_test(lives, settings=settings(usual, derandomize=True, database=None))


def test_every_edge_is_walked() -> None:
    """A default run walks every edge of the lifecycle at least 20 times, and counts them for whoever records coverage."""

    class Lives(Onlooker):
        pass

    usual = Lives.TestCase.settings
    with LifecycleCoverage().recording() as coverage:
        run_state_machine_as_test(Lives, settings=settings(usual, derandomize=True, database=None))
    assert min(Lives.walked.edges[name] for name in ALL_EDGES) >= 20
    assert coverage.edges == Lives.walked.edges
    assert not Onlooker.walked.edges


def test_a_failure_is_shown_in_a_few_steps() -> None:
    """What fails is shrunk to the steps that matter, with what happened written beside them."""

    class Lives(DeskLives):
        def __init__(self) -> None:
            super().__init__()
            self.desk = LastEventWins(self.gateway)

    with pytest.raises(AssertionError) as failure:
        lead(Lives, most=10, steps=15, shrink=True)
    shown = "\n".join(getattr(failure.value, "__notes__", []))
    assert "gone back" in str(failure.value) or "believes reservation 0" in str(failure.value)
    assert shown.count("state.") <= 8
    assert "# notice: reservation." in shown


@pytest.mark.parametrize("says", ["tell", "ask"])
def test_a_subclass_says_two_things(says: str) -> None:
    """Without ``tell`` or ``ask`` the lives cannot be led, and it is said which is missing."""
    lives = type("Lives", (Onlooker,), {says: getattr(ReservationRuns, says)})
    with pytest.raises(NotImplementedError, match=f"define {says}"):
        lead(lives, most=2)


def test_over_http() -> None:
    """The same lives are led around a service that reaches an emulator over HTTP, through a real gateway."""
    with (
        running_emulator() as emulator,
        Httpx2Gateway(CREDENTIALS, base_url=emulator.url) as gateway,
    ):

        class Lives(DeskLives):
            def arrange(self) -> Platform:
                emulator.platform.reset()
                return emulator.platform

            def connect(self, platform: Platform) -> Gateway:
                assert platform is emulator.platform
                return gateway

        lead(Lives, most=3, steps=30)
    assert sum(Lives.walked.edges.values()) > 10
