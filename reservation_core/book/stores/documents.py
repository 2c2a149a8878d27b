"""Entries and history lines as JSON texts.

The texts are documents (:mod:`reservation_core.domain.documents`) without what a store keeps in
columns: the revision and time of an entry, and the SID, event and time of a history line.

Every store reads its documents here. What cannot be read becomes an :class:`UnreadableEntry`, so
that a damaged entry stops no sweep.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from reservation_core.book.errors import UnreadableEntry
from reservation_core.book.records import Entry, HistoryLine, StoredEntry
from reservation_core.domain.errors import InvalidDocument, ReservationError

_ENTRY_COLUMNS: Final = ("revision", "refreshed_at")
_LINE_COLUMNS: Final = ("sid", "event_key", "recorded_at")
_UNREADABLE: Final = (
    ReservationError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)
"""Errors of documents and columns that hold anything."""

_LAST_REVISION: Final = 2**63 - 1
"""The largest integer of a database. No other revision can follow it."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def write_entry(entry: Entry) -> str:
    """Return an entry as JSON text in ASCII."""
    return _without(entry.to_dict(), _ENTRY_COLUMNS)


def write_line(line: HistoryLine) -> str:
    """Return a history line as JSON text in ASCII."""
    return _without(line.to_dict(), _LINE_COLUMNS)


def _without(document: dict[str, object], columns: tuple[str, ...]) -> str:
    return _encode({name: value for name, value in document.items() if name not in columns})


def read_entry(
    sid: object, document: object, revision: object, refreshed_at: Callable[[], datetime]
) -> StoredEntry:
    """Return the entry of a document, or an error.

    The parameters are as they were stored, of any type.

    :param refreshed_at: returns the time.
    """
    try:
        columns = {"revision": revision, "refreshed_at": refreshed_at().isoformat()}
        entry = Entry.from_dict(_load(document) | columns)
        if entry.sid != sid or not 1 <= entry.revision < _LAST_REVISION:
            return UnreadableEntry("its SID or its revision is wrong", str(sid))
    except _UNREADABLE as error:
        return UnreadableEntry(_describe(error), str(sid))
    return entry


def read_line(
    sid: str, document: object, event_key: object, recorded_at: Callable[[], datetime]
) -> HistoryLine:
    """Return the history line of a document.

    :param recorded_at: returns the time.
    :raises UnreadableEntry: for a damaged one.
    """
    try:
        columns = {"sid": sid, "event_key": event_key, "recorded_at": recorded_at().isoformat()}
        return HistoryLine.from_dict(_load(document) | columns)
    except _UNREADABLE as error:
        raise UnreadableEntry(f"in its history {_describe(error)}", sid) from None


def _load(document: object) -> dict[str, object]:
    if not (isinstance(document, str) and document.isascii()):
        raise TypeError
    loaded: dict[str, object] = json.loads(document)
    return loaded


def _describe(error: Exception) -> str:
    """Return the reason without any value."""
    if isinstance(error, InvalidDocument):
        return ", ".join(error.faults)
    if isinstance(error, ReservationError):
        return f"its command is not valid ({type(error).__name__})"
    return f"a document or a column is damaged ({type(error).__name__})"
