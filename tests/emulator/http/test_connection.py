"""One connection: limits, order and the fast path."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

import pytest

from reservation_core import Status
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http import connection
from reservation_core.emulator.http.connection import EmulatorConnection
from reservation_core.emulator.server import Emulator
from tests.emulator import worlds
from tests.emulator.http.helpers import ACCEPT, FORM, HEAD, raw_accept, read_until, update
from tests.emulator.wire import WAIT, address, ask, send_raw, status_of
from tests.emulator.worlds import World


def test_idle_connection_is_closed_after_a_while(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.3)
    request = f"GET {worlds.path(world.sid())} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        for _ in range(3):
            sock.sendall(request)
            assert b"200 OK" in read_until(sock, b"}}")
        assert sock.recv(65536) == b""


def test_pipelined_requests_are_answered_in_order(emulator: Emulator, world: World) -> None:
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=0.2))
    first = f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    second = (
        f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 26\r\n\r\n{ACCEPT}"
    )
    third = f"GET /_emulator/reservations/{sid} HTTP/1.0\r\nHost: localhost\r\n\r\n"
    text = send_raw(emulator.url, (first + second + third).encode()).decode()
    found = [
        text.index(mark)
        for mark in (
            '"reservation_status": "pending"',
            '"reservation_status": "accepted"',
            '"status": "accepted"',
        )
    ]
    assert found == sorted(found)


@pytest.mark.parametrize("head", ["Expect: 100-continue\r\n", "Connection: close\r\n", ""])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_fast_path_and_asgi_answer_the_same(
    emulator: Emulator, world: World, head: str, version: str
) -> None:
    sid = world.sid()
    close = (
        "" if "close" in head else "Connection: close\r\n" if not head or "Expect" in head else ""
    )
    start = f"POST {worlds.path(sid)} HTTP/{version}\r\nHost: localhost\r\n{head}{close}"
    request = f"{start}Content-Length: 26\r\n\r\n{ACCEPT}"
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(request.encode())
        text = read_until(sock, b"}}").decode().removeprefix("HTTP/1.1 100 Continue\r\n\r\n")
    lines, _, body = text.partition("\r\n\r\n")
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


SEED = b"POST /_emulator/seed HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
MALFORMED_REQUESTS: dict[str, tuple[bytes, ...]] = {
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",),
    "an unknown method": (b"FROB / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",),
    "a path beyond ASCII": (
        "GET /v1/\u00e4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(),
    ),
    "a path of broken escapes": (
        b"GET /v1/%zz%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ),
    "a tunnel": (b"CONNECT here:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",),
    "a body that is not UTF-8": (
        HEAD + FORM + b"Content-Length: 20\r\n\r\nReservationStatus=\xff\xfe",
    ),
    "a body of broken escapes": (HEAD + FORM + b"Content-Length: 4\r\n\r\na=%f",),
    "another type": (HEAD + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",),
    "an invalid length": (HEAD + FORM + b"Content-Length: many\r\n\r\n",),
    "two lengths": (HEAD + FORM + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\na=b",),
    "a length and chunks": (
        HEAD + FORM + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "invalid chunks": (HEAD + FORM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",),
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
    "a control body that is not JSON": (SEED + b'Content-Length: 6\r\n\r\n{"a":\xff',),
    "a deeply nested control body": (SEED + b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000,),
}


@pytest.mark.parametrize("parts", MALFORMED_REQUESTS.values(), ids=MALFORMED_REQUESTS)
def test_malformed_request_gets_a_4xx(emulator: Emulator, parts: tuple[bytes, ...]) -> None:
    status = status_of(send_raw(emulator.url, *parts))
    assert 400 <= status < 500
    assert ask(emulator.url, "GET", worlds.path()).status == 200


MAX_HEAD = 65_536


def make_head(length: int, kind: str) -> bytes:
    """Return the head of a request with so many bytes."""
    target, line, host = worlds.path(), "GET {} HTTP/1.1\r\n", "Host: localhost\r\n"
    left = length - len(line.format(target) + host + "\r\n")
    match kind:
        case "long target":
            return (line.format(f"{target}?{'a' * (left - 1)}") + host + "\r\n").encode()
        case "long header":
            extra = f"X: {'a' * (left - 5)}\r\n"
        case "padded header":
            extra = f"X:{' ' * (left - 5)}a\r\n"
        case _:
            extra = "X: a\r\n" * ((left - 6) // 6)
            extra += f"X: {'a' * (left - len(extra) - 5)}\r\n"
    return (line.format(target) + host + extra + "\r\n").encode()


ARRIVALS: dict[str, Callable[[bytes], list[bytes]]] = {
    "at once": lambda head: [head],
    "in halves": lambda head: [head[:40_000], head[40_000:]],
    "all but the end": lambda head: [head[:-1], head[-1:]],
    "in many parts": lambda head: [head[at : at + 997] for at in range(0, len(head), 997)],
}


@pytest.mark.parametrize("arrival", ARRIVALS.values(), ids=ARRIVALS)
@pytest.mark.parametrize("kind", ["long target", "long header", "padded header", "many headers"])
def test_head_is_limited_however_it_arrives(
    emulator: Emulator, kind: str, arrival: Callable[[bytes], list[bytes]]
) -> None:
    emulator.platform.add_task(worlds.WORKSPACE, sid=worlds.TASK)
    for length, status in ((MAX_HEAD, 200), (MAX_HEAD + 1, 431), (MAX_HEAD * 2, 431)):
        head = make_head(length, kind)
        assert len(head) == length
        with socket.create_connection(address(emulator.url), WAIT) as sock:
            with contextlib.suppress(ConnectionError):
                for part in arrival(head):
                    sock.sendall(part)
                    ask_nothing(emulator, part)
            assert status_of(sock.recv(65_536)) == status


def ask_nothing(emulator: Emulator, part: bytes) -> None:
    """Let the emulator read a large part on its own."""
    if len(part) != 997:
        ask(emulator.url, "GET", "/_emulator/faults")


def test_head_is_limited_byte_by_byte(emulator: Emulator) -> None:
    head = make_head(MAX_HEAD + 1, "long header")
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(head[: MAX_HEAD - 50])
        for byte in head[MAX_HEAD - 50 :]:
            sock.sendall(bytes((byte,)))
        assert b"431 Request Header Fields Too Large" in read_until(sock, b"}")


@pytest.mark.parametrize("kind", ["long target", "long header", "many headers"])
def test_head_of_a_pipelined_request_is_limited(emulator: Emulator, kind: str) -> None:
    emulator.platform.add_task(worlds.WORKSPACE, sid=worlds.TASK)
    first = make_head(120, "long header")
    for length, status in ((MAX_HEAD, 200), (MAX_HEAD * 2, 431)):
        close = b"Connection: close\r\nHost"
        head = make_head(length - len(close) + 4, kind).replace(b"Host", close, 1)
        assert len(head) == length
        text = send_raw(emulator.url, first * 3 + head)
        statuses = [int(line[:3]) for line in text.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [200, 200, 200, status]


def test_head_behind_a_body_is_limited(emulator: Emulator) -> None:
    """It begins somewhere in what is read at once."""
    first = HEAD.replace(b"Connection: close\r\n", b"") + FORM + b"Content-Length: 9\r\n\r\n"
    for length, statuses in ((MAX_HEAD, [404, 200]), (MAX_HEAD * 2, [404, 431])):
        close = b"Connection: close\r\nHost"
        head = make_head(length - 100, "many headers").replace(b"Host", close, 1)
        emulator.platform.reset()
        emulator.platform.add_task(worlds.WORKSPACE, sid=worlds.TASK)
        with socket.create_connection(address(emulator.url), WAIT) as sock:
            sock.sendall(first + b"a=b")
            ask(emulator.url, "GET", "/_emulator/faults")
            sock.sendall(b"&c=d&e" + head)
            text = b""
            with contextlib.suppress(ConnectionError):
                while more := sock.recv(65_536):
                    text += more
        assert [int(line[:3]) for line in text.split(b"HTTP/1.1 ")[1:]] == statuses


def test_request_behind_a_refused_one_is_dropped(
    emulator: Emulator, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sid = world.sid()
    too_long = HEAD.replace(b"Connection: close\r\n", b"") + FORM
    for refused, status in (
        (too_long + b"Content-Length: 70000\r\n\r\n" + b"a" * 70_000, 413),
        (make_head(MAX_HEAD * 2, "many headers"), 431),
        (b"NONSENSE\r\n\r\n", 400),
        (make_head(120, "long header").replace(b"Host", b"Connection: close\r\nHost"), 200),
    ):
        for rest in (raw_accept(sid), raw_accept(sid) * 9, b"NONSENSE\r\n\r\n"):
            text = send_raw(emulator.url, refused + rest)
            assert [int(line[:3]) for line in text.split(b"HTTP/1.1 ")[1:]] == [status]
    assert emulator.platform.get(sid).status is Status.PENDING
    assert [each.message for each in caplog.records if each.levelname != "WARNING"] == []


@pytest.mark.parametrize(
    "bad", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 20_000, b"GET / HT"]
)
def test_refused_request_waits_for_the_replies_before_it(
    emulator: Emulator,
    world: World,
    bad: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The reply to an earlier request is never taken for its own."""
    monkeypatch.setattr(connection, "_ARRIVAL_SECONDS", 0.05)
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=0.2, times=2))
    text = send_raw(emulator.url, raw_accept(sid) * 2, bad)
    assert [int(line[:3]) for line in text.split(b"HTTP/1.1 ")[1:]] == [200, 400]
    assert b"already in state [accepted]" in text
    assert [each.message for each in caplog.records if each.levelname != "WARNING"] == []


