"""Example of a complete test suite for a sync service: single faults, and generated runs."""

import pytest
from hypothesis import settings

from reservation_core import Policy, Reservation, Status
from reservation_core.emulator import Platform
from reservation_core.testing.faults import Fault, FaultKind, FaultyGatewayFactory, Rival
from reservation_core.testing.recording import RecordingGateway
from reservation_core.testing.stateful import Belief, ReportedEvent, ReservationRuns
from tests.examples.desk import Desk

AT_ONCE = Policy(backoff=0.0)
WORKSPACE = "WS" + "0" * 32


@pytest.fixture
def reserved(task_router: Platform) -> Reservation:
    """Return a reservation of a worker for a call."""
    worker = task_router.add_worker(WORKSPACE, attributes={"contact_uri": "client:alice"})
    task = task_router.add_task(
        WORKSPACE, attributes={"call_sid": "CA" + "0" * 32, "from": "+15005550006"}
    )
    return task_router.reserve(task.sid, worker.sid)


def test_desk_with_room_accepts_and_finishes(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: Reservation
) -> None:
    desk = Desk(reservation_gateway)
    desk.receive(reserved)
    assert [request.form for request in reservation_gateway.requests] == [
        (("ReservationStatus", "accepted"),)
    ]
    desk.finish(str(reserved.sid))
    desk.finish(str(reserved.sid))
    assert desk.known[str(reserved.sid)].status is Status.COMPLETED
    assert task_router.get(str(reserved.sid)).status is Status.COMPLETED


def test_full_desk_rejects(
    task_router: Platform, reservation_gateway: RecordingGateway, reserved: Reservation
) -> None:
    Desk(reservation_gateway, room=0).receive(reserved)
    assert task_router.get(str(reserved.sid)).status is Status.REJECTED


def test_desk_reads_after_a_lost_reply_and_does_not_accept_again(
    task_router: Platform, faulty_gateway: FaultyGatewayFactory, reserved: Reservation
) -> None:
    desk = Desk(faulty_gateway(Fault(FaultKind.LOST_REPLY)), policy=AT_ONCE)
    desk.receive(reserved)
    assert desk.known[str(reserved.sid)].status is Status.ACCEPTED
    assert [act.trigger for act in task_router.journal] == ["created", "accept"]


def test_desk_stores_the_reservation_after_a_lost_race(
    faulty_gateway: FaultyGatewayFactory, reserved: Reservation
) -> None:
    desk = Desk(faulty_gateway(Fault(rival=Rival.CANCELS)))
    desk.receive(reserved)
    assert desk.known[str(reserved.sid)].status is Status.CANCELED


class DeskRuns(ReservationRuns):
    """Runs around a desk that accepts."""

    connects = False

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.gateway, connects=self.connects, policy=AT_ONCE)

    def deliver(self, event: ReportedEvent) -> None:
        self.desk.receive(event.reservation)

    def look_up(self, sid: str) -> Belief:
        return self.desk.known.get(sid)

    def work(self, sid: str) -> None:
        self.desk.finish(sid)


class VoiceDeskRuns(DeskRuns):
    """Runs around a desk that takes calls by a conference."""

    connects = True


# The default of 100 examples takes some seconds.
TestDeskRuns = DeskRuns.TestCase
TestDeskRuns.settings = settings(TestDeskRuns.settings, max_examples=15)
TestVoiceDeskRuns = VoiceDeskRuns.TestCase
TestVoiceDeskRuns.settings = settings(TestVoiceDeskRuns.settings, max_examples=15)
