"""Tables and statements of the PostgreSQL store, and reading of rows.

A change is one statement, so it is written whole or not at all, and many can be sent without
waiting for each answer. An advisory lock for each reservation makes nodes take turns. Changes are
sent in the order of their SIDs, so that two nodes never wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from reservation_core.book.errors import StoreFailed
from reservation_core.book.records import (
    Change,
    EventRef,
    HistoryLine,
    LookupResult,
    StoredEntry,
)
from reservation_core.book.stores.documents import read_entry, read_line, write_entry, write_line
from reservation_core.book.stores.port import Claim

_T_co = TypeVar("_T_co", covariant=True)

Statement: TypeAlias = tuple[bytes, Mapping[str, object]]
Rows: TypeAlias = Sequence[Sequence[Any]]
"""Rows of one statement."""


@attrs.frozen
class Query(Generic[_T_co]):
    """Statements of one transaction, and how their rows are read.

    :param read: is called with the rows of each statement, in order.
    :param takes_any_time: true if its statements have no limit of time.
    """

    statements: Sequence[Statement] = attrs.field(repr=False)  # with what is written
    read: Callable[[Sequence[Rows]], _T_co]
    takes_any_time: bool = False

    def seconds(self, timeout: float) -> float | None:
        """Return the seconds for a connection and the statements. ``None`` for any time.

        :param timeout: seconds that each of them may take.
        """
        return None if self.takes_any_time else timeout * (1 + len(self.statements))


CHANNEL: Final = "reservation_book"
"""Channel that is notified with the SID of an entry that comes into doubt."""

LISTEN: Final = f"LISTEN {CHANNEL}".encode()

_ISOLATION: Final = b"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
_TIMEOUTS: Final = b"""
    SELECT set_config('lock_timeout', %(milliseconds)s, false),
        set_config('statement_timeout', %(milliseconds)s, false)
"""


def configuration(timeout: float) -> Sequence[Statement]:
    """Return the first statements of each connection.

    A node that waited for a lock must see what was written meanwhile, also in a database with
    another default isolation level.

    :param timeout: seconds that a statement may take, and may wait for a lock.
    """
    milliseconds = str(max(1, round(timeout * 1000)))
    return (_ISOLATION, {}), (_TIMEOUTS, {"milliseconds": milliseconds})


_MIGRATIONS: Final = (
    b"""
    CREATE TABLE reservation_book_entry (
        sid text PRIMARY KEY,
        revision bigint NOT NULL,
        document json NOT NULL,
        live boolean NOT NULL,
        doubtful boolean NOT NULL,
        refreshed_at timestamptz NOT NULL,
        intent_created_at timestamptz,
        claimed_until timestamptz
    ) WITH (fillfactor = 80);
    CREATE INDEX ON reservation_book_entry (refreshed_at) WHERE live OR doubtful;
    CREATE INDEX ON reservation_book_entry (refreshed_at)
        WHERE NOT live AND intent_created_at IS NULL;
    CREATE INDEX ON reservation_book_entry (intent_created_at)
        WHERE intent_created_at IS NOT NULL;
    CREATE TABLE reservation_book_line (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sid text NOT NULL,
        recorded_at timestamptz NOT NULL,
        event_key text,
        document json NOT NULL,
        UNIQUE (sid, event_key)
    );
    """,
)
"""Statements that bring the tables from each version to the next; a table of its own has it."""

_LOCK: Final = 0x7265_7365_7276  # an arbitrary constant

VERSION: Final[Statement] = (b"SELECT coalesce(max(version), 0) FROM reservation_book_version", {})
_TAKE_ANY_TIME: Final = b"SELECT set_config('statement_timeout', '0', true)"
"""Lifts the limit of time of a transaction that may change a lot. That of locks stays."""

BEFORE_MIGRATING: Final[Sequence[Statement]] = (
    (_TAKE_ANY_TIME, {}),
    # One node migrates; the others wait, and find it done.
    (b"SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK}),
    (b"CREATE TABLE IF NOT EXISTS reservation_book_version (version integer PRIMARY KEY)", {}),
)


def migrations(version_rows: Rows) -> Sequence[Statement]:
    """Return the statements that bring the tables to the present version.

    :param version_rows: the rows of :data:`VERSION`, read in the same transaction.
    :raises StoreFailed: if the tables are of a later version.
    """
    ((version,),) = version_rows
    known = len(_MIGRATIONS)
    if version > known:
        raise StoreFailed(f"its tables are of version {version}, and this library knows {known}")
    missing: list[Statement] = []
    for number, migration in enumerate(_MIGRATIONS[version:], version + 1):
        insert = b"INSERT INTO reservation_book_version VALUES (%(number)s)"
        missing += ((migration, {}), (insert, {"number": number}))
    return missing


def _time_text(column: str) -> str:
    """Return the expression of a time as text in ISO 8601.

    Not every time of the database is one of Python.
    """
    return f"to_json({column}) #>> '{{}}'"


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_COLUMNS: Final = f"sid, document::text, revision, {_time_text('refreshed_at')}"


def _entries(rows: Rows) -> Sequence[StoredEntry]:
    return [
        read_entry(sid, document, revision, partial(_read_time, refreshed_at))
        for sid, document, revision, refreshed_at, *_ in rows
    ]


_ENTRIES: Final = f"""
    SELECT {_COLUMNS} FROM reservation_book_entry WHERE sid = ANY(%(sids)s)
