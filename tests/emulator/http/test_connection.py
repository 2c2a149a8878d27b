"""One connection: limits, order and the fast path."""

from __future__ import annotations

import asyncio
import contextlib
import socket

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
