"""Entries and history lines as JSON documents.

A document leaves out fields that are ``None``, and those that a store keeps in columns: the
revision and time of an entry, and the SID, event and time of a history line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
"""Fields of each class that are in a document."""


def write_entry(entry: Entry) -> str:
    """Return an entry as JSON text in ASCII."""
    return _encode(_to_json(entry))


def write_line(line: HistoryLine) -> str:
    """Return a history line as JSON text in ASCII."""
    return _encode(_to_json(line))


def read_entry(document: str, revision: int, refreshed_at: datetime) -> Entry:
    """Return the entry of a document."""
    fields = _read_fields(json.loads(document))
    return Entry(revision=revision, refreshed_at=refreshed_at, **fields)


def read_line(document: str, sid: str, event_key: str | None, recorded_at: datetime) -> HistoryLine:
    """Return the history line of a document."""
    fields = _read_fields(json.loads(document))
    return HistoryLine(sid=sid, event_key=event_key, recorded_at=recorded_at, **fields)


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


def _read_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _READERS[name](value) if name in _READERS else value for name, value in body.items()
    }


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "reservation": lambda body: Reservation(**_read_fields(body)),
    "intent": lambda body: Intent(**_read_fields(body)),
    "command": lambda form: Command.from_form(map(tuple, form)),
    "links": lambda pairs: Links(tuple(map(tuple, pairs))),
    "status": Status,
    "doubt": Doubt,
    "source": ReportSource,
    "outcome": {word.value: word for word in (*Verdict, *Ending)}.__getitem__,
    "route": Route,
    "created_at": datetime.fromisoformat,
    "date_created": datetime.fromisoformat,
    "date_updated": datetime.fromisoformat,
    "platform_time": datetime.fromisoformat,
}
"""Conversion of each field whose type JSON does not have."""
