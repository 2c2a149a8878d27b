"""The command serve: its flags, its output and its errors."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from reservation_core import Status
from reservation_core.cli.main import main
from reservation_core.cli.serve import DEFAULT_PORT, EXAMPLE_SEED, read_clock
from reservation_core.emulator import ManualClock, Platform, RealClock
from reservation_core.emulator.control.seed import read_seed_file
from reservation_core.emulator.documents import UnreadableDocument
from reservation_core.emulator.platform.clock import DEFAULT_START
from reservation_core.emulator.server import Emulator, running_emulator
from reservation_core.gateways.settings import ConfigurationError
from tests.emulator import wire
from tests.emulator.worlds import path

SEED = Path(__file__).parent / "seed.json"
TASK, WORKER, RESERVATION = "WT" + "a" * 32, "WK" + "a" * 32, "WR" + "a" * 32


class StubServer:
    """Stub of the server that keeps its arguments and sends one request."""

    def __init__(self) -> None:
        self.platform = Platform()
        self.arguments: dict[str, Any] = {}
        self.held: tuple[Any, ...] = ()

    def __call__(self, platform: Platform, *, on_start: Any, **arguments: Any) -> None:
        self.platform, self.arguments, self.held = platform, arguments, platform.all()
        with running_emulator(platform, on_exchange=arguments["on_exchange"]) as emulator:
            on_start(attrs.evolve(emulator, url="http://here:1"))
            self.answer = wire.ask(
                emulator.url,
                "POST",
                path(RESERVATION, TASK).replace("1" * 32, "a" * 32),
                "ReservationStatus=accepted",
            )


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> StubServer:
    """Replace the server by a stub."""
    stub = StubServer()
    monkeypatch.setattr("reservation_core.emulator.server.serve", stub)
    return stub


def read_error(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the message on stderr as one line."""
    return " ".join(capsys.readouterr().err.split())


def test_seed_file_is_loaded_with_all_statuses() -> None:
    platform = Platform(ManualClock())
    read_seed_file(SEED)(platform)
    assert [worker.name for worker in platform.workers()] == ["Alice", "Bob"]
    assert platform.worker(WORKER).attributes["contact_uri"] == "client:alice"
    assert [each.status for each in platform.all()] == [
        Status.PENDING,
        Status.PENDING,
        Status.WRAPPING,
    ]
    assert platform.task(TASK).reservation_timeout == 45


