"""Entries and history lines as JSON texts.

The texts are documents (:mod:`reservation_core.domain.documents`) without what a store keeps in
columns: the revision and time of an entry, and the SID, event and time of a history line.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from reservation_core.book.records import Entry, HistoryLine

_ENTRY_COLUMNS: Final = ("revision", "refreshed_at")
_LINE_COLUMNS: Final = ("sid", "event_key", "recorded_at")
_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def write_entry(entry: Entry) -> str:
    """Return an entry as JSON text in ASCII."""
    return _without(entry.to_dict(), _ENTRY_COLUMNS)


def write_line(line: HistoryLine) -> str:
    """Return a history line as JSON text in ASCII."""
    return _without(line.to_dict(), _LINE_COLUMNS)


def _without(document: dict[str, object], columns: tuple[str, ...]) -> str:
    return _encode({name: value for name, value in document.items() if name not in columns})


def read_entry(document: str, revision: int, refreshed_at: datetime) -> Entry:
    """Return the entry of a document."""
    columns = {"revision": revision, "refreshed_at": refreshed_at.isoformat()}
    return Entry.from_dict(json.loads(document) | columns)


def read_line(document: str, sid: str, event_key: str | None, recorded_at: datetime) -> HistoryLine:
    """Return the history line of a document."""
    columns = {"sid": sid, "event_key": event_key, "recorded_at": recorded_at.isoformat()}
    return HistoryLine.from_dict(json.loads(document) | columns)
