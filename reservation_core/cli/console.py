"""The page the command line writes on: coloured on a terminal, plain elsewhere, wrapped to its width."""

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
_NARROWEST, _WIDEST = 40, 120


class OutputClosed(Exception):
    """Nobody reads what is written: the reader of a pipe has gone, the disk is full. What was done is done."""


class TerminalOutput:
    """Where text goes: coloured on a terminal, plain elsewhere, wrapped to at most 120 columns."""

    def __init__(self, *, stderr: bool = False) -> None:
        self.console: Final = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
        self.console.width = min(max(self.console.width, _NARROWEST), _WIDEST)
        self._steps = 0

    def write(self, text: str, style: str = "") -> None:
        """Write text as it is, never wrapped, so that it can be copied or piped."""
        self._print(self._text(text, style))

    def say(self, text: str, style: str = "", indent: int = 3) -> None:
        """Write text wrapped to the page, marks of evidence dimmed."""
        said = self._text(text, style)
        said.highlight_regex(rf"\[(?:{'|'.join(Evidence)}): [^\]]*\]", "dim")
        for line in said.split(allow_blank=True):
            for part in line.divide(_breaks(line.plain, self.console.width - indent)):
                part.rstrip()
                self._print(Text(" " * indent).append_text(part))

    def step(self, title: str) -> None:
        """Begin a numbered step."""
        self._steps += 1
        self.write("")
        self.say(f"{self._steps}. {title}.", "bold", indent=0)

    def refuse(self, text: str) -> None:
        """Write a refusal."""
        self.say(text, "red")

    def request(self, request: Request) -> None:
        """Write a request as it goes over the wire, but for the form, which is written a pair a line."""
        self.say(f"{request.method} {request.path}", "bold")
        for name, value in request.headers.items():
            self.say(f"{name}: {value}")
        self.write("")
        for name, value in request.form:
            self.say(f"{name}={value}", "cyan")
        self.write("")

    def change(self, before: Reservation, after: Reservation) -> None:
        """Write how a reservation stood, how it stands, and what is allowed now."""
        self.say(f"{_standing(before)} -> {_standing(after)}", _COLOURS.get(after.state, "red"))
        self.say(
            f"allowed: {', '.join(find_allowed_triggers(after.state)) or nothing_allowed(after.state)}"
        )

    def _print(self, text: Text) -> None:
        try:
            self.console.print(text, soft_wrap=True)
        except (OSError, SystemExit):  # the latter is rich's way out of a broken pipe
            raise OutputClosed from None

    def _text(self, text: str, style: str) -> Text:
        plain = re.sub(
            r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "?", text
        )  # a platform's message must not steer the terminal
        encoding = self.console.encoding
        return Text(plain.encode(encoding, "backslashreplace").decode(encoding), style)


def _breaks(text: str, width: int) -> Iterator[int]:
    """Say where to break a line: between words; in a word longer than a line, after an & or a slash, or else anywhere."""
    start = 0
    while len(text) - start > width:
        room = text[start : start + width + 1]
        space = room.rfind(" ") + 1
        if len(text[start + space :].partition(" ")[0]) > width:
            space = max(room.rfind(mark, 0, width) for mark in "&/") + 1 or space or width
        start += space
        yield start


def _standing(reservation: Reservation) -> str:
    hold = ", on hold" if reservation.on_hold else ""
    return f"{reservation.status}{hold}, {f'ETag {reservation.etag}' if reservation.etag else 'no ETag'}"


def nothing_allowed(state: State) -> str:
    """Say why no command is allowed."""
    return (
        "nothing until the platform reports"
        if state == ON_HOLD
        else f"nothing, {state} is terminal"
    )
