"""The record a service keeps of its reservations: true after duplicates, gaps, races and crashes, on one machine or on many.

::

    book = Book(SQLiteStore("reservations.db"))
    book.record(event)                                  # an event, a reservation that was read, a reply
    book.perform(sid, Accept(), gateway)                # written down before it is sent, closed after
    book.recover(gateway); book.reconcile(gateway)      # now and then, and after a start

``AsyncBook`` is the same in an event loop. The stores are ``MemoryStore``, ``SQLiteStore``, and ``PostgresStore`` with
``AsyncPostgresStore`` in :mod:`reservation_core.book.stores.postgres`, which need the extra ``postgres``.
"""

from reservation_core.book.book import DEFAULT_LEASE, DEFAULT_OLDER_THAN, AsyncBook
from reservation_core.book.merging import Recordable
from reservation_core.book.records import (
    Change,
    CommandInProgress,
    Doubt,
    Ending,
    Entry,
    EventRef,
    HistoryLine,
    Intent,
    LookupResult,
    NotInBook,
    Recorded,
    Report,
    ReportSource,
    StoreFailed,
    StoreUnavailable,
    Swept,
    Verdict,
)
from reservation_core.book.stores.memory import MemoryStore
from reservation_core.book.stores.port import AsyncStore, Claim, Store, ThreadedStore
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
    "StoreFailed",
    "StoreUnavailable",
    "Swept",
    "ThreadedStore",
    "Verdict",
]
