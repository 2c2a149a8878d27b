"""Output on terminals, in pipes and on full disks."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reservation_core.cli.main import main
from tests.cli.running import Terminal, run, run_on_terminal, run_process


@pytest.mark.parametrize("columns", ["0", "1", "1000"])
def test_output_on_a_terminal_is_40_to_120_columns_wide(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert 35 <= max(map(len, run_on_terminal("demo").out.splitlines())) <= 120


@pytest.mark.parametrize("argv", [("demo",), ("explain", "pending", "call")])
def test_output_in_a_pipe_is_not_wrapped(
    argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    piped, shown = run(*argv), run_on_terminal(*argv)
    assert "".join(piped.out.split()) == "".join(shown.out.split())
    assert len(piped.out.splitlines()) < len(shown.out.splitlines())


def test_help_in_a_pipe_is_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = run("encode", "conference", "--help").out.splitlines()
    (timeout,) = [line for line in lines if line.strip().startswith("--timeout ")]
    assert timeout.endswith("Takes a whole number of seconds from 1 to 999. Default: 60.")
    assert all(line == line.rstrip() for line in lines)


def test_error_in_a_pipe_is_one_line() -> None:
    result = run("encode", "conference", "--fron", "x")
    assert len(result.err) > 80
    assert result.err.count("\n") == 1


def test_output_has_colours_on_a_terminal_unless_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run("demo").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    coloured = run("demo").out
    assert "\x1b[33m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", run("demo").out)


def test_output_escapes_what_its_encoding_lacks() -> None:
    result = run_process(
        "encode",
        "conference",
        "--from",
        "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",
        PYTHONIOENCODING="ascii",
    )
    assert result.code == 0
    assert "From=Zo\\xeb\n" in result.out


@pytest.mark.parametrize("argv", [("demo",), ("--help",), ("allowed", "pending", "--json")])
def test_closed_pipe_is_not_an_error(
    argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(argv) == 0


class ClosedPipe(Terminal):
    """Terminal whose reader has gone."""

    def write(self, _: str) -> int:
        """Fail."""
        raise BrokenPipeError(32, "Broken pipe")


def test_closed_terminal_is_not_an_error() -> None:
    with contextlib.redirect_stdout(ClosedPipe()):
        assert main(["demo"]) == 0


class FullDisk(io.StringIO):
    """Stream on a disk without space."""

    def write(self, _: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("allowed", "pending"), 6),
        (("--help",), 6),
        (("--version",), 6),
        (("explain", "pending", "wrap", "--json"), 6),
        (("allowed", "nowhere"), 2),
        (("encode", "call"), 1),
    ],
)
def test_exit_code_shows_that_nothing_can_be_written(argv: tuple[str, ...], code: int) -> None:
    with contextlib.redirect_stdout(FullDisk()), contextlib.redirect_stderr(FullDisk()):
        assert main(argv) == code


def test_full_disk_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(FullDisk()):
        assert main(["demo"]) == 6
    assert capsys.readouterr().err == (
        "reservation-core: the output cannot be written: No space left on device. "
        "Write it elsewhere\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("argv", [("demo",), ("--help",)])
def test_process_fails_once_when_its_disk_is_full(argv: tuple[str, ...]) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reservation_core", *argv],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            env=environ,
        )
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
