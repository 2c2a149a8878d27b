"""Text on the terminal: coloured and wrapped there, plain in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from reservation_core.domain.decisions import find_allowed_triggers
from reservation_core.domain.evidence import Evidence
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.messages import Request

_COLOURS: Final[dict[State, str]] = {
    Status.PENDING: "yellow",
    ON_HOLD: "magenta",
    Status.ACCEPTED: "green",
    Status.WRAPPING: "cyan",
    Status.COMPLETED: "blue",
}
_MIN_WIDTH, _MAX_WIDTH = 40, 120


class OutputClosed(Exception):
    """Output that cannot be written.

    The reader of a pipe has gone, or the disk is full.
    """


class TerminalOutput:
    """Output to stdout or stderr, 40 to 120 columns wide.

    Each method raises :class:`OutputClosed` if it cannot write.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        self.console: Final = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
        self.console.width = min(max(self.console.width, _MIN_WIDTH), _MAX_WIDTH)
        self._steps = 0

    def write(self, text: str, style: str = "") -> None:
        """Write text without wrapping, so that it can be copied or piped."""
        self._print(self._text(text, style))

    def write_wrapped(self, text: str, style: str = "", indent: int = 3) -> None:
        """Write wrapped text, with dimmed evidence marks."""
        styled = self._text(text, style)
        styled.highlight_regex(rf"\[(?:{'|'.join(Evidence)}): [^\]]*\]", "dim")
        for line in styled.split(allow_blank=True):
            for part in line.divide(_breaks(line.plain, self.console.width - indent)):
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
        change = f"{_describe_state(before)} -> {_describe_state(after)}"
        self.write_wrapped(change, _COLOURS.get(after.state, "red"))
        allowed = ", ".join(find_allowed_triggers(after.state)) or describe_no_command(after.state)
        self.write_wrapped(f"allowed: {allowed}")

    def _print(self, text: Text) -> None:
        try:
            self.console.print(text, soft_wrap=True)
        except (OSError, SystemExit):  # rich raises the latter for a broken pipe
            raise OutputClosed from None

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


def _describe_state(reservation: Reservation) -> str:
    hold = ", on hold" if reservation.on_hold else ""
    version = f"ETag {reservation.etag}" if reservation.etag else "no ETag"
    return f"{reservation.status}{hold}, {version}"


def describe_no_command(state: State) -> str:
    """Return the reason why no command is allowed in a state."""
    if state == ON_HOLD:
        return "nothing until the platform reports"
    return f"nothing, {state} is terminal"
