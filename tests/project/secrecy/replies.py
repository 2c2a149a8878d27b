"""Canaries in replies, and in the commands that they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Final

from reservation_core import (
    Reply,
    ReplyError,
    conclude,
    list_reservations,
    read_reservation,
)
from reservation_core.rest.fetch import conclude_fetch
from reservation_core.testing.recording import RecordingGateway
from tests.project.secrecy.canaries import CONTACT, NAME, PASSWORD, PHONE, TOKEN, Case
from tests.project.secrecy.commands import CONFERENCE, RESERVATION

SID: Final = RESERVATION.sid
BODIES: Final = {
    "a status": json.dumps({"sid": SID, "reservation_status": PHONE}),
    "every field": json.dumps(
        dict.fromkeys(("sid", "account_sid", "reservation_status", "date_created", "url"), CONTACT)
    ),
    "broken JSON": f'{{"sid": "{PASSWORD}", x',
    "a list": json.dumps([NAME]),
    "a form that is not UTF-8": f"{PHONE}=%ff&ReservationSid=%ff&Name={NAME}",
    "a message": json.dumps({"code": 20001, "message": f"{PHONE} is busy", "status": 400}),
    "details": json.dumps({"code": CONTACT, "message": [PHONE], "detail": {NAME: PASSWORD}}),
    "bytes that are not text": f"{PHONE}\udcff",
}
ECHOES: Final = {
    "a status": {"sid": SID, "reservation_status": PASSWORD},
    "an extra value": {"sid": SID, "reservation_status": f"no {TOKEN}"},
    "another reservation": {
        "sid": "WR" + "b" * 32,
        "reservation_status": "pending",
        "worker_name": NAME,
    },
    "a message": {"message": f"{PASSWORD} and {PHONE} and {TOKEN}"},
    "details": {"title": PASSWORD, "detail": TOKEN, "type": f"https://example.com/{PASSWORD}"},
}
"""Bodies that repeat values of the command."""


def _encode(body: str) -> bytes:
    return body.encode(errors="surrogateescape")


def _reply(status: int, body: str) -> Reply:
    return Reply(status, {"ETag": "1", "Set-Cookie": PASSWORD}, _encode(body))


def _conclude(status: int, body: str) -> Case:
    return Case(partial(conclude, RESERVATION, CONFERENCE, _reply(status, body)), ReplyError)


def _listing(row: object) -> Callable[[], object]:
    page = {
        "reservations": [{"sid": SID, "reservation_status": "pending", "worker_name": NAME}, row],
        "meta": {"next_page_url": f"https://{PASSWORD}@elsewhere.example/?token={TOKEN}"},
    }
    workspace_sid, task_sid = str(RESERVATION.workspace_sid), RESERVATION.task_sid

    def read() -> object:
        gateway = RecordingGateway()
        gateway.script(_reply(200, json.dumps(page)))
        return [*list_reservations(gateway, workspace_sid=workspace_sid, task_sid=task_sid)]

    return read


CASES: Final = {
    "a reply": Case(lambda: _reply(200, BODIES["a message"])),
    **{
        f"read: {name}": Case(partial(read_reservation, _encode(body)), ReplyError)
        for name, body in BODIES.items()
    },
    **{
        f"{status} to a command: {name}": _conclude(status, body)
        for status in (200, 400, 404, 412, 429, 503)
        for name, body in BODIES.items()
    },
    **{
        f"{status} that repeats the command: {name}": _conclude(status, json.dumps(body))
        for status in (200, 400, 429)
        for name, body in ECHOES.items()
    },
    **{
        f"{status} to a fetch: {name}": Case(
            partial(conclude_fetch, RESERVATION, _reply(status, body)), ReplyError
        )
        for status in (200, 404)
        for name, body in BODIES.items()
    },
    "a list with a wrong row": Case(
        _listing({"sid": CONTACT, "reservation_status": PHONE}), ReplyError
    ),
    "a list with a wrong link": Case(
        _listing({"sid": SID, "reservation_status": "pending"}), ReplyError
    ),
}
