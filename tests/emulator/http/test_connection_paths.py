"""The fast path and ASGI answer every request alike."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from random import Random
from typing import Final

import pytest

from reservation_core.emulator import ManualClock, Platform
from reservation_core.emulator.faults import Fault, FaultKind
from reservation_core.emulator.http.connection import EmulatorConnection
from reservation_core.emulator.server import Emulator, running_emulator
from tests.emulator import worlds
from tests.emulator.http.helpers import ACCEPT, FORM
from tests.emulator.wire import WAIT, address
from tests.emulator.worlds import TASK, WORKERS, people

ODD_REQUESTS: Final = 1000
PATH: Final = worlds.path("WR" + "9" * 32)
LIST: Final = worlds.path()

METHODS: Final = (
    *("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "FROB", "PROPFIND", "CONNECT"),
)
TARGETS: Final = (
    *(f"{LIST}?PageSize=1", f"{LIST}?PageSize=1&Page=1", f"{PATH}?", f"{PATH}?a=%zz"),
    *(f"{LIST}?PageSize=%31", f"{PATH}#fragment", f"{LIST}?PageSize=1#fragment", f"{PATH}?#"),
    *(f"http://localhost{PATH}", f"HTTP://LOCALHOST:80{PATH}?x", f"https://127.0.0.1{LIST}#top"),
    *(f"http://evil.example{PATH}", f"http://user@localhost{PATH}", f"ftp://localhost{PATH}"),
    *("http://localhost", "http://localhost?x=1", "http://", "*", "localhost:80", "v1", "?x"),
    *(f"/{PATH}", f"//localhost{PATH}", PATH.replace("/Tasks", "//Tasks"), f"{PATH}/", f"{PATH};a"),
    *(PATH.replace("WR9", "%57R9"), PATH.replace("/Tasks", "%2FTasks"), f"/v1/..{PATH}", "/v1/%zz"),
    *(
        "/v1/\u00e9",
        "/v1/\u00e9?\u00e9",
        "/v1/" + "a" * 5000,
        "/v1",
        "/V1" + PATH[3:],
        "/v1/%ff%00",
    ),
    *("/", "//", "/?x", "/_emulator", "/_emulator/", "/_emulator/routes", "/%5Femulator/routes"),
    *("/_emulator/nowhere", "/_Emulator/routes", f"/_emulator/../{PATH}", "/favicon.ico"),
)
VERSIONS: Final = ("1.0", "0.9", "2.0", "1.2", "one")
HOSTS: Final = (
    *((), ("localhost", "localhost"), ("localhost", "evil.example"), ("",), ("LOCALHOST:8420",)),
    *(
        ("evil.example",),
        ("[::1]:1",),
        ("local host",),
        ("localhost/x",),
        ("127.0.0.1, localhost",),
    ),
)
EXTRA: Final = (
    *("Connection: close\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n"),
    *("If-Match: 0\r\n", 'If-Match: "7"\r\n', "If-Match: 0\r\nif-match: 1\r\n"),
    *("Authorization: Basic QUM6dG9rZW4=\r\n", "Content-Type: application/json\r\n"),
    *("Connection: Upgrade\r\nUpgrade: h2c\r\n", "Origin: https://evil.example\r\n", "X: \xe9\r\n"),
    *("Sec-Fetch-Site: cross-site\r\n", "Origin: http://localhost\r\n", "X-Folded: a\r\n b\r\n"),
    *(
        "X-Forwarded-Host: evil.example\r\n",
        f"X-Long: {'a' * 60_000}\r\n",
        f"X: {'a' * 66_000}\r\n",
    ),
    *("No colon\r\n", "Spaced : a\r\n", ": nameless\r\n", "X: a\x00b\r\n", "X: a\nY: b\r\n"),
)
BODIES: Final = (
    *("", "ReservationStatus=rejected", "Instruction=conference", "a=%f", "&&=", "\xff"),
    "a" * 70_000,
)


def make_request(random: Random) -> bytes:
    """Return a request that is odd in up to three ways."""
    parts = ("method", "target", "version", "host", "extra", "body", "form", "length")
    odd = set(random.sample(parts, random.choice((0, 1, 1, 1, 2, 2, 3))))
    method = random.choice(METHODS if "method" in odd else ("GET", "POST"))
    target = random.choice(TARGETS if "target" in odd else (PATH, LIST))
    version = random.choice(VERSIONS) if "version" in odd else "1.1"
    body = (random.choice(BODIES) if "body" in odd else ACCEPT).encode("latin-1")
    lines = [
        f"Host: {host}" for host in random.choice(HOSTS if "host" in odd else [("localhost",)])
    ]
    form = FORM.decode().strip()
    lines.append(
        random.choice(("Content-Type: application/json", "X: y")) if "form" in odd else form
    )
    if "length" in odd:
        lines.append("Transfer-Encoding: chunked")
        chunks = filter(None, (body[:9], body[9:]))
        body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    random.shuffle(lines)
    start = f"{method} {target} HTTP/{version}"
    extra = random.choice(EXTRA) if "extra" in odd else ""
    head = "\r\n".join([start, *lines, ""]) + extra + "\r\n"
    return head.encode("utf-8" if "\u00e9" in start else "latin-1") + body


@pytest.fixture(scope="module")
def twins() -> Generator[tuple[Emulator, Emulator]]:
    """Run two equal emulators. A planned fault keeps the second one from its fast path."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(running_emulator(Platform(ManualClock(), random=Random(7))))
            for _ in range(2)
        ]
        running[1].faults.add(Fault(kind=FaultKind.DUPLICATE, path_contains="nowhere at all"))
        yield running[0], running[1]


def renew(emulator: Emulator) -> None:
    emulator.platform.reset()
    people(emulator.platform)
    for index, worker in enumerate(WORKERS):
        emulator.platform.reserve(TASK, worker, sid=f"WR{index + 7}" + "9" * 31)


def exchange(emulator: Emulator, *parts: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Send parts, then nothing more, and return the replies."""
    received = b""
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        try:
            for part in parts:
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            while more := sock.recv(1 << 20):
                received += more
        except OSError:  # the emulator refused the rest
            pass
    return [*read_replies(received)]


def read_replies(text: bytes) -> Iterator[tuple[int, dict[str, str], bytes]]:
    while text:
        head, _, text = text.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (each.partition(": ") for each in lines)
        }
        headers.pop("date", None)
        length = int(headers.get("content-length", 0))
        body, text = text[:length], text[length:]
        if (status := int(first.split(" ")[1])) != 100:
            yield status, headers, body


def test_odd_requests_are_answered_alike_on_both_paths(
    twins: tuple[Emulator, Emulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    fast: list[bool] = []
    answer = EmulatorConnection._answer  # pyright: ignore[reportPrivateUsage]

    def record(self: EmulatorConnection) -> None:
        fast.append(True)
        answer(self)

    monkeypatch.setattr(EmulatorConnection, "_answer", record)
    random, statuses = Random(17), set[int]()
    for number in range(ODD_REQUESTS):
        request = make_request(random)
        if number % 50 == 0:
            for emulator in twins:
                renew(emulator)
        parts = (request,) if number % 3 else (request[:70], request[70:])
        found = [exchange(emulator, *parts) for emulator in twins]
        assert found[0] == found[1], request[:300]
        statuses |= {status for status, _, _ in found[0]}
        assert [status for status, _, _ in found[0] if status >= 500] == [], request[:300]
    assert len(fast) > ODD_REQUESTS / 10
    assert statuses >= {200, 204, 307, 400, 403, 404, 405, 412, 413, 415, 421, 431}
