"""Durable record of the reservations of a service.

A book stays correct after repeated, reordered and missing events, after lost races, and after a
crash, on one machine or on many::

    book = Book(SQLiteStore("reservations.db"))
    book.record(event)                      # an event, a reservation or a reply
    book.perform(sid, Accept(), gateway)    # written down before it is sent, closed after
    # after a start, and regularly:
    book.recover(gateway)                   # finish open commands
    book.reconcile(gateway)                 # fetch entries that may be outdated

``AsyncBook`` is the same for an event loop. The stores are ``MemoryStore``, ``SQLiteStore`` and,
with the extra ``postgres``, ``PostgresStore`` and ``AsyncPostgresStore`` of
:mod:`reservation_core.book.stores.postgres`.

The book does not know HTTP, web frameworks or the emulator.

* ``book``, ``sync_book``: the two classes, for an event loop and for threads.
* ``transactions``: read-decide-write steps, retried if another writer was faster.
* ``reports``: conversion of events, reservations and replies to reports.
* ``merging``: the rules by which a report changes an entry.
* ``deliveries``: delivery of a command, and how its outcome is recorded.
* ``records``, ``errors``: the values of the book, and its errors.
* ``stores``: where a book is kept.
"""

from reservation_core.book.book import DEFAULT_LEASE, DEFAULT_OLDER_THAN, AsyncBook
from reservation_core.book.errors import (
    CommandInProgress,
    NotInBook,
    StoreDamaged,
    StoreFailed,
    StoreUnavailable,
    UnreadableEntry,
)
from reservation_core.book.records import (
    Change,
    Doubt,
    Ending,
    Entry,
    EventRef,
    HistoryLine,
    Intent,
    LookupResult,
    Recorded,
    Report,
    ReportSource,
    StoredEntry,
    Swept,
    Verdict,
)
from reservation_core.book.reports import Recordable
from reservation_core.book.stores.adapters import ThreadedStore
from reservation_core.book.stores.memory import MemoryStore
from reservation_core.book.stores.port import AsyncStore, Claim, Store
from reservation_core.book.stores.sqlite import SQLiteStore
from reservation_core.book.sync_book import Book

__all__ = [
    "DEFAULT_LEASE",
    "DEFAULT_OLDER_THAN",
    "AsyncBook",
    "AsyncStore",
    "Book",
    "Change",
    "Claim",
    "CommandInProgress",
    "Doubt",
    "Ending",
    "Entry",
    "EventRef",
    "HistoryLine",
    "Intent",
    "LookupResult",
    "MemoryStore",
    "NotInBook",
    "Recordable",
    "Recorded",
    "Report",
    "ReportSource",
    "SQLiteStore",
    "Store",
    "StoreDamaged",
    "StoreFailed",
    "StoreUnavailable",
    "StoredEntry",
    "Swept",
    "ThreadedStore",
    "UnreadableEntry",
    "Verdict",
]
