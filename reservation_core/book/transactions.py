"""Read-decide-write transactions of a book, retried when another writer wins.

A store writes a change only if the entry still has the revision that was read, so no lock is held
while a transaction decides. A try is lost because another writer wins. A transaction that loses a
thousand has met a damaged store, such as one with a wrong index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from typing import Final
from uuid import uuid4

import attrs

from reservation_core.book.changes import (
    closing_change,
    command_line,
    hold_after_answer,
    make_change,
    merge_reports,
    report_line,
)
from reservation_core.book.deliveries import DeliveryOutcome, is_recent, without_deletion
from reservation_core.book.errors import CommandInProgress, NotInBook, StoreDamaged, UnreadableEntry
from reservation_core.book.merging import judge, merge
from reservation_core.book.records import (
    Change,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    Recorded,
    Report,
    ReportSource,
    StoredEntry,
)
from reservation_core.book.reports import report_of_reservation
from reservation_core.book.stores.port import AsyncStore, Claim
from reservation_core.domain.commands.base import Command
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Route, require_sid
from reservation_core.rest.update import prepare

_MOST_TRIES: Final = 1000


def _tries(sid: str) -> Iterator[None]:
    """Yield for each try of a transaction. Raise UnreadableEntry after the last one."""
    yield from repeat(None, _MOST_TRIES)
    raise _refused(sid)


def _refused(sid: str) -> UnreadableEntry:
    return UnreadableEntry("each write of it is refused", sid)


def utc_now() -> datetime:
    """Return the present time, in UTC."""
    return datetime.now(UTC)


class Transactions:
    """Transactions on one store.

    :param clock: returns the present time as an aware datetime in UTC.
    """

    def __init__(self, store: AsyncStore, clock: Callable[[], datetime]) -> None:
        self._store: Final = store
        self._clock: Final = clock

    async def get(self, sid: str) -> Entry | None:
        """Return the entry of a reservation, or ``None``.

        :raises UnreadableEntry: if it cannot be read.
        """
        require_sid(sid)
        found = await self._store.look_up((sid,), ())
        for error in found.unreadable.values():
            raise error
        return found.entries.get(sid)

    # --- reports ---------------------------------------------------------------------------------

    async def record(self, reports: Sequence[Report]) -> Sequence[Recorded]:
        """Record reports in their order, and return the result of each.

        :raises UnreadableEntry: if an entry cannot be read. Then nothing is written.
        """
        results: dict[int, Recorded] = {}
        waiting: dict[int, Report] = dict(enumerate(reports))
        tries = count()
        while waiting:
            if next(tries) == _MOST_TRIES:
                raise _refused(next(iter(waiting.values())).sid)
            found = await self._store.look_up(
                list(dict.fromkeys(report.sid for report in waiting.values())),
                [
                    (each.sid, each.event_key)
                    for each in waiting.values()
                    if each.event_key is not None
                ],
            )
            for error in found.unreadable.values():
                raise error
            changes, recorded = merge_reports(found, waiting, self._clock())
            is_written = await self._store.write(changes) if changes else ()
            lost = {change.sid for change, ok in zip(changes, is_written, strict=True) if not ok}
            results |= {n: each for n, each in recorded.items() if waiting[n].sid not in lost}
            waiting = {n: report for n, report in waiting.items() if report.sid in lost}
        return [results[number] for number in range(len(reports))]

    async def record_fetch(self, entry: Entry, fetched: Reservation) -> Recorded:
        """Apply a fetch that was made for an entry.

        If the entry changed meanwhile, the fetch is recorded as an ordinary report.
        """
        now = self._clock()
        report = report_of_reservation(fetched, ReportSource.FETCH)
        verdict = judge(entry, report, is_fetch=True)
        merged = merge(entry, report, verdict, now, is_fetch=True)
        change = make_change(entry.sid, entry, merged, report_line(report, verdict, now))
        if await self._write(change):
            return Recorded(verdict, change.entry)
        (recorded,) = await self.record((report,))
        return recorded

    async def record_deletion(self, entry: Entry) -> Recorded | None:
        """Mark an entry as deleted by the platform, unless it changed meanwhile.

        :returns: ``None`` for a recent entry, which a 404 does not end.
        """
        now = self._clock()
        if is_recent(entry, now):
            return None
        line = HistoryLine(
            sid=entry.sid, recorded_at=now, source=ReportSource.FETCH, outcome=Ending.DELETED
        )
        deleted = attrs.evolve(entry, deleted=True, doubt=None, refreshed_at=now)
        change = make_change(entry.sid, entry, deleted, line)
        is_written = await self._write(change)
        return Recorded(Ending.DELETED, change.entry if is_written else await self.get(entry.sid))

    # --- commands --------------------------------------------------------------------------------

    async def record_answer(
        self, report: Report, command: Command | None, *, strict: bool
    ) -> Entry:
        """Record a callback and the command that answers it, in one change.

        A repeated callback is answered again with the recorded command.

        :param command: ``None`` if the decision is left for later.
        :raises CommandInProgress: if an intent is open.
        :raises CommandNotAllowed: if the command is not allowed.
        """
        tries = _tries(report.sid)
        while True:
            next(tries)
            entry, now = await self.get(report.sid), self._clock()
            verdict = judge(entry, report)
            after = merge(entry, report, verdict, now)
            assert after is not None  # the first report makes an entry
            lines = [report_line(report, verdict, now)]
            if command is not None:
                if after.intent is not None:
                    raise CommandInProgress(report.sid, after.intent.command.trigger)
                if not (after.reservation.on_hold and await self._has_answered(after, command)):
                    held = hold_after_answer(after.reservation, command, now, strict=strict)
                    after = attrs.evolve(after, reservation=held)
                lines.append(command_line(after, command, Ending.ANSWERED, now))
            change = make_change(report.sid, entry, after, *lines)
            assert change.entry is not None
            if await self._write(change):
                return change.entry

    async def _has_answered(self, entry: Entry, command: Command) -> bool:
        """Return True if the last recorded command is this answer."""
        commands = [
            (line.type, line.outcome)
            for line in await self._store.history(entry.sid)
            if line.source is ReportSource.COMMAND
        ]
        return commands[-1:] == [(command.trigger, Ending.ANSWERED)]

    async def release(self, sid: str) -> Entry:
        """Give up the hold of an entry.

        :raises NotInBook: if the book has no entry of the reservation.
        """
        tries = _tries(sid)
        while (entry := await self.get(sid)) is not None:
            next(tries)
            released = entry.reservation.released()
            after = attrs.evolve(entry, reservation=released, may_be_on_hold=False)
            change = make_change(sid, entry, after)
            assert change.entry is not None
            if await self._write(change):
                return change.entry
        raise NotInBook(sid)

    async def open_intent(
        self, sid: str, command: Command, route: Route, *, strict: bool
    ) -> Intent:
        """Check a command and write it down as an open intent.

        :raises NotInBook: if the book has no entry of the reservation.
        :raises CommandInProgress: if another intent is open.
        :raises CommandError: if the command is not allowed.
        """
        token, tries = uuid4().hex, _tries(sid)
        while True:
            next(tries)
            entry = await self.get(sid)
            if entry is None:
                raise NotInBook(sid)
            if entry.intent is not None:
                if entry.intent.token != token:
                    raise CommandInProgress(sid, entry.intent.command.trigger)
                return entry.intent  # it was written, though the store returned false
            # It raises if the command is not allowed.
            prepare(entry.reservation, command, route=route, strict=strict)
            now = self._clock()
            intent = Intent(
                token=token,
                command=command,
                reservation=entry.reservation,
                route=route,
                created_at=now,
                strict=strict,
            )
            line = command_line(entry, command, Ending.INTENDED, now)
            if await self._write(make_change(sid, entry, attrs.evolve(entry, intent=intent), line)):
                return intent

    async def take_over(self, sid: str, intent: Intent) -> Intent | None:
        """Take an open intent over from its delivery, and return it.

        :returns: ``None`` if it was closed or taken over meanwhile.
        """
        taken, tries = attrs.evolve(intent, fence=uuid4().hex), _tries(sid)
        while (entry := await self.get(sid)) is not None and entry.intent is not None:
            next(tries)
            if _is_same_delivery(entry.intent, taken):
                return taken  # it was written, though the store returned false
            if not _is_same_delivery(entry.intent, intent):
                break
            if await self._write(make_change(sid, entry, attrs.evolve(entry, intent=taken))):
                return taken
        return None

    async def holds(self, sid: str, intent: Intent) -> bool:
        """Return True if an intent is open and was not taken over."""
        entry = await self.get(sid)
        return (
            entry is not None
            and entry.intent is not None
            and _is_same_delivery(entry.intent, intent)
        )

    async def close_intent(
        self, sid: str, intent: Intent, outcome: DeliveryOutcome
    ) -> Recorded | None:
        """Write down how a command ended, on the present entry.

        An intent is closed once. If another process closed it meanwhile, only the reservation is
        recorded that this one read. Another intent that was opened meanwhile stays open.

        :returns: ``None`` if the outcome is not known. Then the intent stays open.
        """
        tries = _tries(sid)
        while (ending := outcome.ending) is not None and (entry := await self.get(sid)) is not None:
            next(tries)
            now = self._clock()
            if ending is Ending.DELETED and is_recent(entry, now):
                outcome = attrs.evolve(outcome, ending=without_deletion(outcome))
                continue
            change = closing_change(entry, intent, ending, outcome, now)
            if await self._write(change):
                return Recorded(ending, change.entry)
        return None if ending is None else Recorded(ending, None)

    # --- deletion ---------------------------------------------------------------------------------

    async def forget(self, sid: str) -> bool:
        """Delete an entry and its history, also one that cannot be read.

        :returns: false if there was no entry.
        :raises CommandInProgress: if an intent is open.
        """
        require_sid(sid)
        tries = count(1)
        while True:
            found = await self._store.look_up((sid,), ())
            entry = found.entries.get(sid)
            if entry is not None and entry.intent is not None:
                raise CommandInProgress(sid, entry.intent.command.trigger)
            revision = 0 if entry is None else entry.revision
            is_unreadable = bool(found.unreadable) or next(tries) == _MOST_TRIES
            if await self._store.delete(sid, None if is_unreadable else revision):
                return bool(found.entries or found.unreadable)

    # --- pages ------------------------------------------------------------------------------------

    async def live_pages(self, size: int) -> AsyncIterator[Sequence[StoredEntry]]:
        """Iterate over pages of the live entries.

        The page with the last entry at the beginning is the last page. So the iteration ends, even
        if entries are added faster than it proceeds.

        :param size: maximum number of entries of a page.
        :raises StoreDamaged: if the store returns a page again.
        """
        after, last = "", await self._store.last_live()
        while after < last and (page := await self._store.live(after, size)):
            if page[-1].sid <= after:
                raise StoreDamaged("the order of its entries is wrong")
            after = page[-1].sid
            yield [entry for entry in page if entry.sid <= last]

    # --- claims ----------------------------------------------------------------------------------

    async def claim(
        self, claim: Claim, before: datetime, limit: int, lease: float
    ) -> Sequence[StoredEntry]:
        """Claim entries for a time.

        :param claim: the kind of entries.
        :param before: entries that wait since before this time are claimed.
        :param limit: maximum number of entries.
        :param lease: seconds for which no other caller gets the same entries.
        """
        now = self._clock()
        until = now + timedelta(seconds=lease)
        return await self._store.claim(claim, before=before, now=now, until=until, limit=limit)

    async def claim_each(
        self, claim: Claim, before: datetime, limit: int, lease: float
    ) -> AsyncIterator[StoredEntry]:
        """Claim entries one by one.

        So no lease expires while other entries are settled. Each entry is yielded once. The store
        returns one again if it is still in doubt after it was settled, or if its lease expired
        meanwhile. Then more entries are claimed at once, to reach the ones behind it. An entry that
        cannot be read does not count. In the end the claims of entries that were not yielded are
        released, for the next sweep.
        """
        yielded: set[str] = set()
        unused: dict[str, StoredEntry] = {}
        count = 1
        while (free := limit - len(yielded)) > 0:
            claimed = await self.claim(claim, before, count, lease)
            new = [entry for entry in claimed if entry.sid not in yielded]
            taken = new[:free]
            unused |= {entry.sid: entry for entry in claimed if entry not in taken}
            if not new and len(claimed) < count:
                break
            if not new:
                count *= 2
            for entry in taken:
                yielded.add(entry.sid)
                limit += isinstance(entry, UnreadableEntry)
                yield entry
        for entry in unused.values():
            await self._release(entry)

    async def _release(self, entry: StoredEntry) -> None:
        """End the claim of an entry without an open intent."""
        if isinstance(entry, Entry) and entry.intent is None:
            await self._write(make_change(entry.sid, entry, entry))

    async def _write(self, change: Change) -> bool:
        (is_written,) = await self._store.write((change,))
        return is_written


def _is_same_delivery(one: Intent, other: Intent) -> bool:
    return (one.token, one.fence) == (other.token, other.fence)
