"""The command parity: consent, flags, output and a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from reservation_core import Gateway, Reply, Request
from reservation_core.emulator import ManualClock, Platform, Settings
from reservation_core.emulator.resources.gateway import WorkspaceGateway
from reservation_core.emulator.server import running_emulator
from reservation_core.parity.wire import Wire
from tests.cli.running import run
from tests.parity.stage import TwistedGateway

ONLY: Final = ("--only=both_given", "--only=commands_while_rescinded")
VOICE: Final = ("--voice", "--voice-from=+15005550006", "--voice-to=client:ada")


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> TwistedGateway:
    """Put an emulated platform in the place of the network."""
    gateway = TwistedGateway(WorkspaceGateway(Platform(ManualClock())), lambda _, reply: reply)

    @contextmanager
    def open_gateway(_: str | None) -> Generator[Gateway]:
        yield gateway

    monkeypatch.setattr("reservation_core.cli.parity.open_gateway", open_gateway)
    quick = partial(Wire, sleep=lambda _: None)
    monkeypatch.setattr("reservation_core.cli.parity.Wire", quick)
    return gateway


def test_run_without_consent_says_what_it_would_do(gateway: TwistedGateway, tmp_path: Path) -> None:
    result = run("parity", *VOICE, f"--output={tmp_path}")
    assert (result.code, gateway.requests, [*tmp_path.iterdir()]) == (7, [], [])
    assert "with your account at https://taskrouter.twilio.com.\n" in result.out
    assert f"It writes parity.md, parity.json and parity-settings.toml to {tmp_path}." in result.out
    assert "in a new workspace" in result.out
    assert "It places up to" in result.out
    assert result.out.endswith("Nothing was done. Add --yes to run the experiments.\n")
    assert not any(word in result.out for word in ("5005550006", "ada"))


def test_json_of_a_run_without_consent_is_its_plan(gateway: TwistedGateway) -> None:
    result = run("parity", *ONLY, "--json")
    assert (result.code, gateway.requests) == (7, [])
    plan = json.loads(result.out)["plan"]
    at = "https://taskrouter.twilio.com"
    assert plan[0] == f"A parity run makes 2 experiments with your account at {at}."


def test_run_writes_three_files_and_leaves_nothing(gateway: TwistedGateway, tmp_path: Path) -> None:
    result = run("parity", "--yes", *ONLY, f"--output={tmp_path}", "--limit=30")
    assert result.code == 0
    names = ["parity-settings.toml", "parity.json", "parity.md"]
    assert sorted(each.name for each in tmp_path.iterdir()) == names
    assert result.out.splitlines()[0] == "2 of 2 experiments have a result."
    assert all(f"   {tmp_path / name}\n" in result.out for name in names)
    assert result.err.splitlines()[:3] == [
        "1/2 both_given",
        "   instruction",
        "2/2 commands_while_rescinded",
    ]
    assert Settings.load(tmp_path / "parity-settings.toml").both_given == "instruction"
    assert json.loads(gateway.send(Request("GET", "/v1/Workspaces")).body)["workspaces"] == []


def test_json_of_a_run_is_its_report(gateway: TwistedGateway, tmp_path: Path) -> None:
    sid = json.loads(
        gateway.send(Request("POST", "/v1/Workspaces", form=(("FriendlyName", "ours"),))).body
    )["sid"]
    flags = ("--yes", "--only=accounts", f"--output={tmp_path}", f"--workspace-sid={sid}", "--json")
    result = run("parity", *flags)
    document = json.loads(result.out)
    assert (result.code, document["workspace"]) == (0, f"WS…{sid[-6:]}")
    assert document == json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))
    assert "could not tell: the accounts are secret" in result.err


def test_voice_flags_are_consent_to_calls(gateway: TwistedGateway, tmp_path: Path) -> None:
    """The report does not show the numbers."""
    only = ("--only=can_reject_on_hold", f"--output={tmp_path}", "--yes")
    result = run("parity", *VOICE, *only, f"--voice-call=CA{'1' * 32}")
    assert result.code == 0
    assert any("Instruction=conference&To=client:ada" in each for each in gateway.requests)
    shown = result.out + result.err + (tmp_path / "parity.md").read_text(encoding="utf-8")
    assert "can_reject_on_hold" in shown
    assert not any(word in shown for word in ("5005550006", "client:ada"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--voice",), "--voice needs --voice-from and --voice-to"),
        (("--voice-to=+1",), "--voice is missing. Without it no number is used"),
        (("--only=nothing",), "there is no experiment of that name. Give one of state_codes, "),
        (("--only=dequeue_rescinds",), "dequeue_rescinds needs --voice\n"),
        (("--only=delete_after",), "delete_after needs --slow\n"),
        (("--workspace-sid=WS1",), "--workspace-sid must be a SID (WS and 32 hexadecimal digits)"),
        (("--limit=0",), "--limit must be a whole number from 1 to 3600"),
        (("--output=/nowhere",), "--output must be a folder that exists, not /nowhere"),
    ],
)
def test_wrong_flags_are_one_message(
    gateway: TwistedGateway, flags: tuple[str, ...], message: str
) -> None:
    result = run("parity", *flags)
    assert (result.code, gateway.requests) == (2, [])
    assert result.err.startswith(f"reservation-core: {message}")


def refuse_all(_: Request, __: Reply) -> Reply:
    """Refuse the credentials."""
    return Reply(401, {}, b'{"code": 20003, "message": "Authenticate"}')


def refuse_deletions(request: Request, reply: Reply) -> Reply:
    """Fail every deletion."""
    return Reply(500) if request.method == "DELETE" else reply


def test_refused_credentials_end_with_3_and_write_nothing(
    gateway: TwistedGateway, tmp_path: Path
) -> None:
    gateway.twist = refuse_all
    result = run("parity", "--yes", f"--output={tmp_path}")
    assert (result.code, [*tmp_path.iterdir()]) == (3, [])
    assert "was refused: 401 20003 Authenticate. Check the credentials" in result.err


def test_undeletable_things_end_with_8(gateway: TwistedGateway, tmp_path: Path) -> None:
    def refuse(request: Request, reply: Reply) -> Reply:
        return Reply(500) if request.method == "DELETE" and "/" in request.path[16:] else reply

    gateway.twist = refuse
    flags = ("--yes", "--only=accounts", f"--output={tmp_path}")
    gateway.requests.clear()
    result = run("parity", *flags)
    assert result.code == 0  # everything else was in the workspace, which is deleted
    gateway.twist = refuse_deletions
    result = run("parity", *flags)
    assert result.code == 8
    left = re.findall(r"not deleted: (/v1/Workspaces/WS[0-9a-f]{32}.*): 500", result.err)
    assert len(left) == 3
    assert all(each in (tmp_path / "parity.md").read_text(encoding="utf-8") for each in left)


def test_interrupted_run_writes_what_it_knows(gateway: TwistedGateway, tmp_path: Path) -> None:
    def interrupt(request: Request, reply: Reply) -> Reply:
        if ("ReservationStatus", "accepted") in request.form:
            signal.raise_signal(signal.SIGTERM)
        return reply

    gateway.twist = interrupt
    result = run("parity", "--yes", *ONLY, f"--output={tmp_path}")
    assert result.code == 130
    assert result.err.endswith("interrupted. Everything is deleted\n")
    report = json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))
    assert [finding["name"] for finding in report["findings"]] == ["both_given"]
    assert report["is_complete"] is False


def test_second_interrupt_lists_what_is_left(gateway: TwistedGateway, tmp_path: Path) -> None:
    def interrupt(request: Request, reply: Reply) -> Reply:
        if request.method == "DELETE":
            raise KeyboardInterrupt
        return reply

    gateway.twist = interrupt
    result = run("parity", "--yes", "--only=accounts", f"--output={tmp_path}")
    assert result.code == 130
    assert result.err.count("not deleted: /v1/Workspaces/WS") == 3
    assert result.err.endswith("interrupted. 3 objects are not deleted. They are listed\n")


@pytest.mark.usefixtures("gateway")
def test_run_in_another_thread_needs_no_signals(tmp_path: Path) -> None:
    flags = ("parity", "--yes", "--only=accounts", f"--output={tmp_path}")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, *flags).result().code == 0


@pytest.mark.usefixtures("gateway")
def test_unwritable_report_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "parity.md").mkdir()
    result = run("parity", "--yes", "--only=accounts", f"--output={tmp_path}")
    assert result.code == 2
    assert "reservation-core: cannot write the report: " in result.err


def test_terminated_process_deletes_everything(tmp_path: Path) -> None:
    """SIGTERM, in the middle of a run over HTTP."""
    with running_emulator(Platform()) as emulator:
        argv = ["parity", "--yes", f"--base-url={emulator.url}", f"--output={tmp_path}"]
        with subprocess.Popen(
            [sys.executable, "-m", "reservation_core", *argv, "--only=accepts_unanswered", *VOICE],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token"},
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "1/1 accepts_unanswered\n"
            while not emulator.platform.all():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            assert process.wait(20) == 130
        assert rest.endswith("interrupted. Everything is deleted\n")
        assert (emulator.platform.tasks(), emulator.platform.workers()) == ((), ())


@pytest.mark.usefixtures("gateway")
def test_explain_takes_the_report_of_a_run(tmp_path: Path) -> None:
    run("parity", "--yes", *ONLY, f"--output={tmp_path}")
    report = f"--parity={tmp_path / 'parity.json'}"
    result = run("explain", "rescinded", "accept", report)
    assert (result.code, "[observed: a parity run on your account]" in result.out) == (5, True)
    document = json.loads(run("explain", "rescinded", "accept", report, "--json").out)
    assert (document["evidence"], document["observed"]) == ("observed", "refused")
    assert json.loads(run("explain", "rescinded", "accept", "--json").out)["observed"] is None
    wrong = run("explain", "rescinded", "accept", f"--parity={tmp_path / 'parity.md'}")
    assert wrong.code == 2
    assert "it is not JSON. Give the JSON report that the command parity wrote" in wrong.err
