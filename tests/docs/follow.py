"""Pages that are followed literally: their files are written and their commands run, in order.

* A code block with a caption is a file.
* A ``sh`` block is run by one shell, as in one terminal. A mark above it may say
  ``leave running: NAME, until "TEXT"``: then it runs in its own terminal, until the page leaves
  another command running under that name, or a command with the mark ``kills: NAME`` ends it. A
  command with the mark ``fails`` must fail.
* A ``text`` block under the mark ``prints`` is part of the output of the last command. One under
  ``printed by: NAME`` is part of the output of a command left running. ``…`` stands for any text.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

import attrs

from tests.docs.pages import ROOT

PATIENCE: Final = 100.0
"""Seconds until a command must have printed what the page shows."""

CHECKOUT: Final = "/path/to/reservation-core"
PORTS: Final = ("8000", "8420")
"""The ports in the pages. Free ones take their place."""

_DONE: Final = "~~ended with "
_STEP: Final = re.compile(
    r"(?:^<!-- (?P<mark>[^>\n]*) -->\n)?"
    r"^```(?:\{code-block\} \w+\n:caption: (?P<file>\S+)\n\n|(?P<kind>sh|text)\n)"
    r"(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SETUP: Final = re.compile(r"^(?:export|\.) .*\n", re.MULTILINE)


@attrs.frozen
class Step:
    """One block of a page that is followed."""

    line: int
    kind: str
    file: str | None
    mark: str
    body: str


def read_steps(page: Path) -> Iterator[Step]:
    """Yield the blocks of a page that are followed, in order."""
    text = page.read_text("utf-8")
    for match in _STEP.finditer(text):
        line = text.count("\n", 0, match.start("body")) + 1
        kind = match["kind"] or "file"
        yield Step(line, kind, match["file"], match["mark"] or "", match["body"])


def free_ports(count: int) -> list[str]:
    """Return the numbers of free ports."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


CI_VARIABLES: Final = {"CI", "BUILDKITE", "CIRCLECI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"}
"""Variables by which Hypothesis sees that it runs in CI. It then prints other texts."""


def _is_kept(variable: str) -> bool:
    return "TWILIO" not in variable and variable not in CI_VARIABLES


class Terminal:
    """A shell in a folder, and everything that it printed."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process: Final = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: Final = self._process.stdin
        self._printed = ""
        self._is_open = True
        self._changed: Final = threading.Condition()
        self._reader: Final = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                with self._changed:
                    self._printed += line
                    self._changed.notify_all()
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def enter(self, commands: str) -> None:
        """Enter commands."""
        self._input.write(commands)
        self._input.flush()

    def wait_for(self, pattern: re.Pattern[str], start: int = 0) -> int:
        """Wait until the output matches, and return the end of the match."""

        def found() -> re.Match[str] | None:
            return pattern.search(self._printed, start)

        with self._changed:
            self._changed.wait_for(lambda: found() or not self._is_open, PATIENCE)
            match = found()
            assert match, (
                f"{pattern.pattern!r} is not in what was printed:\n{self._printed[start:]}"
            )
            return match.end()

    def run(self, commands: str) -> str:
        """Run commands to their end, and return what they print."""
        start = len(self._printed)
        self.enter(f"{commands}\necho '{_DONE}'0\n")
        self.wait_for(re.compile(rf"^{re.escape(_DONE)}0$", re.MULTILINE), start)
        return self._printed[start:].rpartition(_DONE)[0]

    def close(self) -> None:
        """Kill the shell and what it left running."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(BrokenPipeError):
            self._input.close()
        self._process.wait()
        self._reader.join()


class Reader:
    """A reader who follows a page in an empty folder, literally."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder: Final = folder
        self._names: Final = {CHECKOUT: str(ROOT), **dict(zip(PORTS, free_ports(2), strict=True))}
        bin_folder = str(Path(sys.executable).parent)
        self._environment: Final = {
            **{name: value for name, value in os.environ.items() if _is_kept(name)},
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self._running: Final[dict[str, Terminal]] = {}
        self._setups: Final[dict[str, str]] = {}  # a terminal keeps its variables
        self._terminal: Final = Terminal(folder, self._environment)
        self._printed = ""

    def follow(self, page: Path) -> None:
        """Do what the page says, and compare what is printed."""
        for step in read_steps(page):
            try:
                self._take(step)
            except AssertionError as error:
                error.add_note(f"in the block at {page.name}:{step.line}")
                raise

    def _take(self, step: Step) -> None:
        body = self._with_names(step.body)
        word, _, rest = step.mark.partition(": ")
        if step.file is not None:
            (self._folder / step.file).write_text(body, "utf-8")
        elif step.kind == "text":
            self._compare(body, rest)
        elif word == "leave running":
            name, _, ready = rest.partition(", until ")
            self._leave_running(body, name, ready.strip('"'))
        else:
            if word == "fails":
                body = f"if {{\n{body}}}; then exit; fi"
            self._printed = self._terminal.run(body)
            if word == "kills":
                self._running.pop(rest).close()

    def _with_names(self, text: str) -> str:
        for name, value in self._names.items():
            text = text.replace(name, value)
        return text

    def _leave_running(self, commands: str, name: str, ready: str) -> None:
        if name in self._running:
            self._running.pop(name).close()
        terminal = self._running[name] = Terminal(self._folder, self._environment)
        terminal.enter(self._setups.get(name, "") + commands)
        self._setups[name] = self._setups.get(name, "") + "".join(_SETUP.findall(commands))
        terminal.wait_for(re.compile(re.escape(ready)))

    def _compare(self, shown: str, name: str) -> None:
        lines = [re.escape(line).replace("…", ".*") for line in shown.splitlines()]
        pattern = re.compile("(?s:.*)".join(f"^{line}$" for line in lines), re.MULTILINE)
        if name:
            self._running[name].wait_for(pattern)
        else:
            assert pattern.search(self._printed), f"not printed:\n{shown}but:\n{self._printed}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for terminal in (*self._running.values(), self._terminal):
            terminal.close()
