"""The emulator on a port: it starts and ends without a trace, answers whatever is sent, and lets go wrong what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Scope

from reservation_core import Status
from reservation_core.emulator import InMemoryGateway, ManualClock, Platform, RealClock, server
from reservation_core.emulator.control import feed as feeds
from reservation_core.emulator.control.surface import Control
from reservation_core.emulator.faults import HTTP_KINDS, Fault, FaultKind, FaultPlan
from reservation_core.emulator.http import connection, uvicorn_server
from reservation_core.emulator.http.asgi import EmulatorApplication
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.emulator.state_file import StateFileError
from tests.emulator import worlds
from tests.emulator.wire import WAIT, Answer, address, ask, say, status_of
from tests.emulator.worlds import WORKERS, World, people

ACCEPT = "ReservationStatus=accepted"


@pytest.fixture
def world(emulator: Emulator) -> World:
    """Three workers and a task."""
    return people(emulator.platform)


def update(emulator: Emulator, sid: str, form: str = ACCEPT) -> Answer:
    """Ask for an update on the task route."""
    return ask(emulator.url, "POST", worlds.path(sid), form)


# --- its life --------------------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """After the block neither the thread is there nor the port taken, even while a client keeps a connection and another reads the feed."""
    before = threading.enumerate()
    with running_emulator() as emulator:
        kept = http.client.HTTPConnection(*address(emulator.url), timeout=WAIT)
        kept.request("GET", "/_emulator/ways")
        assert kept.getresponse().read()
        feed = socket.create_connection(address(emulator.url), WAIT)
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"200 OK" in feed.recv(65536)
    kept.close()
    feed.close()
    assert not caplog.records  # the reader of the feed was let go, not cut off
    assert threading.enumerate() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address(emulator.url), WAIT)


def test_a_port_that_is_taken_is_told(emulator: Emulator) -> None:
    """Who asks for a port that somebody has is told so at once."""
    with (
        pytest.raises(OSError, match="Address already in use"),
        running_emulator(port=address(emulator.url)[1]),
    ):
        pass


def test_it_answers_on_ipv6() -> None:
    """It answers on an IPv6 address as well, and its URLs say so."""
    with running_emulator(host="::1") as emulator:
        assert emulator.url.startswith("http://[::1]:")
        assert ask(emulator.url, "GET", "/_emulator/ways").status == 200


def test_what_is_beside_it_lives_as_long() -> None:
    """What is put beside the emulator is entered before the first request and left at the end; further routes come before its own."""
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def companion() -> AsyncGenerator[None]:
        seen.append("entered")
        yield
        seen.append("left")

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("the page")

    with running_emulator(lifespans=[companion], routes=[Route("/_emulator/", page)]) as emulator:
        assert seen == ["entered"]
        assert ask(emulator.url, "GET", "/_emulator/").body == b"the page"
        assert ask(emulator.url, "GET", "/_emulator/ways").status == 200
    assert seen == ["entered", "left"]


def test_what_cannot_be_beside_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """When something beside the emulator fails, the emulator does not start, says so, and leaves nothing behind."""

    def companion() -> contextlib.AbstractAsyncContextManager[None]:
        raise LookupError("no courier today")

    before = threading.enumerate()
    with (
        pytest.raises(RuntimeError, match="did not start"),
        running_emulator(lifespans=[companion]),
    ):
        pass
    with pytest.raises(RuntimeError, match="did not start"):
        server.serve(Platform(), lifespans=[companion])
    assert "no courier today" in caplog.text
    assert threading.enumerate() == before


def test_a_failure_is_no_acknowledgement(caplog: pytest.LogCaptureFixture) -> None:
    """When what happened cannot be kept, the client gets a 500 that says so, and nothing has happened; so it is for a fault of ours."""
    refuse: list[Exception] = []

    def keep(_: object) -> None:
        if refuse:
            raise refuse[0]

    with running_emulator(Platform(ManualClock(), on_commit=keep)) as emulator:
        sid = people(emulator.platform).sid()
        for error, said in (
            (StateFileError("state.db", "the disk is full"), "the disk is full"),
            (ZeroDivisionError(), "See its log"),
        ):
            refuse[:] = [error]
            answer = update(emulator, sid)
            assert (answer.status, answer.json["code"], said in answer.json["message"]) == (
                500,
                20500,
                True,
            )
            emulator.faults.add(Fault(kind=FaultKind.DUPLICATE))
            assert update(emulator, sid).status == 500
        refuse.clear()
        assert emulator.platform.get(sid).status is Status.PENDING
    assert "could not answer" in caplog.text


def test_an_idle_connection_is_kept_and_then_closed(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection stays open between requests, and is closed when nothing was asked for long."""
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.3)
    request = f"GET {worlds.path(world.sid())} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        for _ in range(3):
            sock.sendall(request)
            assert b"200 OK" in read_until(sock, b"}}")
        assert sock.recv(65536) == b""


