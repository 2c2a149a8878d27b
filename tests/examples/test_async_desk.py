"""Example of a complete test suite for an async service."""

import asyncio

import pytest
from hypothesis import settings

from reservation_core import Policy, Reservation, Status
from reservation_core.emulator import Platform
from reservation_core.testing.faults import Fault, FaultKind, FaultyGatewayFactory
from reservation_core.testing.recording import RecordingGateway
from reservation_core.testing.stateful import Belief, ReportedEvent, ReservationRuns
from tests.examples.async_desk import Switchboard

AT_ONCE = Policy(backoff=0.0)
WORKSPACE = "WS" + "0" * 32


@pytest.fixture
def reserved(task_router: Platform) -> list[Reservation]:
    """Return reservations of a worker for each of three callers."""
    attributes = {"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
    tasks = [task_router.add_task(WORKSPACE, attributes=attributes) for _ in range(3)]
    return [task_router.reserve(task.sid, task_router.add_worker(WORKSPACE).sid) for task in tasks]


def test_switchboard_rejects_callers_without_a_line_and_reuses_a_free_line(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: list[Reservation]
) -> None:
    async def receive_calls() -> None:
        switchboard = Switchboard(reservation_gateway)
        await asyncio.gather(*map(switchboard.receive, reserved))
        sids = [str(held.sid) for held in reserved]
        assert [switchboard.known[sid].on_hold for sid in sids] == [True, True, False]
        assert switchboard.known[sids[2]].status is Status.REJECTED
        await switchboard.receive(task_router.miss_call(sids[0]))
        again = task_router.reserve(str(reserved[2].task_sid), str(reserved[2].worker_sid))
        await switchboard.receive(again)
        assert switchboard.known[str(again.sid)].on_hold

    asyncio.run(receive_calls())


def test_switchboard_does_not_call_again_after_a_reset(
    task_router: Platform, faulty_gateway: FaultyGatewayFactory, reserved: list[Reservation]
) -> None:
    switchboard = Switchboard(faulty_gateway(Fault(FaultKind.RESET_AFTER)), policy=AT_ONCE)
    asyncio.run(switchboard.receive(reserved[0]))
    acts = [act.trigger for act in task_router.journal if act.sid == reserved[0].sid]
    assert acts == ["created", "conference"]


class SwitchboardRuns(ReservationRuns):
    """Runs around a switchboard, each in an event loop of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.switchboard = Switchboard(self.gateway, policy=AT_ONCE)

    def deliver(self, event: ReportedEvent) -> None:
        self.loop.run(self.switchboard.receive(event.reservation))

    def look_up(self, sid: str) -> Belief:
        return self.switchboard.known.get(sid)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.loop.close()


# The default of 100 examples takes some seconds.
TestSwitchboardRuns = SwitchboardRuns.TestCase
TestSwitchboardRuns.settings = settings(TestSwitchboardRuns.settings, max_examples=15)
