"""Output on terminals, in pipes and on full disks."""

import contextlib
import io
import os
import re
import sys

import pytest

from reservation_core.cli.main import main
from tests.cli.running import run, run_process


@pytest.mark.parametrize("columns", ["0", "1", "1000"])
def test_output_is_40_to_120_columns_wide(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert 35 <= max(map(len, run("demo").out.splitlines())) <= 120


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


def test_closed_pipe_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["demo"]) == 0


class FullDisk(io.StringIO):
    """Stream on a disk without space."""

    def write(self, _: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("argv", "code"),
    [(("allowed", "pending"), 0), (("allowed", "nowhere"), 2), (("encode", "wrap"), 0)],
)
def test_exit_code_is_right_if_nothing_can_be_written(argv: tuple[str, ...], code: int) -> None:
    with contextlib.redirect_stdout(FullDisk()), contextlib.redirect_stderr(FullDisk()):
        assert main(argv) == code
