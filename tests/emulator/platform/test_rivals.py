"""Of many who want the same at once exactly one gets it."""

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
    LostRace,
    Refused,
    Reservation,
    Status,
    conclude,
    perform,
    prepare,
)
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, StateConflict
from tests.emulator.samples import EXAMPLES, PENDING, SID, numbered

RIVALS: Final = 32


def _race(runners: list[Callable[[], Reservation]]) -> list[Reservation | Refused]:
    """Let all run at the same moment, each in a thread of its own."""
    start = threading.Barrier(len(runners))

    def run(runner: Callable[[], Reservation]) -> Reservation | Refused:
        start.wait(10)
        try:
            return runner()
        except Refused as error:
            return error

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def slow(*reservations: Reservation) -> InMemoryGateway:
    """Make a gateway whose platform takes its time in the middle of each change, so that rivals meet there if they can."""

    class Slow(ManualClock):
        def now(self) -> datetime:
            time.sleep(0.0005)
            return super().now()

    platform = Platform(Slow())
    for reservation in reservations:
        platform.add(reservation)
    return InMemoryGateway(platform)


class Hesitant(Platform):
    """A platform that pauses before it carries out what was checked, so that rivals meet there if they can."""

    def execute(self, sid: str, command: Command, *, by: str = "client") -> Reservation:
        """Pause, then do it."""
        time.sleep(0.0005)
        return super().execute(sid, command, by=by)


def test_one_of_many_rivals_changes_a_version() -> None:
    """Of 32 who change the same version at once exactly one does, even where the command is a step again afterwards."""
    gateway, known, command = (
        InMemoryGateway(Hesitant()),
        attrs.evolve(PENDING, etag="0"),
        EXAMPLES["call"],
    )
    gateway.platform.add(PENDING)
    request = prepare(known, command)
    outcomes = _race([lambda: conclude(known, command, gateway.send(request))] * RIVALS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]
    assert {outcome.http_status for outcome in outcomes if isinstance(outcome, Refused)} == {412}


RIVALRIES: Final[Mapping[str, Callable[[Platform], Reservation]]] = {
    "command": lambda platform: platform.execute(SID, Accept()),
    "fact": lambda platform: platform.set_status(SID, Status.ACCEPTED),
}


@pytest.mark.parametrize("rivalry", RIVALRIES.values(), ids=RIVALRIES)
def test_one_of_many_rivals_moves_the_platform(rivalry: Callable[[Platform], Reservation]) -> None:
    """Of 32 who move the platform itself at once exactly one does; for the others it is no step any more."""
    platform = slow(PENDING).platform

    def move() -> Reservation:
        try:
            return rivalry(platform)
        except StateConflict as conflict:
            raise Refused(400, message=str(conflict)) from conflict

    outcomes = _race([move] * RIVALS)
    assert [outcome.etag for outcome in outcomes if isinstance(outcome, Reservation)] == ["1"]


@pytest.mark.parametrize("version", ["0", None])
def test_one_of_many_rivals_accepts_a_reservation(version: str | None) -> None:
    """Of 32 who accept the same reservation at once exactly one wins, with or without a version; the others lose the race."""
    gateway, known = slow(PENDING), attrs.evolve(PENDING, etag=version)
    outcomes = _race([partial(perform, known, Accept(), gateway)] * RIVALS)
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, LostRace) for outcome in outcomes) == RIVALS - 1
    assert gateway.platform.get(SID).etag == "1"


def test_one_of_many_siblings_is_accepted() -> None:
    """Of 32 workers who accept their own reservation of one task exactly one gets it; every other one is rescinded."""
    rivals = [numbered(number) for number in range(RIVALS)]
    gateway = slow(*rivals)
    outcomes = _race([partial(perform, rival, Accept(), gateway) for rival in rivals])
    assert sum(isinstance(outcome, Reservation) for outcome in outcomes) == 1
    held = [reservation.status for reservation in gateway.platform.all()]
    assert (held.count(Status.ACCEPTED), held.count(Status.RESCINDED)) == (1, RIVALS - 1)
    assert {reservation.etag for reservation in gateway.platform.all()} == {"1"}
