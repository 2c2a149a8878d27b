"""What is said to PostgreSQL, and how its answers are read: the half of that store which needs no driver.

Each change is one statement, so that it is kept whole or not at all, and many of them can be sent without waiting for the answers.
One node at a time writes of a reservation, under an advisory lock; changes are sent in the order of their SIDs, so that of two nodes that
write of the same reservations neither waits for the other for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, TypeAlias

from reservation_core.book.records import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    StoreFailed,
)
from reservation_core.book.stores.documents import read_entry, read_line, write_entry, write_line
from reservation_core.book.stores.port import Claim

Statement: TypeAlias = tuple[bytes, Mapping[str, object]]
Rows: TypeAlias = Sequence[Sequence[Any]]
"""The rows that one statement gives."""

CHANNEL: Final = "reservation_book"
"""Where the SID of an entry is told when it comes into doubt."""

LISTEN: Final = f"LISTEN {CHANNEL}".encode()

ISOLATION: Final = b"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""What every connection is told first, whatever the database's default is: who waited for a lock is to see what was written meanwhile."""

_MIGRATIONS: Final = (
    b"""
    CREATE TABLE reservation_book_entry (
        sid text PRIMARY KEY,
        revision bigint NOT NULL,
        document json NOT NULL,
        live boolean NOT NULL,
        doubtful boolean NOT NULL,
        refreshed_at timestamptz NOT NULL,
        intended timestamptz,
        claimed timestamptz
    ) WITH (fillfactor = 80);
    CREATE INDEX ON reservation_book_entry (refreshed_at) WHERE live OR doubtful;
    CREATE INDEX ON reservation_book_entry (refreshed_at) WHERE NOT live AND intended IS NULL;
    CREATE INDEX ON reservation_book_entry (intended) WHERE intended IS NOT NULL;
    CREATE TABLE reservation_book_line (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sid text NOT NULL,
        at timestamptz NOT NULL,
        event text,
        document json NOT NULL,
        UNIQUE (sid, event)
    );
    """,
)
"""What makes the tables of one version those of the next; the version table tells how many were made."""

_LOCK: Final = 0x7265_7365_7276  # any number, but always the same

VERSION: Final[Statement] = (b"SELECT coalesce(max(version), 0) FROM reservation_book_version", {})
BEFORE_MIGRATING: Final[Sequence[Statement]] = (
    (
        b"SELECT pg_advisory_xact_lock(%(lock)s)",
        {"lock": _LOCK},
    ),  # of several nodes one migrates, and the others find it done
    (b"CREATE TABLE IF NOT EXISTS reservation_book_version (version integer PRIMARY KEY)", {}),
)


def migrations(rows: Rows) -> Sequence[Statement]:
    """Give what is to be done after :data:`VERSION` was asked for, in the same transaction.

    :raises StoreFailed: when the tables are of a later version.
    """
    ((version,),) = rows
    if version > len(_MIGRATIONS):
        raise StoreFailed(
            f"its tables are of version {version}, and this library knows {len(_MIGRATIONS)}"
        )
    wanted: list[Statement] = []
    for number, migration in enumerate(_MIGRATIONS[version:], version + 1):
        wanted += (
            (migration, {}),
            (b"INSERT INTO reservation_book_version VALUES (%(number)s)", {"number": number}),
        )
    return wanted


_EVENTS: Final = b"""
    SELECT sid, event FROM unnest(%(sids)s::text[], %(events)s::text[]) AS asked (sid, event)
    JOIN reservation_book_line USING (sid, event)
"""


def look_up(sids: Sequence[str], events: Sequence[EventRef]) -> Sequence[Statement]:
    """Ask for entries and for events."""
    return (
        (
            b"SELECT document::text, revision, refreshed_at FROM reservation_book_entry WHERE sid = ANY(%(sids)s)",
            {"sids": list(sids)},
        ),
        (_EVENTS, {"sids": [sid for sid, _ in events], "events": [event for _, event in events]}),
    )


def read_known(entries: Rows, events: Rows) -> LookupResult:
    """Read what was found."""
    held = read_entries(entries)
    return LookupResult(
        {entry.sid: entry for entry in held}, frozenset((sid, event) for sid, event in events)
    )


def read_entries(rows: Rows) -> Sequence[Entry]:
    """Read entries, of each its document, its revision, and when it was refreshed_at of."""
    return [
        read_entry(document, revision, refreshed_at.astimezone(UTC))
        for document, revision, refreshed_at, *_ in rows
    ]


_ALONE: Final = f"(SELECT pg_advisory_xact_lock(hashtextextended(%(sid)s, {_LOCK}))) AS alone"
_INSERT: Final = f"""
    INSERT INTO reservation_book_entry (sid, revision, document, live, doubtful, refreshed_at, intended)
    SELECT %(sid)s, %(revision)s, %(document)s::json, %(live)s, %(doubtful)s, %(refreshed_at)s, %(intended)s::timestamptz FROM {_ALONE}
    ON CONFLICT DO NOTHING RETURNING sid
"""  # noqa: S608 - of our own words
_UPDATE: Final = f"""
    UPDATE reservation_book_entry
    SET revision = %(revision)s, document = %(document)s, live = %(live)s, doubtful = %(doubtful)s, refreshed_at = %(refreshed_at)s,
        intended = %(intended)s, claimed = CASE WHEN %(intended)s::timestamptz IS NULL THEN NULL ELSE claimed END
    FROM {_ALONE} WHERE sid = %(sid)s AND revision = %(expected)s RETURNING sid
"""  # noqa: S608
_NO_ENTRY: Final = f"SELECT %(sid)s::text AS sid FROM {_ALONE}"  # noqa: S608


