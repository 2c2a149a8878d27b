"""Request log: one line for each exchange or callback.

::

    12:00:03.250 POST …/Reservations/WR…000001 conference -> 200 pending, version 1 (0.3 ms)
    12:00:03.251 event reservation.accepted of WR…000001 -> 204 taken (2.1 ms)
    12:00:04.001 POST …/Reservations/WR…000001 accepted -> 400 20001 Reservation … (0.2 ms)
    12:00:04.002 tolerated: To: the official Node client sends a null as an empty text …

No line has personal or secret data. Of a request's form only the status or the instruction is
shown, if the platform knows it, or the names of the parameters of another resource. Of a query,
only the names are shown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reservation_core.domain.redaction import mask
from reservation_core.emulator.api.exchange_log import RawRequest, find_tolerated
from reservation_core.emulator.api.log_text import (
    form_text,
    reply_text,
    shorten_target,
    target_text,
)
from reservation_core.emulator.callbacks.model import SentCallback
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.messages import Reply


def make_exchange_logger(
    write: Callable[[str], object],
    now: Callable[[], datetime],
    platform: Platform | None = None,
) -> Callable[[RawRequest, Reply | None, float, str], None]:
    """Return an :data:`~reservation_core.emulator.http.asgi.ExchangeObserver` that writes lines.

    :param write: takes a line without its end.
    :param now: returns the platform's time.
    :param platform: the platform that answers. What it tolerates in a request is then a line, too.
    """

    def log(request: RawRequest, reply: Reply | None, seconds: float, fault: str) -> None:
        method, target, _, body = request
        parts = (mask(method, limit=10), target_text(target), form_text(body, target))
        outcome = "no reply" if reply is None else reply_text(reply)
        planned = f" [{fault}, by plan]" if fault else ""
        at = now()
        write(_line(at, " ".join(filter(None, parts)), outcome + planned, seconds))
        for caution in () if platform is None else find_tolerated(platform, request, reply):
            write(f"{_time(at)} tolerated: {caution}")

    return log


def make_callback_logger(write: Callable[[str], object]) -> Callable[[SentCallback], None]:
    """Return an observer of a callback queue that writes lines.

    :param write: takes a line without its end.
    """

    def log(sent: SentCallback) -> None:
        callback = sent.callback
        again = "again" if callback.again else ""
        parts = (callback.kind, callback.event, again, "of", callback.subject_sid)
        status = "no response:" if sent.status is None else str(sent.status)
        outcome = f"{status} {shorten_target(sent.outcome)}"
        write(_line(sent.at, shorten_target(" ".join(filter(None, parts))), outcome, sent.seconds))

    return log


def _line(at: datetime, request: str, outcome: str, seconds: float) -> str:
    return f"{_time(at)} {request} -> {outcome} ({seconds * 1000:.1f} ms)"


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S.%f}"[:-3]
