"""How an entry, and a line of the history, is written as one JSON text, and read back as the same.

What a store keeps in columns of its own is not in the text. It is written by hand, for it is written often, and to build a dictionary
first and encode that takes half as long again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii as _quote
from operator import attrgetter
from typing import Any, Final, cast

from reservation_core.book.records import (
    Doubt,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    ReportSource,
    Verdict,
)
from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Links, Reservation
from reservation_core.rest.addresses import Route

_TEXTS: Final = (
    "sid",
    "account_sid",
    "workspace_sid",
    "task_sid",
    "worker_sid",
    "worker_name",
    "url",
    "etag",
)
_texts: Final = attrgetter(*_TEXTS)
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_Object = dict[str, Any]


def write_entry(entry: Entry) -> str:
    """Write an entry as JSON, in ASCII only; its revision, and when it was heard of, are the store's to keep."""
    text = f'{{"reservation":{_reservation(entry.reservation)}'
    if entry.version is not None:
        text += f',"version":{entry.version:d}'
    if entry.platform_time is not None:
        text += f',"platform_time":"{entry.platform_time.isoformat()}"'
    if entry.doubt is not None:
        text += f',"doubt":"{entry.doubt}"'
    if entry.deleted:
        text += ',"deleted":true'
    if (intent := entry.intent) is not None:
        text += f',"intent":{{"token":{_quote(intent.token)},"form":{_encode(intent.command.form())},"reservation":{_reservation(intent.reservation)}'
        text += f',"route":"{intent.route}","created_at":"{intent.created_at.isoformat()}"}}'
    return text + "}"


def read_entry(text: str, revision: int, refreshed_at: datetime) -> Entry:
    """Read an entry back."""
    body: _Object = json.loads(text)
    get = body.get
    return Entry(
        reservation=_read_reservation(body["reservation"]),
        revision=revision,
        refreshed_at=refreshed_at,
        version=get("version"),
        platform_time=_read_date(get("platform_time")),
        doubt=Doubt(body["doubt"]) if "doubt" in body else None,
        deleted="deleted" in body,
        intent=_read_intent(body["intent"]) if "intent" in body else None,
    )


def write_line(line: HistoryLine) -> str:
    """Write a line as JSON, in ASCII only; its SID, its event, and when it was written, are the store's to keep."""
    text = f'{{"source":"{line.source}","outcome":"{line.outcome}"'
    if line.type:
        text += f',"type":{_quote(line.type)}'
    if line.status is not None:
        text += f',"status":"{line.status}"'
    if line.version is not None:
        text += f',"version":{line.version:d}'
    if line.platform_time is not None:
        text += f',"platform_time":"{line.platform_time.isoformat()}"'
    return text + "}"


_OUTCOMES: Final[Mapping[str, Verdict | Ending]] = {
    word.value: word for word in (*Verdict, *Ending)
}


def read_line(text: str, sid: str, event: str | None, at: datetime) -> HistoryLine:
    """Read a line back."""
    body: _Object = json.loads(text)
    get = body.get
    return HistoryLine(
        sid=sid,
        recorded_at=at,
        source=ReportSource(body["source"]),
        outcome=_OUTCOMES[body["outcome"]],
        type=get("type", ""),
        event_key=event,
        status=_STATUSES[body["status"]] if "status" in body else None,
        version=get("version"),
        platform_time=_read_date(get("platform_time")),
    )


def _reservation(reservation: Reservation) -> str:
    text = f'{{"status":"{reservation.status}"'
    for name, value in zip(_TEXTS, _texts(reservation), strict=True):
        if value is not None:
            text += f',"{name}":{_quote(value)}'
    if reservation.date_created is not None:
        text += f',"date_created":"{reservation.date_created.isoformat()}"'
    if reservation.date_updated is not None:
        text += f',"date_updated":"{reservation.date_updated.isoformat()}"'
    if reservation.links is not None:
        text += f',"links":{_encode(reservation.links.pairs)}'
    if reservation.on_hold:
        text += ',"on_hold":true'
    return text + "}"


_STATUSES: Final[Mapping[str, Status]] = {status.value: status for status in Status}


def _read_reservation(body: _Object) -> Reservation:
    get = body.get
    links = get("links")
    return Reservation(
        sid=get("sid"),
        account_sid=get("account_sid"),
        workspace_sid=get("workspace_sid"),
        task_sid=get("task_sid"),
        worker_sid=get("worker_sid"),
        worker_name=get("worker_name"),
        status=_STATUSES[body["status"]],
        date_created=_read_date(get("date_created")),
        date_updated=_read_date(get("date_updated")),
        url=get("url"),
        links=None if links is None else Links(tuple((name, link) for name, link in links)),
        etag=get("etag"),
        on_hold="on_hold" in body,
    )


def _read_intent(body: _Object) -> Intent:
    pairs = cast("list[list[str]]", body["form"])
    return Intent(
        token=body["token"],
        command=Command.from_form((name, value) for name, value in pairs),
        reservation=_read_reservation(body["reservation"]),
        route=Route(body["route"]),
        created_at=datetime.fromisoformat(body["created_at"]),
    )


def _read_date(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
