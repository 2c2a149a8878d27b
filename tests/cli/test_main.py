"""The command line: what it prints, where, and the code it ends with."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reservation_core import Command, Conference, Reply, Request, Status, read_reservation
from reservation_core.cli import main as cli
from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.kinds import Uri, encode_value
from reservation_core.domain.redaction import Sensitivity
from reservation_core.emulator import InMemoryGateway, Platform
from reservation_core.gateways.pyreqwest import PyreqwestGateway
from reservation_core.testing.strategies import arguments, build, texts
from tests.reference.oracle import rows

SIDS = {
    "workspace_sid": "WS" + "a" * 32,
    "task_sid": "WT" + "b" * 32,
    "worker_sid": "WK" + "c" * 32,
    "sid": "WR" + "d" * 32,
}
WORKSPACE, TASK, WORKER, SID = (f"--{name.replace('_', '-')}={sid}" for name, sid in SIDS.items())
MATRIX = rows("matrix")
MARKS = {"D": "documented", "S": "observed", "I": "inferred", "U": "unknown"}


@attrs.frozen
class Said:
    """What one run of the command line came to."""

    code: int
    out: str
    err: str


def run(*argv: str) -> Said:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(argv)
    return Said(code, out.getvalue(), err.getvalue())


class Full(io.StringIO):
    """A disk on which there is no place left."""

    def write(self, _: str) -> int:
        """Write nothing."""
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("argv", "code"),
    [(("allowed", "pending"), 0), (("allowed", "nowhere"), 2), (("encode", "wrap"), 0)],
)
def test_the_code_tells_what_was_done_though_nobody_can_read_it(
    argv: tuple[str, ...], code: int
) -> None:
    """Where nothing can be written, the exit code still says what became of the command."""
    with contextlib.redirect_stdout(Full()), contextlib.redirect_stderr(Full()):
        assert cli.main(argv) == code


def shell(*argv: str, **environ: str) -> Said:
    """Run the command line in a process of its own, its output piped."""
    done = subprocess.run(
        [sys.executable, "-m", "reservation_core.cli.main", *argv],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **environ},
    )
    return Said(done.returncode, done.stdout, done.stderr)


def flags(command: Command) -> list[str]:
    """Write a command as somebody would type it: a flag for each parameter that is set."""
    typed: list[str] = []
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        flag = f"--{parameter.field.replace('_', '-').strip('-')}"
        if isinstance(value, bool):
            typed.append(flag if value else f"--no-{flag[2:]}")
        elif value is not None:
            typed += [f"{flag}={text}" for text in encode_value(value)]
    return typed


def hidden(command: Command) -> Command:
    """Give a command as it may be shown: its secrets, and the users in its URLs, replaced by stars."""
    changes: dict[str, object] = {}
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        if value is not None and parameter.kind.sensitivity is Sensitivity.SECRET:
            changes[parameter.field] = "***"
        elif value is not None and isinstance(parameter.kind, Uri):
            changes[parameter.field] = value.replace("://user:pass@", "://***@").replace(
                "://user@", "://***@"
            )
    return attrs.evolve(command, **changes)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TWILIO_", "RESERVATION_CORE_")) or name in {
            "FORCE_COLOR",
            "NO_COLOR",
            "TTY_COMPATIBLE",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")


# --- the demo ----------------------------------------------------------------------------------------------------------------------


def test_the_demo_tells_a_whole_life() -> None:
    """The demo goes through every status of a life in order, each with its version before and after."""
    said = run("demo")
    assert (said.code, said.err) == (0, "")
    assert re.findall(r"^ +(\S.*) -> (.*)$", said.out, re.MULTILINE) == [
        ("pending, no ETag", "pending, ETag 0"),
        ("pending, ETag 0", "pending, on hold, ETag 1"),
        ("pending, on hold, ETag 1", "accepted, ETag 2"),
        ("accepted, ETag 2", "wrapping, ETag 3"),
        ("wrapping, ETag 3", "completed, ETag 4"),
    ]


def test_the_demo_refuses_twice() -> None:
    """Both refusals say why, on what evidence, and what is allowed instead."""
    said = " ".join(run("demo").out.split())
    assert (
        "Wrap is refused while pending: only accepted work can be wrapped up [inferred: https://"
        in said
    )
    assert (
        "Accept is refused while pending: an earlier answer is still being carried out (on hold)"
        in said
    )
    assert "[documented: https://support.twilio.com/hc/en-us/articles/40136086868507]" in said
    assert said.count(" is refused while ") == 2


def test_the_demo_shows_the_whole_request() -> None:
    """The request stands there with its method, path, headers and every pair in order; the repr masks the contacts."""
    said = run("demo").out
    first, form, *_ = said[said.index("POST /v1/") :].split("\n\n")
    assert re.fullmatch(
        "POST/v1/Workspaces/WS0{31}2/Tasks/WT0{31}3/Reservations/WR0{31}5Accept:application/json"
        "Content-Type:application/x-www-form-urlencodedIf-Match:0",
        "".join(first.split()),
    )
    assert form.split() == [
        "Instruction=conference",
        "To=client:alice",
        "From=+15005550006",
        "StatusCallback=https://example.com/leg",
        "StatusCallbackEvent=initiated",
        "StatusCallbackEvent=answered",
        "EndConferenceOnExit=true",
    ]
    assert "Conference(to=<personal>, from_=<personal>," in " ".join(said.split())


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_piped_demo_is_plain(columns: int) -> None:
    """Through a pipe the demo is plain ASCII no wider than the page, short, and the same each time."""
    said = shell("demo", COLUMNS=str(columns))
    assert (said.code, said.err) == (0, "")
    assert said.out.isascii()
    assert "\x1b" not in said.out
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(line == line.rstrip() for line in lines)
    assert columns < 80 or len(lines) <= 60
    assert shell("demo", COLUMNS=str(columns)) == said


@pytest.mark.parametrize("columns", ["0", "1", "1000"])
def test_a_page_has_a_sensible_width(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow or wide the terminal says it is, a page has between 40 and 120 columns."""
    monkeypatch.setenv("COLUMNS", columns)
    assert 35 <= max(map(len, run("demo").out.splitlines())) <= 120


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the demo is coloured, unless NO_COLOR is set; the text is the same."""
    plain = run("demo").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    coloured = run("demo").out
    assert "\x1b[33m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", run("demo").out)


# --- explain and allowed -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"{row['command']}-{row['state']}")
def test_explain_gives_the_decision(row: dict[str, str]) -> None:
    """For every status and command the verdict and the mark of its evidence are those of the hand-written matrix."""
    trigger, _, accept = row["command"].partition("+")
    said = run("explain", row["state"], trigger, *([f"--{accept}"] if accept else []))
    assert said.code == 0
    verdict = "allowed" if row["allowed"] == "yes" else "refused"
    assert said.out.startswith(f"{trigger} is {verdict} while {row['state']}")
    assert f"[{MARKS[row['evidence']]}:" in said.out


def test_explain_hears_the_accept_flag() -> None:
    """With its accept flag set, a call accepts at once; without, it changes nothing."""
    assert "and sets accepted:" in run("explain", "pending", "call", "--accept").out
    assert "and changes no status:" in run("explain", "pending", "call").out


@pytest.mark.parametrize("state", [*Status, "onHold"])
def test_allowed_names_what_may_be_asked(state: str) -> None:
    """Each allowed command stands there with what it sets and its evidence; where there is none, that is said."""
    said = run("allowed", state)
    assert said.code == 0
    expected = {
        row["command"].replace("+", " --")
        for row in MATRIX
        if row["state"] == state and row["allowed"] == "yes"
    }
    listed = re.findall(r"^(\w+(?: --accept)?): (?:sets|changes) ", said.out, re.MULTILINE)
    assert set(listed) == expected
    assert len(re.findall("documented:|observed:|inferred:|unknown:", said.out)) == len(listed)
    if not expected:
        assert said.out.startswith(
            "nothing until the platform reports"
            if state == "onHold"
            else f"nothing, {state} is terminal"
        )


def test_allowed_tells_the_effects_apart() -> None:
    """Accepting at once, later, and not at all are told apart."""
    said = run("allowed", "pending").out.splitlines()
    assert {
        "accept: sets accepted",
        "call: changes no status",
        "call --accept: sets accepted",
        "conference: sets nothing yet",
    } <= set(said)


# --- encode ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMMANDS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_encode_round_trips(kind: type[Command], data: st.DataObject) -> None:
    """What is typed comes out as the form of that very command, and the body and the call of curl say the same."""
    command = build(kind, data.draw(arguments(kind)))
    said = run("encode", kind.trigger, *flags(command))
    assert (said.code, said.err) == (0, "")
    form, _, rest = said.out.partition("\n\nbody\n")
    pairs = [(name, value) for name, _, value in (line.partition("=") for line in form.split("\n"))]
    assert Command.from_form(pairs) == hidden(command)
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
def test_encode_writes_the_callback_dialect(data: st.DataObject) -> None:
    """With --json there is nothing but the instruction as JSON, secrets hidden."""
    kind = data.draw(st.sampled_from([kind for kind in COMMANDS if kind.can_answer_callback]))
    command = build(kind, data.draw(arguments(kind)))
    said = run("encode", kind.trigger, "--json", *flags(command))
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == hidden(command).instruction()


def test_encode_shows_cautions() -> None:
    """A disputed rule is shown with both readings, and the one taken."""
    said = " ".join(run("encode", "dequeue").out.split())
    assert "caution DequeueFrom: the caller ID is required (https://" in said
    assert "Applied here: sent without; give it to be sure." in said


def test_encode_gathers_every_violation() -> None:
    """Everything wrong with the values is named at once, with the remedy, and no value that is somebody's."""
    said = run(
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
    assert (said.code, said.out) == (1, "")
    for name in (
        "To = <personal>",
        "Timeout = 'soon'",
        "Beep = 'loud'",
        "SipAuthPassword = <secret>",
    ):
        assert name in said.err
    assert "nobody" not in said.err


def test_loading_pydantic_changes_nothing() -> None:
    """A process in which anything has loaded pydantic is told the same: every violation, by the commands themselves."""
    importlib.import_module("pydantic")
    said = run(
        "encode",
        "conference",
        "--timeout",
        "soon",
        "--beep",
        "loud",
        "--sip-auth-password",
        "",
    )
    assert (said.code, said.out) == (1, "")
    for name in ("Timeout = 'soon'", "Beep = 'loud'", "SipAuthPassword = <secret>"):
        assert name in said.err
    assert run("encode", "conference", "--timeout", "30").code == 0


def test_a_secret_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret need not stand on the command line: a variable gives it as well, and it is as hidden."""
    monkeypatch.setenv("RESERVATION_CORE_SIP_AUTH_PASSWORD", "hush-hush")
    said = run("encode", "conference", "--to", "sip:alice@example.com")
    assert "SipAuthPassword=***" in said.out
    assert "hush" not in said.out + said.err


DRY = ("send", "conference", WORKSPACE, TASK, SID, "--dry-run")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("encode", "conference", "--sip-auth-password", "{}"), 0),
        (("encode", "conference", "--sip-auth-password={}", "--json"), 0),
        (("encode", "conference", "--status-callback=https://user:pa55@example.com/"), 0),
        (("encode", "conference", "--sip-auth-password", "{}\x00"), 1),
        (("encode", "conference", "--sip-auth-password", "{}", "--timeout=0"), 1),
        (
            (
                "encode",
                "conference",
                "--sip-auth-password",
                "{}",
                "--sip-auth-password",
                "{}",
            ),
            2,
        ),
        (("encode", "conference", "--sip-auth-pasword={}"), 2),
        (("encode", "conference", "--muted={}"), 2),
        (("encode", "conference", "{}"), 2),
        (("encode", "conference", "--{}"), 2),
        (("encode", "{}"), 2),
        (("{}",), 2),
        (("explain", "{}", "wrap"), 2),
        (("explain", "pending", "{}"), 2),
        ((*DRY, "--sip-auth-password", "{}"), 0),
        ((*DRY, "--sip-auth-password", "{}", "--status=completed"), 1),
        ((*DRY[:-1], "--sip-auth-password", "{}"), 2),
    ],
)
@given(password=texts().map("pa55".__add__))
@settings(max_examples=5, deadline=None)
def test_a_secret_is_never_shown(argv: tuple[str, ...], code: int, password: str) -> None:
    """A password on the command line is in no output: not encoded, not sent dry, not beside a mistake, not in a wrong place."""
    said = run(*(word.replace("{}", password) for word in argv))
    assert said.code == code
    assert "pa55" not in said.out + said.err


# --- help and usage ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("name", ["encode", "send"])
def test_the_declarations_are_the_help(
    kind: type[Command], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parameter is a flag of its command, told by what its declaration says."""
    monkeypatch.setenv("COLUMNS", "120")
    said = run(name, kind.trigger, "--help")
    assert said.code == 0
    words = " ".join(said.out.split())
    for parameter in kind.parameters:
        assert f"--{parameter.field.replace('_', '-').strip('-')}"[:35] in words
        assert parameter.info.summary.split()[-1] in words
    assert "--from-" not in words
    assert "``" not in words


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--help",),
        ("encode",),
        ("send", "--help"),
        ("encode", "conference", "--help"),
    ],
)
def test_help_documents_the_exit_codes(argv: tuple[str, ...]) -> None:
    """Every page of help ends with the exit codes, as the module's docstring has them, and draws no boxes."""
    said = run(*argv)
    assert said.code == 0
    words = " ".join(said.out.split())
    assert cli.__doc__ is not None
    for code, meaning in cli.EXITS.items():
        assert f"{code} {meaning}" in words
        assert f"{code} {meaning}" in " ".join(cli.__doc__.split())
    assert said.out.isascii()