@pytest.mark.parametrize("is_fast", [True, False])
def test_client_that_only_reads_gets_its_reply(
    emulator: Emulator, world: World, is_fast: bool
) -> None:
    sid = world.sid()
    if not is_fast:
        emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=0.05))
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(raw_accept(sid))
        sock.shutdown(socket.SHUT_WR)
        assert b'"accepted"' in read_until(sock, b"}}")
        assert sock.recv(1) == b""


HEADS = (worlds.path(), f"{worlds.path()}?PageSize=1", "/_emulator/", "/_emulator/page.js", "/")
CONTROL_HEADS = ("/_emulator/state", "/_emulator/openapi.json", "/_emulator/callbacks/sent")


@pytest.mark.parametrize("path", [*HEADS, *CONTROL_HEADS])
def test_head_is_answered_like_get_without_body(
    emulator: Emulator, world: World, path: str
) -> None:
    world.sid()
    get, head = (ask(emulator.url, method, path) for method in ("GET", "HEAD"))
    assert head.status == get.status
    assert (
        head.headers.items()
        >= {name: value for name, value in get.headers.items() if name != "date"}.items()
    )
    assert head.body == b""


@pytest.mark.parametrize("path", [*HEADS, *CONTROL_HEADS, "/_emulator/events"])
def test_head_is_allowed_where_get_is(emulator: Emulator, path: str) -> None:
    """A page and the feed have their own paths, too."""
    refused = ask(emulator.url, "PUT", path)
    assert (refused.status, refused.headers["allow"].split(", ")[:2]) == (405, ["GET", "HEAD"])


