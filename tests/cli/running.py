"""Runs of the command line, in this process or a new one."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys

import attrs

from reservation_core import Command
from reservation_core.cli.main import main
from reservation_core.domain.commands.kinds import encode_value

SIDS = {
    "workspace_sid": "WS" + "a" * 32,
    "task_sid": "WT" + "b" * 32,
    "worker_sid": "WK" + "c" * 32,
    "sid": "WR" + "d" * 32,
}
WORKSPACE, TASK, WORKER, SID = (f"--{name.replace('_', '-')}={sid}" for name, sid in SIDS.items())


@attrs.frozen
class Result:
    """Exit code and output of one run."""

    code: int
    out: str
    err: str


def run(*argv: str) -> Result:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv)
    return Result(code, out.getvalue(), err.getvalue())


class Terminal(io.StringIO):
    """Stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def run_on_terminal(*argv: str) -> Result:
    """Run the command line in this process, as on a terminal."""
    out, err = Terminal(), Terminal()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(argv)
    return Result(code, re.sub("\x1b\\[[0-9;]*m", "", out.getvalue()), err.getvalue())


def run_process(*argv: str, **environ: str) -> Result:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "reservation_core", *argv],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **environ},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def flags(command: Command) -> list[str]:
    """Return the command-line flags of a command."""
    typed: list[str] = []
    for parameter in command.parameters:
        value = getattr(command, parameter.field)
        flag = f"--{parameter.field.replace('_', '-').strip('-')}"
        if isinstance(value, bool):
            typed.append(flag if value else f"--no-{flag[2:]}")
        elif value is not None:
            typed += [f"{flag}={text}" for text in encode_value(value)]
    return [*typed, *(f"--extra={name}={value}" for name, value in command.extra)]
