"""What a developer is shown: what may happen is what the platform would do, and every reason is the lifecycle's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import pytest

from reservation_core import Conference, Reject, Status
from reservation_core.emulator import ManualClock, Platform, RealClock, Settings
from reservation_core.emulator.api.exchange_log import (
    MAX_EXCHANGES,
    ExchangeLog,
    LoggedExchange,
    ReceivedRequest,
)
from reservation_core.emulator.api.gateway import InMemoryGateway
from reservation_core.emulator.control.overview import (
    ACTIONS,
    ActionGroup,
    clock_pace,
    describe_platform,
    describe_reservation,
    lifecycle_rule,
)
from reservation_core.emulator.control.routes import CONTROL_ROOT
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.platform.settings import EmptyUpdate, SystemStatus
from reservation_core.rest.messages import FORM_CONTENT_TYPE
from tests.emulator import worlds
from tests.emulator.worlds import TASK, WORKERS, WORKSPACE, World

CONFERENCE: Final = Conference(from_="+15005550006", to="client:alice")


@pytest.fixture
def world() -> World:
    """Make a small world whose time is moved by hand."""
    return worlds.people(Platform(ManualClock()))


# --- what may happen -----------------------------------------------------------------------------------------------------------------


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


LIVES: Final[Mapping[str, Callable[[World, str], object]]] = {
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


@pytest.mark.parametrize("offer", ACTIONS, ids=lambda offer: offer.name)
@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(can_reject_on_hold=False, can_rescind_on_hold=True)],
    ids=["usual", "other"],
)
def test_what_is_offered_is_what_would_be_done(life: str, offer: Any, settings: Settings) -> None:
    """Wherever a reservation stands: what is named as possible is done when it is asked for, and what is not is refused."""
    world = worlds.people(Platform(ManualClock(), settings=settings))
    sid = world.sid()
    LIVES[life](world, sid)
    shown = describe_reservation(world.platform, sid)
    if offer.path:
        path = CONTROL_ROOT + offer.path.replace("WR", sid).replace("WT", TASK)
        body = b"" if offer.body is None else json.dumps(offer.body).encode()
        status = Control(world.platform, FaultPlan()).receive(offer.method, path, body).status
    else:
        headers = (("Content-Type", FORM_CONTENT_TYPE),)
        status = (
            InMemoryGateway(world.platform)
            .receive(offer.method, str(shown["path"]), headers, str(offer.body).encode())
            .status
        )
    assert (status == 200) is (offer.name in cast("list[str]", shown["available"])), status


def test_every_offer_has_a_name_of_its_own() -> None:
    """No two offers share a name, and every kind of them is there."""
    assert len({offer.name for offer in ACTIONS}) == len(ACTIONS)
    assert {offer.group for offer in ACTIONS} == set(ActionGroup)


# --- how it stands -----------------------------------------------------------------------------------------------------------------


def test_a_reservation_is_shown_as_it_stands(world: World) -> None:
    """State, version, timer and task are shown; on hold the timer shows what was left when it stopped, however long that is ago."""
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


def test_of_very_many_the_newest_are_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """ActionGroup more reservations than can be shown the newest are, oldest first, and how many there are is told."""
    monkeypatch.setattr("reservation_core.emulator.control.overview.MAX_RESERVATIONS", 2)
    sids = [world.sid(worker) for worker in WORKERS]
    shown = describe_platform(world.platform)
    reservations = cast("list[dict[str, object]]", shown["reservations"])
    assert (shown["total"], [each["sid"] for each in reservations]) == (3, sids[1:])


@pytest.mark.parametrize(
    ("clock", "expected"),
    [(ManualClock(), 0.0), (RealClock(), 1.0), (RealClock(60), 60.0), (RealClock(0.5), 0.5)],
)
def test_the_pace_of_time_is_told(clock: ManualClock | RealClock, expected: float) -> None:
    """How many seconds pass in a real one is told, none where time is moved by hand."""
    assert clock_pace(clock) == expected


def test_every_act_has_its_reason(world: World) -> None:
    """Each act says on what ground it was possible; the making of a reservation needs none, and a setting is no word of the lifecycle."""
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


# --- requests ----------------------------------------------------------------------------------------------------------------------


def exchange(
    world: World, target: str, body: str = "", headers: Mapping[str, str] | None = None
) -> LoggedExchange:
    """Let a request be answered in process, and give how it is remembered."""
    exchanges = ExchangeLog(world.platform)
    came = ReceivedRequest(
        "POST",
        target,
        tuple({"Content-Type": FORM_CONTENT_TYPE, **(headers or {})}.items()),
        body.encode(),
    )
    reply = InMemoryGateway(world.platform).receive(*came)
    exchanges.add(7, world.platform.now(), came, reply, 0.001)
    (told,) = exchanges.since(0)
    assert (told.number, told.after, told.at, told.status) == (
        1,
        7,
        world.platform.now(),
        reply.status,
    )
    return told


def test_a_request_is_remembered_without_what_is_personal(world: World) -> None:
    """A request shows its command, but no telephone number, no contact, and no credentials."""
    sid = world.sid()
    told = exchange(
        world,
        worlds.path(sid),
        "Instruction=conference&From=%2B15005550006&To=client:alice&Timeout=20",
        {"Authorization": "Basic c2VjcmV0"},
    )
    assert told.request == "Conference(to=<personal>, from_=<personal>, timeout=20)"
    assert (told.status, told.reply, told.sid, told.reason) == (
        200,
        "200 pending, version 1",
        sid,
        "",
    )
    assert not any(word in repr(told) for word in ("5005550006", "alice", "c2VjcmV0"))


WHYS: Final[Mapping[str, tuple[str, dict[str, str], str, str]]] = {
    "no step": ("ReservationStatus=wrapping", {}, "Wrap()", "wrap is refused while pending: only accepted work can be wrapped up"),
    "stale": ("ReservationStatus=accepted", {"If-Match": "9"}, "Accept()", "If-Match asked for version '9', but the"),
    "invalid": ("Instruction=conference&Timeout=x", {}, "conference", "Conference cannot be sent:\n  Timeout = 'x': must be"),
    "unreadable": ("ReservationStatus=%ff", {}, "neither status nor instruction", ""),
    "lacking": ("Instruction=dequeue", {}, "Dequeue()", ""),
    "no form": ("ReservationStatus=accepted", {"Content-Type": "text/plain"}, "Accept()", ""),
}  # fmt: skip
"""What a request says, how it is shown, and how the reason begins; none where the answer itself says all."""


@pytest.mark.parametrize(("body", "headers", "asked", "said"), WHYS.values(), ids=WHYS)
def test_what_is_refused_has_a_reason(
    world: World, body: str, headers: dict[str, str], asked: str, said: str
) -> None:
    """A refused request says why: the lifecycle's ground, the version that was expected, or what is wrong with its parameters."""
    worker = world.platform.add_worker(WORKSPACE)
    told = exchange(world, worlds.path(world.sid(worker.sid)), body, headers)
    assert told.status is not None
    assert told.status >= 400
    assert told.request == asked
    assert told.reason.startswith(said)
    assert bool(told.reason) is bool(said)


