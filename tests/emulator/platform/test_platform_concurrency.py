"""Of many concurrent writers exactly one succeeds."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

import attrs
import pytest

from reservation_core import (
    Accept,
    Command,
    Indistinguishable,
    Refused,
    Reservation,
    ReservationError,
    Status,
    conclude,
    perform,
    prepare,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, StateConflict
from tests.emulator.samples import EXAMPLES, PENDING, SID, numbered

WRITERS: Final = 32


def _race(runners: list[Callable[[], Reservation]]) -> list[Reservation | ReservationError]:
    """Run all at the same moment, each in its own thread."""
    start = threading.Barrier(len(runners))

    def run(runner: Callable[[], Reservation]) -> Reservation | ReservationError:
        start.wait(10)
        try:
            return runner()
        except ReservationError as error:
            return error

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def make_slow_gateway(*reservations: Reservation) -> InMemoryGateway:
    """Return a gateway with a slow clock, so that writers can overlap."""

    class SlowClock(ManualClock):
        def now(self) -> datetime:
            time.sleep(0.0005)
            return super().now()

    platform = Platform(SlowClock())
    for reservation in reservations:
        platform.add(reservation)
    return InMemoryGateway(platform)


class SlowPlatform(Platform):
    """A platform that pauses before a command, so that writers can overlap."""

    def execute(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Pause, then execute."""
        time.sleep(0.0005)
        return super().execute(sid, command, by=by)


def test_one_of_many_writers_changes_a_version() -> None:
    """Even where the command would be a step again afterwards."""
    gateway, known, command = (
        InMemoryGateway(SlowPlatform()),
        attrs.evolve(PENDING, etag="0"),
        EXAMPLES["call"],
    )
    gateway.platform.add(PENDING)
    request = prepare(known, command)
    outcomes = _race([lambda: conclude(known, command, gateway.send(request))] * WRITERS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]
    assert {outcome.http_status for outcome in outcomes if isinstance(outcome, Refused)} == {412}


STEPS: Final[Mapping[str, Callable[[Platform], Reservation]]] = {
    "command": lambda platform: platform.execute(SID, Accept()),
    "fact": lambda platform: platform.set_status(SID, Status.ACCEPTED),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_one_of_many_writers_makes_a_step(step: Callable[[Platform], Reservation]) -> None:
    """For all others it is not a step any more."""
    platform = make_slow_gateway(PENDING).platform

    def move() -> Reservation:
        try:
            return step(platform)
        except StateConflict as conflict:
            raise Refused(400, message=str(conflict)) from conflict

    outcomes = _race([move] * WRITERS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]


@pytest.mark.parametrize("version", ["0", None])
def test_one_of_many_writers_accepts_a_reservation(version: str | None) -> None:
    """With or without a version. The others see that it is accepted, and claim nothing."""
    gateway, known = make_slow_gateway(PENDING), attrs.evolve(PENDING, etag=version)
    outcomes = _race([partial(perform, known, Accept(), gateway)] * WRITERS)
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Indistinguishable) for outcome in outcomes) == WRITERS - 1
    assert gateway.platform.get(SID).etag == "1"


def test_one_of_many_siblings_is_accepted() -> None:
    """All others are rescinded."""
    siblings = [numbered(number) for number in range(WRITERS)]
    gateway = make_slow_gateway(*siblings)
    outcomes = _race([partial(perform, sibling, Accept(), gateway) for sibling in siblings])
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    statuses = [reservation.status for reservation in gateway.platform.all()]
    assert (statuses.count(Status.ACCEPTED), statuses.count(Status.RESCINDED)) == (1, WRITERS - 1)
    assert {reservation.etag for reservation in gateway.platform.all()} == {"1"}