def test_requests_in_one_go_are_answered_in_order(emulator: Emulator, world: World) -> None:
    """Several requests that come at once are answered in their order, also behind one that takes long."""
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=0.2))
    first = f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\n\r\n"
    second = f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\nContent-Length: 26\r\n\r\n{ACCEPT}"
    third = f"GET /_emulator/reservations/{sid} HTTP/1.0\r\nHost: here\r\n\r\n"
    said = say(emulator.url, (first + second + third).encode()).decode()
    found = [
        said.index(mark)
        for mark in (
            '"reservation_status": "pending"',
            '"reservation_status": "accepted"',
            '"status": "accepted"',
        )
    ]
    assert found == sorted(found)


@pytest.mark.parametrize("head", ["Expect: 100-continue\r\n", "Connection: close\r\n", ""])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_either_way_answers_the_same(
    emulator: Emulator, world: World, head: str, version: str
) -> None:
    """What goes the short way and what goes the long way is answered the same, but for the connection."""
    sid = world.sid()
    close = (
        "" if "close" in head else "Connection: close\r\n" if not head or "Expect" in head else ""
    )
    request = f"POST {worlds.path(sid)} HTTP/{version}\r\nHost: here\r\n{head}{close}Content-Length: 26\r\n\r\n{ACCEPT}"
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(request.encode())
        said = read_until(sock, b"}}").decode().removeprefix("HTTP/1.1 100 Continue\r\n\r\n")
    lines, _, body = said.partition("\r\n\r\n")
    headers = {
        line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines.split("\r\n")[1:]
    }
    assert lines.startswith("HTTP/1.1 200 OK")
    assert headers.keys() - {"connection"} >= {
        "date",
        "content-type",
        "content-length",
        "etag",
        "access-control-allow-origin",
    }
    assert (headers["etag"], int(headers["content-length"])) == ("1", len(body))


def test_time_passes_by_itself() -> None:
    """A reservation times out though nobody asks anything: at sixty times the pace of time its second is soon over."""
    told = threading.Event()
    platform = Platform(RealClock(60))
    platform.subscribe(lambda act: told.set() if act.trigger == "timeout" else None)
    with running_emulator(platform):
        task = platform.add_task(worlds.WORKSPACE, reservation_timeout=1)
        worker = platform.add_worker(worlds.WORKSPACE)
        sid = str(platform.reserve(task.sid, worker.sid).sid)
        assert told.wait(WAIT)
        assert platform.get(sid).status is Status.TIMEOUT


