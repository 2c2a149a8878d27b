"""The commands send, show and list."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys

import pytest

from reservation_core import (
    Accept,
    Conference,
    Reply,
    Request,
    Reservation,
    Status,
    read_reservation,
)
from reservation_core.cli.console import TerminalOutput
from reservation_core.cli.main import main
from reservation_core.cli.progress import ProgressObserver
from reservation_core.delivery.reconciliation import ReconcileResult
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from tests.cli.platform_server import PlatformServer
from tests.cli.running import SID, SIDS, TASK, WORKER, WORKSPACE, flags, run
from tests.cli.test_console import FullDisk

# --- send ----------------------------------------------------------------------------------------


def test_send_fetches_updates_and_shows_the_reservation(server: PlatformServer) -> None:
    result = run("send", "accept", *server.flags)
    assert (result.code, result.err) == (0, "")
    assert result.out.split("\n") == [
        f"reservation {SIDS['sid']}",
        "   pending, ETag 0 -> accepted, ETag 1",
        "   allowed: supervise, wrap, complete",
        "",
    ]
    assert server.methods == ["GET", "POST"]
    assert server.requests[1].headers["If-Match"] == "0"
    assert server.platform.get(SIDS["sid"]).status is Status.ACCEPTED


def test_send_sends_all_parameters(server: PlatformServer) -> None:
    conference = Conference(
        to="sip:alice@example.com",
        status_callback_event=["initiated", "ringing"],
        muted=False,
        sip_auth_password="hush",
    )
    result = run("send", "conference", *server.flags, "--no-if-match", *flags(conference))
    assert (result.code, result.err) == (0, "")
    assert "pending, ETag 0 -> pending, on hold, ETag 1" in result.out
    assert server.requests[1].form == conference.form()
    assert "If-Match" not in server.requests[1].headers


def test_send_on_the_worker_route_has_no_version(server: PlatformServer) -> None:
    result = run("send", "reject", *server.flags[::2], server.flags[3], WORKER, "--route", "worker")
    assert (result.code, result.err) == (0, "")
    assert "pending, no ETag -> rejected, no ETag" in result.out
    assert all("/Workers/" in request.path for request in server.requests)


def test_send_refuses_a_command_that_the_fetched_status_does_not_allow(
    server: PlatformServer,
) -> None:
    result = run("send", "wrap", *server.flags)
    assert (result.code, result.out) == (1, "")
    assert "wrap is refused while pending" in result.err
    assert server.methods == ["GET"]


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--no-if-match", "HTTP 400, code 20001"), ("--if-match", "HTTP 412, code 20412")],
)
def test_send_ends_with_3_after_a_lost_race(
    server: PlatformServer, flag: str, message: str
) -> None:

    def time_out(request: Request) -> Reply:
        reply = server.gateway.send(request)
        if request.method == "GET" and server.methods == ["GET"]:
            server.platform.set_status(SIDS["sid"], Status.TIMEOUT)
        return reply

    server.answer = time_out
    result = run("send", "accept", *server.flags, flag)
    assert (result.code, result.out) == (3, "")
    assert message in result.err
    assert "The reservation is timed out now: decide again" in " ".join(result.err.split())


def test_send_ends_with_3_after_wrong_credentials(server: PlatformServer) -> None:
    server.answer = lambda _: Reply(
        401, {}, b'{"code": 20003, "message": "Authenticate \\u001b[31m for +15005550006"}'
    )
    result = run("send", "accept", *server.flags)
    assert (result.code, result.out) == (3, "")
    assert "HTTP 401, code 20003" in result.err
    assert "Check the credentials in the environment" in " ".join(result.err.split())
    assert not re.search("hush|\x1b|5550006", result.err)


def test_send_hides_the_user_of_a_url_that_the_platform_repeats(server: PlatformServer) -> None:
    server.answer = lambda request: (
        server.gateway.send(request)
        if request.method == "GET"
        else Reply(
            400, {}, b'{"code": 21205, "message": "https://user:hush@example.com/ is no good"}'
        )
    )
    result = run(
        "send", "call", *server.flags, "--from=alice", "--url=https://user:hush@example.com/"
    )
    assert (result.code, result.out) == (3, "")
    assert "https://***@example.com/ is no good" in result.err


def test_send_ends_with_4_without_a_connection(server: PlatformServer) -> None:
    server.server_close()
    result = run("send", "accept", *server.flags)
    assert (result.code, result.out) == (4, "")
    assert "The request was not sent: it may be sent again" in " ".join(result.err.split())


def test_send_ends_with_130_when_interrupted(
    server: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:

    def interrupt(*_: object) -> Reply:
        raise KeyboardInterrupt

    monkeypatch.setattr(PyreqwestGateway, "send", interrupt)
    result = run("send", "accept", *server.flags)
    assert (result.code, result.out) == (130, "")
    assert "interrupted" in result.err


@pytest.mark.parametrize(
    ("argv", "status", "pair", "version"),
    [
        (("accept", "--if-match"), "pending", "ReservationStatus=accepted", True),
        (("wrap", "--no-if-match"), "accepted", "ReservationStatus=wrapping", False),
        (("complete", "--status=wrapping"), "wrapping", "ReservationStatus=completed", True),
    ],
)
def test_dry_run_shows_the_request_and_sends_nothing(
    argv: tuple[str, ...], status: str, pair: str, version: bool, server: PlatformServer
) -> None:
    result = run("send", *argv, *server.flags, "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert (
        f"For a reservation that is {status}, this would go to http://127.0.0.1:{server.server_port}:"
        in " ".join(result.out.split())
    )
    assert f"\n   {pair}\n" in result.out
    assert ("If-Match: <the fetched version>" in result.out) is version
    assert server.methods == []


def test_dry_run_on_the_worker_route_has_no_version() -> None:
    result = run("send", "reject", WORKSPACE, WORKER, SID, "--route", "worker", "--dry-run")
    assert result.code == 0
    assert "If-Match" not in result.out
    assert "/Workers/" in result.out


def test_send_without_the_http_extra_names_it(
    server: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "reservation_core.gateways.pyreqwest")
    monkeypatch.setitem(sys.modules, "pyreqwest.bytes", None)
    result = run("send", "accept", *server.flags)
    assert (result.code, result.out) == (2, "")
    assert "pip install 'reservation-core[http]'" in " ".join(result.err.split())
    assert run("demo").code == 0


def test_json_of_send_holds_the_reservation_before_and_after(server: PlatformServer) -> None:
    result = run("send", "accept", *server.flags, "--json")
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    assert [document[name]["status"] for name in ("before", "after")] == ["pending", "accepted"]
    assert document["after"]["allowed"] == ["supervise", "wrap", "complete"]
    assert document["after"]["sid"] == SIDS["sid"]


def test_json_of_a_dry_run_holds_the_request() -> None:
    command = ("send", "conference", WORKSPACE, TASK, SID, "--dry-run", "--json")
    document = json.loads(run(*command, "--timeout=20", "--sip-auth-password=hush").out)
    assert document["method"] == "POST"
    assert document["url"].startswith("https://taskrouter.twilio.com/v1/Workspaces/WS")
    assert document["headers"]["If-Match"] == "<the fetched version>"
    assert document["form"] == [
        ["Instruction", "conference"],
        ["Timeout", "20"],
        ["SipAuthPassword", "***"],
    ]
    assert document["body"].startswith("Instruction=conference&Timeout=20&")


class Failing:
    """Fails the first updates of a server."""

    def __init__(self, server: PlatformServer, *replies: Reply) -> None:
        self._server, self._replies = server, list(replies)
        server.answer = self

    def __call__(self, request: Request) -> Reply:
        """Answer with the next failure, and then as the platform does."""
        if request.method == "POST" and self._replies:
            return self._replies.pop(0)
        return self._server.gateway.send(request)


def test_send_reports_retries_and_pauses_on_stderr(
    server: PlatformServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("reservation_core.cli.progress.time.sleep", pauses.append)
    Failing(server, Reply(429, {"Retry-After": "2"}, b"{}"), Reply(503, {}, b"{}"))
    result = run("send", "accept", *server.flags)
    assert result.code == 0
    assert "pending, ETag 0 -> accepted, ETag 1" in result.out
    assert server.methods == ["GET", "POST", "POST", "GET", "POST"]
    assert pauses[0] == 2
    assert [re.sub(r"[0-9.]+ s$", "N s", line) for line in result.err.splitlines()] == [
        "request 1: POST: Throttled after N s",
        "waiting for N s",
        "request 2: POST: ServerFailed after N s",
        "request 3: GET: pending after N s",
        "the reservation is pending: the command was not carried out, and is sent again",
        "waiting for N s",
        "request 4: POST: accepted after N s",
    ]


def test_every_conclusion_of_a_fetch_has_plain_words() -> None:
    output = io.StringIO()
    with contextlib.redirect_stderr(output):
        observer = ProgressObserver(TerminalOutput(stderr=True), Accept)
        for result in ReconcileResult:
            observer.reconciled(Reservation(status="accepted"), result)
    lines = output.getvalue().splitlines()
    assert len(set(lines)) == len(ReconcileResult)
    assert not re.search("LostRace|Refused|Indistinguishable|OutcomeUnknown", output.getvalue())


def test_json_of_an_error_names_its_class(server: PlatformServer) -> None:
    missing = run("show", *server.flags[:2], f"--sid=WR{'0' * 32}", server.flags[3], "--json")
    error = json.loads(missing.out)["error"]
    assert (missing.code, error["class"]) == (3, "NotFound")
    assert missing.err == f"reservation-core: {error['message']}\n"
    away = run("send", "accept", *server.flags[:3], "--base-url=http://127.0.0.1:1", "--json")
    assert (away.code, json.loads(away.out)["error"]["class"]) == (4, "NotSent")


def test_send_without_retry_sends_once(server: PlatformServer) -> None:
    Failing(server, Reply(429, {"Retry-After": "2"}, b"{}"))
    result = run("send", "accept", *server.flags, "--no-retry")
    assert result.code == 3
    assert "may be sent again after 2 s" in result.err
    assert server.methods == ["GET", "POST"]


def test_send_says_that_the_command_was_carried_out_if_it_cannot_be_shown(
    server: PlatformServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.redirect_stdout(FullDisk()):
        assert main(["send", "accept", *server.flags]) == 6
    assert "the accept was carried out, but the output cannot be written" in capsys.readouterr().err
    assert server.platform.get(SIDS["sid"]).status is Status.ACCEPTED


def test_send_without_strict_lets_the_platform_decide(server: PlatformServer) -> None:
    strict = run("send", "wrap", *server.flags)
    assert strict.code == 1
    assert strict.err.endswith("--no-strict sends it.\n")
    loose = run("send", "wrap", *server.flags, "--no-strict", "--no-retry")
    assert loose.code == 3
    assert "caution: wrap (ReservationStatus): only accepted work can be wrapped up" in loose.err
    assert server.methods == ["GET", "GET", "POST"]
    dry = ("send", "wrap", *server.flags, "--dry-run", "--status=pending")
    assert run(*dry).code == 1
    shown = run(*dry, "--no-strict")
    assert (shown.code, shown.err) == (0, loose.err.splitlines(keepends=True)[0])


# --- show and list -------------------------------------------------------------------------------


def test_show_fetches_one_reservation(server: PlatformServer) -> None:
    result = run("show", *server.flags)
    assert (result.code, result.err) == (0, "")
    lines = [line.strip() for line in result.out.splitlines()]
    assert lines[:4] == [
        f"reservation {SIDS['sid']}",
        "pending, ETag 0",
        f"task {SIDS['task_sid']}",
        f"worker {SIDS['worker_sid']} (no name)",
    ]
    assert lines[-1] == (
        "allowed (unless it is on hold): accept, reject, dequeue, call, redirect, conference"
    )
    assert server.methods == ["GET"]


def test_json_of_show_holds_every_field(server: PlatformServer) -> None:
    document = json.loads(run("show", *server.flags, "--json").out)
    assert {name: document[name] for name in SIDS} == SIDS
    assert (document["status"], document["state"], document["on_hold"]) == (
        "pending",
        "pending",
        False,
    )
    assert document["allowed"][0] == "accept"


def test_show_of_a_missing_reservation_ends_with_3(server: PlatformServer) -> None:
    result = run("show", *server.flags[:2], f"--sid=WR{'0' * 32}", server.flags[3])
    assert (result.code, result.out) == (3, "")
    assert "HTTP 404" in result.err


def test_list_lists_the_reservations_of_a_task_and_of_a_worker(server: PlatformServer) -> None:
    url = server.flags[3]
    line = f"{SIDS['sid']} pending   task {SIDS['task_sid']} worker {SIDS['worker_sid']}\n"
    for flag in (TASK, WORKER):
        result = run("list", WORKSPACE, flag, url)
        assert (result.code, result.out, result.err) == (0, line, "")
    assert "/Workers/" in server.requests[-1].path
    (document,) = json.loads(run("list", WORKSPACE, TASK, url, "--json", "--limit=5").out)
    assert document["sid"] == SIDS["sid"]


def test_list_reports_that_there_are_none(server: PlatformServer) -> None:
    flags = (WORKSPACE, TASK, server.flags[3], "--status", "ACCEPTED")
    result = run("list", *flags)
    assert (result.code, result.out, result.err) == (0, "", "no reservations\n")
    assert run("list", *flags, "--json").out == "[]\n"


def test_list_stops_at_its_limit(server: PlatformServer) -> None:
    for number in range(3):
        sids = {**SIDS, "sid": f"WR{number:032x}"}
        server.platform.add(read_reservation({"reservation_status": "pending", **sids}))
    result = run("list", WORKSPACE, TASK, server.flags[3], "--limit", "2")
    assert result.out.count("\n") == 2