""".encode()  # noqa: S608 - of constants
_EVENTS: Final = b"""
    SELECT sid, event_key
    FROM unnest(%(sids)s::text[], %(event_keys)s::text[]) AS wanted (sid, event_key)
    JOIN reservation_book_line USING (sid, event_key)
"""


def look_up(sids: Sequence[str], events: Sequence[EventRef]) -> Query[LookupResult]:
    """Find entries and events."""

    def read(results: Sequence[Rows]) -> LookupResult:
        return LookupResult.of(_entries(results[0]), ((sid, key) for sid, key in results[1]))

    values = {"sids": [sid for sid, _ in events], "event_keys": [key for _, key in events]}
    return Query(((_ENTRIES, {"sids": list(sids)}), (_EVENTS, values)), read)


_TURN: Final = f"(SELECT pg_advisory_xact_lock(hashtextextended(%(sid)s, {_LOCK}))) AS turn"
_INSERT: Final = f"""
    INSERT INTO reservation_book_entry
        (sid, revision, document, live, doubtful, refreshed_at, intent_created_at)
    SELECT %(sid)s, %(revision)s, %(document)s::json, %(live)s, %(doubtful)s, %(refreshed_at)s,
        %(intent_created_at)s::timestamptz FROM {_TURN}
    ON CONFLICT DO NOTHING RETURNING sid
"""  # noqa: S608 - of constants
_UPDATE: Final = f"""
    UPDATE reservation_book_entry
    SET revision = %(revision)s, document = %(document)s, live = %(live)s,
        doubtful = %(doubtful)s, refreshed_at = %(refreshed_at)s,
        intent_created_at = %(intent_created_at)s, claimed_until =
            CASE WHEN %(intent_created_at)s::timestamptz IS NOT NULL THEN claimed_until END
    FROM {_TURN} WHERE sid = %(sid)s AND revision = %(revision)s - 1 RETURNING sid
