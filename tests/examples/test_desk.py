"""A complete suite of a sync service: every path and every edge of the lifecycle, single faults by plan, and generated lives."""

import pytest
from hypothesis import settings

from reservation_core import Policy, Reservation, Status
from reservation_core.emulator import Platform
from reservation_core.emulator.faults import FaultKind
from reservation_core.testing.faults import Fault, Rival
from reservation_core.testing.pytest_plugin import Planned
from reservation_core.testing.recording import RecordingGateway
from reservation_core.testing.stateful.machine import Belief, ReportedEvent, ReservationRuns
from tests.examples.desk import Desk

AT_ONCE = Policy(backoff=0.0)
WORKSPACE = "WS" + "0" * 32


@pytest.fixture
def reserved(task_router: Platform) -> Reservation:
    """Reserve a worker for a call."""
    worker = task_router.add_worker(WORKSPACE, attributes={"contact_uri": "client:alice"})
    task = task_router.add_task(
        WORKSPACE, attributes={"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
    )
    return task_router.reserve(task.sid, worker.sid)


def test_it_accepts_while_there_is_room(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: Reservation
) -> None:
    """A desk with room takes the reservation, with one request; wraps it up and completes it."""
    desk = Desk(reservation_gateway)
    desk.hear(reserved)
    assert [request.form for request in reservation_gateway.requests] == [
        (("ReservationStatus", "accepted"),)
    ]
    desk.finish(str(reserved.sid))
    desk.finish(str(reserved.sid))
    assert (
        desk.known[str(reserved.sid)].status
        is task_router.get(str(reserved.sid)).status
        is Status.COMPLETED
    )


def test_it_rejects_when_there_is_none(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: Reservation
) -> None:
    """A full desk rejects."""
    Desk(reservation_gateway, room=0).hear(reserved)
    assert task_router.get(str(reserved.sid)).status is Status.REJECTED


def test_a_lost_reply_is_no_second_accept(
    task_router: Platform, faulty_gateway: Planned, reserved: Reservation
) -> None:
    """When the reply to its accept is lost, the desk reads and does not ask twice."""
    desk = Desk(faulty_gateway(Fault(FaultKind.LOST_REPLY)), policy=AT_ONCE)
    desk.hear(reserved)
    assert desk.known[str(reserved.sid)].status is Status.ACCEPTED
    assert [act.trigger for act in task_router.journal] == ["created", "accept"]


def test_a_rival_may_be_first(faulty_gateway: Planned, reserved: Reservation) -> None:
    """When the caller hung up just before, the desk knows."""
    desk = Desk(faulty_gateway(Fault(rival=Rival.CANCELS)))
    desk.hear(reserved)
    assert desk.known[str(reserved.sid)].status is Status.CANCELED


class DeskLives(ReservationRuns):
    """Lives around a desk that accepts."""

    connects = False

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.gateway, connects=self.connects, policy=AT_ONCE)

    def tell(self, notice: ReportedEvent) -> None:
        self.desk.hear(notice.reservation)

    def ask(self, sid: str) -> Belief:
        return self.desk.known.get(sid)

    def work(self, sid: str) -> None:
        self.desk.finish(sid)


class VoiceDeskLives(DeskLives):
    """Lives around a desk that takes calls by a conference."""

    connects = True


TestDeskLives = DeskLives.TestCase
TestDeskLives.settings = settings(
    TestDeskLives.settings, max_examples=15
)  # the usual 100 take some seconds
TestVoiceDeskLives = VoiceDeskLives.TestCase
TestVoiceDeskLives.settings = settings(
    TestVoiceDeskLives.settings, max_examples=15
)  # the usual 100 take some seconds
