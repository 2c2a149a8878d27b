"""Tables and statements of the SQLite store, and their parameters.

Times are stored as microseconds since 1970, in UTC. Lists are passed to a statement as one JSON
text (``json_each``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from reservation_core.book.records import Change
from reservation_core.book.stores.documents import write_entry, write_line
from reservation_core.book.stores.port import Claim

Row: TypeAlias = tuple[str | int | None, ...]

JOURNAL_MODE: Final = "PRAGMA journal_mode = WAL"
FILE_SETTINGS: Final = ("PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON")
FILE_VERSION: Final = "PRAGMA user_version"
MIGRATIONS: Final = (
    (
        """
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY,
            sid TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            document TEXT NOT NULL,
            live INTEGER NOT NULL,
            doubtful INTEGER NOT NULL,
            refreshed_at INTEGER NOT NULL,
            intent_created_at INTEGER,
            claimed_until INTEGER
        )
        """,
        "CREATE INDEX entry_due ON entry (refreshed_at) WHERE live OR doubtful",
        """
        CREATE INDEX entry_ended ON entry (refreshed_at)
        WHERE NOT live AND intent_created_at IS NULL
        """,
        """
        CREATE INDEX entry_open ON entry (intent_created_at) WHERE intent_created_at IS NOT NULL
        """,
        """
        CREATE TABLE line (
            number INTEGER PRIMARY KEY,
            entry INTEGER NOT NULL REFERENCES entry (id),
            recorded_at INTEGER NOT NULL,
            event_key TEXT,
            document TEXT NOT NULL,
            UNIQUE (entry, event_key)
        )
        """,
    ),
)
"""Statements that bring the tables from each version to the next; ``user_version`` has the version.

A row of ``entry`` with revision 0 is a placeholder: only the history of that reservation exists. A
line refers to its entry by ``id`` and not by SID. So the lines of reservations that began at about
the same time are next to each other, and a commit writes few pages.
"""

ENTRIES: Final = """
    SELECT sid, document, revision, refreshed_at FROM entry
    WHERE revision IS NOT 0 AND sid IN (SELECT value FROM json_each(?))
"""
EVENTS: Final = """
    WITH wanted (sid, event_key) AS (
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
    )
    SELECT wanted.sid, wanted.event_key FROM wanted CROSS JOIN entry USING (sid)
    CROSS JOIN line ON line.entry = entry.id AND line.event_key = wanted.event_key
"""
REVISIONS: Final = "SELECT sid, revision FROM entry WHERE sid IN (SELECT value FROM json_each(?))"
PUT_ENTRY: Final = """
    INSERT INTO entry (sid, revision, document, live, doubtful, refreshed_at, intent_created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (sid) DO UPDATE SET
        revision = excluded.revision, document = excluded.document, live = excluded.live,
        doubtful = excluded.doubtful, refreshed_at = excluded.refreshed_at,
        intent_created_at = excluded.intent_created_at,
        claimed_until = CASE WHEN excluded.intent_created_at IS NOT NULL THEN claimed_until END
    WHERE excluded.revision >= revision
"""
ADD_LINE: Final = """
    INSERT INTO line (entry, recorded_at, event_key, document)
    SELECT id, ?, ?, ? FROM entry WHERE sid = ? ON CONFLICT DO NOTHING
"""
LIVE: Final = """
    SELECT sid, document, revision, refreshed_at FROM entry
    WHERE live AND sid > ? ORDER BY sid LIMIT ?
"""
LAST_LIVE: Final = "SELECT sid FROM entry WHERE live ORDER BY sid DESC LIMIT 1"
HISTORY: Final = """
    SELECT line.document, event_key, recorded_at FROM entry JOIN line ON line.entry = entry.id
    WHERE sid = ? ORDER BY number
"""
_IS_DUE: Final = "(live OR doubtful) AND (doubtful OR refreshed_at < :before)"
_IS_OPEN: Final = "intent_created_at IS NOT NULL AND intent_created_at < :before"
CLAIMS: Final = {
    claim: f"""
        UPDATE entry SET claimed_until = :until WHERE sid IN (
            SELECT sid FROM entry
            WHERE {condition} AND (claimed_until IS NULL OR claimed_until <= :now)
            ORDER BY {since}, sid LIMIT :limit
        ) RETURNING sid, document, revision, refreshed_at, {since} AS since
    """  # noqa: S608 - of constants
    for claim, condition, since in (
        (Claim.DUE, _IS_DUE, "refreshed_at"),
        (Claim.OPEN, _IS_OPEN, "intent_created_at"),
    )
}
_ENDED: Final = """
    NOT live AND intent_created_at IS NULL AND refreshed_at < :before
    AND NOT (revision = 0 AND EXISTS (
        SELECT 1 FROM line WHERE line.entry = entry.id AND line.recorded_at >= :before
    ))
"""
PURGE: Final = (
    f"DELETE FROM line WHERE entry IN (SELECT id FROM entry WHERE {_ENDED})",  # noqa: S608 - of constants
    f"DELETE FROM entry WHERE revision = 0 AND {_ENDED}",  # noqa: S608 - of constants
    f"DELETE FROM entry WHERE {_ENDED}",  # noqa: S608 - of constants
)
"""Deletes of lines, of placeholders, and of entries; the last one counts."""

DELETE: Final = (
    "DELETE FROM line WHERE entry IN (SELECT id FROM entry WHERE sid = ?)",
    "DELETE FROM entry WHERE sid = ?",
)
"""Deletes of the lines and of the entry of one reservation."""

CHECKPOINT: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
"""Moves the write-ahead log into the file and empties it, unless another process is using it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Convert a time to microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Convert microseconds since 1970 to a time."""
    return _EPOCH + timedelta(microseconds=micros)


def entry_row(change: Change) -> Row:
    """Return the parameters of ``PUT_ENTRY``, with a placeholder for a missing entry."""
    entry = change.entry
    if entry is None:
        return (change.sid, 0, "", False, False, 0, None)
    return (
        change.sid,
        entry.revision,
        write_entry(entry),
        entry.is_live,
        entry.doubt is not None,
        to_micros(entry.refreshed_at),
        None if entry.intent is None else to_micros(entry.intent.created_at),
    )


def line_rows(change: Change) -> Sequence[Row]:
    """Return the parameters of ``ADD_LINE`` for each line of a change."""
    return [
        (to_micros(line.recorded_at), line.event_key, write_line(line), change.sid)
        for line in change.lines
    ]
