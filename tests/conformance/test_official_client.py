"""The official Python client against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest
from twilio.base.exceptions import TwilioRestException  # pyright: ignore[reportMissingTypeStubs]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # pyright: ignore[reportMissingTypeStubs]
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs]

from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.server import Emulator, running_emulator
from tests.emulator.worlds import ACTIVITY, CALL, TASK, WORKERS, WORKSPACE, ZEROS, World, people

USERNAME: Final = "AC" + "8" * 32


PASSWORD: Final = "a password"


pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of the client's use of aiohttp


class Sync:
    """The synchronous client."""

    def __init__(self, emulator: Emulator, password: str = PASSWORD) -> None:
        self.client: Any = emulator.point(Client(USERNAME, password, environment={"": ""}))

    def call(self, thing: Any, name: str, *given: Any, **named: Any) -> Any:
        """Call an operation of the client."""
        return getattr(thing, name)(*given, **named)

    def close(self) -> None:
        """Close the connections."""
        self.client.http_client.session.close()


class Async:
    """The asynchronous client, whose operations end in ``_async``."""

    def __init__(self, emulator: Emulator, password: str = PASSWORD) -> None:
        self.runner = asyncio.Runner()
        self.client: Any = emulator.point(self.runner.run(self._open(password)))

    async def _open(self, password: str) -> Any:
        return Client(USERNAME, password, environment={"": ""}, http_client=AsyncTwilioHttpClient())

    def call(self, thing: Any, name: str, *given: Any, **named: Any) -> Any:
        """Call an operation of the client."""

        async def run() -> Any:
            return await getattr(thing, f"{name}_async")(*given, **named)

        return self.runner.run(run())

    def close(self) -> None:
        """Close the connections."""
        self.runner.run(self.client.http_client.close())
        self.runner.close()


Official = Sync | Async


@contextmanager
def open_client(
    kind: type[Sync] | type[Async], emulator: Emulator, password: str = PASSWORD
) -> Generator[Official]:
    client = kind(emulator, password)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(params=[Sync, Async])
def official(request: pytest.FixtureRequest, emulator: Emulator) -> Generator[Official]:
    with open_client(request.param, emulator) as client:
        yield client


def task_route(client: Any, sid: str | None = None) -> Any:
    reservations = client.taskrouter.v1.workspaces(WORKSPACE).tasks(TASK).reservations
    return reservations(sid) if sid else reservations


def worker_route(client: Any, sid: str | None = None) -> Any:
    reservations = client.taskrouter.v1.workspaces(WORKSPACE).workers(WORKERS[0]).reservations
    return reservations(sid) if sid else reservations


ROUTES: Final[tuple[Callable[..., Any], ...]] = (task_route, worker_route)


COMMANDS: Final[tuple[tuple[str, str, Mapping[str, Any], str, bool], ...]] = (
    # name, status before, what is given, status after, whether it is then on hold
    ("accept", "pending", {"reservation_status": "accepted"}, "accepted", False),
    (
        "reject",
        "pending",
        {"reservation_status": "rejected", "worker_activity_sid": ACTIVITY},
        "rejected",
        False,
    ),
    (
        "dequeue",
        "pending",
        {"instruction": "dequeue", "dequeue_from": "+15005550006", "dequeue_timeout": 30},
        "pending",
        True,
    ),
    (
        "call",
        "pending",
        {"instruction": "call", "call_from": "+15005550006", "call_url": "https://example.com/c"},
        "pending",
        False,
    ),
    (
        "call and accept",
        "pending",
        {
            "instruction": "call",
            "call_from": "+15005550006",
            "call_url": "https://example.com/c",
            "call_accept": True,
        },
        "accepted",
        False,
    ),
    (
        "redirect",
        "pending",
        {"instruction": "redirect", "redirect_call_sid": CALL, "redirect_url": "https://x.org"},
        "pending",
        False,
    ),
    (
        "conference",
        "pending",
        {
            "instruction": "conference",
            "from_": "+15005550006",
            "status_callback": "https://example.com/s",
            "status_callback_event": ["initiated", "answered"],
            "record": True,
            "beep": "onEnter",
        },
        "pending",
        True,
    ),
    ("wrap", "accepted", {"reservation_status": "wrapping"}, "wrapping", False),
    ("complete", "accepted", {"reservation_status": "completed"}, "completed", False),
    ("complete after-work", "wrapping", {"reservation_status": "completed"}, "completed", False),
)


def reserve_in(world: World, status: str) -> str:
    from reservation_core import Status

    sid = world.sid()
    for fact in {"pending": (), "accepted": ("accepted",), "wrapping": ("accepted", "wrapping")}[
        status
    ]:
        world.platform.set_status(sid, Status(fact))
    return sid


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("before", "given", "after", "on_hold"),
    [row[1:] for row in COMMANDS],
    ids=[row[0] for row in COMMANDS],
)
def test_command_is_carried_out(
    official: Official,
    world: World,
    route: Callable[..., Any],
    before: str,
    given: Mapping[str, Any],
    after: str,
    on_hold: bool,
) -> None:
    sid = reserve_in(world, before)
    version = int(world.platform.get(sid).etag or 0)
    updated = official.call(route(official.client, sid), "update", if_match=str(version), **given)
    assert (updated.sid, updated.reservation_status) == (sid, after)
    kept = world.platform.get(sid)
    assert (kept.status, kept.on_hold, kept.etag) == (after, on_hold, str(version + 1))


def test_supervise_is_carried_out_on_the_task_route(official: Official, world: World) -> None:
    sid = reserve_in(world, "accepted")
    given = {"instruction": "supervise", "supervisor_mode": "monitor", "supervisor": WORKERS[1]}
    assert (
        official.call(task_route(official.client, sid), "update", **given).reservation_status
        == "accepted"
    )


@pytest.mark.parametrize("route", ROUTES)
def test_reservation_is_fetched(
    official: Official, world: World, route: Callable[..., Any]
) -> None:
    sid = world.sid()
    fetched = official.call(route(official.client, sid), "fetch")
    assert (fetched.sid, fetched.workspace_sid, fetched.task_sid, fetched.worker_sid) == (
        sid,
        WORKSPACE,
        TASK,
        WORKERS[0],
    )
    assert (fetched.reservation_status, fetched.worker_name) == ("pending", "Worker 0")
    assert fetched.date_created == fetched.date_updated == world.platform.now()
    assert fetched.links.keys() == {"workspace", "task", "worker"}


@pytest.mark.parametrize("route", ROUTES)
def test_reservations_are_listed_page_by_page(
    official: Official, world: World, emulator: Emulator, route: Callable[..., Any]
) -> None:
    sids = [world.sid()] if route is worker_route else [world.sid(worker) for worker in WORKERS]
    if route is worker_route:
        for number in range(2):
            task = emulator.platform.add_task(WORKSPACE, attributes={"number": number})
            sids.append(world.sid(task=task.sid))
    listed = official.call(route(official.client), "list", page_size=1)
    assert [each.sid for each in listed] == sids
    accepted = official.call(route(official.client), "list", reservation_status="accepted")
    assert accepted == []


def test_next_page_survives_a_change_of_status(official: Official, world: World) -> None:
    sids = [world.sid(worker) for worker in WORKERS]
    resource = task_route(official.client)

    def page(url: str | None) -> Any:
        request: dict[str, Any] = (
            {"target_url": url} if url else {"reservation_status": "pending", "page_size": 1}
        )
        return official.call(resource, "get_page" if url else "page", **request)

    first = page(None)
    seen = [[each.sid for each in first]]
    official.call(task_route(official.client, sids[0]), "update", reservation_status="rejected")
    second = page(first.next_page_url)
    seen.append([each.sid for each in second])
    official.call(task_route(official.client, sids[1]), "update", reservation_status="rejected")
    seen.append([each.sid for each in page(second.next_page_url)])
    assert seen == [[sid] for sid in sids[:3]]


def test_list_of_a_task_is_filtered_by_worker(official: Official, world: World) -> None:
    sids = {worker: world.sid(worker) for worker in WORKERS}
    listed = official.call(task_route(official.client), "list", worker_sid=WORKERS[2])
    assert [each.sid for each in listed] == [sids[WORKERS[2]]]


def test_stale_version_is_refused(official: Official, world: World) -> None:
    sid = world.sid()
    found = (
        official.call(task_route(official.client, sid), "fetch_with_http_info")
        if isinstance(official, Sync)
        else None
    )
    version = world.platform.get(sid).etag
    if found is not None:
        assert {name.lower(): value for name, value in found.headers.items()}["etag"].strip(
            '"'
        ) == version
    official.call(
        task_route(official.client, sid), "update", if_match=version, reservation_status="accepted"
    )
    with pytest.raises(TwilioRestException) as caught:
        official.call(
            task_route(official.client, sid),
            "update",
            if_match=version,
            reservation_status="wrapping",
        )
    assert (caught.value.status, caught.value.code) == (412, 20412)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("route", ROUTES)
def test_unknown_reservation_is_not_found(official: Official, route: Callable[..., Any]) -> None:
    for name, given in (("fetch", {}), ("update", {"reservation_status": "accepted"})):
        with pytest.raises(TwilioRestException) as caught:
            official.call(route(official.client, f"WR{ZEROS}"), name, **given)
        assert (caught.value.status, caught.value.code) == (404, 20404)
        assert f"/Reservations/WR{ZEROS} was not found" in caught.value.msg


@pytest.mark.parametrize("route", ROUTES)
def test_second_accept_is_refused(
    official: Official, world: World, route: Callable[..., Any]
) -> None:
    sid = reserve_in(world, "accepted")
    with pytest.raises(TwilioRestException) as caught:
        official.call(route(official.client, sid), "update", reservation_status="accepted")
    assert (caught.value.status, caught.value.code) == (400, 20001)
    assert "is already in state [accepted] and cannot be updated to [accepted]" in caught.value.msg


def test_late_instruction_is_refused(official: Official, world: World) -> None:
    sid = reserve_in(world, "accepted")
    with pytest.raises(TwilioRestException) as caught:
        official.call(
            task_route(official.client, sid),
            "update",
            instruction="conference",
            from_="+15005550006",
        )
    assert caught.value.status == 400
    assert (
        "Unable to execute Conference instruction. "
        f"Reservation {sid} is not currently in a Pending state." in caught.value.msg
    )


def test_unknown_instruction_is_refused(official: Official, world: World) -> None:
    sid = world.sid()
    with pytest.raises(TwilioRestException) as caught:
        official.call(task_route(official.client, sid), "update", instruction="hypnotise")
    assert (caught.value.status, caught.value.code) == (400, 55555)


@pytest.mark.parametrize("kind", [Sync, Async])
def test_wrong_password_is_refused(kind: type[Sync] | type[Async]) -> None:
    settings = Settings(accounts={USERNAME: PASSWORD})
    with running_emulator(Platform(ManualClock(), settings=settings)) as emulator:
        sid = people(emulator.platform).sid()
        with open_client(kind, emulator) as official:
            assert official.call(task_route(official.client, sid), "fetch").sid == sid
        with (
            open_client(kind, emulator, "another") as official,
            pytest.raises(TwilioRestException) as caught,
        ):
            official.call(task_route(official.client, sid), "fetch")
    assert (caught.value.status, caught.value.code) == (401, 20003)


@pytest.mark.parametrize("kind", [Sync, Async])
def test_rate_limit_refuses_without_effect(kind: type[Sync] | type[Async]) -> None:
    with running_emulator(Platform(ManualClock(), settings=Settings(rate_limit=1))) as emulator:
        sid = people(emulator.platform).sid()
        with open_client(kind, emulator) as official:
            official.call(
                task_route(official.client, sid),
                "update",
                instruction="call",
                call_from="+15005550006",
                call_url="https://example.com/",
            )
            with pytest.raises(TwilioRestException) as caught:
                official.call(
                    task_route(official.client, sid), "update", reservation_status="accepted"
                )
        assert (caught.value.status, caught.value.code) == (429, 20429)
        assert emulator.platform.get(sid).status == "pending"