def _keeping(what: str) -> bytes:
    return f"""
        WITH kept AS ({what}),
        added AS (
            INSERT INTO reservation_book_line (sid, at, event, document)
            SELECT kept.sid, line.at, line.event, line.document::json
            FROM kept, unnest(%(ats)s::timestamptz[], %(events)s::text[], %(lines)s::text[])
                WITH ORDINALITY AS line (at, event, document, place)
            ORDER BY line.place ON CONFLICT DO NOTHING
        )
        SELECT count(*), count(CASE WHEN %(doubtful)s THEN pg_notify('{CHANNEL}', sid)::text END) FROM kept
    """.encode()  # noqa: S608 - of our own words


_KEEP_NEW, _KEEP_NEXT, _KEEP_LINES = _keeping(_INSERT), _keeping(_UPDATE), _keeping(_NO_ENTRY)


def order(changes: Sequence[Change]) -> Sequence[int]:
    """Give the order in which changes are sent."""
    return sorted(range(len(changes)), key=lambda place: changes[place].sid)


def write(change: Change) -> Statement:
    """Keep a change; the one row tells first whether it was."""
    entry = change.entry
    values: dict[str, object] = {
        "sid": change.sid,
        "ats": [line.recorded_at for line in change.lines],
        "events": [line.event_key for line in change.lines],
        "lines": [write_line(line) for line in change.lines],
        "doubtful": entry is not None and entry.doubt is not None,
    }
    if entry is None:
        return _KEEP_LINES, values
    values |= {
        "expected": change.expected_revision,
        "revision": entry.revision,
        "document": write_entry(entry),
        "live": entry.is_live,
        "refreshed_at": entry.refreshed_at,
        "intended": None if entry.intent is None else entry.intent.created_at,
    }
    return _KEEP_NEXT if change.expected_revision else _KEEP_NEW, values


def read_kept(places: Sequence[int], answers: Sequence[Rows]) -> Sequence[bool]:
    """Read which changes were kept, in their own order again."""
    taken = {place: answer[0][0] == 1 for place, answer in zip(places, answers, strict=True)}
    return [taken[place] for place in range(len(places))]


_CLAIMS: Final = {
    what: f"""
        WITH waiting AS MATERIALIZED (
            SELECT sid FROM reservation_book_entry
            WHERE {waits} AND (claimed IS NULL OR claimed <= %(now)s) ORDER BY {since}, sid LIMIT %(most)s FOR UPDATE SKIP LOCKED
        )
        UPDATE reservation_book_entry SET claimed = %(until)s FROM waiting WHERE reservation_book_entry.sid = waiting.sid
        RETURNING document::text, revision, refreshed_at, {since}, reservation_book_entry.sid
    """.encode()  # noqa: S608 - of our own words
    for what, waits, since in (
        (
            Claim.DUE,
            "(live OR doubtful) AND (doubtful OR refreshed_at < %(before)s)",
            "refreshed_at",
        ),
        (Claim.OPEN, "intended IS NOT NULL AND intended < %(before)s", "intended"),
    )
}


def claim(what: Claim, before: datetime, now: datetime, until: datetime, limit: int) -> Statement:
    """Claim, passing over what another is claiming at this moment."""
    return _CLAIMS[what], {"before": before, "now": now, "until": until, "most": limit}


def read_claimed(rows: Rows) -> Sequence[Entry]:
    """Read what was claimed, longest waiting first."""
    return read_entries(sorted(rows, key=itemgetter(3, 4)))


def live(after: str, limit: int) -> Statement:
    """Ask for the next live entries; by the bytes of their SIDs, whatever order the database's language has."""
    select = b'SELECT document::text, revision, refreshed_at FROM reservation_book_entry WHERE live AND sid COLLATE "C" > %(after)s'
    return select + b' ORDER BY sid COLLATE "C" LIMIT %(most)s', {"after": after, "most": limit}


def history(sid: str) -> Statement:
    """Ask for a history."""
    return (
        b"SELECT document::text, sid, event, at FROM reservation_book_line WHERE sid = %(sid)s ORDER BY number",
        {"sid": sid},
    )


def read_history(rows: Rows) -> Sequence[HistoryLine]:
    """Read a history."""
    return [
        read_line(document, sid, event, at.astimezone(UTC)) for document, sid, event, at in rows
    ]


def purge(before: datetime) -> Sequence[Statement]:
    """Delete what ended, passing over what another writes at this moment, so that neither waits; the first answer counts the entries."""
    values = {"before": before}
    return (
        (
            b"""
            WITH free AS MATERIALIZED (
                SELECT sid FROM reservation_book_entry
                WHERE NOT live AND intended IS NULL AND refreshed_at < %(before)s FOR UPDATE SKIP LOCKED
            ), ended AS (
                DELETE FROM reservation_book_entry USING free WHERE reservation_book_entry.sid = free.sid
                RETURNING reservation_book_entry.sid
            ), lines AS (DELETE FROM reservation_book_line USING ended WHERE reservation_book_line.sid = ended.sid)
            SELECT count(*) FROM ended
            """,
            values,
        ),
        (
            b"""
            WITH alone AS (
                DELETE FROM reservation_book_line AS line WHERE at < %(before)s
                AND NOT EXISTS (SELECT FROM reservation_book_entry AS entry WHERE entry.sid = line.sid)
                AND NOT EXISTS (SELECT FROM reservation_book_line AS later WHERE later.sid = line.sid AND later.at >= %(before)s)
                RETURNING sid
            ) SELECT count(*) FROM alone
            """,
            values,
        ),
    )
