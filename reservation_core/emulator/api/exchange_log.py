"""The latest requests to the emulated API, replies, and reasons of refusals.

An exchange is stored as received and described on demand, except for the reason, which depends on
the state at that time. Personal values are masked (:mod:`reservation_core.domain.redaction`), and
nothing about the sender is stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.decisions import decide
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask, shorten
from reservation_core.emulator.api.log_text import form_text, reply_text, target_text
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs, read_update
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import is_sid, parse_path
from reservation_core.rest.messages import IF_MATCH, Reply

MAX_EXCHANGES: Final = 1000
"""Number of exchanges that are kept."""

_MAX_BODY: Final = 8192  # bytes; no command has as many
_SEE_SETTING: Final = "See the setting {} in GET /_emulator/settings."
_REASONS: Final[Mapping[int, str]] = {
    403: "",  # the reply says enough
    421: "",
    401: f"The credentials are not those of an account. {_SEE_SETTING.format('accounts')}",
    404: "There is no reservation at this address. Check the SIDs of the workspace, the task or "
    "worker and the reservation. A reservation is deleted some time after its task has ended.",
    429: f"There are more requests per second than allowed. {_SEE_SETTING.format('rate_limit')}",
}
"""Reason of a refusal by HTTP status, where that is enough."""


@attrs.frozen
class LoggedExchange:
    """A request and its reply, ready to be shown.

    :param number: 1-based sequence number.
    :param after: number of the last journal entry before it.
    :param at: the platform's time of the request.
    :param path: the path, with shortened SIDs.
    :param sid: the reservation's SID, if the path has one.
    :param request: the command with masked personal values, or a summary of the form.
    :param status: the reply's HTTP status; ``None`` without a reply.
    :param seconds: duration in seconds.
    :param fault: the injected fault; empty for none.
    :param reason: why the request was refused; empty if it was not.
    :param cautions: what was tolerated in the request, without values; empty if it was refused.
    """

    number: int
    after: int
    at: datetime
    method: str
    path: str
    sid: str | None
    request: str
    status: int | None
    reply: str
    seconds: float
    fault: str
    reason: str
    cautions: tuple[str, ...] = ()


class RawRequest(NamedTuple):
    """A raw request. Its ``repr`` shows neither headers nor body, which may hold secrets."""

    method: str
    target: str
    headers: FormPairs
    body: bytes

    def __repr__(self) -> str:
        return f"RawRequest(method={self.method!r}, {len(self.body)} bytes)"


_Record = tuple[int, tuple[int, datetime, float, str, str], str, str, bytes, Reply | None]


class ExchangeLog:
    """The latest exchanges with a platform, oldest first."""

    def __init__(self, platform: Platform) -> None:
        self.platform: Final = platform
        self.last_number: int = 0
        """Number of the latest exchange, which is the number of all exchanges."""
        self._records: Final[deque[_Record]] = deque(maxlen=MAX_EXCHANGES)

    def add(
        self,
        after: int,
        at: datetime,
        request: RawRequest,
        reply: Reply | None,
        seconds: float,
        fault: str = "",
    ) -> None:
        """Add an exchange.

        :param after: number of the last journal entry before it.
        :param at: the platform's time of the request.
        :param seconds: duration in seconds.
        :param fault: the injected fault.
        """
        reason = ""
        if fault:
            reason = f"An injected fault: {fault}."
        elif reply is not None and reply.status >= 400:
            reason = _explain(self.platform, request, reply.status)
        self.last_number += 1
        what = (after, at, seconds, fault, reason)
        method, target, _, body = request
        record = (self.last_number, what, method, target, body[:_MAX_BODY], reply)
        self._records.append(record)

    def since(self, number: int) -> Iterator[LoggedExchange]:
        """Yield the exchanges after a number."""
        first = self.last_number - len(self._records)
        records = tuple(islice(self._records, max(0, number - first), None))
        for present, (after, at, seconds, fault, reason), method, target, body, reply in records:
            where = parse_path(target)
            yield LoggedExchange(
                number=present,
                after=after,
                at=at,
                method=mask(method, limit=10),
                path=target_text(target),
                sid=where[1].sid if where and is_sid(where[1].sid, "sid") else None,
                request=_describe_form(self.platform, body, target),
                status=None if reply is None else reply.status,
                reply="no reply" if reply is None else reply_text(reply),
                cautions=find_tolerated(self.platform, RawRequest(method, target, (), body), reply),
                seconds=seconds,
                fault=fault,
                reason=reason,
            )


def find_tolerated(platform: Platform, request: RawRequest, reply: Reply | None) -> tuple[str, ...]:
    """Return what a platform tolerated in a request, without values."""
    where = parse_path(request.target)
    is_update = where is not None and where[1].sid is not None and bool(request.body)
    if not is_update or reply is None or reply.status >= 400:
        return ()
    try:
        reading = read_update(read_pairs(request.body), platform.settings)
    except (UnreadableRequest, InvalidCommand):
        return ()
    return tuple(map(str, reading.cautions))


def _describe_form(platform: Platform, body: bytes, target: str) -> str:
    """Describe a form without personal values."""
    if not body:
        return ""
    try:
        update = read_update(read_pairs(body), platform.settings).update
    except (UnreadableRequest, InvalidCommand):
        return form_text(body, target)
    return form_text(body, target) if update is None or isinstance(update, Status) else repr(update)


def _explain(platform: Platform, request: RawRequest, status: int) -> str:
    """Explain a refusal, unless the reply says enough."""
    if status in _REASONS:
        return _REASONS[status]
    where = parse_path(request.target)
    try:
        reservation = platform.get(str(where and where[1].sid))
        update = read_update(read_pairs(request.body), platform.settings).update
    except (KeyError, UnreadableRequest):
        return ""
    except InvalidCommand as error:
        return str(error)
    if status == 412:
        versions = (value for name, value in request.headers if name.lower() == IF_MATCH.lower())
        return (
            f"{IF_MATCH} asked for version {shorten(next(versions, ''))}, but the reservation is "
            f"at version {reservation.etag}. Fetch it and decide again."
        )
    if update is None:
        return ""
    if isinstance(update, Status):
        return f"The status {update} is not a step of the lifecycle from {reservation.state}."
    decision = decide(reservation.state, update.trigger, update.is_accepting)
    return "" if decision.is_allowed else str(decision)
