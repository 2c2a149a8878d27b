"""The commands explain, allowed, encode and send."""

from __future__ import annotations

import json
import re
import shlex
import sys
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Command, Conference, Reply, Request, Status
from reservation_core.cli.redaction import redact
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.testing.strategies import arguments, build
from tests.cli.platform_server import PlatformServer
from tests.cli.running import SID, SIDS, WORKER, WORKSPACE, flags, run
from tests.reference.oracle import rows

MATRIX = [row for row in rows("matrix") if row["command"] != "accept+orchestrated"]
EVIDENCE = {"D": "documented", "S": "observed", "I": "inferred", "U": "unknown"}

# --- explain and allowed -------------------------------------------------------------------------


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']}-{row['state']}")
def test_explain_agrees_with_the_reference_matrix(row: dict[str, str]) -> None:
    trigger, _, accept = row["command"].partition("+")
    result = run("explain", row["state"], trigger, *([f"--{accept}"] if accept else []))
    assert result.code == 0
    answer = "allowed" if row["allowed"] == "yes" else "refused"
    name = "on hold" if row["state"] == "onHold" else row["state"]
    assert result.out.startswith(f"{trigger} is {answer} while {name}")
    assert f"[{EVIDENCE[row['evidence']]}:" in result.out


def test_explain_respects_the_accept_flag() -> None:
    assert "and sets accepted:" in run("explain", "pending", "call", "--accept").out
    assert "and does not change the status:" in run("explain", "pending", "call").out


@pytest.mark.parametrize("state", [*Status, "onHold"])
def test_allowed_lists_the_commands_of_the_reference_matrix(state: str) -> None:
    result = run("allowed", state)
    assert result.code == 0
    expected = {
        row["command"].replace("+", " --")
        for row in MATRIX
        if row["state"] == state and row["allowed"] == "yes"
    }
    listed = re.findall(
        r"^(\w+(?: --accept)?): (?:sets|does not change) ", result.out, re.MULTILINE
    )
    assert set(listed) == expected
    assert len(re.findall("documented:|observed:|inferred:|unknown:", result.out)) == len(listed)
    if not expected:
        assert result.out.startswith(
            "nothing until the platform reports"
            if state == "onHold"
            else f"nothing, {state} is terminal"
        )


def test_allowed_shows_the_effect_of_each_command() -> None:
    result = run("allowed", "pending").out.splitlines()
    assert {
        "accept: sets accepted",
        "call: does not change the status",
        "call --accept: sets accepted",
        "conference: sets no status yet",
    } <= set(result)


# --- encode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMMANDS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_encode_prints_form_body_and_curl_of_the_same_command(
    kind: type[Command], data: st.DataObject
) -> None:
    command = build(kind, data.draw(arguments(kind)))
    result = run("encode", kind.trigger, *flags(command))
    assert (result.code, result.err) == (0, "")
    form, _, rest = result.out.partition("\n\nbody\n")
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in form.split("\n"))]
    assert Command.from_form(pairs) == redact(command)
    assert parse_qsl(rest.split("\n", 1)[0], keep_blank_values=True, strict_parsing=True) == pairs

    words = shlex.split(rest[rest.index("\ncurl\n") :])
    data_words = [
        words[place + 1] for place, word in enumerate(words) if word == "--data-urlencode"
    ]
    variable = "SipAuthPassword=$RESERVATION_CORE_SIP_AUTH_PASSWORD"
    assert data_words == [
        variable if name == "SipAuthPassword" else f"{name}={value}" for name, value in pairs
    ]
    assert "-u $TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN" in " ".join(words)
    place = "https://taskrouter.twilio.com/v1/Workspaces/$WORKSPACE_SID/Tasks/$TASK_SID/Reservations/$RESERVATION_SID"
    assert words[1:3] == ["curl", place]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_encode_json_prints_the_callback_instruction(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in COMMANDS if kind.can_answer_callback]))
    command = build(kind, data.draw(arguments(kind)))
    result = run("encode", kind.trigger, "--json", *flags(command))
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == redact(command).instruction()


def test_encode_shows_cautions() -> None:
    result = " ".join(run("encode", "dequeue").out.split())
    assert "caution DequeueFrom: the caller ID is required (https://" in result
    assert "Applied here: sent without it; set it to be sure." in result


def test_encode_reports_every_violation_at_once() -> None:
    result = run(
        "encode",
        "conference",
        "--to",
        "nobody at all",
        "--timeout",
        "soon",
        "--beep",
        "loud",
        "--sip-auth-password",
        "",
    )
    assert (result.code, result.out) == (1, "")
    for name in (
        "To = <personal>",
        "Timeout = 'soon'",
        "Beep = 'loud'",
        "SipAuthPassword = <secret>",
    ):
        assert name in result.err
    assert "nobody" not in result.err


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
    assert "Wrap is refused while pending" in result.err
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
        if request.method == "GET":
            server.platform.set_status(SIDS["sid"], Status.TIMEOUT)
        return reply

    server.answer = time_out
    result = run("send", "accept", *server.flags, flag)
    assert (result.code, result.out) == (3, "")
    assert message in result.err
    assert "The reservation moved on: fetch it and decide again" in " ".join(result.err.split())


def test_send_ends_with_3_after_wrong_credentials(server: PlatformServer) -> None:
    server.answer = lambda _: Reply(
        401, {}, b'{"code": 20003, "message": "Authenticate \\u001b[31m for +15005550006"}'
    )
    result = run("send", "accept", *server.flags)
    assert (result.code, result.out) == (3, "")
    assert "HTTP 401, code 20003" in result.err
    assert "Check the gateway's credentials" in " ".join(result.err.split())
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