"""  # noqa: S608 - of constants
_LINES_ONLY: Final = f"SELECT %(sid)s::text AS sid FROM {_TURN}"  # noqa: S608 - of constants


def _with_lines(write_entry: str) -> bytes:
    return f"""
        WITH written AS ({write_entry}),
        added AS (
            INSERT INTO reservation_book_line (sid, recorded_at, event_key, document)
            SELECT written.sid, line.recorded_at, line.event_key, line.document::json
            FROM written,
                unnest(%(times)s::timestamptz[], %(event_keys)s::text[], %(lines)s::text[])
                WITH ORDINALITY AS line (recorded_at, event_key, document, place)
            ORDER BY line.place ON CONFLICT DO NOTHING
        )
        SELECT count(*),
            count(CASE WHEN %(doubtful)s THEN pg_notify('{CHANNEL}', sid)::text END) FROM written
    """.encode()  # noqa: S608 - of constants


_WRITE_FIRST, _WRITE_NEXT, _WRITE_LINES = map(_with_lines, (_INSERT, _UPDATE, _LINES_ONLY))


def write(changes: Sequence[Change]) -> Query[Sequence[bool]]:
    """Write changes in one transaction, in the order of their SIDs."""
    order = sorted(range(len(changes)), key=lambda place: changes[place].sid)

    def read(results: Sequence[Rows]) -> Sequence[bool]:
        counts = {place: rows[0][0] for place, rows in zip(order, results, strict=True)}
        return [counts[place] > 0 for place in range(len(changes))]

    return Query([_write_one(changes[place]) for place in order], read)


def _write_one(change: Change) -> Statement:
    entry = change.entry
    values: dict[str, object] = {
        "sid": change.sid,
        "times": [line.recorded_at for line in change.lines],
        "event_keys": [line.event_key for line in change.lines],
        "lines": [write_line(line) for line in change.lines],
        "doubtful": entry is not None and entry.doubt is not None,
    }
    if entry is None:
        return _WRITE_LINES, values
    values |= {
        "revision": entry.revision,
        "document": write_entry(entry),
        "live": entry.is_live,
        "refreshed_at": entry.refreshed_at,
        "intent_created_at": None if entry.intent is None else entry.intent.created_at,
    }
    return _WRITE_FIRST if entry.revision == 1 else _WRITE_NEXT, values


_IS_DUE: Final = "(live OR doubtful) AND (doubtful OR refreshed_at < %(before)s)"
_IS_OPEN: Final = "intent_created_at IS NOT NULL AND intent_created_at < %(before)s"
_CLAIMS: Final = {
    claim: f"""
        WITH waiting AS MATERIALIZED (
            SELECT sid FROM reservation_book_entry
            WHERE {condition} AND (claimed_until IS NULL OR claimed_until <= %(now)s)
            ORDER BY {since}, sid LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE reservation_book_entry SET claimed_until = %(until)s
        FROM waiting WHERE reservation_book_entry.sid = waiting.sid
        RETURNING reservation_book_entry.{_COLUMNS}, extract(epoch FROM {since})::float8
    """.encode()  # noqa: S608 - of constants
    for claim, condition, since in (
        (Claim.DUE, _IS_DUE, "refreshed_at"),
        (Claim.OPEN, _IS_OPEN, "intent_created_at"),
    )
}


def _waiting_order(row: Sequence[Any]) -> tuple[float, str]:
    sid, *_, since = row  # without a time, if a SID has two rows
    return since or 0.0, sid


def claim(
    kind: Claim, before: datetime, now: datetime, until: datetime, limit: int
) -> Query[Sequence[StoredEntry]]:
    """Claim entries, longest waiting first, except those that another node is claiming."""
    values = {"before": before, "now": now, "until": until, "limit": limit}
    return Query(
        ((_CLAIMS[kind], values),),
        lambda results: _entries(sorted(results[0], key=_waiting_order)),
    )


_LIVE: Final = f"""
    SELECT {_COLUMNS} FROM reservation_book_entry
    WHERE live AND sid COLLATE "C" > %(after)s ORDER BY sid COLLATE "C" LIMIT %(limit)s
""".encode()  # noqa: S608 - of constants


_LAST_LIVE: Final = b"""
    SELECT coalesce(max(sid COLLATE "C"), '') FROM reservation_book_entry WHERE live
"""


def live(after: str, limit: int) -> Query[Sequence[StoredEntry]]:
    """Find the next live entries, ordered by SID in any locale."""
    values = {"after": after, "limit": limit}
    return Query(((_LIVE, values),), lambda results: _entries(results[0]))


def last_live() -> Query[str]:
    """Find the SID of the last live entry."""
    return Query(((_LAST_LIVE, {}),), lambda results: str(results[0][0][0]))


_HISTORY: Final = f"""
    SELECT document::text, event_key, {_time_text("recorded_at")} FROM reservation_book_line
    WHERE sid = %(sid)s ORDER BY number
""".encode()  # noqa: S608 - of constants


def history(sid: str) -> Query[Sequence[HistoryLine]]:
    """Read the history of a reservation."""

    def read(results: Sequence[Rows]) -> Sequence[HistoryLine]:
        return [
            read_line(sid, document, event_key, partial(_read_time, recorded_at))
            for document, event_key, recorded_at in results[0]
        ]

    return Query(((_HISTORY, {"sid": sid}),), read)


_LOCK_ENTRY: Final = f"SELECT turn FROM {_TURN}".encode()  # noqa: S608 - of constants
_DELETE: Final = b"""
    WITH expected AS MATERIALIZED (
        SELECT WHERE %(revision)s::bigint IS NULL OR %(revision)s = coalesce(
            (SELECT max(revision) FROM reservation_book_entry WHERE sid = %(sid)s), 0
        )
    ),
    entries AS (DELETE FROM reservation_book_entry USING expected WHERE sid = %(sid)s),
    lines AS (DELETE FROM reservation_book_line USING expected WHERE sid = %(sid)s)
    SELECT count(*) FROM expected
"""


def delete(sid: str, revision: int | None) -> Query[bool]:
    """Delete the entry and the history of a reservation.

    The lock is a statement of its own. So the next one sees what was written before.
    """
    values = {"sid": sid, "revision": revision}
    return Query(((_LOCK_ENTRY, values), (_DELETE, values)), lambda results: bool(results[1][0][0]))


_PURGE_ENTRIES: Final = b"""
    WITH free AS MATERIALIZED (
        SELECT sid FROM reservation_book_entry
        WHERE NOT live AND intent_created_at IS NULL AND refreshed_at < %(before)s
        FOR UPDATE SKIP LOCKED
    ), ended AS (
        DELETE FROM reservation_book_entry USING free WHERE reservation_book_entry.sid = free.sid
        RETURNING reservation_book_entry.sid
    ), lines AS (
        DELETE FROM reservation_book_line USING ended WHERE reservation_book_line.sid = ended.sid
    )
    SELECT count(*) FROM ended
"""
_PURGE_LINES: Final = b"""
    WITH deleted AS (
        DELETE FROM reservation_book_line AS line WHERE recorded_at < %(before)s
        AND NOT EXISTS (SELECT FROM reservation_book_entry AS entry WHERE entry.sid = line.sid)
        AND NOT EXISTS (
            SELECT FROM reservation_book_line AS later
            WHERE later.sid = line.sid AND later.recorded_at >= %(before)s
        )
        RETURNING sid
    ) SELECT count(*) FROM deleted
"""


def purge(before: datetime) -> Query[int]:
    """Delete and count ended entries, except those that another node writes.

    The next purge finds those. A purge that waited for a writer could make both wait for ever. It
    may take longer than other calls, as it may delete a lot.
    """
    values = {"before": before}
    statements: Sequence[Statement] = (
        (_TAKE_ANY_TIME, {}),
        (_PURGE_ENTRIES, values),
        (_PURGE_LINES, values),
    )
    return Query(statements, lambda results: results[1][0][0], takes_any_time=True)
