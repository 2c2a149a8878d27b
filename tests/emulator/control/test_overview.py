"""Reservations, available actions and lifecycle rules as a page shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import pytest

from reservation_core import Conference, Reject, Status
from reservation_core.emulator import ManualClock, Platform, RealClock, Settings
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.control.overview import (
    ACTIONS,
    ActionGroup,
    clock_pace,
    describe_platform,
    describe_reservation,
    lifecycle_rule,
)
from reservation_core.emulator.control.route import CONTROL_ROOT
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from tests.emulator import worlds
from tests.emulator.worlds import TASK, WORKERS, World

CONFERENCE: Final = Conference(from_="+15005550006", to="client:alice")


def _stay(world: World, sid: str) -> None:
    assert world.platform.get(sid).state == Status.PENDING


def _hold(world: World, sid: str) -> None:
    world.platform.execute(sid, CONFERENCE)


def _accept(world: World, sid: str) -> None:
    world.platform.set_status(sid, Status.ACCEPTED)


def _wrap(world: World, sid: str) -> None:
    _accept(world, sid)
    world.platform.set_status(sid, Status.WRAPPING)


def _complete(world: World, sid: str) -> None:
    _accept(world, sid)
    world.platform.set_status(sid, Status.COMPLETED)


def _transfer(world: World, sid: str) -> None:
    _accept(world, sid)
    world.platform.transfer(sid, WORKERS[1])


REACH: Final[Mapping[str, Callable[[World, str], object]]] = {
    "pending": _stay,
    "on hold": _hold,
    "accepted": _accept,
    "accepted, with a transfer": _transfer,
    "wrapping": _wrap,
    "completed": _complete,
    "rejected": lambda world, sid: world.platform.set_status(sid, Status.REJECTED),
    "canceled": lambda world, _: world.platform.cancel_task(TASK),
    "timed out": lambda world, _: world.platform.advance(120),
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
@pytest.mark.parametrize("reach", REACH)
@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(can_reject_on_hold=False, can_rescind_on_hold=True)],
    ids=["usual", "other"],
)
def test_available_actions_are_those_that_succeed(
    reach: str, action: Any, settings: Settings
) -> None:
    world = worlds.people(Platform(ManualClock(), settings=settings))
    sid = world.sid()
    REACH[reach](world, sid)
    shown = describe_reservation(world.platform, sid)
    if action.path:
        path = CONTROL_ROOT + action.path.replace("WR", sid).replace("WT", TASK)
        body = b"" if action.body is None else json.dumps(action.body).encode()
        status = Control(world.platform, FaultPlan()).receive(action.method, path, body).status
    else:
        headers = (("Content-Type", FORM_CONTENT_TYPE),)
        status = (
            InMemoryGateway(world.platform)
            .receive(action.method, str(shown["path"]), headers, str(action.body).encode())
            .status
        )
    assert (status == 200) is (action.name in cast("list[str]", shown["available"])), status


def test_actions_have_unique_names() -> None:
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert {action.group for action in ACTIONS} == set(ActionGroup)


def test_reservation_is_described_with_its_timer(world: World) -> None:
    sid = world.sid()
    world.platform.advance(37)
    shown = describe_reservation(world.platform, sid)
    assert (shown["state"], shown["etag"], shown["task_status"], shown["left"]) == (
        "pending",
        "0",
        "reserved",
        None,
    )
    assert shown["due"] == world.platform.now() + timedelta(seconds=83)
    world.platform.execute(sid, CONFERENCE)
    world.platform.advance(50)
    shown = describe_reservation(world.platform, sid)
    assert (shown["state"], shown["status"], shown["etag"], shown["due"], shown["left"]) == (
        "onHold",
        "pending",
        "1",
        None,
        83,
    )


def test_overview_shows_the_newest_reservations(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reservation_core.emulator.control.overview.MAX_RESERVATIONS", 2)
    sids = [world.sid(worker) for worker in WORKERS]
    shown = describe_platform(world.platform)
    reservations = cast("list[dict[str, object]]", shown["reservations"])
    assert (shown["total"], [each["sid"] for each in reservations]) == (3, sids[1:])


@pytest.mark.parametrize(
    ("clock", "expected"),
    [(ManualClock(), 0.0), (RealClock(), 1.0), (RealClock(60), 60.0), (RealClock(0.5), 0.5)],
)
def test_clock_pace_is_seconds_per_real_second(
    clock: ManualClock | RealClock, expected: float
) -> None:
    assert clock_pace(clock) == expected


def test_lifecycle_rule_explains_each_entry(world: World) -> None:
    sid = world.sid()
    world.platform.execute(sid, CONFERENCE)
    world.platform.answer_call(sid)
    made, held, accepted = map(lifecycle_rule, world.platform.journal)
    assert made is None
    assert (
        held
        == "accepted only when worker and caller are in the conference [documented: https://www.twilio.com/docs/taskrouter/api/reservations]"
    )
    assert (
        accepted
        == "the call setup succeeded [documented: https://www.twilio.com/docs/taskrouter/api/reservations]"
    )
    lenient = worlds.people(Platform(ManualClock(), settings=Settings(can_reject_on_hold=True)))
    sid = lenient.sid()
    lenient.platform.execute(sid, CONFERENCE)
    lenient.platform.execute(sid, Reject())
    assert lifecycle_rule(lenient.platform.journal[-1]) is None