def test_time_passes_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    """What falls due while it cannot be kept is logged, and happens when it can."""
    failures = [StateFileError("state.db", "the disk is full")]
    told = threading.Event()

    def keep(_: object) -> None:
        if broken and failures:
            raise failures.pop()

    broken: list[bool] = []
    platform = Platform(RealClock(60), on_commit=keep)
    platform.subscribe(lambda act: told.set() if act.trigger == "timeout" else None)
    with running_emulator(platform):
        task = platform.add_task(worlds.WORKSPACE, reservation_timeout=1)
        worker = platform.add_worker(worlds.WORKSPACE)
        sid = str(platform.reserve(task.sid, worker.sid).sid)
        broken.append(True)
        assert told.wait(WAIT)
        assert platform.get(sid).status is Status.TIMEOUT
    assert "could not run its timers" in caplog.text


# --- the emulated API ------------------------------------------------------------------------------------------------------------


def test_an_update_is_carried_out(emulator: Emulator, world: World) -> None:
    """An update arrives with its form and its headers, and the answer shows the version and the emulator's own addresses."""
    sid = world.sid()
    answer = ask(emulator.url, "POST", worlds.path(sid), ACCEPT, {"If-Match": "0"})
    assert (answer.status, answer.json["reservation_status"], answer.headers["etag"]) == (
        200,
        "accepted",
        "1",
    )
    assert answer.json["url"] == emulator.url + worlds.path(sid)
    assert (
        ask(
            emulator.url, "POST", worlds.path(sid), "ReservationStatus=wrapping", {"If-Match": "0"}
        ).status
        == 412
    )


def test_pages_lead_back_to_the_emulator(emulator: Emulator, world: World) -> None:
    """A page leads to the next one at the emulator's own address, to the last one and no further."""
    sids = [world.sid(worker) for worker in WORKERS]
    found: list[str] = []
    url: str | None = f"{emulator.url}{worlds.path()}?PageSize=1"
    while url is not None:
        assert url.startswith(emulator.url)
        page = ask(emulator.url, "GET", url.removeprefix(emulator.url)).json
        found += [each["sid"] for each in page["reservations"]]
        url = page["meta"]["next_page_url"]
    assert found == sids


