"""Ports of a store, for threads and for an event loop.

A store only stores: it finds entries, writes changes if the revision is the expected one, and
hands each entry out to one sweeper at a time. It does not know the rules of merging. An entry that
it cannot read is returned as an :class:`UnreadableEntry`, beside the others.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from reservation_core.book.records import (
    Change,
    EventRef,
    HistoryLine,
    LookupResult,
    StoredEntry,
)
from reservation_core.domain.member_docs import document_members


@document_members
class Claim(StrEnum):
    """Kind of entries that a sweeper asks for."""

    DUE = "due"
    """Live entries that were not refreshed since a given time, and entries in doubt."""
    OPEN = "open"
    """Entries with an intent from before a given time."""


class Store(Protocol):
    """Store of a book, for threads. Every method may block and raise :class:`StoreFailed`."""

    def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries by SID, and events that are in the history.

        Entries and events that do not exist are left out.
        """
        ...

    def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes durably, each whole or not at all.

        What was written survives the process and, except for a store in memory, the machine.

        :returns: for each change, true if it was written. A change with an entry is written only
            if the stored entry has the previous revision, or if none is stored and the change's
            revision is 1.
        """
        ...

    def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries, longest waiting first.

        An entry is not handed out again before its claim ends. The claim also ends when the entry
        is written without an intent.

        :param claim: the kind of entries.
        :param before: entries that wait since before this time are claimed.
        :param now: the present time; claims that ended until then do not count.
        :param until: the end of the claim.
        :param limit: maximum number of entries.
        """
        ...

    def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries, ordered by SID.

        :param after: SID of the last entry before them; an empty string for the first ones.
        :param limit: maximum number of entries.
        """
        ...

    def last_live(self) -> str:
        """Return the SID of the last live entry, or an empty string."""
        ...

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation, in the order it was written.

        :raises UnreadableEntry: if a line cannot be read.
        """
        ...

    def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry of a reservation with its history, durably.

        :param sid: SID of the reservation.
        :param revision: the expected revision: 0 if there is no entry, ``None`` for any.
        :returns: false if the stored entry has another revision. Then nothing is deleted.
        """
        ...

    def purge(self, before: datetime) -> int:
        """Delete ended entries with their history, and return how many entries.

        An entry is deleted if it was not refreshed since ``before`` and has no intent. A history
        without an entry is deleted if all of it is older.
        """
        ...

    def close(self) -> None:
        """Close connections and files. Closing twice is allowed."""
        ...


class AsyncStore(Protocol):
    """Store of a book, for an event loop. Every method may raise :class:`StoreFailed`."""

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        """Find entries by SID, and events that are in the history.

        Entries and events that do not exist are left out.
        """
        ...

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        """Write changes durably, each whole or not at all.

        What was written survives the process and, except for a store in memory, the machine.

        :returns: for each change, true if it was written. A change with an entry is written only
            if the stored entry has the previous revision, or if none is stored and the change's
            revision is 1.
        """
        ...

    async def claim(
        self, claim: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[StoredEntry]:
        """Claim entries, longest waiting first.

        An entry is not handed out again before its claim ends. The claim also ends when the entry
        is written without an intent.

        :param claim: the kind of entries.
        :param before: entries that wait since before this time are claimed.
        :param now: the present time; claims that ended until then do not count.
        :param until: the end of the claim.
        :param limit: maximum number of entries.
        """
        ...

    async def live(self, after: str, limit: int) -> Sequence[StoredEntry]:
        """Return the next live entries, ordered by SID.

        :param after: SID of the last entry before them; an empty string for the first ones.
        :param limit: maximum number of entries.
        """
        ...

    async def last_live(self) -> str:
        """Return the SID of the last live entry, or an empty string."""
        ...

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation, in the order it was written.

        :raises UnreadableEntry: if a line cannot be read.
        """
        ...

    async def delete(self, sid: str, revision: int | None) -> bool:
        """Delete the entry of a reservation with its history, durably.

        :param sid: SID of the reservation.
        :param revision: the expected revision: 0 if there is no entry, ``None`` for any.
        :returns: false if the stored entry has another revision. Then nothing is deleted.
        """
        ...

    async def purge(self, before: datetime) -> int:
        """Delete ended entries with their history, and return how many entries.

        An entry is deleted if it was not refreshed since ``before`` and has no intent. A history
        without an entry is deleted if all of it is older.
        """
        ...

    async def close(self) -> None:
        """Close connections and files. Closing twice is allowed."""
        ...


def require_store(store: object, *, is_async: bool) -> None:
    """Raise TypeError for a value that is not such a store.

    :param is_async: True for the store of an event loop.
    """
    look_up = getattr(store, "look_up", None)
    if look_up is None or isinstance(store, type):
        kind = store.__name__ if isinstance(store, type) else type(store).__name__
        raise TypeError(
            f"not a store: it is {kind}. Give one, such as SQLiteStore(path) or MemoryStore()"
        )
    method = inspect.unwrap(look_up)
    if inspect.iscoroutinefunction(method):
        if not is_async:
            raise TypeError("the store is for an event loop: use AsyncBook, or a store for threads")
        return
    returns = getattr(method, "__annotations__", {}).get("return")
    if is_async and returns in (LookupResult, LookupResult.__name__):
        raise TypeError("the store is for threads: wrap it in ThreadedStore(store), or use Book")
