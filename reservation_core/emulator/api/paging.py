"""Pages of a list: their queries, their places in the list and their meta data.

A page token names the first resource of the page, or the one behind its end. So resources that are
added meanwhile move nothing, and those of earlier pages can be deleted. Without a token, a page
starts at its number times the page size.
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
from reservation_core.emulator.api.replies import json_reply, show_etag
from reservation_core.emulator.api.update_reading import UnreadableRequest, read_pairs
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.listing import PAGE_SIZE
from reservation_core.rest.messages import Reply

PAGE: Final = "Page"
PAGE_TOKEN: Final = "PageToken"  # noqa: S105 - not a password
PAGING: Final = frozenset({PAGE_SIZE, PAGE, PAGE_TOKEN})
"""Query parameters that every list has."""

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
_FROM, _BEFORE = "PF", "PB"
_match_number: Final = re.compile("[0-9]{1,9}").fullmatch
_match_token: Final = re.compile(f"(?:{_FROM}|{_BEFORE})[A-Z]{{2}}[0-9a-fA-F]{{32}}").fullmatch


@attrs.frozen
class PageQuery:
    """The query of a request for a page.

    :param fields: the first value of each parameter.
    """

    pairs: FormPairs
    fields: Mapping[str, str]
    size: int
    number: int

    @property
    def token(self) -> str:
        """The page token, empty if there is none."""
        return self.fields.get(PAGE_TOKEN, "")

    def link(self, number: int, token: str = "") -> str:
        """Return the query of another page with the same filters."""
        place = [(PAGE_SIZE, str(self.size)), (PAGE, str(number))]
        if token:
            place.append((PAGE_TOKEN, token))
        filters = (pair for pair in self.pairs if pair[0] not in PAGING)
        return urlencode([*filters, *place])


def read_page_query(text: str, *, is_strict: bool) -> PageQuery:
    """Read the query of a list.

    :param is_strict: refuse an invalid page size, which is otherwise corrected.
    :raises UnreadableRequest: if it cannot be read.
    """
    pairs = read_pairs(text)
    fields = dict(reversed(pairs))  # the first of a name wins
    given = fields.get(PAGE_SIZE, "1")
    if is_strict and not (_match_number(given) and 1 <= int(given) <= MAX_PAGE_SIZE):
        raise UnreadableRequest(400, f"{PAGE_SIZE} must be from 1 to {MAX_PAGE_SIZE}")
    size = min(max(_read_number(fields.get(PAGE_SIZE), DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)
    return PageQuery(pairs, fields, size, _read_number(fields.get(PAGE), 0))


def _read_number(text: str | None, default: int) -> int:
    return int(text) if text and _match_number(text) else default


def find_start(query: PageQuery, everything: Sequence[str], rows: Sequence[str]) -> int:
    """Return the index of a page's first row.

    The resource that the token names must exist, but need not be one of the rows.

    :param everything: the SIDs of the whole list, in its order.
    :param rows: the SIDs that match the filters, in the same order.
    :raises UnreadableRequest: if the token is unknown.
    """
    if not query.token:
        return query.number * query.size
    if not _match_token(query.token):
        raise UnreadableRequest(400, f"{PAGE_TOKEN} is not a token of this list")
    side, sid = query.token[:2], query.token[2:]
    positions = {each: index for index, each in enumerate(everything)}
    if sid not in positions:
        raise UnreadableRequest(400, f"{PAGE_TOKEN} names a resource that no longer exists")
    before = sum(positions[each] < positions[sid] for each in rows)
    return before if side == _FROM else max(0, before - query.size)


def describe_page(
    query: PageQuery, rows: Sequence[str], start: int, key: str, url: str
) -> dict[str, object]:
    """Return the meta data of a page.

    :param rows: the SIDs that match the filters.
    :param key: the name of the list in the body.
    :param url: the list's address without a query.
    """
    number, end = query.number, start + query.size
    previous = next_ = None
    if start:
        before = _BEFORE + rows[start] if start < len(rows) else ""
        previous = f"{url}?{query.link(max(0, number - 1), before)}"
    if end < len(rows):
        next_ = f"{url}?{query.link(number + 1, _FROM + rows[end])}"
    return {
        "key": key,
        "page": number,
        "page_size": query.size,
        "url": f"{url}?{query.link(number, query.token)}",
        "first_page_url": f"{url}?{query.link(0)}",
        "previous_page_url": previous,
        "next_page_url": next_,
    }


def page_reply(
    meta: Mapping[str, object], written: Sequence[str], settings: Settings, rates: FormPairs
) -> Reply:
    """Return the reply with one page.

    :param written: the JSON texts of its resources.
    """
    rows = ", ".join(written)
    body = f'{{"meta": {json.dumps(meta)}, "{meta["key"]}": [{rows}]}}'.encode()
    # The real version of a list is unknown. This one changes with what is shown.
    return json_reply(200, body, etag=show_etag(str(crc32(body)), settings), headers=rates)