def test_one_rival_wins(emulator: Emulator, world: World) -> None:
    """Of thirty-two rivals who accept one reservation at the same moment exactly one does; the others are told that it is accepted."""
    for _ in range(3):
        task = emulator.platform.add_task(worlds.WORKSPACE)
        sid = world.sid(task=task.sid)
        gate = threading.Barrier(32)

        def rival(
            _: int, sid: str = sid, task_sid: str = task.sid, gate: threading.Barrier = gate
        ) -> Answer:
            gate.wait(WAIT)
            return ask(emulator.url, "POST", worlds.path(sid, task_sid), ACCEPT)

        with ThreadPoolExecutor(32) as rivals:
            answers = list(rivals.map(rival, range(32)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * 31
        assert all(
            "already in state [accepted]" in answer.json["message"]
            for answer in answers
            if answer.status == 400
        )
        assert emulator.platform.get(sid).etag == "1"


def test_one_sibling_wins(emulator: Emulator, world: World) -> None:
    """Of three workers who accept the same task at the same moment exactly one gets it; the others' reservations are rescinded."""
    sids = [world.sid(worker) for worker in WORKERS]
    gate = threading.Barrier(3)

    def accept(sid: str) -> int:
        gate.wait(WAIT)
        return update(emulator, sid).status

    with ThreadPoolExecutor(3) as workers:
        assert sorted(workers.map(accept, sids)) == [200, 400, 400]
    assert sorted(emulator.platform.get(sid).status for sid in sids) == [
        "accepted",
        "rescinded",
        "rescinded",
    ]


# --- whatever is sent ------------------------------------------------------------------------------------------------------------

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
HEAD = (
    b"POST "
    + worlds.path("WR" + "9" * 32).encode()
    + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
)
NOT_WELL: dict[str, tuple[bytes, ...]] = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",),
    "a method that is none": (b"FROB / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",),
    "a path beyond ASCII": (
        "GET /v1/Workspaces/\u00e4 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode(),
    ),
    "a path of broken escapes": (
        b"GET /v1/%zz%ff%00 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    ),
    "a tunnel": (b"CONNECT here:80 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",),
    "a body that is no UTF-8": (
        HEAD + FORM + b"Content-Length: 20\r\n\r\nReservationStatus=\xff\xfe",
    ),
    "a body of broken escapes": (HEAD + FORM + b"Content-Length: 4\r\n\r\na=%f",),
    "another type": (HEAD + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",),
    "a length that is none": (HEAD + FORM + b"Content-Length: many\r\n\r\n",),
    "two lengths": (HEAD + FORM + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\na=b",),
    "a length and chunks": (
        HEAD + FORM + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "chunks that are none": (HEAD + FORM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",),
    "a body beyond its limit": (HEAD + FORM + b"Content-Length: 10000000\r\n\r\n", b"a" * 200_000),
    "chunks without end": (
        HEAD + FORM + b"Transfer-Encoding: chunked\r\n\r\n",
        *[b"10000\r\n" + b"a" * 65536 + b"\r\n"] * 3,
    ),
    "chunks beyond the limit, whole": (
        HEAD
        + FORM
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + (b"2000\r\n" + b"a" * 8192 + b"\r\n") * 12
        + b"0\r\n\r\n",
    ),
    "a head without end": (HEAD, *[b"X-More: " + b"a" * 8000 + b"\r\n"] * 50),
    "a steering body that is no JSON": (
        b'POST /_emulator/seed HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 6\r\n\r\n{"a":\xff',
    ),
    "a steering body of depth": (
        b"POST /_emulator/seed HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"
        + b"[" * 100_000,
    ),
}


@pytest.mark.parametrize("parts", NOT_WELL.values(), ids=NOT_WELL)
def test_whatever_is_sent_gets_a_4xx(emulator: Emulator, parts: tuple[bytes, ...]) -> None:
    """Whatever bytes come, the client is told that they are wrong; the emulator never fails and never waits for more than its limit."""
    status = status_of(say(emulator.url, *parts))
    assert 400 <= status < 500
    assert ask(emulator.url, "GET", worlds.path()).status == 200


UNENDING: dict[str, tuple[bytes, int]] = {
    "half a head": (b"POST /v1/Workspaces HTTP/1.1\r\nHost:", 408),
    "half a body": (HEAD + FORM + b"Content-Length: 40\r\n\r\nReservationStatus=", 408),
    "half a steering body": (
        b"POST /_emulator/seed HTTP/1.1\r\nHost: here\r\nContent-Length: 40\r\n\r\n{",
        408,
    ),
    "half a body, though the answer has begun": (
        b"GET /_emulator/events HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{",
        200,
    ),
    "nothing at all": (b"", 0),
}


@pytest.mark.parametrize(("part", "status"), UNENDING.values(), ids=UNENDING)
def test_what_never_ends_is_given_up(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, part: bytes, status: int
) -> None:
    """A request that never ends is given up (408) and its connection closed; one that never begins is closed."""
    monkeypatch.setattr(connection, "_ARRIVAL_SECONDS", 0.05)
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.05)
    assert status_of(say(emulator.url, part)) == status


def test_what_comes_slowly_is_waited_for(emulator: Emulator, world: World) -> None:
    """A request that arrives in parts is answered when it is whole, and the connection kept for the next one."""
    sid = world.sid()
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        for byte in f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\n\r\n".encode():
            sock.sendall(bytes((byte,)))
        assert b"200 OK" in read_until(sock, b"}}")
        head = (
            f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\n".encode()
            + FORM
            + b"Content-Length: 26\r\n\r\n"
        )
        sock.sendall(head)
        sock.sendall(ACCEPT[:9].encode())
        sock.sendall(ACCEPT[9:].encode())
        assert b"200 OK" in read_until(sock, b"}}")
    assert emulator.platform.get(sid).status is Status.ACCEPTED


def test_patience_ends_with_the_request(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that came slowly but whole leaves no mark on its connection: it is there for the next one."""
    monkeypatch.setattr(connection, "_ARRIVAL_SECONDS", 0.4)
    request = f"GET {worlds.path(world.sid())} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(request[:9])
        ask(emulator.url, "GET", worlds.path())  # which shows that the first part has been read
        sock.sendall(request[9:])
        assert b"200 OK" in read_until(sock, b"}}")
        sock.settimeout(0.6)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(WAIT)
        sock.sendall(request)
        assert b"200 OK" in read_until(sock, b"}}")


def test_who_leaves_early_has_asked_nothing(emulator: Emulator, world: World) -> None:
    """A client that goes before its request is whole has changed nothing, and is not minded."""
    sid = world.sid()
    for path in (worlds.path(sid), "/_emulator/reset"):
        with socket.create_connection(address(emulator.url), WAIT) as sock:
            sock.sendall(
                f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 27\r\n\r\n{ACCEPT}".encode()
            )
    assert update(emulator, sid, "ReservationStatus=rejected").status == 200


# --- what goes wrong by plan -----------------------------------------------------------------------------------------------------

BEFALLS: dict[
    FaultKind, tuple[int, str]
] = {  # the status that comes back (0: none), and how the reservation then stands
    FaultKind.LOST_REQUEST: (0, "pending"),
    FaultKind.LOST_REPLY: (0, "accepted"),
    FaultKind.DELAYED: (200, "accepted"),
    FaultKind.RESET_BEFORE: (0, "pending"),
    FaultKind.RESET_AFTER: (0, "accepted"),
    FaultKind.DUPLICATE: (200, "accepted"),
    FaultKind.THROTTLED: (429, "pending"),
    FaultKind.FAILED_BEFORE: (503, "pending"),
    FaultKind.FAILED_AFTER: (503, "accepted"),
    FaultKind.UNREADABLE: (200, "accepted"),
}


def test_every_kind_is_tried() -> None:
    """The table of what goes wrong over HTTP is complete."""
    assert set(BEFALLS) == set(HTTP_KINDS)


@pytest.mark.parametrize("kind", BEFALLS)
def test_a_fault_befalls_one_request(emulator: Emulator, world: World, kind: FaultKind) -> None:
    """What is to go wrong goes wrong once, with the platform acting or not as the kind says; the next request goes well."""
    status, stands = BEFALLS[kind]
    sid = world.sid()
    emulator.faults.add(Fault(kind=kind, seconds=0.0))
    if status:
        assert update(emulator, sid).status == status
    else:
        with pytest.raises(ConnectionResetError):
            update(emulator, sid)
    assert emulator.platform.get(sid).status == stands
    assert not emulator.faults
    assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == stands


def test_who_has_gone_is_not_reset(
    emulator: Emulator, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that goes while its reply is being lost does no harm: the platform has acted, and nothing is logged."""
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.LOST_REPLY, method="POST", seconds=0.2))
    with (
        socket.create_connection(address(emulator.url), WAIT) as sock,
        socket.create_connection(address(emulator.url), WAIT) as other,
    ):
        emulator.faults.add(Fault(kind=FaultKind.RESET_BEFORE, method="GET", seconds=0.4))
        sock.sendall(
            f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\nContent-Length: 26\r\n\r\n{ACCEPT}".encode()
        )
        sock.close()
        other.sendall(f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):  # by which time the other one would have been
            other.recv(1)
    assert emulator.platform.get(sid).status is Status.ACCEPTED
    assert caplog.messages == []


def test_a_duplicate_arrives_twice(emulator: Emulator, world: World) -> None:
    """A request that is delivered twice is carried out twice; the answer is the first one's."""
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DUPLICATE))
    answer = update(
        emulator,
        sid,
        f"Instruction=redirect&RedirectCallSid={worlds.CALL}&RedirectUrl=https%3A%2F%2Fexample.com",
    )
    assert (answer.headers["etag"], emulator.platform.get(sid).etag) == ("1", "2")


def test_a_throttle_names_its_wait(emulator: Emulator) -> None:
    """A planned 429 says how long to wait where it is told to."""
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, retry_after=1.5))
    answer = ask(emulator.url, "GET", worlds.path())
    assert (answer.status, answer.headers["retry-after"]) == (429, "1.5")