def test_head_of_the_feed_ends_at_once(emulator: Emulator) -> None:
    head = ask(emulator.url, "HEAD", "/_emulator/events")
    assert (head.status, head.headers["content-type"], head.body) == (200, "text/event-stream", b"")


UNFINISHED_REQUESTS: dict[str, tuple[bytes, int]] = {
    "half a head": (b"POST /v1/Workspaces HTTP/1.1\r\nHost:", 408),
    "half a body": (HEAD + FORM + b"Content-Length: 40\r\n\r\nReservationStatus=", 408),
    "half a control body": (
        b"POST /_emulator/seed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{",
        408,
    ),
    "half a body, after the reply began": (
        b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{",
        200,
    ),
    "nothing at all": (b"", 0),
}


@pytest.mark.parametrize(("part", "status"), UNFINISHED_REQUESTS.values(), ids=UNFINISHED_REQUESTS)
def test_unfinished_request_times_out(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, part: bytes, status: int
) -> None:
    monkeypatch.setattr(connection, "_ARRIVAL_SECONDS", 0.05)
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.05)
    assert status_of(send_raw(emulator.url, part)) == status


def test_request_in_parts_is_answered(emulator: Emulator, world: World) -> None:
    sid = world.sid()
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        for byte in f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode():
            sock.sendall(bytes((byte,)))
        assert b"200 OK" in read_until(sock, b"}}")
        head = (
            f"POST {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n".encode()
            + FORM
            + b"Content-Length: 26\r\n\r\n"
        )
        sock.sendall(head)
        sock.sendall(ACCEPT[:9].encode())
        sock.sendall(ACCEPT[9:].encode())
        assert b"200 OK" in read_until(sock, b"}}")
    assert emulator.platform.get(sid).status is Status.ACCEPTED