def test_the_help_says_what_is_printed() -> None:
    """The help tells that personal values are printed and that secrets are not."""
    assert "Numbers and contacts are printed as they are given; secrets never are." in " ".join(
        run("encode", "--help").out.split()
    )


def test_the_version_is_told() -> None:
    """The version stands beside the name."""
    assert re.fullmatch(r"reservation-core( [0-9].*)?\n", run("--version").out)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("explain", "gone", "wrap"), "STATUS is one of pending, accepted,"),
        (("explain", "pending", "wave"), "COMMAND is one of accept, reject,"),
        (("explain", "pending"), "COMMAND is missing"),
        (
            ("explain", "pending", "call", "--accept=maybe"),
            "--accept is true or false; see reservation-core explain --help",
        ),
        (("wave",), "unknown command; see reservation-core --help"),
        (("encode", "wave"), "unknown command; see reservation-core encode --help"),
        (
            ("encode", "accept", "now"),
            "too many arguments; see reservation-core encode accept --help",
        ),
        (("encode", "conference", "--from-", "x"), "unknown flag (did you mean --from?)"),
        (("encode", "conference", "--xyzzy"), "unknown flag; see"),
        (("encode", "conference", "--to"), "--to is missing or has no value"),
        (("encode", "conference", "--to", "a", "--to", "b"), "--to is given more than once"),
        (("send", "accept", "--sid", "x"), "--workspace-sid is missing"),
        (("send", "accept", WORKSPACE, SID), "--task-sid: missing, or no SID"),
        (
            ("send", "accept", WORKSPACE, SID, "--route", "worker"),
            "--worker-sid: missing, or no SID",
        ),
        (("send", "accept", WORKSPACE, SID, "--route", "sea"), "--route is one of task, worker"),
        (
            ("send", "accept", WORKSPACE, TASK, SID, "--status", "pending"),
            "--status goes with --dry-run",
        ),
        (
            ("send", "accept", WORKSPACE, TASK, SID),
            "no credentials in the environment; set TWILIO_API_KEY and",
        ),
        (
            (
                "send",
                "accept",
                WORKSPACE,
                TASK,
                SID,
                "--dry-run",
                "--base-url",
                "https://hush@host",
            ),
            "base_url is not of the form",
        ),
    ],
)
def test_wrong_usage_ends_with_2(argv: tuple[str, ...], says: str) -> None:
    """Wrong usage is one message on stderr that names the flag and the way to the help; nothing is on stdout."""
    said = run(*argv)
    assert (said.code, said.out) == (2, "")
    assert says in " ".join(said.err.split())
    assert said.err.startswith("reservation-core: ")
    assert "hush" not in said.err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("encode", "call"), "CallUrl = nothing: is required (platform error 40112)"),
        (("encode", "wrap", "--json"), "cannot answer an assignment callback"),
        (
            ("send", "accept", WORKSPACE, TASK, SID, "--dry-run", "--status", "accepted"),
            "Accept is refused while accepted",
        ),
        (
            (
                "send",
                "supervise",
                WORKSPACE,
                WORKER,
                SID,
                "--route=worker",
                "--supervisor-mode=barge",
                "--supervisor=client:bob",
            ),
            "is not on the worker route. Use the task route",
        ),
    ],
)
def test_a_refusal_of_ours_ends_with_1(argv: tuple[str, ...], says: str) -> None:
    """What we would not ask is refused on stderr, with nothing on stdout, before anything is sent."""
    said = run(*argv)
    assert (said.code, said.out) == (1, "")
    assert says in " ".join(said.err.split())


