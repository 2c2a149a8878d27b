"""A book in this process's memory: for tests, demos and what may be forgotten."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from reservation_core.book.records import Change, Entry, EventRef, HistoryLine, LookupResult
from reservation_core.book.stores.port import Claim


class MemoryStore:
    """Keeps a book as long as the process lives. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._lines: dict[str, list[HistoryLine]] = {}
        self._seen: set[EventRef] = set()
        self._claimed: dict[str, datetime] = {}

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """See :meth:`reservation_core.book.Store.look_up`."""
        with self._lock:
            entries = {sid: entry for sid in sids if (entry := self._entries.get(sid)) is not None}
            return LookupResult(entries, frozenset(self._seen.intersection(events)))

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """See :meth:`reservation_core.book.Store.write`; here nothing survives the process."""
        with self._lock:
            return [self._keep(change) for change in changes]

    def _keep(self, change: Change) -> bool:
        if change.entry is not None:
            held = self._entries.get(change.sid)
            if (held.revision if held else 0) != change.expected_revision:
                return False
            self._entries[change.sid] = change.entry
            if change.entry.intent is None:
                self._claimed.pop(change.sid, None)
        for line in change.lines:
            if line.event_key is None or (change.sid, line.event_key) not in self._seen:
                self._lines.setdefault(change.sid, []).append(line)
                if line.event_key is not None:
                    self._seen.add((change.sid, line.event_key))
        return True

    def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.claim`."""
        with self._lock:
            waiting: list[tuple[datetime, str]] = []
            for sid, entry in self._entries.items():
                since = _since(what, entry, before)
                claimed = self._claimed.get(sid)
                if since is not None and (claimed is None or claimed <= now):
                    waiting.append((since, sid))
            chosen = [sid for _, sid in sorted(waiting)[:limit]]
            self._claimed.update(dict.fromkeys(chosen, until))
            return [self._entries[sid] for sid in chosen]

    def live(self, after: str, limit: int) -> Sequence[Entry]:
        """See :meth:`reservation_core.book.Store.live`."""
        with self._lock:
            return [
                self._entries[sid]
                for sid in sorted(
                    sid for sid, e in self._entries.items() if e.is_live and sid > after
                )[:limit]
            ]

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`reservation_core.book.Store.history`."""
        with self._lock:
            return tuple(self._lines.get(sid, ()))

    def purge(self, before: datetime) -> int:
        """See :meth:`reservation_core.book.Store.purge`."""
        with self._lock:
            ended = [
                sid
                for sid, e in self._entries.items()
                if not e.is_live and e.intent is None and e.refreshed_at < before
            ]
            for sid in ended:
                del self._entries[sid]
                self._claimed.pop(sid, None)
            alone = [
                sid
                for sid, lines in self._lines.items()
                if sid not in self._entries and max(line.recorded_at for line in lines) < before
            ]
            for sid in (*ended, *alone):
                self._seen.difference_update(
                    (sid, line.event_key)
                    for line in self._lines.pop(sid, ())
                    if line.event_key is not None
                )
            return len(ended)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _since(what: Claim, entry: Entry, before: datetime) -> datetime | None:
    """Tell since when an entry waits for what a sweeper does; ``None`` when it does not."""
    if what is Claim.OPEN:
        return (
            entry.intent.created_at
            if entry.intent is not None and entry.intent.created_at < before
            else None
        )
    return (
        entry.refreshed_at
        if entry.doubt is not None or (entry.is_live and entry.refreshed_at < before)
        else None
    )
