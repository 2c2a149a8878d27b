"""Entries and history lines as JSON documents.

A document leaves out fields that are ``None``, and those that a store keeps in columns: the
revision and time of an entry, and the SID, event and time of a history line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

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

_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    Entry: ("reservation", "version", "platform_time", "doubt", "deleted", "intent"),
    HistoryLine: ("source", "outcome", "type", "status", "version", "platform_time"),
    Intent: ("token", "command", "reservation", "route", "created_at"),
    Reservation: tuple(field.name for field in attrs.fields(Reservation)),
}
_OUTCOMES: Final[Mapping[str, Verdict | Ending]] = {
    word.value: word for word in (*Verdict, *Ending)
}


def write_entry(entry: Entry) -> str:
    """Return an entry as JSON text in ASCII."""
    return _encode(_to_json(entry))


def read_entry(document: str, revision: int, refreshed_at: datetime) -> Entry:
    """Return the entry of a document."""
    body = json.loads(document)
    get = body.get
    return Entry(
        reservation=_read_reservation(body["reservation"]),
        revision=revision,
        refreshed_at=refreshed_at,
        version=get("version"),
        platform_time=_read_time(get("platform_time")),
        doubt=Doubt(body["doubt"]) if "doubt" in body else None,
        deleted=body["deleted"],
        intent=_read_intent(body["intent"]) if "intent" in body else None,
    )


def write_line(line: HistoryLine) -> str:
    """Return a history line as JSON text in ASCII."""
    return _encode(_to_json(line))


def read_line(document: str, sid: str, event_key: str | None, recorded_at: datetime) -> HistoryLine:
    """Return the history line of a document."""
    body = json.loads(document)
    get = body.get
    return HistoryLine(
        sid=sid,
        recorded_at=recorded_at,
        source=ReportSource(body["source"]),
        outcome=_OUTCOMES[body["outcome"]],
        type=body["type"],
        event_key=event_key,
        status=Status(body["status"]) if "status" in body else None,
        version=get("version"),
        platform_time=_read_time(get("platform_time")),
    )


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Links):
        return value.pairs
    if isinstance(value, Command):
        return value.form()
    names = _FIELDS[type(value)]
    return {name: field for name in names if (field := getattr(value, name)) is not None}


_encode: Final = json.JSONEncoder(
    separators=(",", ":"), default=_to_json, check_circular=False
).encode


def _read_reservation(body: dict[str, Any]) -> Reservation:
    for name in ("date_created", "date_updated"):
        if name in body:
            body[name] = datetime.fromisoformat(body[name])
    if "links" in body:
        body["links"] = Links(tuple((name, link) for name, link in body["links"]))
    return Reservation(**body)


def _read_intent(body: dict[str, Any]) -> Intent:
    return Intent(
        token=body["token"],
        command=Command.from_form((name, value) for name, value in body["command"]),
        reservation=_read_reservation(body["reservation"]),
        route=Route(body["route"]),
        created_at=datetime.fromisoformat(body["created_at"]),
    )


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
