"""Store in the memory of this process, for tests and demos."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from reservation_core.book.records import Change, Entry, EventRef, HistoryLine, LookupResult
from reservation_core.book.stores.port import Claim


class MemoryStore:
    """Store that lasts as long as the process. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._lines: dict[str, list[HistoryLine]] = {}
        self._seen: set[EventRef] = set()
        self._claims: dict[str, datetime] = {}

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries and events."""
        with self._lock:
            entries = {sid: self._entries[sid] for sid in sids if sid in self._entries}
            return LookupResult(entries, frozenset(self._seen.intersection(events)))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes."""
        with self._lock:
            return [self._write(change) for change in changes]

    def _write(self, change: Change) -> bool:
        if change.entry is not None:
            present = self._entries.get(change.sid)
            if (present.revision if present else 0) != change.entry.revision - 1:
                return False
            self._entries[change.sid] = change.entry
            if change.entry.intent is None:
                self._claims.pop(change.sid, None)
        for line in change.lines:
            if line.event_key is not None:
                if (change.sid, line.event_key) in self._seen:
                    continue
                self._seen.add((change.sid, line.event_key))
            self._lines.setdefault(change.sid, []).append(line)
        return True

    def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """Claim entries."""
        with self._lock:
            waiting = sorted(
                (since, sid)
                for sid, entry in self._entries.items()
                if (since := _waiting_since(claim, entry, before)) is not None
                and self._claims.get(sid, now) <= now
            )
            chosen = [sid for _, sid in waiting[:limit]]
            self._claims.update(dict.fromkeys(chosen, until))
            return [self._entries[sid] for sid in chosen]

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """Return the next live entries."""
        with self._lock:
            live = [sid for sid, entry in self._entries.items() if entry.is_live and sid > after]
            return [self._entries[sid] for sid in sorted(live)[:limit]]

    def last_live(self) -> str:
        """Return the SID of the last live entry."""
        with self._lock:
            return max((sid for sid, entry in self._entries.items() if entry.is_live), default="")

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation."""
        with self._lock:
            return tuple(self._lines.get(sid, ()))

    def purge(self, before: datetime) -> int:
        """Delete ended entries."""
        with self._lock:
            ended = [
                sid
                for sid, entry in self._entries.items()
                if not entry.is_live and entry.intent is None and entry.refreshed_at < before
            ]
            for sid in ended:
                self._delete(sid)
            without_entry = [
                sid
                for sid, lines in self._lines.items()
                if sid not in self._entries and max(line.recorded_at for line in lines) < before
            ]
            for sid in without_entry:
                self._delete(sid)
            return len(ended)

    def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry and the history of a reservation."""
        with self._lock:
            present = self._entries.get(sid)
            if revision is not None and (present.revision if present else 0) != revision:
                return False
            self._delete(sid)
            return True

    def _delete(self, sid: str) -> None:
        self._entries.pop(sid, None)
        self._claims.pop(sid, None)
        for line in self._lines.pop(sid, ()):
            if line.event_key is not None:
                self._seen.discard((sid, line.event_key))

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _waiting_since(claim: Claim, entry: Entry, before: datetime) -> datetime | None:
    """Return since when an entry waits for a sweep, or ``None``."""
    if claim is Claim.OPEN:
        since = None if entry.intent is None else entry.intent.created_at
        return since if since is not None and since < before else None
    is_due = entry.doubt is not None or (entry.is_live and entry.refreshed_at < before)
    return entry.refreshed_at if is_due else None
