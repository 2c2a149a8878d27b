"""Storage of the emulated platform: transactions, timers, the journal and its subscribers.

1. **A transaction is atomic.** All changes up to the end of the outermost transaction are passed to
   one ``on_commit`` call. They are rolled back if anything raises before.
2. **Time passes between transactions.** Due timers run first, in a transaction of their own, and
   their changes carry the time at which they were due.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Final, TypeVar

from reservation_core.domain.lifecycle import State
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.platform.clock import DEFAULT_START, Clock, add_seconds
from reservation_core.emulator.platform.model import Changes, JournalEntry, ResourceEvent, Task
from reservation_core.emulator.platform.tables import Tables

CommitHook = Callable[[Changes], None]
JournalSubscriber = Callable[[JournalEntry], None]
EventSubscriber = Callable[[ResourceEvent], None]
_T = TypeVar("_T")


class Storage(AbstractContextManager[None]):
    """Tables behind a lock. ``with storage:`` is one transaction.

    A nested transaction is part of the outer one.

    :param on_due: called with the SID of a reservation or a task whose timer is due.
    :param on_commit: called with all changes of a transaction. If it raises, nothing has changed.
    :param journal_length: the number of journal entries kept.
    """

    def __init__(
        self,
        clock: Clock,
        on_due: Callable[[str], None],
        on_commit: CommitHook | None,
        journal_length: int,
    ) -> None:
        self.clock: Final = clock
        self.journal: Final[deque[JournalEntry]] = deque(maxlen=journal_length)
        self.tables: Final = Tables()
        self.time: datetime = DEFAULT_START
        """Time of the current transaction."""
        self.on_settle: Callable[[], None] | None = None
        """Called within each transaction before its end, and after each timer."""
        self._on_due = on_due
        self._on_commit = on_commit
        self.lock: Final = threading.RLock()
        self._depth = 0
        self._is_journal_cleared = False
        self._subscribers: list[JournalSubscriber] = []
        self._event_subscribers: list[EventSubscriber] = []
        self._unpublished: deque[JournalEntry | ResourceEvent] = deque()
        self._is_publishing = False

    @property
    def date(self) -> datetime:
        """Time of the current transaction to the second, as in replies."""
        return self.time.replace(microsecond=0)

    # --- transactions ---

    def __enter__(self) -> None:
        """Begin a transaction, or join the current one of this thread."""
        self.lock.acquire()
        if not self._depth:
            try:
                self.time = now = self.clock.now()
                if self.tables.is_due(now):
                    self._run_timers(now)
            except BaseException:
                self.lock.release()
                raise
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit the outermost transaction, or roll it back if it raised."""
        has_failed = kind is not None
        try:
            if self._depth == 1 and not has_failed and self.on_settle is not None:
                has_failed = True
                self.on_settle()
                has_failed = False
        finally:
            self._depth -= 1
            try:
                if not self._depth:
                    self._end(has_failed=has_failed)
            finally:
                self.lock.release()

    def advance(self, seconds: float) -> None:
        """Move the clock forward and run due timers, or do neither.

        The clock moves once the effects of the timers are stored, and before they are published.
        Inside a transaction the timers wait for its end.
        """
        with self.lock:
            later = add_seconds(self.clock.now(), seconds)
            if self._depth or not self.tables.is_due(later):
                self.clock.advance(seconds)
            else:
                self._run_timers(later, lambda: self.clock.advance(seconds))

    def _run_timers(self, now: datetime, on_stored: Callable[[], object] | None = None) -> None:
        self._depth = 1
        has_failed = True
        try:
            while (timer := self.tables.pop_due(now)) is not None:
                self.time, sid = timer
                self._on_due(sid)
                if self.on_settle is not None:
                    self.on_settle()
            has_failed = False
        finally:
            self._depth = 0
            self._end(has_failed, on_stored)
            self.time = now

    def clear_journal(self) -> None:
        """Clear the journal once the current transaction is committed."""
        self.tables.entries.clear()
        self._is_journal_cleared = True

    def _end(self, has_failed: bool, on_stored: Callable[[], object] | None = None) -> None:
        is_cleared, self._is_journal_cleared = self._is_journal_cleared and not has_failed, False
        if not self.tables.has_changes():
            if on_stored is not None and not has_failed:
                on_stored()
            if is_cleared:
                self.journal.clear()
            return
        if has_failed:
            self.tables.roll_back()
            return
        if self._on_commit is not None:
            try:
                self._on_commit(self.tables.changes())
            except BaseException:
                self.tables.roll_back()
                raise
        entries = self.tables.commit()
        if on_stored is not None:
            on_stored()
        if is_cleared:
            self.journal.clear()
        self.journal.extend(entry for entry in entries if isinstance(entry, JournalEntry))
        if self._subscribers or self._event_subscribers:
            self._unpublished.extend(entries)
            self._publish()

    def record(
        self,
        after: Reservation,
        trigger: str,
        by: str,
        before: State | None,
        task: Task,
        reason: str | None = None,
        code: int | None = None,
    ) -> None:
        """Write a journal entry. The parameters are those of :class:`JournalEntry`."""
        worker = self.tables.workers.get(str(after.worker_sid))
        sid, version, at, status = str(after.sid), str(after.etag), self.time, task.status
        entry = JournalEntry(
            sid,
            trigger,
            by,
            version,
            at,
            after,
            before,
            status,
            reason,
            code,
            task=task,
            worker=worker,
        )
        self.tables.entries.append(entry)

    # --- subscribers ---

    def _publish(self) -> None:
        """Call the subscribers. Entries of a subscriber's own changes follow in order."""
        if self._is_publishing:
            return
        self._is_publishing = True
        try:
            while self._unpublished:
                entry = self._unpublished.popleft()
                if isinstance(entry, JournalEntry):
                    for subscriber in tuple(self._subscribers):
                        subscriber(entry)
                else:
                    for event_subscriber in tuple(self._event_subscribers):
                        event_subscriber(entry)
        finally:
            self._is_publishing = False

    def subscribe(self, subscriber: JournalSubscriber) -> Callable[[], None]:
        """Call a subscriber with every journal entry after its commit.

        :returns: a function that ends the subscription.
        """
        return self._add(self._subscribers, subscriber)

    def subscribe_events(self, subscriber: EventSubscriber) -> Callable[[], None]:
        """Call a subscriber with every event after its commit.

        :returns: a function that ends the subscription.
        """
        return self._add(self._event_subscribers, subscriber)

    def _add(self, subscribers: list[_T], subscriber: _T) -> Callable[[], None]:
        with self.lock:
            subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self.lock:
                if subscriber in subscribers:
                    subscribers.remove(subscriber)

        return unsubscribe
