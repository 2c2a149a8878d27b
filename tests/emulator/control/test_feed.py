"""The feed tells everything that a page cannot know by itself: acts, requests, jumps of the clock, and what is there no more."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Generator
from typing import Any

import pytest

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform, RealClock
from reservation_core.emulator.control import feed
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import FaultPlan
from reservation_core.emulator.server import Emulator, running_emulator
from tests.emulator import worlds
from tests.emulator.wire import WAIT, address, ask
from tests.emulator.worlds import TASK, WORKERS


class Listener:
    """Who reads the feed of an emulator, event by event."""

    def __init__(self, sock: socket.socket) -> None:
        self._lines = sock.makefile("r", encoding="utf-8", newline="\n")

    def hear(self, kind: str) -> Any:
        """Read on to the next event of a kind, and give what it says."""
        found = False
        for line in self._lines:
            if line.startswith("event: "):
                found = line == f"event: {kind}\n"
            elif found and line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))
        raise AssertionError(f"the feed ended before any {kind}")

    def close(self) -> None:
        """Stop reading."""
        self._lines.close()


@pytest.fixture
def listener(emulator: Emulator) -> Generator[Listener]:
    """Listen to the emulator."""
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
        listener = Listener(sock)
        yield listener
        listener.close()


def test_it_begins_with_the_time_and_the_run(emulator: Emulator, listener: Listener) -> None:
    """The first event names the run, the same for all who listen and another for another emulator, and the time and its pace."""
    here = listener.hear("hello")
    assert (here["now"], here["pace"]) == (emulator.platform.now().isoformat(), 0.0)
    runs = {here["run"]}
    with running_emulator(Platform(RealClock(60))) as other:
        for url in (other.url, other.url, emulator.url):
            with socket.create_connection(address(url), WAIT) as sock:
                sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
                another = Listener(sock)
                runs.add(another.hear("hello")["run"])
                another.close()
    assert len(runs) == 2


def test_an_act_comes_with_what_it_changed(emulator: Emulator, listener: Listener) -> None:
    """An act tells how all reservations of its task stand after it, siblings that were rescinded with it included."""
    listener.hear("hello")
    world = worlds.people(emulator.platform)
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    emulator.platform.set_status(first, Status.ACCEPTED)
    told = [listener.hear("entry") for _ in range(3)][-1]
    assert (told["trigger"], told["sid"]) == ("accepted", first)
    assert {each["sid"]: each["state"] for each in told["reservations"]} == {
        first: "accepted",
        second: "rescinded",
    }


def test_a_request_is_told_once(emulator: Emulator, listener: Listener) -> None:
    """Each request of the emulated API is told once, in order, to those who listen; not the ones from before."""
    listener.hear("hello")
    world = worlds.people(emulator.platform)
    sid = world.sid()
    for form in ("ReservationStatus=wrapping", "ReservationStatus=accepted"):
        ask(emulator.url, "POST", worlds.path(sid), form)
    refused, done = (listener.hear("exchange") for _ in range(2))
    assert (refused["status"], refused["request"], done["status"], done["request"]) == (
        400,
        "Wrap()",
        200,
        "Accept()",
    )
    assert "only accepted work can be wrapped up" in refused["reason"]
    assert done["number"] == refused["number"] + 1


def test_what_no_act_tells_is_told(emulator: Emulator, listener: Listener) -> None:
    """The clock that is put forward is told, and that reservations are gone: their task was deleted, by somebody or by time."""
    listener.hear("hello")
    world = worlds.people(emulator.platform)
    world.sid()
    emulator.platform.advance(7)
    assert listener.hear("clock") == {"now": emulator.platform.now().isoformat(), "pace": 0.0}
    emulator.platform.cancel_task(TASK)
    emulator.platform.advance(emulator.platform.settings.delete_after)
    assert listener.hear("deleted") == {}
    assert emulator.platform.tasks() == ()
    emulator.platform.delete_task(emulator.platform.add_task(worlds.WORKSPACE).sid)


def test_time_that_passes_as_it_should_is_not_told() -> None:
    """A clock that runs at its pace is no news, at sixty times as fast either."""
    with (
        running_emulator(Platform(RealClock(60))) as emulator,
        socket.create_connection(address(emulator.url), WAIT) as sock,
    ):
        sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
        listener = Listener(sock)
        listener.hear("hello")
        world = worlds.people(emulator.platform)
        task = emulator.platform.add_task(worlds.WORKSPACE, reservation_timeout=20)
        world.sid(task=task.sid)
        before = listener.hear("entry")["number"]
        emulator.platform.advance(600)
        assert listener.hear("entry")["number"] == before + 1
        assert listener.hear("clock")["pace"] == 60.0
        listener.close()


def test_who_was_let_go_hears_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens nothing is kept; who lags behind too far hears what was there, and nothing after it."""
    monkeypatch.setattr(feed, "_MAX_BACKLOG", 0)

    async def listen() -> list[bytes]:
        feeds = feed.EventFeed(Control(Platform(ManualClock()), FaultPlan()))
        feeds.send("early", {})
        reading = feeds.read()
        heard = [await anext(reading)]
        for kind in ("first", "second"):
            feeds.send(kind, {})
        return heard + [event async for event in reading]

    here, first = asyncio.run(listen())
    assert here.startswith(b"retry: 1000\nevent: hello\ndata: {")
    assert first == b"event: first\ndata: {}\n\n"
