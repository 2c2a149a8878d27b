"""``reservation-core serve`` runs the emulator as its flags say, tells how to point a client at it, and what is wrong with its flags."""

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
from reservation_core.cli import main as cli
from reservation_core.cli import serve as serving
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


class Answering:
    """Stands in for the server: keeps what it was given, and lets one look at the platform while it runs."""

    def __init__(self) -> None:
        self.platform = Platform()
        self.given: dict[str, Any] = {}
        self.held: tuple[Any, ...] = ()

    def __call__(self, platform: Platform, *, on_start: Any, **given: Any) -> None:
        """Be the server."""
        self.platform, self.given, self.held = platform, given, platform.all()
        with running_emulator(platform, on_exchange=given["on_exchange"]) as emulator:
            on_start(attrs.evolve(emulator, url="http://here:1"))
            self.answer = wire.ask(
                emulator.url,
                "POST",
                path(RESERVATION, TASK).replace("1" * 32, "a" * 32),
                "ReservationStatus=accepted",
            )


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Put a stand-in in the place of the server."""
    stand_in = Answering()
    monkeypatch.setattr("reservation_core.emulator.server.serve", stand_in)
    return stand_in


def test_a_seed_file_is_planted() -> None:
    """The example of a seed plants its workers and its tasks, each reservation with what has happened to it."""
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


def test_it_serves_as_it_is_told(
    answering: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Port, host, seed, state, clock and strictness reach the emulator; where it is, is told on stdout, each request on stderr."""
    flags = [
        "--port",
        "1234",
        "--host",
        "::1",
        "--seed",
        str(SEED),
        "--state",
        str(tmp_path / "s.db"),
        "--clock",
        "hand",
        "--strict",
    ]
    assert cli.main(["serve", *flags]) == 0
    assert (answering.given["port"], answering.given["host"]) == (1234, "::1")
    assert answering.platform.settings.strict
    assert isinstance(answering.platform.clock, ManualClock)
    assert (len(answering.held), answering.answer.json["reservation_status"]) == (3, "accepted")
    said = capsys.readouterr()
    assert 'client.taskrouter.base_url = "http://here:1"' in said.out
    assert "http://here:1/_emulator/ways" in said.out
    assert re.fullmatch(
        r"\S+ POST …/Tasks/WT…aaaaaa/Reservations/WR…aaaaaa accepted -> 200 accepted, version 1 \(.* ms\)\n",
        said.err,
    )


