"""The service in a process of its own, and its log."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

PATIENCE = 30.0
"""Seconds to wait for a line of its log."""


class ServiceProcess:
    """The service process. The caller stops or kills it."""

    def __init__(self, settings: Mapping[str, str], on_line: Callable[[str], object]) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TWILIO_")
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.examples.service.serve"],
            env={**environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._on_line = on_line
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.url = self.wait_for("running on").split()[3]

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._on_line(line.rstrip())
                with self._changed:
                    self._lines.append(line.rstrip())
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, words: str) -> str:
        """Wait for a log line with these words, and return it."""

        def found() -> list[str]:
            return [line for line in self._lines if words in line]

        with self._changed:
            self._changed.wait_for(lambda: self._ended or found(), PATIENCE)
            if lines := found():
                return lines[0]
        self.kill()
        raise TimeoutError(f"the service did not log {words!r}")

    def kill(self) -> None:
        """Kill the process at once, as a crash does."""
        self._process.kill()
        self._wait()

    def _wait(self) -> None:
        self._process.wait(PATIENCE)
        self._reader.join()

    def stop(self) -> None:
        """Shut the process down."""
        self._process.terminate()
        self._wait()