# --- send -------------------------------------------------------------------------------------------------------------------------------


class Served(ThreadingHTTPServer):
    """A real socket in front of the in-memory platform, which holds one pending reservation."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.platform = Platform()
        self.gateway = InMemoryGateway(self.platform)
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Reply] = self.gateway.send
        self.platform.add(read_reservation({"reservation_status": "pending", **SIDS}))

    @property
    def flags(self) -> tuple[str, ...]:
        """What leads a command to the reservation by the task route."""
        return (WORKSPACE, TASK, SID, f"--base-url=http://127.0.0.1:{self.server_port}")

    @property
    def methods(self) -> list[str]:
        """What was asked, in order."""
        return [request.method for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server's platform."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        assert isinstance(self.server, Served)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        request = Request(
            self.command,
            self.path,
            tuple(self.headers.items()),
            tuple(parse_qsl(body, keep_blank_values=True)),
        )
        self.server.requests.append(request)
        reply = self.server.answer(request)
        self.send_response(reply.status)
        for name, value in [*reply.headers.items(), ("Content-Length", str(len(reply.body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_POST = do_GET  # noqa: N815 - the server's name for it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name for it
        """Say nothing."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    """Serve a platform to send to, with credentials in the environment."""
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC0")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hush")
    with Served() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_send_updates_the_reservation(served: Served) -> None:
    """The reservation is fetched, updated with the version that was fetched, and shown as it now is."""
    said = run("send", "accept", *served.flags)
    assert (said.code, said.err) == (0, "")
    assert said.out.split("\n") == [
        f"reservation {SIDS['sid']}",
        "   pending, ETag 0 -> accepted, ETag 1",
        "   allowed: supervise, wrap, complete",
        "",
    ]
    assert served.methods == ["GET", "POST"]
    assert served.requests[1].headers["If-Match"] == "0"
    assert served.platform.get(SIDS["sid"]).status is Status.ACCEPTED


def test_send_carries_the_parameters(served: Served) -> None:
    """What is typed is what is sent, secrets included; the reservation is then on hold."""
    conference = Conference(
        to="sip:alice@example.com",
        status_callback_event=["initiated", "ringing"],
        muted=False,
        sip_auth_password="hush",
    )
    said = run("send", "conference", *served.flags, "--no-if-match", *flags(conference))
    assert (said.code, said.err) == (0, "")
    assert "pending, ETag 0 -> pending, on hold, ETag 1" in said.out
    assert served.requests[1].form == conference.form()
    assert "If-Match" not in served.requests[1].headers


def test_send_goes_by_the_worker_route(served: Served) -> None:
    """The worker route needs the worker's SID only, and tells no version."""
    said = run("send", "reject", *served.flags[::2], served.flags[3], WORKER, "--route", "worker")
    assert (said.code, said.err) == (0, "")
    assert "pending, no ETag -> rejected, no ETag" in said.out
    assert all("/Workers/" in request.path for request in served.requests)