def test_a_delay_holds_nobody_else_up(emulator: Emulator, world: World) -> None:
    """While one request is delayed, others are answered."""
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=1.0, method="POST"))
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(
            f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\nContent-Length: 26\r\n\r\n{ACCEPT}".encode()
        )
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "pending"
        assert b'"reservation_status": "accepted"' in read_until(sock, b"}}")


# --- the feed --------------------------------------------------------------------------------------------------------------------


def read_until(feed: socket.socket, mark: bytes, said: bytes = b"") -> bytes:
    """Read from a connection until something stands in what was read."""
    while mark not in said:
        more = feed.recv(65536)
        assert more
        said += more
    return said


def test_the_feed_tells_what_happens(emulator: Emulator, world: World) -> None:
    """The feed tells each act as it happens, with its number in the journal."""
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: here\r\n\r\n")
        begun = read_until(feed, b": hello")
        sid = world.sid()
        update(emulator, sid)
        said = read_until(feed, b'"trigger": "accept')
        told = ask(emulator.url, "GET", "/_emulator/journal").json["last"]
        said = read_until(feed, b"\n\n", said[said.index(b"id: %d" % told) :])
    assert b"text/event-stream" in begun
    number, name, data, *_ = said.decode().split("\n")
    assert (number, name) == (f"id: {told}", "event: entry")
    act = json.loads(data.removeprefix("data: "))
    assert (act["number"], act["sid"], act["reservation"]["status"]) == (told, sid, "accepted")