def test_slow_request_leaves_no_deadline_behind(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_ARRIVAL_SECONDS", 0.4)
    request = f"GET {worlds.path(world.sid())} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
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


def test_incomplete_request_has_no_effect(emulator: Emulator, world: World) -> None:
    sid = world.sid()
    for path in (worlds.path(sid), "/_emulator/reset"):
        with socket.create_connection(address(emulator.url), WAIT) as sock:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 27\r\n\r\n"
            sock.sendall((head + ACCEPT).encode())
    assert update(emulator, sid, "ReservationStatus=rejected").status == 200


def test_disconnected_client_is_not_reset(
    emulator: Emulator, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.LOST_REPLY, method="POST", seconds=0.2))
    with (
        socket.create_connection(address(emulator.url), WAIT) as sock,
        socket.create_connection(address(emulator.url), WAIT) as other,
    ):
        emulator.faults.add(Fault(kind=FaultKind.RESET_BEFORE, method="GET", seconds=0.4))
        sock.sendall(raw_accept(sid))
        ask(emulator.url, "GET", "/_emulator/faults")  # by then it has been read
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        other.sendall(f"GET {worlds.path(sid)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):  # by which time the other one would have been
            other.recv(1)
    assert emulator.platform.get(sid).status is Status.ACCEPTED
    assert caplog.messages == []


def test_client_that_does_not_read_is_paused(emulator: Emulator, world: World) -> None:
    worker = emulator.platform.add_worker(worlds.WORKSPACE, name="N" * 50_000)
    start = f"GET {worlds.path(world.sid(worker.sid))} HTTP/1.1\r\nHost: localhost\r\n"
    request = f"{start}X-Long: {'a' * 30_000}\r\n\r\n".encode()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.settimeout(0.2)
        sock.connect(address(emulator.url))
        sent_count = 0
        with contextlib.suppress(TimeoutError):
            while sent_count < 20_000:
                sock.sendall(request)
                sent_count += 1
        assert sent_count < 20_000
        sock.settimeout(WAIT)
        answered, text = 0, b""
        while answered < sent_count:
            text = text[-10:] + sock.recv(1 << 20)
            answered += text.count(b"\r\n\r\n{")


def test_accepted_connection_has_nagle_disabled(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[int] = []
    connection_made = EmulatorConnection.connection_made

    def record(self: EmulatorConnection, transport: asyncio.Transport) -> None:
        connection_made(self, transport)
        sock: socket.socket = transport.get_extra_info("socket")
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(EmulatorConnection, "connection_made", record)
    assert ask(emulator.url, "GET", "/_emulator/routes").status == 200
    assert len(options) == 1
    assert options[0] != 0