def test_send_refuses_by_what_was_fetched(served: Served) -> None:
    """A command that the fetched status does not allow is refused, and not sent."""
    said = run("send", "wrap", *served.flags)
    assert (said.code, said.out) == (1, "")
    assert "Wrap is refused while pending" in said.err
    assert served.methods == ["GET"]


@pytest.mark.parametrize(
    ("flag", "says"),
    [("--no-if-match", "HTTP 400, code 20001"), ("--if-match", "HTTP 412, code 20412")],
)
def test_a_lost_race_ends_with_3(served: Served, flag: str, says: str) -> None:
    """A reservation that moves on between the fetch and the update is a lost race, whether or not the version is sent along."""

    def move_on(request: Request) -> Reply:
        reply = served.gateway.send(request)
        if request.method == "GET":
            served.platform.set_status(SIDS["sid"], Status.TIMEOUT)
        return reply

    served.answer = move_on
    said = run("send", "accept", *served.flags, flag)
    assert (said.code, said.out) == (3, "")
    assert says in said.err
    assert "The reservation moved on: fetch it and decide again" in " ".join(said.err.split())


def test_wrong_credentials_end_with_3(served: Served) -> None:
    """Refused credentials are told without them; what the platform says cannot steer the terminal."""
    served.answer = lambda _: Reply(
        401, {}, b'{"code": 20003, "message": "Authenticate \\u001b[31m for +15005550006"}'
    )
    said = run("send", "accept", *served.flags)
    assert (said.code, said.out) == (3, "")
    assert "HTTP 401, code 20003" in said.err
    assert "Check the gateway's credentials" in " ".join(said.err.split())
    assert not re.search("hush|\x1b|5550006", said.err)


