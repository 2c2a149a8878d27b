"""Text: coloured and wrapped on a terminal, plain and unwrapped elsewhere."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from reservation_core._extras import extra
from reservation_core.domain.decisions import find_allowed_triggers
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.messages import Request

with extra("cli"):
    from rich.console import Console
    from rich.text import Text


_COLOURS: Final[dict[State, str]] = {
    Status.PENDING: "yellow",
    ON_HOLD: "magenta",
    Status.ACCEPTED: "green",
    Status.WRAPPING: "cyan",
    Status.COMPLETED: "blue",
}
_MIN_WIDTH, _MAX_WIDTH = 40, 120
_UNWRAPPED: Final = 10_000  # columns of a pipe or a file, so that help is not wrapped either


class OutputClosed(Exception):
    """Output whose reader has gone, such as ``head -1``."""


class OutputFailed(Exception):
    """Output that cannot be written. The text says why, and what to do."""


class _Console(Console):
    """Console that reports failures by the two errors above."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, without spaces at the ends of lines outside a terminal."""
        try:
            if self.file.isatty():
                super().print(*objects, **options)
                return
            with self.capture() as captured:
                super().print(*objects, **options)
            self.file.write(re.sub(" +$", "", captured.get(), flags=re.MULTILINE))
            self.file.flush()
        except BrokenPipeError:
            self.on_broken_pipe()
        except OSError as error:
            self._discard()
            reason = os.strerror(error.errno or 0)
            raise OutputFailed(
                f"the output cannot be written: {reason}. Write it elsewhere"
            ) from None

    def on_broken_pipe(self) -> None:
        """Raise ``OutputClosed``."""
        self._discard()
        raise OutputClosed from None

    def _discard(self) -> None:
        """Discard the buffer, so that the process can end without a failure."""
        with suppress(OSError, ValueError):  # it is not a file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())
            os.close(nowhere)


class TerminalOutput:
    """Output to stdout or stderr.

    On a terminal it is 40 to 120 columns wide. Elsewhere it is not wrapped.

    Each method raises :class:`OutputClosed` or :class:`OutputFailed` if it cannot write.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        self.console: Final = _Console(stderr=stderr, highlight=False, markup=False, emoji=False)
        self.is_terminal: Final = self.console.file.isatty()
        width = min(max(self.console.width, _MIN_WIDTH), _MAX_WIDTH)
        self.console.width = width if self.is_terminal else _UNWRAPPED
        self._steps = 0

    def write(self, text: str, style: str = "", *, end: str = "\n") -> None:
        """Write text without wrapping, so that it can be copied or piped."""
        self._print(self._text(text, style), end)

    def write_json(self, document: object) -> None:
        """Write a JSON document on one line."""
        self.write(json.dumps(document))

    def write_wrapped(self, text: str, style: str = "", indent: int = 3) -> None:
        """Write text, wrapped on a terminal, with dimmed evidence marks."""
        styled = self._text(text, style)
        styled.highlight_regex(rf"\[(?:{'|'.join(Evidence)}): [^\]]*\]", "dim")
        for line in styled.split(allow_blank=True):
            width = self.console.width - indent if self.is_terminal else len(line)
            for part in line.divide(_breaks(line.plain, width)):
                part.rstrip()
                self._print(Text(" " * indent).append_text(part))

    def write_step(self, title: str) -> None:
        """Write the title of the next numbered step."""
        self._steps += 1
        self.write("")
        self.write_wrapped(f"{self._steps}. {title}.", "bold", indent=0)

    def write_request(self, request: Request) -> None:
        """Write a request as it is sent, one form pair per line."""
        self.write_wrapped(f"{request.method} {request.path}", "bold")
        for name, value in request.headers.items():
            self.write_wrapped(f"{name}: {value}")
        self.write("")
        for name, value in request.form:
            self.write_wrapped(f"{name}={value}", "cyan")
        self.write("")

    def write_change(self, before: Reservation, after: Reservation) -> None:
        """Write the states before and after, and the commands allowed now."""
        change = f"{describe_version(before)} -> {describe_version(after)}"
        self.write_wrapped(change, _COLOURS.get(after.state, "red"))
        self._write_allowed(after)

    def write_reservation(self, reservation: Reservation) -> None:
        """Write a reservation, and the commands allowed now."""
        self.write_wrapped(f"reservation {reservation.sid}", "bold", indent=0)
        self.write_wrapped(describe_version(reservation), _COLOURS.get(reservation.state, "red"))
        worker = f"{reservation.worker_sid} ({reservation.worker_name or 'no name'})"
        self.write_wrapped(f"task {reservation.task_sid}")
        self.write_wrapped(f"worker {worker}")
        self.write_wrapped(f"updated {reservation.date_updated}")
        is_unsure = reservation.state is Status.PENDING  # no reply shows a hold
        self._write_allowed(reservation, " (unless it is on hold)" if is_unsure else "")

    def _write_allowed(self, reservation: Reservation, condition: str = "") -> None:
        state = reservation.state
        allowed = ", ".join(find_allowed_triggers(state)) or describe_no_command(state)
        self.write_wrapped(f"allowed{condition}: {allowed}")

    def _print(self, text: Text, end: str = "\n") -> None:
        self.console.print(text, soft_wrap=True, end=end)

    def _text(self, text: str, style: str) -> Text:
        # The platform's message must not control the terminal.
        plain = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "?", text)
        encoding = self.console.encoding
        return Text(plain.encode(encoding, "backslashreplace").decode(encoding), style)


def _breaks(text: str, width: int) -> Iterator[int]:
    """Yield the positions of line breaks.

    A line breaks between words. A word longer than a line breaks after ``&`` or ``/``, or else at
    the width.
    """
    start = 0
    while len(text) - start > width:
        line = text[start : start + width + 1]
        end = line.rfind(" ") + 1
        if len(text[start + end :].partition(" ")[0]) > width:
            end = max(line.rfind(mark, 0, width) for mark in "&/") + 1 or end or width
        start += end
        yield start


def describe_version(reservation: Reservation) -> str:
    """Return the state and the version of a reservation."""
    hold = ", on hold" if reservation.on_hold else ""
    version = f"ETag {reservation.etag}" if reservation.etag else "no ETag"
    return f"{reservation.status}{hold}, {version}"


def describe_no_command(state: State) -> str:
    """Return the reason why no command is allowed in a state."""
    if state == ON_HOLD:
        return "nothing until the platform reports"
    return f"nothing, {state} is terminal"