def test_serve_passes_its_flags_and_logs_each_request(
    stub: StubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--port", "1234", "--host", "::1", "--seed", str(SEED)]
    flags += ["--state", str(tmp_path / "s.db"), "--clock", "manual", "--strict"]
    assert main(["serve", *flags]) == 0
    assert (stub.arguments["port"], stub.arguments["host"]) == (1234, "::1")
    assert stub.platform.settings.strict
    assert isinstance(stub.platform.clock, ManualClock)
    assert (len(stub.held), stub.answer.json["reservation_status"]) == (3, "accepted")
    output = capsys.readouterr()
    assert 'client.taskrouter.base_url = "http://here:1"' in output.out
    assert "http://here:1/_emulator/routes" in output.out
    assert re.fullmatch(
        r"\S+ POST …/Tasks/WT…aaaaaa/Reservations/WR…aaaaaa "
        r"accepted -> 200 accepted, version 1 \(.* ms\)\n",
        output.err,
    )


def test_serve_continues_from_its_state_file_and_is_quiet(
    stub: StubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["serve", "--quiet", "--seed", str(SEED), "--state", str(tmp_path / "s.db")]
    assert main(flags) == 0
    assert stub.answer.status == 200
    assert main(flags) == 0
    seed_is_not_loaded_again = (stub.answer.status, len(stub.held)) == (400, 3)
    assert seed_is_not_loaded_again
    assert capsys.readouterr().err == ""


def test_serve_defaults_are_local_real_time_and_tolerant(stub: StubServer) -> None:
    assert main(["serve"]) == 0
    assert (stub.arguments["port"], stub.arguments["host"]) == (DEFAULT_PORT, "127.0.0.1")
    assert isinstance(stub.platform.clock, RealClock)
    assert stub.platform.clock.scale == 1
    assert not stub.platform.settings.strict


def test_flag_wins_over_the_settings_file(stub: StubServer, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('strict = true\nneither_given = "unchanged"\n', encoding="utf-8")
    for flags, strict in (([], True), (["--no-strict"], False), (["--strict"], True)):
        assert main(["serve", "--quiet", "--settings", str(file), *flags]) == 0
        settings = stub.platform.settings
        assert (settings.strict, settings.neither_given) == (strict, "unchanged")


def test_orchestrated_accept_is_a_flag_of_serve(stub: StubServer, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("orchestrated_accept = true\n", encoding="utf-8")
    for flags, orchestrated in (
        ([], False),
        (["--orchestrated"], True),
        (["--settings", str(file)], True),
        (["--settings", str(file), "--no-orchestrated"], False),
    ):
        assert main(["serve", "--quiet", *flags]) == 0
        assert stub.platform.settings.orchestrated_accept is orchestrated


def test_wrong_settings_file_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"strct": true}', encoding="utf-8")
    assert main(["serve", "--settings", str(file)]) == 2
    message = f"cannot use {file} as a settings file: strct is not a setting. Did you mean strict?"
    assert read_error(capsys) == f"reservation-core: {message}"


def test_serve_without_callback_urls_names_their_flags(
    stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--assignment-url", "http://127.0.0.1:9/assign"]) == 0
    output = capsys.readouterr().out
    assert "   assignment: http://127.0.0.1:9/assign\n" in output
    assert "fallback:" not in output
    assert main(["serve"]) == 0
    assert stub.arguments["callbacks"].urls == ()
    assert "No callbacks are sent. --assignment-url and --event-url set" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "scale"), [("real", 1.0), ("60", 60.0), ("0.5", 0.5)])
def test_read_clock_reads_a_factor(text: str, scale: float) -> None:
    clock = read_clock(text)
    assert isinstance(clock, RealClock)
    assert clock.scale == scale
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


def test_read_clock_reads_manual() -> None:
    assert read_clock("manual").now() == DEFAULT_START


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e300", "1_0", "\u0661", "soon", ""])
def test_read_clock_refuses_other_text(text: str) -> None:
    with pytest.raises(ConfigurationError, match="must be real, manual or a factor above 0"):
        read_clock(text)


@pytest.mark.usefixtures("stub")
def test_serve_reports_every_fault_of_a_seed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "seed.json"
    workspace = "WS" + "1" * 32
    file.write_text(json.dumps({"workers": [{"name": 1}], "tasks": [{"workspace_sid": "WS1"}]}))
    assert main(["serve", "--seed", str(file)]) == 2
    message = read_error(capsys)
    for place in ("workers[0].workspace_sid", "workers[0].name", "tasks[0].workspace_sid"):
        assert place in message
    assert main(["serve", "--seed", str(tmp_path / "nowhere.json")]) == 2
    missing = "nowhere.json: cannot be read (No such file or directory); check the name"
    assert missing in read_error(capsys)
    reservations = [{"worker_sid": WORKER}]
    file.write_text(
        json.dumps({"tasks": [{"workspace_sid": workspace, "reservations": reservations}]})
    )
    assert main(["serve", "--seed", str(file)]) == 2
    assert f"seed.json: there is no {WORKER}. Add it to the seed" in read_error(capsys)
    file.write_text(json.dumps({"tasks": [{"workspace_sid": workspace, "sid": TASK}] * 2}))
    assert main(["serve", "--seed", str(file)]) == 2
    assert f"cannot add task {TASK}: the SID is in use" in read_error(capsys)
    with pytest.raises(UnreadableDocument):
        read_seed_file(tmp_path)


@pytest.mark.usefixtures("stub")
def test_serve_refuses_a_file_that_is_not_a_state_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("notes" * 500)
    assert main(["serve", "--state", str(file)]) == 2
    assert f"cannot use {file} as a state file" in read_error(capsys).replace("/ ", "/")
    assert file.read_text() == "notes" * 500


def test_serve_reports_a_port_in_use(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(wire.address(emulator.url)[1])
    assert main(["serve", "--port", port]) == 2
    message = f"cannot listen on port {port} of 127.0.0.1: Address already in use. Use another"
    assert message in read_error(capsys)


@pytest.mark.parametrize("port", ["65536", "-1", "1.0", "1.5", "8_0", "soon", "", "1e3"])
def test_serve_refuses_a_port_that_is_not_one(
    port: str, stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", f"--port={port}"]) == 2
    assert read_error(capsys) == ("reservation-core: --port must be a whole number from 0 to 65535")
    assert not stub.arguments


@pytest.mark.parametrize("host", ["", " "])
def test_serve_refuses_an_empty_host(
    host: str, stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--host", host]) == 2
    assert read_error(capsys) == (
        "reservation-core: --host must be an address or a name such as 127.0.0.1"
    )
    assert not stub.arguments


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("256.1.1.1", "cannot listen on port 0 of 256.1.1.1: "),
        ("a..b", "--host must be an address or a name such as 127.0.0.1"),
        ("\0", "--host must be an address or a name such as 127.0.0.1"),
        ("127.0.0.1\n", "--host must be an address or a name such as 127.0.0.1"),
        ("local host", "--host must be an address or a name such as 127.0.0.1"),
    ],
)
def test_serve_reports_a_host_on_which_it_cannot_listen(
    host: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", "--host", host]) == 2
    error = read_error(capsys)
    assert message in error
    assert "while attempting" not in error


def test_serve_passes_hosts_and_proxies(
    stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--allow-host", "emulator", "--allow-host=emu.lan", "--trusted-proxy", "10.0.0.0/8"]
    assert main(["serve", *flags]) == 0
    assert [*stub.arguments["allowed_hosts"]] == ["emulator", "emu.lan"]
    assert [*stub.arguments["trusted_proxies"]] == ["10.0.0.0/8"]
    capsys.readouterr()
    assert main(["serve", "--public-url", "https://emu.example"]) == 0
    assert stub.arguments["public_url"] == "https://emu.example"
    assert 'client.taskrouter.base_url = "https://emu.example"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--public-url", "emu.example"], "--public-url must be a scheme, a host and optionally"),
        (
            ["--public-url", "http://a:99999"],
            "--public-url must hold no user information, and a port",
        ),
        (["--public-url", ""], "--public-url must be a scheme, a host and optionally"),
        (["--allow-host", "http://emu.example"], "--allow-host must be names or addresses"),
        (["--allow-host", ""], "--allow-host must be names or addresses"),
        (["--trusted-proxy", "proxy"], "--trusted-proxy must be addresses or networks"),
        (
            ["--trusted-proxy", "::1", "--public-url", "http://a"],
            "set --public-url or --trusted-proxy: --public-url replaces the other",
        ),
    ],
)
def test_serve_refuses_malformed_hosts_and_proxies(
    flags: list[str], message: str, stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *flags]) == 2
    assert message in read_error(capsys)
    assert not stub.arguments


def test_serve_loads_the_example_seed(stub: StubServer) -> None:
    assert main(["serve", "--seed-example"]) == 0
    assert len(stub.platform.workers()) == 3
    assert len(stub.platform.tasks()) == 4
    statuses = [reservation.status for reservation in stub.held]
    assert statuses.count(Status.PENDING) == 3
    assert {*statuses} == {Status.PENDING, Status.ACCEPTED, Status.WRAPPING}


def test_serve_takes_one_seed_only(stub: StubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--seed-example", "--seed", str(EXAMPLE_SEED)]) == 2
    assert "--seed and --seed-example exclude each other" in read_error(capsys)
    assert not stub.arguments


def test_serve_ends_with_0_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reservation_core.emulator.server.serve", interrupt)
    assert main(["serve"]) == 0


def test_serve_names_a_missing_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "reservation_core.emulator.server", None)
    assert main(["serve"]) == 2
    assert "pip install 'reservation-core[emulator]'" in read_error(capsys)


@contextmanager
def serving(*flags: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run the command in a process. Yield the process and its URL."""
    command = [sys.executable, "-m", "reservation_core.cli", "serve", "--port", "0", *flags]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    ) as process:
        assert process.stdout
        try:
            found = re.search(r"http://\S+:\d+", process.stdout.readline())
            assert found
            yield process, found[0]
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signal_ends_the_process_without_an_error(ending: signal.Signals, code: int) -> None:
    with serving("--clock", "manual", "--quiet") as (process, url):
        assert wire.ask(url, "GET", "/_emulator/routes").status == 200
        process.send_signal(ending)
        _, errors = process.communicate(timeout=wire.WAIT)
    assert (process.returncode, errors) == (code, "")


def test_serve_passes_callback_urls_and_the_token_of_the_environment(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("assignment_url", "fallback_url", "event_url")
    urls = {name: f"https://example.com/{name}" for name in names}
    flags = [word for name, url in urls.items() for word in (f"--{name.replace('_', '-')}", url)]
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "a secret word")
    assert main(["serve", *flags]) == 0
    callbacks = stub.arguments["callbacks"]
    assert {name: getattr(callbacks, name) for name in urls} == urls
    assert callbacks.auth_token == "a secret word"
    output = capsys.readouterr()
    assert "not signed" not in output.out
    assert "Callbacks are signed with TWILIO_AUTH_TOKEN" in output.out
    for name, url in urls.items():
        assert f"   {name.removesuffix('_url')}: {url}\n" in output.out
    assert "a secret word" not in output.out + output.err
    monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    assert main(["serve", *flags]) == 0
    assert stub.arguments["callbacks"].auth_token is None
    assert "Callbacks are not signed. Set TWILIO_AUTH_TOKEN" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--assignment-url", "--fallback-url", "--event-url"])
def test_serve_refuses_a_callback_address_that_is_not_a_url(
    flag: str, stub: StubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", flag, "example.com"]) == 2
    assert read_error(capsys).startswith(f"reservation-core: {flag} must be an http or https URL")
    assert not stub.arguments


def test_serve_names_the_variable_of_a_token_that_cannot_sign(
    stub: StubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", " secret ")
    assert main(["serve"]) == 2
    error = read_error(capsys)
    assert error.startswith("reservation-core: TWILIO_AUTH_TOKEN must not be empty or surrounded")
    assert "secret" not in error
    assert not stub.arguments