def test_a_quiet_feed_stays_alive(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed on which nothing happens says so now and then."""
    monkeypatch.setattr(feeds, "_HEARTBEAT_SECONDS", 0.01)
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: here\r\n\r\n")
        assert read_until(feed, b": heartbeat")


def test_who_lags_behind_is_let_go(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the feed who cannot keep up is let go, and the emulator keeps nothing for it."""
    monkeypatch.setattr(feeds, "_MAX_BACKLOG", 0)
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        read_until(feed, b": hello")
        with emulator.platform.transaction():
            for worker in WORKERS:
                world.sid(worker)
        said = b""
        while more := feed.recv(65536):
            said += more
    assert said.count(b"event: entry") == 1


def run_bare(world: World, method: str, path: str, *messages: Message) -> list[Message]:
    """Run the application as a server would for one request, and give what it sent."""
    faults = FaultPlan()
    application = EmulatorApplication(
        InMemoryGateway(world.platform), Control(world.platform, faults), faults
    )
    coming = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(application(scope, receive, send))
    return sent


def part(body: bytes, *, more: bool) -> Message:
    """Make a part of a body, as a server hands it over."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("path", ["", "/_emulator/clock"])
def test_another_server_can_run_it(world: World, path: str) -> None:
    """The application asks nothing of its server but ASGI: a request whose body comes in parts is answered."""
    body = ACCEPT.encode() if not path else b'{"seconds": 1}'
    start, end = run_bare(
        world,
        "POST",
        path or worlds.path(world.sid()),
        part(body[:5], more=True),
        part(body[5:], more=False),
    )
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(end["body"])


def test_no_more_is_read_than_allowed(world: World) -> None:
    """Of a body that is too long no more is read than tells so, and the connection is to end."""
    limit = world.platform.settings.max_body_bytes
    start, end = run_bare(
        world,
        "POST",
        worlds.path(world.sid()),
        part(b"a" * limit, more=True),
        part(b"b", more=True),
    )
    assert (start["status"], dict(start["headers"])[b"connection"]) == (413, b"close")
    assert b"bytes" in end["body"]


@pytest.mark.parametrize("path", [worlds.path("WR" + "9" * 32), "/_emulator/reset"])
@pytest.mark.parametrize("begun", [[], [part(b"Reser", more=True)]])
def test_a_client_that_has_gone_is_not_answered(
    world: World, path: str, begun: list[Message]
) -> None:
    """A server that says that the client has gone, before or within the body, hears nothing more, and nothing has happened."""
    assert run_bare(world, "POST", path, *begun, {"type": "http.disconnect"}) == []
    assert world.platform.workers()


def test_a_question_before_is_answered_without_a_body(emulator: Emulator) -> None:
    """What a browser asks before it asks is answered with headers alone."""
    answer = ask(emulator.url, "OPTIONS", worlds.path())
    assert (answer.status, answer.body, "content-length" in answer.headers) == (204, b"", False)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_signal_ends_it() -> None:
    """In the main thread it ends when the process is interrupted, and lets the interruption through."""

    def begin(emulator: Emulator) -> None:
        def interrupt() -> None:
            assert ask(emulator.url, "GET", "/_emulator/ways").status == 200
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()

    usual = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's job in the background is not interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            server.serve(Platform(), on_start=begin)
    finally:
        signal.signal(signal.SIGINT, usual)


def test_what_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that is to end does not wait for what is delayed for long: the client's connection is broken."""
    monkeypatch.setattr(uvicorn_server, "_GRACE_SECONDS", 0.05)
    with running_emulator(Platform(ManualClock())) as emulator:
        sid = people(emulator.platform).sid()
        emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=60))
        sock = socket.create_connection(address(emulator.url), WAIT)
        sock.sendall(f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        for _ in range(1000):
            if not emulator.faults:
                break
            ask(emulator.url, "GET", "/_emulator/faults")
    with sock:
        assert b"pending" not in sock.recv(65536)


def test_a_page_of_another_site_cannot_steer(emulator: Emulator, world: World) -> None:
    """What a browser sends for a page of another site is refused by the control surface; for the emulator's own it is not."""
    for site, status in (
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 200),
        ("none", 200),
    ):
        assert (
            ask(
                emulator.url, "POST", "/_emulator/clock", {"seconds": 0}, {"Sec-Fetch-Site": site}
            ).status
            == status
        )
    assert (
        ask(emulator.url, "POST", "/_emulator/reset", None, {"Sec-Fetch-Site": "cross-site"}).json[
            "code"
        ]
        == 20403
    )
    assert world.platform.workers()


