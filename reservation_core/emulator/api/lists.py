"""The lists of the emulated platform: the reservations of a task, or of a worker, a page at a time.

A page is found by its token, which names the reservation it stands next to, so that what is added meanwhile moves nothing; a page
asked for by number alone is counted off.
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import urlencode
from zlib import crc32

from reservation_core.domain.commands.parsing import STATUS_FIELD, FormPairs
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api.replies import json_reply, write
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs
from reservation_core.emulator.platform.platform import Platform
from reservation_core.rest.addresses import Address, Route, is_sid
from reservation_core.rest.listing import PAGE_SIZE, WORKER_SID_FILTER
from reservation_core.rest.messages import Reply

PAGE: Final = "Page"
PAGE_TOKEN: Final = "PageToken"  # noqa: S105 - no password
USUAL_SIZE: Final = 50
LARGEST_SIZE: Final = 1000
_PLACE: Final = frozenset({PAGE_SIZE, PAGE, PAGE_TOKEN})
_AFTER, _BEFORE = "PA", "PB"
_STATUSES: Final = frozenset(status.value for status in Status)
_number: Final = re.compile("[0-9]{1,9}").fullmatch


def list_page(
    platform: Platform, origin: str, target: str, route: Route, address: Address, rates: FormPairs
) -> Reply:
    """Answer a request for a page.

    :param origin: where the links to other pages lead.
    :raises UnreadableRequest: for a query that cannot be read, a token that is none, and where the settings are strict a wrong size or status.
    """
    path, _, text = target.partition("?")
    asked = read_pairs(text)
    query = dict(reversed(asked))  # of a repeated key the first counts
    if platform.settings.strict:
        _check(query)
    size = min(max(_read_number(query.get(PAGE_SIZE), USUAL_SIZE), 1), LARGEST_SIZE)
    number = _read_number(query.get(PAGE), 0)
    shows = platform.settings.on_hold_shown_as.value
    everything = [
        held
        for held in platform.all(address.task_sid or address.worker_sid)
        if held.workspace_sid == address.workspace_sid
    ]
    rows = [
        (held, status)
        for held in everything
        if query.get(STATUS_FIELD, status := shows if held.on_hold else held.status.value) == status
        and (
            route is Route.WORKER
            or query.get(WORKER_SID_FILTER, held.worker_sid) == held.worker_sid
        )
    ]
    start = _find(query.get(PAGE_TOKEN), number, size, everything, [held for held, _ in rows])
    shown = rows[start : start + size]
    kept = [pair for pair in asked if pair[0] not in _PLACE]

    def link(at: int, token: str = "") -> str:
        place = [(PAGE_SIZE, str(size)), (PAGE, str(at)), *([(PAGE_TOKEN, token)] if token else [])]
        return f"{origin}{path}?{urlencode([*kept, *place])}"

    meta = {
        "key": "reservations",
        "page": number,
        "page_size": size,
        "url": link(number, query.get(PAGE_TOKEN, "")),
        "first_page_url": link(0),
        "previous_page_url": link(
            max(0, number - 1), _BEFORE + str(shown[0][0].sid) if shown else ""
        )
        if start
        else None,
        "next_page_url": link(number + 1, _AFTER + str(shown[-1][0].sid))
        if start + size < len(rows)
        else None,
    }
    written = ", ".join(write(held, status, route, origin) for held, status in shown)
    body = f'{{"meta": {json.dumps(meta)}, "reservations": [{written}]}}'.encode()
    etag = str(crc32(body))  # a list's version is not known; this one changes with what is shown
    return json_reply(
        200, body, etag=f'"{etag}"' if platform.settings.has_quoted_etag else etag, more=rates
    )


def _read_number(text: str | None, usual: int) -> int:
    return int(text) if text and _number(text) else usual


def _find(
    token: str | None,
    number: int,
    size: int,
    everything: list[Reservation],
    rows: list[Reservation],
) -> int:
    """Find the first row of a page; what a token names need not be a row any more, but it must be there."""
    if not token:
        return number * size
    side, sid = token[:2], token[2:]
    if side not in (_AFTER, _BEFORE) or not is_sid(sid, "sid"):
        raise UnreadableRequest(400, f"{PAGE_TOKEN} is none of this list's")
    places = {held.sid: place for place, held in enumerate(everything)}
    if sid not in places:
        raise UnreadableRequest(400, f"{PAGE_TOKEN} is of a reservation that is not there any more")
    before = sum(places[held.sid] < places[sid] for held in rows)
    return (
        before + any(held.sid == sid for held in rows) if side == _AFTER else max(0, before - size)
    )


def _check(query: dict[str, str]) -> None:
    size, status = query.get(PAGE_SIZE, "1"), query.get(STATUS_FIELD, Status.PENDING.value)
    if not _number(size) or not 1 <= int(size) <= LARGEST_SIZE:
        raise UnreadableRequest(400, f"{PAGE_SIZE} must be from 1 to {LARGEST_SIZE}")
    if status not in _STATUSES:
        raise UnreadableRequest(400, f"{STATUS_FIELD} must be one of {', '.join(Status)}")
