"""The record a service keeps of its reservations: true after duplicates, gaps, races and crashes, on one machine or on many.

::

    book = Book(SQLiteStore("reservations.db"))
    book.record(event)                                  # an event, a reservation that was read, a reply
    book.perform(sid, Accept(), gateway)                # written down before it is sent, closed after
    book.recover(gateway); book.reconcile(gateway)      # now and then, and after a start

``AsyncBook`` is the same in an event loop. The stores are ``MemoryStore``, ``SQLiteStore``, and ``PostgresStore`` with
``AsyncPostgresStore`` in :mod:`reservation_core.book.postgres`, which need the extra ``postgres``.
"""

from reservation_core.book.book import LEASE, PATIENCE, AsyncBook
from reservation_core.book.entry import (
    Change,
    CommandUnderWay,
    Doubt,
    Ending,
    Entry,
    Intent,
    Known,
    Line,
    NotInBook,
    Occurrence,
    Recorded,
    Report,
    Source,
    StoreFailed,
    StoreUnavailable,
    Swept,
    Verdict,
)
from reservation_core.book.ledger import Told
from reservation_core.book.memory import MemoryStore
from reservation_core.book.sqlite import SQLiteStore
from reservation_core.book.store import AsyncStore, Claim, Store, Threaded
from reservation_core.book.threads import Book

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
    "Intent",
    "Known",
    "Line",
    "MemoryStore",
    "NotInBook",
    "Occurrence",
    "Recorded",
    "Report",
    "SQLiteStore",
    "Source",
    "Store",
    "StoreFailed",
    "StoreUnavailable",
    "Swept",
    "Threaded",
    "Told",
    "Verdict",
]
