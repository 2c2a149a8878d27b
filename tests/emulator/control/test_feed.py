"""Server-sent events of the emulator."""

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


class FeedReader:
    """Reader of an emulator's feed."""

    def __init__(self, sock: socket.socket) -> None:
        self._lines = sock.makefile("r", encoding="utf-8", newline="\n")

    def next(self, kind: str) -> Any:
        """Read to the next event of a kind, and return its content."""
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
def reader(emulator: Emulator) -> Generator[FeedReader]:
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
        reader = FeedReader(sock)
        yield reader
        reader.close()


def test_feed_begins_with_run_and_time(emulator: Emulator, reader: FeedReader) -> None:
    hello = reader.next("hello")
    assert (hello["now"], hello["pace"]) == (emulator.platform.now().isoformat(), 0.0)
    runs = {hello["run"]}
    with running_emulator(Platform(RealClock(60))) as other:
        for url in (other.url, other.url, emulator.url):
            with socket.create_connection(address(url), WAIT) as sock:
                sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
                another = FeedReader(sock)
                runs.add(another.next("hello")["run"])
                another.close()
    assert len(runs) == 2


def test_entry_has_all_reservations_of_its_task(emulator: Emulator, reader: FeedReader) -> None:
    reader.next("hello")
    world = worlds.people(emulator.platform)
    first, second = (world.sid(worker) for worker in WORKERS[:2])
    emulator.platform.set_status(first, Status.ACCEPTED)
    event = [reader.next("entry") for _ in range(3)][-1]
    assert (event["trigger"], event["sid"]) == ("accepted", first)
    assert {each["sid"]: each["state"] for each in event["reservations"]} == {
        first: "accepted",
        second: "rescinded",
    }


def test_exchange_is_sent_once(emulator: Emulator, reader: FeedReader) -> None:
    reader.next("hello")
    world = worlds.people(emulator.platform)
    sid = world.sid()
    for form in ("ReservationStatus=wrapping", "ReservationStatus=accepted"):
        ask(emulator.url, "POST", worlds.path(sid), form)
    refused, done = (reader.next("exchange") for _ in range(2))
    assert (refused["status"], refused["request"], done["status"], done["request"]) == (
        400,
        "Wrap()",
        200,
        "Accept()",
    )
    assert "only accepted work can be wrapped up" in refused["reason"]
    assert done["number"] == refused["number"] + 1


def test_clock_jump_and_deletion_are_sent(emulator: Emulator, reader: FeedReader) -> None:
    reader.next("hello")
    world = worlds.people(emulator.platform)
    world.sid()
    emulator.platform.advance(7)
    assert reader.next("clock") == {"now": emulator.platform.now().isoformat(), "pace": 0.0}
    emulator.platform.cancel_task(TASK)
    emulator.platform.advance(emulator.platform.settings.delete_after)
    assert reader.next("deleted") == {}
    assert emulator.platform.tasks() == ()
    emulator.platform.delete_task(emulator.platform.add_task(worlds.WORKSPACE).sid)


def test_regular_time_is_not_sent() -> None:
    with (
        running_emulator(Platform(RealClock(60))) as emulator,
        socket.create_connection(address(emulator.url), WAIT) as sock,
    ):
        sock.sendall(b"GET /_emulator/events HTTP/1.0\r\n\r\n")
        reader = FeedReader(sock)
        reader.next("hello")
        world = worlds.people(emulator.platform)
        task = emulator.platform.add_task(worlds.WORKSPACE, reservation_timeout=20)
        world.sid(task=task.sid)
        before = reader.next("entry")["number"]
        emulator.platform.advance(600)
        assert reader.next("entry")["number"] == before + 1
        assert reader.next("clock")["pace"] == 60.0
        reader.close()


def test_closed_reader_gets_its_backlog_and_nothing_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MAX_BACKLOG", 0)

    async def read_events() -> list[bytes]:
        feeds = feed.EventFeed(Control(Platform(ManualClock()), FaultPlan()))
        feeds.send("early", {})
        reading = feeds.read()
        events = [await anext(reading)]
        for kind in ("first", "second"):
            feeds.send(kind, {})
        return events + [event async for event in reading]

    hello, first = asyncio.run(read_events())
    assert hello.startswith(b"retry: 1000\nevent: hello\ndata: {")
    assert first == b"event: first\ndata: {}\n\n"