def test_it_goes_on_from_its_state(
    answering: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started again on its state file it goes on from there; the seed is not planted a second time. Quiet, it logs nothing."""
    flags = ["serve", "--quiet", "--seed", str(SEED), "--state", str(tmp_path / "s.db")]
    assert cli.main(flags) == 0
    assert answering.answer.status == 200
    assert cli.main(flags) == 0
    assert (answering.answer.status, len(answering.held)) == (400, 3)
    assert capsys.readouterr().err == ""


def test_without_flags_it_is_local_and_real(answering: Answering) -> None:
    """By default it answers on this machine only, in real time, and is tolerant."""
    assert cli.main(["serve"]) == 0
    assert (answering.given["port"], answering.given["host"]) == (serving.PORT, "127.0.0.1")
    assert isinstance(answering.platform.clock, RealClock)
    assert answering.platform.clock.scale == 1
    assert not answering.platform.settings.strict


@pytest.mark.parametrize(("text", "scale"), [("real", 1.0), ("60", 60.0), ("0.5", 0.5)])
def test_a_clock_is_read(text: str, scale: float) -> None:
    """A clock is real, or faster, or slower."""
    clock = serving.read_clock(text)
    assert isinstance(clock, RealClock)
    assert clock.scale == scale
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


def test_a_clock_by_hand_is_read() -> None:
    """A clock by hand begins where all of them do."""
    assert serving.read_clock("hand").now() == DEFAULT_START


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", ""])
def test_a_clock_that_is_none_is_told(text: str) -> None:
    """What is no clock is refused with what would be one."""
    with pytest.raises(ConfigurationError, match="real, hand, or a factor above 0"):
        serving.read_clock(text)


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """Give what was said on stderr, on one line."""
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("answering")
def test_what_is_wrong_with_a_seed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every fault of a seed file is told, with its path, and the exit code is that of wrong usage; so is a file that is not there."""
    file = tmp_path / "seed.json"
    file.write_text(json.dumps({"workers": [{"name": 1}], "tasks": [{"workspace_sid": "WS1"}]}))
    assert cli.main(["serve", "--seed", str(file)]) == 2
    said = complaint(capsys)
    assert all(
        path in said
        for path in ("workers[0].workspace_sid", "workers[0].name", "tasks[0].workspace_sid")
    )
    assert cli.main(["serve", "--seed", str(tmp_path / "nowhere.json")]) == 2
    assert "nowhere.json: cannot be read (No such file or directory); check the name" in complaint(
        capsys
    )
    file.write_text(
        json.dumps(
            {
                "tasks": [
                    {"workspace_sid": "WS" + "1" * 32, "reservations": [{"worker_sid": WORKER}]}
                ]
            }
        )
    )
    assert cli.main(["serve", "--seed", str(file)]) == 2
    assert f"seed.json: there is no {WORKER}; put it into the seed" in complaint(capsys)
    file.write_text(json.dumps({"tasks": [{"workspace_sid": "WS" + "1" * 32, "sid": TASK}] * 2}))
    assert cli.main(["serve", "--seed", str(file)]) == 2
    assert f"cannot add task {TASK}: the SID is in use" in complaint(capsys)
    with pytest.raises(UnreadableDocument):
        read_seed_file(tmp_path)


@pytest.mark.usefixtures("answering")
def test_what_is_wrong_with_a_state_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no state file is refused, and left as it is."""
    file = tmp_path / "notes.txt"
    file.write_text("notes" * 500)
    assert cli.main(["serve", "--state", str(file)]) == 2
    assert f"cannot use {file} as a state file" in complaint(capsys)
    assert file.read_text() == "notes" * 500


def test_a_port_that_is_taken_is_told(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that somebody has is told, with what to do."""
    port = str(wire.address(emulator.url)[1])
    assert cli.main(["serve", "--port", port]) == 2
    assert (
        f"port {port} of 127.0.0.1 cannot be taken (Address already in use); name another with --port"
        in complaint(capsys)
    )


def test_an_interruption_ends_it_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is the way to end it, and no error."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reservation_core.emulator.server.serve", interrupted)
    assert cli.main(["serve"]) == 0


def test_the_extra_that_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the extra it says what to install."""
    monkeypatch.setitem(sys.modules, "reservation_core.emulator.server", None)
    assert cli.main(["serve"]) == 2
    assert "pip install 'reservation-core[emulator]'" in complaint(capsys)


@contextmanager
def served(*flags: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run the command as a user does, and give the process and its URL."""
    command = [sys.executable, "-m", "reservation_core.cli.main", "serve", "--port", "0", *flags]
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
def test_a_signal_ends_the_process(ending: signal.Signals, code: int) -> None:
    """Run as a command, it answers until it is told to end, and then ends at once and well."""
    with served("--clock", "hand", "--quiet") as (process, url):
        assert wire.ask(url, "GET", "/_emulator/ways").status == 200
        process.send_signal(ending)
        _, errors = process.communicate(timeout=wire.WAIT)
    assert (process.returncode, errors) == (code, "")


def test_it_calls_back_as_it_is_told(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The addresses reach the emulator by flags, the token by the environment alone; without one, that nothing is signed is said."""
    urls = {
        name: f"https://example.com/{name}"
        for name in ("assignment_url", "fallback_url", "event_url")
    }
    flags = [word for name, url in urls.items() for word in (f"--{name.replace('_', '-')}", url)]
    monkeypatch.setenv(serving.TOKEN, "a secret word")
    assert cli.main(["serve", *flags]) == 0
    callbacks = answering.given["callbacks"]
    assert {name: getattr(callbacks, name) for name in urls} == urls
    assert callbacks.auth_token == "a secret word"
    said = capsys.readouterr()
    assert "not signed" not in said.out
    assert "a secret word" not in said.out + said.err
    monkeypatch.delenv(serving.TOKEN)
    assert cli.main(["serve", *flags]) == 0
    assert answering.given["callbacks"].auth_token is None
    assert "TWILIO_AUTH_TOKEN" in capsys.readouterr().out


def test_an_address_that_cannot_be_called_is_told(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    """A callback address that is none is refused with what it must be."""
    assert cli.main(["serve", "--event-url", "example.com"]) == 2
    assert "event_url must be an http or https URL" in capsys.readouterr().err
    assert not answering.given
