"""A complete suite of an async service: several reservations at the same time, and generated lives in one event loop each."""

import asyncio

import pytest
from hypothesis import settings

from reservation_core import Policy, Reservation, Status
from reservation_core.emulator import Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.faults import Fault
from reservation_core.testing.pytest_plugin import Planned
from reservation_core.testing.recording import RecordingGateway
from reservation_core.testing.stateful.machine import Belief, ReportedEvent, ReservationRuns
from tests.examples.async_desk import Switchboard

AT_ONCE = Policy(backoff=0.0)
WORKSPACE = "WS" + "0" * 32


@pytest.fixture
def reserved(task_router: Platform) -> list[Reservation]:
    """Reserve a worker for each of three callers."""
    tasks = [
        task_router.add_task(
            WORKSPACE, attributes={"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
        )
        for _ in range(3)
    ]
    return [task_router.reserve(task.sid, task_router.add_worker(WORKSPACE).sid) for task in tasks]


def test_it_connects_while_there_are_lines(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: list[Reservation]
) -> None:
    """Of three callers at the same time two are connected, and the third goes to the next worker; a line that is free again is used."""

    async def day() -> None:
        switchboard = Switchboard(reservation_gateway)
        await asyncio.gather(*map(switchboard.hear, reserved))
        first, second, third = (str(held.sid) for held in reserved)
        assert [switchboard.known[sid].on_hold for sid in (first, second, third)] == [
            True,
            True,
            False,
        ]
        assert switchboard.known[third].status is Status.REJECTED
        await switchboard.hear(task_router.miss_call(first))
        again = task_router.reserve(str(reserved[2].task_sid), str(reserved[2].worker_sid))
        await switchboard.hear(again)
        assert switchboard.known[str(again.sid)].on_hold

    asyncio.run(day())


def test_a_reset_is_no_second_call(
    task_router: Platform, faulty_gateway: Planned, reserved: list[Reservation]
) -> None:
    """When the connection breaks after the conference was taken, the worker is not called again."""
    switchboard = Switchboard(faulty_gateway(Fault(FaultKind.RESET_AFTER)), policy=AT_ONCE)
    asyncio.run(switchboard.hear(reserved[0]))
    assert [act.trigger for act in task_router.journal if act.sid == reserved[0].sid] == [
        "created",
        "conference",
    ]


class SwitchboardLives(ReservationRuns):
    """Lives around a switchboard."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.switchboard = Switchboard(self.gateway, policy=AT_ONCE)

    def tell(self, notice: ReportedEvent) -> None:
        self.loop.run(self.switchboard.hear(notice.reservation))

    def ask(self, sid: str) -> Belief:
        return self.switchboard.known.get(sid)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.loop.close()


TestSwitchboardLives = SwitchboardLives.TestCase
TestSwitchboardLives.settings = settings(
    TestSwitchboardLives.settings, max_examples=15
)  # the usual 100 take some seconds