def test_an_echo_of_a_url_shows_no_user(served: Served) -> None:
    """Where the platform's message repeats a URL, the user information in it is hidden."""
    served.answer = lambda request: (
        served.gateway.send(request)
        if request.method == "GET"
        else Reply(
            400, {}, b'{"code": 21205, "message": "https://user:hush@example.com/ is no good"}'
        )
    )
    said = run(
        "send", "call", *served.flags, "--from=alice", "--url=https://user:hush@example.com/"
    )
    assert (said.code, said.out) == (3, "")
    assert "https://***@example.com/ is no good" in said.err


def test_no_connection_ends_with_4(served: Served) -> None:
    """Where nobody listens, it is said that nothing was sent."""
    served.server_close()
    said = run("send", "accept", *served.flags)
    assert (said.code, said.out) == (4, "")
    assert "Nothing was sent: it may be sent again" in " ".join(said.err.split())


def test_an_interruption_ends_with_130(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends in a sentence, not in a traceback."""

    def interrupt(*_: object) -> Reply:
        raise KeyboardInterrupt

    monkeypatch.setattr(PyreqwestGateway, "send", interrupt)
    said = run("send", "accept", *served.flags)
    assert (said.code, said.out) == (130, "")
    assert "interrupted" in said.err


@pytest.mark.parametrize(
    ("argv", "status", "pair", "version"),
    [
        (("accept", "--if-match"), "pending", "ReservationStatus=accepted", True),
        (("wrap", "--no-if-match"), "accepted", "ReservationStatus=wrapping", False),
        (("complete", "--status=wrapping"), "wrapping", "ReservationStatus=completed", True),
    ],
)
def test_a_dry_run_sends_nothing(
    argv: tuple[str, ...], status: str, pair: str, version: bool, served: Served
) -> None:
    """A dry run shows the request and the status it supposes: the first that allows the command, or the one given."""
    said = run("send", *argv, *served.flags, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert (
        f"To a reservation that is {status}, this would go to http://127.0.0.1:{served.server_port}:"
        in " ".join(said.out.split())
    )
    assert f"\n   {pair}\n" in said.out
    assert ("If-Match: <what the fetch brings>" in said.out) is version
    assert served.methods == []


def test_a_dry_run_by_the_worker_route_has_no_version() -> None:
    """The worker route tells no version, so none is promised; no credentials are needed."""
    said = run("send", "reject", WORKSPACE, WORKER, SID, "--route", "worker", "--dry-run")
    assert said.code == 0
    assert "If-Match" not in said.out
    assert "/Workers/" in said.out


# --- the process -------------------------------------------------------------------------------------------------------------------------


def test_a_process_ends_with_the_code() -> None:
    """As a process: stdout holds the answer, stderr the error, and the exit code tells them apart."""
    assert shell("allowed", "completed") == Said(0, "nothing, completed is terminal\n", "")
    refused = shell("encode", "call")
    assert (refused.code, refused.out) == (1, "")
    assert "Traceback" not in refused.err


def test_an_encoding_without_the_letter_is_no_error() -> None:
    """Where stdout cannot write a letter, it is escaped."""
    said = shell(
        "encode",
        "conference",
        "--from",
        "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",
        PYTHONIOENCODING="ascii",
    )
    assert said.code == 0
    assert "From=Zo\\xeb\n" in said.out


def test_a_reader_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the reader of a pipe goes early, as head does, that is no error."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert cli.main(["demo"]) == 0


def start(*argv: str, monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    """Run the file as a program, and give the code it exits with."""
    monkeypatch.setattr(sys, "argv", ["reservation-core", *argv])
    with pytest.raises(SystemExit) as exited:
        runpy.run_path(cli.__file__, run_name="__main__")
    return exited.value.code


def test_the_program_takes_its_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run as a program, it reads the arguments of the process."""
    assert start("allowed", "onHold", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == "nothing until the platform reports\n"


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_without_the_extra_it_says_so(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its extra the command line is one sentence that names what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert start("demo", monkeypatch=monkeypatch) == 2
    assert capsys.readouterr() == (
        "",
        "the command line needs an extra: pip install 'reservation-core[cli]'\n",
    )


def test_without_the_http_extra_it_cannot_send(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyreqwest sending is refused by the sentence that names what to install; all else goes on."""
    monkeypatch.delitem(sys.modules, "reservation_core.gateways.pyreqwest")
    monkeypatch.setitem(sys.modules, "pyreqwest.bytes", None)
    said = run("send", "accept", *served.flags)
    assert (said.code, said.out) == (2, "")
    assert "pip install 'reservation-core[http]'" in " ".join(said.err.split())
    assert run("demo").code == 0