def test_who_does_not_read_is_not_written_to(emulator: Emulator, world: World) -> None:
    """A client that asks and asks and reads nothing is not answered into memory: the emulator stops to read from it, and goes on later."""
    long = emulator.platform.add_worker(worlds.WORKSPACE, name="N" * 50_000)
    request = f"GET {worlds.path(world.sid(long.sid))} HTTP/1.1\r\nHost: here\r\nX-Long: {'a' * 30_000}\r\n\r\n".encode()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.settimeout(0.2)
        sock.connect(address(emulator.url))
        asked = 0
        with contextlib.suppress(TimeoutError):
            while asked < 20_000:
                sock.sendall(request)
                asked += 1
        assert asked < 20_000
        sock.settimeout(WAIT)
        answered, said = 0, b""
        while answered < asked:
            said = said[-10:] + sock.recv(1 << 20)
            answered += said.count(b"\r\n\r\n{")


def test_a_clock_by_hand_stands_still() -> None:
    """On a clock that is moved by hand nothing falls due by itself, and everything at once when it is moved."""
    platform = Platform(ManualClock())
    with running_emulator(platform) as emulator:
        sid = people(platform).sid()
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "pending"
        ask(emulator.url, "POST", "/_emulator/clock", {"seconds": 120})
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "timeout"
