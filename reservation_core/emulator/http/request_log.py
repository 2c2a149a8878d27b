"""The request log: one line an exchange, for people; nothing personal and nothing secret is in it.

::

    12:00:03.250 POST …/Tasks/WT…00000a/Reservations/WR…000001 conference -> 200 pending, version 1 (0.3 ms)
    12:00:03.251 event reservation.accepted of WR…000001 -> 204 taken (2.1 ms)
    12:00:04.001 POST …/Tasks/WT…00000a/Reservations/WR…000001 accepted -> 400 20001 Reservation WR…000001 not in … (0.2 ms)

Of what was asked only the status or instruction is shown, and only where it is one that the platform knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reservation_core.domain.redaction import mask
from reservation_core.emulator.api.log_text import (
    form_text,
    reply_text,
    shorten_target,
    target_text,
)
from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.rest.messages import Reply


def make_exchange_logger(
    write: Callable[[str], object], now: Callable[[], datetime]
) -> Callable[[str, str, bytes, Reply | None, float, str], None]:
    """Make what notes each exchange (:data:`reservation_core.emulator.http.asgi.Note`).

    :param write: takes a line, without its end.
    :param now: tells the time of the platform.
    """

    def note(
        method: str, target: str, body: bytes, reply: Reply | None, seconds: float, fault: str
    ) -> None:
        answer = "no reply" if reply is None else reply_text(reply)
        planned = f" [{fault}, by plan]" if fault else ""
        said = " ".join(
            filter(None, (mask(method, limit=10), target_text(target), form_text(body)))
        )
        write(
            f"{now():%H:%M:%S.%f}"[:-3] + f" {said} -> {answer}{planned} ({seconds * 1000:.1f} ms)"
        )

    return note


def make_callback_logger(write: Callable[[str], object]) -> Callable[[SentCallback], None]:
    """Make what notes each notice that was sent, with what came of it (:attr:`reservation_core.emulator.callbacks.queue.Notices.subscribe`)."""

    def told(sent: SentCallback) -> None:
        notice = sent.callback
        said = " ".join(
            filter(
                None,
                (
                    notice.kind,
                    notice.event,
                    "again" if notice.again else "",
                    "of",
                    notice.reservation_sid,
                ),
            )
        )
        answer = "no answer:" if sent.status is None else str(sent.status)
        write(
            f"{sent.at:%H:%M:%S.%f}"[:-3]
            + f" {shorten_target(said)} -> {answer} {shorten_target(sent.outcome)} ({sent.seconds * 1000:.1f} ms)"
        )

    return told
