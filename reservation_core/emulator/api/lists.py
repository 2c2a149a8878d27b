"""Pages of the reservations of a task or a worker.

A page token names the reservation next to the page, so that reservations that are added meanwhile
move nothing. Without a token, a page starts at its number times the page size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from zlib import crc32

import attrs

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api.replies import (
    json_reply,
    show_etag,
    show_status,
    write_reservation,
)
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.addresses import Address, Route, is_sid
from reservation_core.rest.listing import PAGE_SIZE, WORKER_SID_FILTER
from reservation_core.rest.messages import Reply

PAGE: Final = "Page"
PAGE_TOKEN: Final = "PageToken"  # noqa: S105 - not a password
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
_AFTER, _BEFORE = "PA", "PB"
_match_number: Final = re.compile("[0-9]{1,9}").fullmatch


@attrs.frozen
class _Query:
    """The query of a request for a page."""

    pairs: FormPairs
    fields: Mapping[str, str]
    size: int
    number: int

    @property
    def token(self) -> str:
        return self.fields.get(PAGE_TOKEN, "")

    def matches(self, reservation: Reservation, route: Route, settings: Settings) -> bool:
        status, worker_sid = show_status(reservation, settings), reservation.worker_sid
        # Documented: the letter case of a status does not matter.
        return self.fields.get(STATUS_FIELD, status).lower() == status.lower() and (
            route is Route.WORKER or self.fields.get(WORKER_SID_FILTER, worker_sid) == worker_sid
        )

    def link(self, number: int, token: str = "") -> str:
        """Return the query of another page with the same filters."""
        place = [(PAGE_SIZE, str(self.size)), (PAGE, str(number))]
        if token:
            place.append((PAGE_TOKEN, token))
        filters = (pair for pair in self.pairs if pair[0] not in (PAGE_SIZE, PAGE, PAGE_TOKEN))
        return urlencode([*filters, *place])


def list_page(
    platform: Platform, origin: str, target: str, route: Route, address: Address, rates: FormPairs
) -> Reply:
    """Answer a request for a page.

    :param origin: start of the links to other pages.
    :param rates: the rate-limit headers.
    :raises UnreadableRequest: if the query is unreadable, the token unknown or, where the setting
        ``strict`` is on, the page size or the status invalid.
    """
    path, _, text = target.partition("?")
    settings = platform.settings
    query = _read_query(text, is_strict=settings.strict)
    everything = [
        reservation
        for reservation in platform.all(address.task_sid or address.worker_sid)
        if reservation.workspace_sid == address.workspace_sid
    ]
    rows = [each for each in everything if query.matches(each, route, settings)]
    start = _find_start(query, everything, rows)
    meta = {
        name: f"{origin}{path}?{value}" if name.endswith("url") and value else value
        for name, value in _describe_page(query, rows, start).items()
    }
    shown = rows[start : start + query.size]
    written = ", ".join(write_reservation(each, route, origin, settings) for each in shown)
    body = f'{{"meta": {json.dumps(meta)}, "reservations": [{written}]}}'.encode()
    # The real version of a list is unknown. This one changes with what is shown.
    return json_reply(200, body, etag=show_etag(str(crc32(body)), settings), headers=rates)


def _describe_page(query: _Query, rows: Sequence[Reservation], start: int) -> dict[str, object]:
    """Return the meta data of a page. Its links are queries."""
    number, end = query.number, start + query.size
    previous = next_ = None
    if start:
        before = _BEFORE + str(rows[start].sid) if start < len(rows) else ""
        previous = query.link(max(0, number - 1), before)
    if end < len(rows):
        next_ = query.link(number + 1, _AFTER + str(rows[end - 1].sid))
    return {
        "key": "reservations",
        "page": number,
        "page_size": query.size,
        "url": query.link(number, query.token),
        "first_page_url": query.link(0),
        "previous_page_url": previous,
        "next_page_url": next_,
    }


def _read_query(text: str, *, is_strict: bool) -> _Query:
    pairs = read_pairs(text)
    fields = dict(reversed(pairs))  # the first of a name wins
    if is_strict:
        _check_query(fields)
    size = min(max(_read_number(fields.get(PAGE_SIZE), DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
    return _Query(pairs, fields, size, _read_number(fields.get(PAGE), 0))


def _read_number(text: str | None, default: int) -> int:
    return int(text) if text and _match_number(text) else default


def _find_start(
    query: _Query, everything: Sequence[Reservation], rows: Sequence[Reservation]
) -> int:
    """Return the index of a page's first row.

    The reservation that the token names must exist, but need not be one of the rows.
    """
    if not query.token:
        return query.number * query.size
    side, sid = query.token[:2], query.token[2:]
    if side not in (_AFTER, _BEFORE) or not is_sid(sid, "sid"):
        raise UnreadableRequest(400, f"{PAGE_TOKEN} is not a token of this list")
    positions = {reservation.sid: index for index, reservation in enumerate(everything)}
    if sid not in positions:
        raise UnreadableRequest(400, f"{PAGE_TOKEN} names a reservation that no longer exists")
    before = sum(positions[reservation.sid] < positions[sid] for reservation in rows)
    if side == _BEFORE:
        return max(0, before - query.size)
    return before + any(reservation.sid == sid for reservation in rows)


def _check_query(fields: Mapping[str, str]) -> None:
    size, status = fields.get(PAGE_SIZE, "1"), fields.get(STATUS_FIELD, Status.PENDING.value)
    if not _match_number(size) or not 1 <= int(size) <= MAX_PAGE_SIZE:
        raise UnreadableRequest(400, f"{PAGE_SIZE} must be from 1 to {MAX_PAGE_SIZE}")
    if status not in [each.value for each in Status]:
        raise UnreadableRequest(400, f"{STATUS_FIELD} must be one of {', '.join(Status)}")
