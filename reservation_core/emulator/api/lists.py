"""Pages of the reservations of a task or a worker.

A page token names the reservation next to the page, so that reservations that are added meanwhile
move nothing. A page that is requested by number alone is counted off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode
from zlib import crc32

from reservation_core.domain.commands.parsing import STATUS_FIELD, FormPairs
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api.replies import json_reply, write_reservation
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import Address, Route, is_sid
from reservation_core.rest.listing import PAGE_SIZE, WORKER_SID_FILTER
from reservation_core.rest.messages import Reply

PAGE: Final = "Page"
PAGE_TOKEN: Final = "PageToken"  # noqa: S105 - not a password
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
_AFTER, _BEFORE = "PA", "PB"
_match_number: Final = re.compile("[0-9]{1,9}").fullmatch


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
    pairs = read_pairs(text)
    query = dict(reversed(pairs))  # the first of a name wins
    if platform.settings.strict:
        _check(query)
    size = min(max(_read_number(query.get(PAGE_SIZE), DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
    number = _read_number(query.get(PAGE), 0)
    everything = [
        reservation
        for reservation in platform.all(address.task_sid or address.worker_sid)
        if reservation.workspace_sid == address.workspace_sid
    ]
    on_hold_status = platform.settings.on_hold_shown_as.value
    rows = [
        (reservation, status)
        for reservation in everything
        if query.get(
            STATUS_FIELD,
            status := on_hold_status if reservation.on_hold else reservation.status.value,
        )
        == status
        and (
            route is Route.WORKER
            or query.get(WORKER_SID_FILTER, reservation.worker_sid) == reservation.worker_sid
        )
    ]
    token = query.get(PAGE_TOKEN, "")
    listed = [reservation for reservation, _ in rows]
    start = _find_start(token, size, everything, listed) if token else number * size
    shown = rows[start : start + size]
    filters = [pair for pair in pairs if pair[0] not in (PAGE_SIZE, PAGE, PAGE_TOKEN)]

    def link(page: int, token: str = "") -> str:
        place = [(PAGE_SIZE, str(size)), (PAGE, str(page))]
        if token:
            place.append((PAGE_TOKEN, token))
        return f"{origin}{path}?{urlencode([*filters, *place])}"

    previous_url = next_url = None
    if start:
        before = _BEFORE + str(shown[0][0].sid) if shown else ""
        previous_url = link(max(0, number - 1), before)
    if start + size < len(rows):
        next_url = link(number + 1, _AFTER + str(shown[-1][0].sid))
    meta = {
        "key": "reservations",
        "page": number,
        "page_size": size,
        "url": link(number, token),
        "first_page_url": link(0),
        "previous_page_url": previous_url,
        "next_page_url": next_url,
    }
    written = ", ".join(write_reservation(each, status, route, origin) for each, status in shown)
    body = f'{{"meta": {json.dumps(meta)}, "reservations": [{written}]}}'.encode()
    # The real version of a list is unknown. This one changes with what is shown.
    etag = str(crc32(body))
    if platform.settings.has_quoted_etag:
        etag = f'"{etag}"'
    return json_reply(200, body, etag=etag, headers=rates)


def _read_number(text: str | None, default: int) -> int:
    return int(text) if text and _match_number(text) else default


def _find_start(
    token: str, size: int, everything: Sequence[Reservation], rows: Sequence[Reservation]
) -> int:
    """Return the index of a page's first row.

    The reservation that the token names must exist, but need not be one of the rows.
    """
    side, sid = token[:2], token[2:]
    if side not in (_AFTER, _BEFORE) or not is_sid(sid, "sid"):
        raise UnreadableRequest(400, f"{PAGE_TOKEN} is not a token of this list")
    places = {reservation.sid: place for place, reservation in enumerate(everything)}
    if sid not in places:
        raise UnreadableRequest(400, f"{PAGE_TOKEN} names a reservation that no longer exists")
    before = sum(places[reservation.sid] < places[sid] for reservation in rows)
    if side == _BEFORE:
        return max(0, before - size)
    return before + any(reservation.sid == sid for reservation in rows)


def _check(query: Mapping[str, str]) -> None:
    size, status = query.get(PAGE_SIZE, "1"), query.get(STATUS_FIELD, Status.PENDING.value)
    if not _match_number(size) or not 1 <= int(size) <= MAX_PAGE_SIZE:
        raise UnreadableRequest(400, f"{PAGE_SIZE} must be from 1 to {MAX_PAGE_SIZE}")
    if status not in [each.value for each in Status]:
        raise UnreadableRequest(400, f"{STATUS_FIELD} must be one of {', '.join(Status)}")
