"""The last requests of the emulated API, what each was answered, and for those that were refused reason: the rule, and what to do instead.

A request is kept as it came and described when somebody looks, but for the reason, which depends on how things stood then. Of what was
sent only what is not personal is shown (see :mod:`reservation_core.domain.redaction`), and nothing of who sent it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

import attrs

from reservation_core.domain.commands.parsing import FormPairs
from reservation_core.domain.decisions import decide
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask, shorten
from reservation_core.emulator.api.log_text import form_text, reply_text, target_text
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs, read_update
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.messages import IF_MATCH, Reply

MAX_EXCHANGES: Final = 1000
"""How many exchanges are remembered."""

_LONGEST: Final = 8192  # bytes of a body that are remembered; no command has as many
_SETTING: Final = "the emulator's setting {}, which GET /_emulator/settings shows"
_WHYS: Final[Mapping[int, str]] = {
    401: f"The credentials are none of those in {_SETTING.format('accounts')}.",
    404: "Nothing is held at this address: check the workspace's, the task's or worker's and the reservation's SID against the list. "
    "What belongs to an ended task is gone after a while.",
    429: f"More requests came in a second than {_SETTING.format('rate_limit')}, lets pass.",
}
"""Why a request is refused, where the status alone tells."""


@attrs.frozen
class LoggedExchange:
    """A request and its answer, fit to be shown.

    :param number: the how-manyth it was, from 1.
    :param after: the number of the last act before it, so that it can be put among them.
    :param path: the path that was asked, SIDs shortened.
    :param sid: the reservation it was about, where it was about one.
    :param request: the command, its personal values masked, or what else the form said.
    :param status: of the answer; ``None`` when there was none.
    :param reason: reason it was refused, where it was.
    :param fault: what befell it by plan; empty for nothing.
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


class ReceivedRequest(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    headers: FormPairs
    body: bytes


class _Kept(
    NamedTuple
):  # an attrs value takes five times as long to make, and this is done for every request
    number: int
    after: int
    at: datetime
    method: str
    target: str
    body: bytes
    reply: Reply | None
    seconds: float
    fault: str
    reason: str


class ExchangeLog:
    """The last exchanges with a platform, oldest first."""

    def __init__(self, platform: Platform) -> None:
        self.platform: Final = platform
        self.last_number: int = 0
        """How many there were: the number of the last one."""
        self._kept: Final[deque[_Kept]] = deque(maxlen=MAX_EXCHANGES)

    def add(
        self,
        after: int,
        at: datetime,
        came: ReceivedRequest,
        reply: Reply | None,
        seconds: float,
        fault: str = "",
    ) -> None:
        """Remember one.

        :param after: the number of the last act before it.
        :param at: when it came.
        :param seconds: that it took to answer.
        """
        reason = ""
        if fault:
            reason = f"This was planned: {fault}."
        elif reply is not None and reply.status >= 400:
            reason = _explain(self.platform, came, reply.status)
        self.last_number += 1
        self._kept.append(
            _Kept(
                self.last_number,
                after,
                at,
                came.method,
                came.target,
                came.body[:_LONGEST],
                reply,
                seconds,
                fault,
                reason,
            )
        )

    def since(self, number: int) -> Iterator[LoggedExchange]:
        """Describe those after a number."""
        first = self.last_number - len(self._kept)
        for kept in tuple(islice(self._kept, max(0, number - first), None)):
            yield self._describe(kept)

    def _describe(self, kept: _Kept) -> LoggedExchange:
        where = parse_path(kept.target)
        return LoggedExchange(
            number=kept.number,
            after=kept.after,
            at=kept.at,
            method=mask(kept.method, limit=10),
            path=target_text(kept.target),
            sid=None if where is None else where[1].sid,
            request=_read(self.platform, kept.body),
            status=None if kept.reply is None else kept.reply.status,
            reply="no reply" if kept.reply is None else reply_text(kept.reply),
            seconds=kept.seconds,
            fault=kept.fault,
            reason=kept.reason,
        )


def _read(platform: Platform, body: bytes) -> str:
    """Write what a form asks for, without what is personal."""
    if not body:
        return ""
    try:
        asked = read_update(read_pairs(body), platform.settings)
    except (UnreadableRequest, InvalidCommand):
        return form_text(body)
    return form_text(body) if asked is None or isinstance(asked, Status) else repr(asked)


def _explain(platform: Platform, came: ReceivedRequest, status: int) -> str:
    """Say reason a request was refused and what to do instead; empty where the answer itself says all."""
    if status in _WHYS:
        return _WHYS[status]
    where = parse_path(came.target)
    try:
        held = platform.get(str(where and where[1].sid))
        asked = read_update(read_pairs(came.body), platform.settings)
    except (KeyError, UnreadableRequest):
        return ""
    except InvalidCommand as wrong:
        return str(wrong)
    if status == 412:
        wanted = next(
            (value for name, value in came.headers if name.lower() == IF_MATCH.lower()), ""
        )
        return (
            f"{IF_MATCH} asked for version {shorten(wanted)}, but the reservation is at version {held.etag}: "
            "fetch it, look at what has changed, and decide again."
        )
    if asked is None:
        return ""
    if isinstance(asked, Status):
        return (
            f"{asked} is reported while {held.state}, and is no step of the lifecycle from there."
        )
    decision = decide(held.state, asked.trigger, asked.is_accepting)
    return "" if decision.is_allowed else str(decision)