def test_a_fact_that_cannot_be_is_told() -> None:
    """Where clients may set any status, one that is no step says so; an empty update that is not refused has nothing to say."""
    settings = Settings(system_status=SystemStatus.CARRIED_OUT, neither_given=EmptyUpdate.UNCHANGED)
    world = worlds.people(Platform(ManualClock(), settings=settings))
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    told = exchange(world, worlds.path(sid), "ReservationStatus=timeout")
    assert (told.request, told.reason) == (
        "timeout",
        "The status timeout is not a step of the lifecycle from accepted.",
    )
    assert exchange(world, worlds.path(sid), "X=1").request == "neither status nor instruction"
    assert exchange(world, worlds.path(sid), "X=1", {"Content-Type": "text/plain"}).reason == ""


def test_an_address_that_is_none_is_told(world: World) -> None:
    """Where nothing is held the reason says what to check, and no SID is made up."""
    told = exchange(world, worlds.path("WR" + worlds.NOBODY), "ReservationStatus=accepted")
    assert (told.status, told.sid) == (404, "WR" + worlds.NOBODY)
    assert told.reason.startswith("There is no reservation at this address. Check ")
    assert exchange(world, "/v1/Nowhere").sid is None


def test_the_last_exchanges_are_remembered(world: World) -> None:
    """Only so many are remembered; they count on, are read on from a number, and one that was planned to fail says so."""
    exchanges = ExchangeLog(world.platform)
    came = ReceivedRequest("GET", worlds.path(), (), b"")
    for _ in range(MAX_EXCHANGES + 2):
        exchanges.add(0, world.platform.now(), came, None, 0.0, "reset before acting")
    assert [told.number for told in exchanges.since(0)] == [*range(3, MAX_EXCHANGES + 3)]
    (last,) = exchanges.since(MAX_EXCHANGES + 1)
    assert (last.status, last.reply, last.fault, last.reason) == (
        None,
        "no reply",
        "reset before acting",
        "An injected fault: reset before acting.",
    )
    assert exchanges.last_number == MAX_EXCHANGES + 2


def test_the_control_surface_shows_them(world: World) -> None:
    """What a page needs is on the control surface: the describe_platform, the requests after a number, and each act with its reason."""
    control = Control(world.platform, FaultPlan())
    sid = world.sid()
    world.platform.set_status(sid, Status.ACCEPTED)
    came = ReceivedRequest("GET", worlds.path(sid), (), b"")
    for _ in range(2):
        control.exchanges.add(
            2, world.platform.now(), came, InMemoryGateway(world.platform).receive(*came), 0.0
        )

    def read(path: str) -> Any:
        return json.loads(control.receive("GET", CONTROL_ROOT + path, b"").body)

    assert [told["number"] for told in read("/exchanges?since=1")["exchanges"]] == [2]
    assert read("/exchanges")["last"] == 2
    shown = read("/overview")
    assert (shown["last"], shown["tasks"], shown["workers"], shown["pace"]) == (2, 1, 3, 0.0)
    assert [each["sid"] for each in shown["reservations"]] == [sid]
    assert [offer["name"] for offer in shown["actions"]] == [offer.name for offer in ACTIONS]
    assert read("/journal?since=1")["entries"][0]["rule"].startswith(
        "the worker, or another client, accepted [documented: "
    )
