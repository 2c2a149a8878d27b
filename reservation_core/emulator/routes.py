"""Requests in, replies out: the double's REST surface, which is at once the gateway for tests and the demo.

It answers updates, fetches and lists on both routes as the platform is seen to. What no source settles is stated where it is decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from reservation_core.addresses import Addressed, Route, parents, path_to, read_path
from reservation_core.emulator.platform import Platform, StateConflict
from reservation_core.errors import InvalidCommand
from reservation_core.forms import INSTRUCTION_FIELD, STATUS_FIELD
from reservation_core.lifecycle import COMMANDS, ON_HOLD, STATE_CODES
from reservation_core.listing import PAGE_SIZE, WORKER_FILTER
from reservation_core.messages import VERSION_HEADER, Reply, Request
from reservation_core.parameters import Command
from reservation_core.reservation import Reservation

ORIGIN: Final = "https://taskrouter.twilio.com"
_PAGE: Final = "Page"
_USUAL_SIZE: Final = 50


class InMemoryGateway:
    """A gateway to a platform in this process: no sockets, no credentials, every answer by the lifecycle. Sync and async.

    :param platform: the reservations it answers for; a new, empty one by default.
    """

    origin: Final = ORIGIN

    def __init__(self, platform: Platform | None = None) -> None:
        self.platform: Final = platform or Platform()

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        where = read_path(request.path)
        if where is None:
            return _not_found(request)
        route, address = where
        with self.platform.exclusively():
            if address.sid is None:
                return self._list(request, address) if request.method == "GET" else _error(405, 20004, "Method not allowed")
            held = next((held for held in self.platform.all() if held.sid == address.sid and _is_at(held, address)), None)
            if held is None:
                return _not_found(request)
            if request.method == "GET":
                return _resource(held, route)
            return self._update(request, held, route) if request.method == "POST" else _error(405, 20004, "Method not allowed")

    async def asend(self, request: Request) -> Reply:
        """Answer one request, in an event loop; it never waits."""
        return self.send(request)

    def _update(self, request: Request, held: Reservation, route: Route) -> Reply:
        # Which check comes first, the version's or the state's, is unknown; the version's does here.
        wanted = request.headers.get(VERSION_HEADER)
        if wanted is not None and wanted.strip('"') != held.etag:
            return _error(412, 20412, "The version given in If-Match is not the resource's present one")
        try:
            command = Command.from_form(request.form)
        except InvalidCommand as error:
            codes = (violation.code for violation in error.violations)
            return _error(400, next(filter(None, codes), 20001), "; ".join(f"{v.parameter} {v.rule}" for v in error.violations))
        try:
            if command.task_route_only and route is not Route.TASK:
                return _error(400, 20001, f"{type(command).__name__} is not available on this route")
            return _resource(self.platform.carry_out(str(held.sid), command), route)
        except StateConflict as conflict:
            return _error(400, *_conflict(conflict, command))

    def _list(self, request: Request, address: Addressed) -> Reply:
        path, _, asked = request.path.partition("?")
        query = dict(reversed(parse_qsl(asked)))  # of a repeated key the first counts
        rows = [
            held
            for held in self.platform.all()
            if _is_at(held, address)
            and query.get(STATUS_FIELD, held.status) == held.status
            and query.get(WORKER_FILTER, held.worker_sid) == held.worker_sid
        ]
        size = min(max(_number(query.get(PAGE_SIZE), _USUAL_SIZE), 1), 1000)
        number = _number(query.get(_PAGE), 0)

        def page(at: int) -> str:
            kept = [pair for pair in parse_qsl(asked) if pair[0] not in (PAGE_SIZE, _PAGE, "PageToken")]
            return f"{ORIGIN}{path}?{urlencode([*kept, (PAGE_SIZE, size), (_PAGE, at)])}"

        route = Route.TASK if address.task_sid else Route.WORKER
        meta = {
            "key": "reservations",
            "page": number,
            "page_size": size,
            "url": page(number),
            "first_page_url": page(0),
            "previous_page_url": page(number - 1) if number else None,
            "next_page_url": page(number + 1) if (number + 1) * size < len(rows) else None,
        }
        shown = rows[number * size : (number + 1) * size]
        return _json(200, {"meta": meta, "reservations": [_body(held, route) for held in shown]}, {})


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else usual


def _is_at(held: Reservation, address: Addressed) -> bool:
    return (
        held.workspace_sid == address.workspace_sid
        and address.task_sid in (None, held.task_sid)
        and address.worker_sid in (None, held.worker_sid)
    )


def _conflict(conflict: StateConflict, command: Command) -> tuple[int, str]:
    """Say it as the platform does: one family of messages for statuses, another for instructions.

    Which number a REST answer carries for a state is unknown. 20001 is seen where tasks conflict; supervise has the dictionary's, for
    no message of its is known.
    """
    name, word = command.head
    if command.task_route_only:
        return STATE_CODES[
            command.trigger
        ], f"Unable to execute {type(command).__name__} instruction on reservation {conflict.sid} in its present state."
    if name == INSTRUCTION_FIELD:
        return (
            20001,
            f"Unable to execute {type(command).__name__} instruction. Reservation {conflict.sid} is not currently in a Pending state.",
        )
    if conflict.state == word:
        return 20001, f"Reservation {conflict.sid} is already in state [{word}] and cannot be updated to [{word}]"
    expected = next(edge.source for edge in COMMANDS if edge.trigger == command.trigger)
    target = ON_HOLD if conflict.state == ON_HOLD else word
    return 20001, f"Reservation {conflict.sid} not in expected state [{expected}] and cannot be updated to [{target}]"


def _resource(held: Reservation, route: Route) -> Reply:
    # The worker route is documented without a version.
    return _json(200, _body(held, route), {"ETag": held.etag} if route is Route.TASK and held.etag else {})


def _body(held: Reservation, route: Route) -> dict[str, object]:
    workspace, task, worker = (f"{ORIGIN}{path}" for path in parents(held))
    return {
        "account_sid": held.account_sid,
        "date_created": _date(held.date_created),
        "date_updated": _date(held.date_updated),
        "reservation_status": held.status.value,
        "sid": held.sid,
        "task_sid": held.task_sid,
        "worker_name": held.worker_name,
        "worker_sid": held.worker_sid,
        "workspace_sid": held.workspace_sid,
        "url": ORIGIN + path_to(held, route),
        "links": {"task": task, "worker": worker, "workspace": workspace},
    }


def _date(date: datetime | None) -> str | None:
    """Write a date as the official clients read it: to the second, with a Z."""
    return None if date is None else date.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _not_found(request: Request) -> Reply:
    return _error(404, 20404, f"The requested resource {request.path.partition('?')[0]} was not found")


def _error(status: int, code: int, message: str) -> Reply:
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return _json(status, body, {})


def _json(status: int, body: Mapping[str, object], headers: Mapping[str, str]) -> Reply:
    return Reply(status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode())
