"""The request log: one line an exchange, for people; nothing personal and nothing secret is in it.

::

    12:00:03.250 POST …/Tasks/WT…00000a/Reservations/WR…000001 conference -> 200 pending, version 1 (0.3 ms)
    12:00:03.251 event reservation.accepted of WR…000001 -> 204 taken (2.1 ms)
    12:00:04.001 POST …/Tasks/WT…00000a/Reservations/WR…000001 accepted -> 400 20001 Reservation WR…000001 not in … (0.2 ms)

Of what was asked only the status or instruction is shown, and only where it is one that the platform knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, cast
from urllib.parse import parse_qsl

from reservation_core.commands import COMMANDS
from reservation_core.emulator.notices import Sent
from reservation_core.forms import STATUS_FIELD
from reservation_core.lifecycle import Status
from reservation_core.messages import Reply
from reservation_core.privacy import mask

_KNOWN: Final = {(STATUS_FIELD, status.value) for status in Status} | {command.head for command in COMMANDS}
_SID: Final = re.compile(r"\b([A-Z]{2})[0-9a-fA-F]{26}([0-9a-fA-F]{6})\b")
_LONGEST: Final = 200
_STATUS: Final = "reservation_status"


def log_to(write: Callable[[str], object], now: Callable[[], datetime]) -> Callable[[str, str, bytes, Reply | None, float, str], None]:
    """Make what notes each exchange (:data:`reservation_core.emulator.asgi.Note`).

    :param write: takes a line, without its end.
    :param now: tells the time of the platform.
    """

    def note(method: str, target: str, body: bytes, reply: Reply | None, seconds: float, mishap: str) -> None:
        answer = "no reply" if reply is None else answered(reply)
        planned = f" [{mishap}, by plan]" if mishap else ""
        said = " ".join(filter(None, (mask(method, limit=10), where(target), asked(body))))
        write(f"{now():%H:%M:%S.%f}"[:-3] + f" {said} -> {answer}{planned} ({seconds * 1000:.1f} ms)")

    return note


def log_notices_to(write: Callable[[str], object]) -> Callable[[Sent], None]:
    """Make what notes each notice that was sent, with what came of it (:attr:`reservation_core.emulator.notices.Notices.subscribe`)."""

    def told(sent: Sent) -> None:
        notice = sent.notice
        said = " ".join(filter(None, (notice.kind, notice.event, "again" if notice.again else "", "of", notice.reservation_sid)))
        answer = "no answer:" if sent.status is None else str(sent.status)
        write(f"{sent.at:%H:%M:%S.%f}"[:-3] + f" {_shorten(said)} -> {answer} {_shorten(sent.outcome)} ({sent.seconds * 1000:.1f} ms)")

    return told


def _shorten(text: str) -> str:
    return _SID.sub(r"\1…\2", mask(text, limit=_LONGEST))


def where(target: str) -> str:
    """Write a target short: the workspace left out, SIDs by their ends."""
    return re.sub(r"^/v1/Workspaces/[^/]+", "…", _shorten(target))


def asked(body: bytes) -> str:
    """Name the status or instruction that a form asks for."""
    try:
        pairs = parse_qsl(body.decode())
    except ValueError:
        return "what is no form"
    heads = [value for name, value in pairs if (name, value if name == STATUS_FIELD else value.lower()) in _KNOWN]
    return " and ".join(heads) or ("neither status nor instruction" if body else "")


def answered(reply: Reply) -> str:
    """Write a reply short: its status, and what it says of a reservation or of an error."""
    try:
        body = cast("Mapping[str, object]", json.loads(reply.body or b"{}"))
    except ValueError:
        return f"{reply.status}, unreadable"
    if _STATUS in body:
        version = f", version {reply.etag}" if reply.etag else ""
        return f"{reply.status} {body[_STATUS]}{version}"
    if "reservations" in body:
        return f"{reply.status} {len(cast('list[object]', body['reservations']))} reservations"
    words = (str(reply.status), *(_shorten(str(body[name])) for name in ("code", "message") if body.get(name) is not None))
    return " ".join(words)
