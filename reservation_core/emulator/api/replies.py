"""The replies of the emulated platform: bodies and headers, as the reference has them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address, Route, parent_paths, reservation_path
from reservation_core.rest.messages import Headers, Reply

JSON_TYPE: Final = ("Content-Type", "application/json")
CORS: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
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
"""What lets a page of any origin call: the browser SDK sends its two versions and ``If-Match``, and reads the ETag."""

_ALWAYS: Final = (JSON_TYPE, *CORS)
_PLAIN: Final = Headers(_ALWAYS)
_MORE: Final = "https://www.twilio.com/docs/errors/"


def preflight() -> Reply:
    """Answer the question of a browser whether it may ask."""
    return Reply(204, Headers((*CORS, ("Access-Control-Max-Age", "600"))))


def json_reply(
    status: int, body: bytes, *, etag: str | None = None, more: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Make a reply of JSON.

    :param etag: the version, as it is to be sent.
    :param more: further headers.
    """
    if more:
        own = () if etag is None else (("ETag", etag),)
        return Reply(status, Headers((*own, *more, *_ALWAYS)), body)
    return Reply(status, _PLAIN if etag is None else Headers((("ETag", etag), *_ALWAYS)), body)


def error(
    status: int, code: int | None, message: str, *, more: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Make an error reply; one without a code of the platform's says nothing of it."""
    body: dict[str, object] = {} if code is None else {"code": code}
    body["message"] = message
    if code is not None:
        body["more_info"] = f"{_MORE}{code}"
    return json_reply(status, json.dumps({**body, "status": status}).encode(), more=more)


def write(held: Reservation, shown: str, route: Route, origin: str) -> str:
    """Write a reservation as a body shows it.

    :param shown: its status, as a body shows it.
    :param origin: where the addresses in it lead, ``https://host[:port]``.
    """
    head, tail = _lasting(
        held.sid,
        held.account_sid,
        held.workspace_sid,
        held.task_sid,
        held.worker_sid,
        held.worker_name,
        held.date_created,
        route,
        origin,
    )
    return f'{head}{_date(held.date_updated)}, "reservation_status": "{shown}"{tail}'


@lru_cache(maxsize=4096)
def _lasting(
    sid: str | None,
    account_sid: str | None,
    workspace_sid: str | None,
    task_sid: str | None,
    worker_sid: str | None,
    worker_name: str | None,
    date_created: datetime | None,
    route: Route,
    origin: str,
) -> tuple[str, str]:
    """Write what stays the same in all bodies of a reservation: what stands before its date of update, and after its status."""
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
    head = f'{{"account_sid": {json.dumps(account_sid)}, "date_created": {_date(date_created)}, "date_updated": '
    return head, f", {json.dumps(tail)[1:]}"


def _date(date: datetime | None) -> str:
    """Write a date as the official clients read it: to the second, with a Z."""
    if date is None:
        return "null"
    return f'"{(date if date.tzinfo is UTC else date.astimezone(UTC)).isoformat()[:19]}Z"'
