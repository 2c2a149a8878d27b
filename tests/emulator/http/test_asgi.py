"""The ASGI application: API, faults, timers and feed."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reservation_core import Status
from reservation_core.emulator import ManualClock, Platform, RealClock
from reservation_core.emulator.control import feed as feeds
from reservation_core.emulator.faults import HTTP_KINDS, Fault, FaultKind
from reservation_core.emulator.http import asgi
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.emulator.state_file import StateFileError
from tests.emulator import worlds
from tests.emulator.http.helpers import ACCEPT, raw_accept, read_until, update
from tests.emulator.wire import WAIT, Answer, address, ask
from tests.emulator.worlds import WORKERS, World, people


def test_internal_failure_is_a_500_without_effect(caplog: pytest.LogCaptureFixture) -> None:
    refuse: list[Exception] = []

    def keep(_: object) -> None:
        if refuse:
            raise refuse[0]

    with running_emulator(Platform(ManualClock(), on_commit=keep)) as emulator:
        sid = people(emulator.platform).sid()
        for error, text in (
            (StateFileError("state.db", "the disk is full"), "the disk is full"),
            (ZeroDivisionError(), "See its log"),
        ):
            refuse[:] = [error]
            answer = update(emulator, sid)
            assert (answer.status, answer.json["code"], text in answer.json["message"]) == (
                500,
                20500,
                True,
            )
            emulator.faults.add(Fault(kind=FaultKind.DUPLICATE))
            assert update(emulator, sid).status == 500
        refuse.clear()
        assert emulator.platform.get(sid).status is Status.PENDING
    assert "could not answer" in caplog.text


def test_timers_run_without_requests() -> None:
    fired = threading.Event()
    platform = Platform(RealClock(60))
    platform.subscribe(lambda act: fired.set() if act.trigger == "timeout" else None)
    with running_emulator(platform):
        task = platform.add_task(worlds.WORKSPACE, reservation_timeout=1)
        worker = platform.add_worker(worlds.WORKSPACE)
        sid = str(platform.reserve(task.sid, worker.sid).sid)
        assert fired.wait(WAIT)
        assert platform.get(sid).status is Status.TIMEOUT


@pytest.mark.parametrize("error", [StateFileError("state.db", "it is full"), ZeroDivisionError()])
def test_failing_timer_is_logged_and_retried(
    error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "_RETRY_SECONDS", 0.05)
    failures = [error]
    fired = threading.Event()

    def keep(_: object) -> None:
        if broken and failures:
            raise failures.pop()

    broken: list[bool] = []
    platform = Platform(RealClock(60), on_commit=keep)
    platform.subscribe(lambda act: fired.set() if act.trigger == "timeout" else None)
    with running_emulator(platform):
        task = platform.add_task(worlds.WORKSPACE, reservation_timeout=1)
        worker = platform.add_worker(worlds.WORKSPACE)
        sid = str(platform.reserve(task.sid, worker.sid).sid)
        broken.append(True)
        assert fired.wait(WAIT)
        assert platform.get(sid).status is Status.TIMEOUT
    assert "could not run its timers" in caplog.text
    assert ("Traceback" in caplog.text) is isinstance(error, ZeroDivisionError)


def test_update_is_carried_out(emulator: Emulator, world: World) -> None:
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


def test_pages_link_to_the_emulator(emulator: Emulator, world: World) -> None:
    sids = [world.sid(worker) for worker in WORKERS]
    found: list[str] = []
    url: str | None = f"{emulator.url}{worlds.path()}?PageSize=1"
    while url is not None:
        assert url.startswith(emulator.url)
        page = ask(emulator.url, "GET", url.removeprefix(emulator.url)).json
        found += [each["sid"] for each in page["reservations"]]
        url = page["meta"]["next_page_url"]
    assert found == sids


def test_one_of_many_concurrent_accepts_wins(emulator: Emulator, world: World) -> None:
    for _ in range(3):
        task = emulator.platform.add_task(worlds.WORKSPACE)
        sid = world.sid(task=task.sid)
        gate = threading.Barrier(32)

        def accept(
            _: int, sid: str = sid, task_sid: str = task.sid, gate: threading.Barrier = gate
        ) -> Answer:
            gate.wait(WAIT)
            return ask(emulator.url, "POST", worlds.path(sid, task_sid), ACCEPT)

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(accept, range(32)))
        assert sorted(answer.status for answer in answers) == [200] + [400] * 31
        assert all(
            "already in state [accepted]" in answer.json["message"]
            for answer in answers
            if answer.status == 400
        )
        assert emulator.platform.get(sid).etag == "1"


def test_one_of_the_siblings_wins(emulator: Emulator, world: World) -> None:
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


# Status of the reply (0: no reply), and state of the reservation afterwards
FAULT_EFFECTS: dict[FaultKind, tuple[int, str]] = {
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


def test_fault_table_is_complete() -> None:
    assert set(FAULT_EFFECTS) == set(HTTP_KINDS)


@pytest.mark.parametrize("kind", FAULT_EFFECTS)
def test_fault_affects_one_request(emulator: Emulator, world: World, kind: FaultKind) -> None:
    status, state_after = FAULT_EFFECTS[kind]
    sid = world.sid()
    emulator.faults.add(Fault(kind=kind, seconds=0.0))
    if status:
        assert update(emulator, sid).status == status
    else:
        with pytest.raises(ConnectionResetError):
            update(emulator, sid)
    assert emulator.platform.get(sid).status == state_after
    assert not emulator.faults
    assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == state_after


def test_duplicate_is_carried_out_twice(emulator: Emulator, world: World) -> None:
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DUPLICATE))
    answer = update(
        emulator,
        sid,
        f"Instruction=redirect&RedirectCallSid={worlds.CALL}&RedirectUrl=https%3A%2F%2Fexample.com",
    )
    assert (answer.headers["etag"], emulator.platform.get(sid).etag) == ("1", "2")


def test_throttle_has_its_retry_after(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, retry_after=1.5))
    answer = ask(emulator.url, "GET", worlds.path())
    assert (answer.status, answer.headers["retry-after"]) == (429, "1.5")


def test_delay_does_not_block_other_requests(emulator: Emulator, world: World) -> None:
    sid = world.sid()
    emulator.faults.add(Fault(kind=FaultKind.DELAYED, seconds=0.4, method="POST"))
    with socket.create_connection(address(emulator.url), WAIT) as sock:
        sock.sendall(raw_accept(sid))
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "pending"
        assert b'"reservation_status": "accepted"' in read_until(sock, b"}}")


def test_feed_streams_journal_entries(emulator: Emulator, world: World) -> None:
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        begin = read_until(feed, b": hello")
        sid = world.sid()
        update(emulator, sid)
        text = read_until(feed, b'"trigger": "accept')
        last = ask(emulator.url, "GET", "/_emulator/journal").json["last"]
        text = read_until(feed, b"\n\n", text[text.index(b"id: %d" % last) :])
    assert b"text/event-stream" in begin
    number, name, data, *_ = text.decode().split("\n")
    assert (number, name) == (f"id: {last}", "event: entry")
    entry = json.loads(data.removeprefix("data: "))
    assert (entry["number"], entry["sid"], entry["reservation"]["status"]) == (
        last,
        sid,
        "accepted",
    )


def test_quiet_feed_sends_heartbeats(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_HEARTBEAT_SECONDS", 0.01)
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_until(feed, b": heartbeat")


def test_slow_feed_reader_is_closed(
    emulator: Emulator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_MAX_BACKLOG", 0)
    with socket.create_connection(address(emulator.url), WAIT) as feed:
        feed.sendall(
            b"GET /_emulator/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        read_until(feed, b": hello")
        with emulator.platform.transaction():
            for worker in WORKERS:
                world.sid(worker)
        text = b""
        while more := feed.recv(65536):
            text += more
    assert text.count(b"event: entry") == 1


def test_preflight_request_is_answered_without_body(emulator: Emulator) -> None:
    answer = ask(emulator.url, "OPTIONS", worlds.path())
    assert (answer.status, answer.body, "content-length" in answer.headers) == (204, b"", False)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_page_of_another_site_is_refused(emulator: Emulator, world: World) -> None:
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


def test_manual_clock_runs_timers_when_moved() -> None:
    platform = Platform(ManualClock())
    with running_emulator(platform) as emulator:
        sid = people(platform).sid()
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "pending"
        ask(emulator.url, "POST", "/_emulator/clock", {"seconds": 120})
        assert ask(emulator.url, "GET", worlds.path(sid)).json["reservation_status"] == "timeout"
