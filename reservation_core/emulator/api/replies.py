"""Replies of the emulated API: bodies and headers, as in the reference."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final

from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.addresses import Address, Route, parent_paths, reservation_path
from reservation_core.rest.messages import Headers, Reply

CORS_HEADERS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, If-Match, apiVersion, clientVersion",
    ),
    ("Access-Control-Allow-Credentials", "true"),
    (
        "Access-Control-Expose-Headers",
        "ETag, X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Config",
    ),
)
"""Headers for pages of any origin. The browser SDK sends two versions and reads the ETag."""

_HEADERS: Final = (("Content-Type", "application/json"), *CORS_HEADERS)
_WITHOUT_ETAG: Final = Headers(_HEADERS)
_Text = str | None
_Constants = tuple[_Text, _Text, _Text, _Text, _Text, _Text, datetime | None]


def preflight_reply() -> Reply:
    """Return the reply to a CORS preflight request."""
    return Reply(204, Headers((*CORS_HEADERS, ("Access-Control-Max-Age", "600"))))


def json_reply(
    status: int, body: bytes, *, etag: str | None = None, headers: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Return a JSON reply.

    :param etag: the value of the ETag header, if any.
    :param headers: further headers.
    """
    if etag is None and not headers:
        return Reply(status, _WITHOUT_ETAG, body)
    version = () if etag is None else (("ETag", etag),)
    return Reply(status, Headers((*version, *headers, *_HEADERS)), body)


def show_status(reservation: Reservation, settings: Settings) -> str:
    """Return the status that replies show."""
    return (settings.on_hold_shown_as if reservation.on_hold else reservation.status).value


def show_etag(version: str | None, settings: Settings) -> str | None:
    """Return a version as the ETag header shows it."""
    return f'"{version}"' if settings.has_quoted_etag else version


def write_reservation(
    reservation: Reservation, route: Route, origin: str, settings: Settings
) -> str:
    """Return a reservation as JSON text.

    :param origin: start of the addresses in it, ``https://host[:port]``.
    """
    head, tail = _write_constants(_get_constants(reservation), route, origin)
    date, status = _write_date(reservation.date_updated), show_status(reservation, settings)
    return f'{head}{date}, "reservation_status": "{status}"{tail}'


_get_constants: Final[Callable[[Reservation], _Constants]] = attrgetter(
    "sid",
    "account_sid",
    "workspace_sid",
    "task_sid",
    "worker_sid",
    "worker_name",
    "date_created",
)


@lru_cache(maxsize=4096)
def _write_constants(constants: _Constants, route: Route, origin: str) -> tuple[str, str]:
    """Return the text around the date of the update and the status.

    It is the same in all bodies of a reservation.
    """
    sid, account_sid, workspace_sid, task_sid, worker_sid, worker_name, date_created = constants
    where = Address(workspace_sid=workspace_sid, sid=sid, task_sid=task_sid, worker_sid=worker_sid)
    workspace, task, worker = parent_paths(where)
    tail = {
        "sid": sid,
        "task_sid": task_sid,
        "worker_name": worker_name,
        "worker_sid": worker_sid,
        "workspace_sid": workspace_sid,
        "url": origin + reservation_path(where, route),
        "links": {
            "task": origin + task,
            "worker": origin + worker,
            "workspace": origin + workspace,
        },
    }
    account, created = json.dumps(account_sid), _write_date(date_created)
    head = f'{{"account_sid": {account}, "date_created": {created}, "date_updated": '
    return head, f", {json.dumps(tail)[1:]}"


def _write_date(date: datetime | None) -> str:
    """Return a date as official clients read it: with a Z."""
    if date is None:
        return "null"
    return f'"{(date if date.tzinfo is UTC else date.astimezone(UTC)).isoformat()[:19]}Z"'
