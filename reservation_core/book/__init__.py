"""The record a service keeps of its reservations: true after duplicates, gaps, races and crashes, on one machine or on many.

::

    book = Book(SQLiteStore("reservations.db"))
    book.record(event)                                  # an event, a reservation that was read, a reply
    book.perform(sid, Accept(), gateway)                # written down before it is sent, closed after
    book.recover(gateway); book.reconcile(gateway)      # now and then, and after a start

``AsyncBook`` is the same in an event loop. The stores are ``MemoryStore``, ``SQLiteStore``, and ``PostgresStore`` with
``AsyncPostgresStore`` in :mod:`reservation_core.book.stores.postgres`, which need the extra ``postgres``.
"""

from reservation_core.book.book import LEASE, PATIENCE, AsyncBook
from reservation_core.book.merging import Reportable
from reservation_core.book.records import (
    Change,
    CommandUnderWay,
    Doubt,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    Known,
    NotInBook,
    Occurrence,
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
    "LEASE",
    "PATIENCE",
    "AsyncBook",
    "AsyncStore",
    "Book",
    "Change",
    "Claim",
    "CommandUnderWay",
    "Doubt",
    "Ending",
    "Entry",
    "HistoryLine",
    "Intent",
    "Known",
    "MemoryStore",
    "NotInBook",
    "Occurrence",
    "Recorded",
    "Report",
    "ReportSource",
    "Reportable",
    "SQLiteStore",
    "Store",
    "StoreFailed",
    "StoreUnavailable",
    "Swept",
    "ThreadedStore",
    "Verdict",
]
