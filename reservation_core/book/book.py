"""The book for an event loop: what is recorded, what is asked of the platform, and what is made good after a crash.

All that the book does is written here, once; :class:`reservation_core.book.Book` is the same for threads. A command goes this way:

1. it is checked, and written down as an *intent*, if nobody else has one open for the same reservation and nothing was written since;
2. it is delivered as :func:`reservation_core.aperform` delivers it;
3. the reply is written down and the intent closed, in one change.

When the process ends between 1 and 3, the intent is open still, and :meth:`AsyncBook.recover` takes the delivery up where a lost reply
would have left it: it reads the reservation first. So no command is lost, and none is carried out twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from uuid import uuid4

from reservation_core.book.merging import (
    Recordable,
    close,
    fold,
    intend,
    lose,
    reading,
    report_of,
    settle,
)
from reservation_core.book.outcomes import DeliveryOutcome, outcome_of
from reservation_core.book.records import (
    CommandInProgress,
    Ending,
    Entry,
    HistoryLine,
    Intent,
    NotInBook,
    Recorded,
    Report,
    ReportSource,
    StoreUnavailable,
    Swept,
    Verdict,
)
from reservation_core.book.stores.group_commit import AsyncGroupCommit
from reservation_core.book.stores.port import AsyncStore, Claim
from reservation_core.delivery.client import afetch, aperform
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.errors import NotFound
from reservation_core.rest.update import prepare

DEFAULT_OLDER_THAN: Final = 120.0
"""Seconds: longer than a delivery takes, its deadline and the last exchange's time-out included; and the platform's usual time-out."""

DEFAULT_LEASE: Final = 120.0
"""Seconds for which a sweeper has what it claimed to itself; longer than it takes to settle one."""

IGNORED: Final = Recorded(Verdict.IGNORED, None)
"""What comes of an event that is of no reservation."""

_PAGE: Final = 500


def _now() -> datetime:
    return datetime.now(UTC)


class AsyncBook:
    """The record of reservations, in an event loop.

    :param store: where it is kept; a store for threads goes in as ``Threaded(store)``.
    :param clock: gives the present as an aware datetime in UTC; of several machines on one store it should agree to some seconds.
    :param sleep: waits so many seconds between two attempts; for tests.
    """

    def __init__(
        self,
        store: AsyncStore,
        *,
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        self.store: Final = store
        self._clock: Final = clock
        self._sleep: Final = sleep
        self._recording: Final = AsyncGroupCommit[Report, Recorded](
            self.record_batch, shared_failures=StoreUnavailable
        )

    # --- what is told ----------------------------------------------------------------------------------------------------------------

    async def record(self, told: Recordable) -> Recorded:
        """Record an event, a reservation that was read, or the reply that tells it; it is durable when this returns.

        To repeat it does nothing.

        :raises IncompleteReservation: for a reservation without a SID.
        :raises ReplyError: for a reply that tells no reservation.
        :raises StoreFailed: when it could not be written.
        """
        report = report_of(told)
        return IGNORED if report is None else await self._recording.do(report)

    async def record_all(
        self, told: Iterable[Recordable], *, batch_size: int = _PAGE
    ) -> Mapping[Verdict, int]:
        """Record many in their order, so many at a time in one writing, and count the verdicts; the memory it takes does not grow."""
        counts = Counter[Verdict]()
        coming = iter(told)
        while some := tuple(islice(coming, batch_size)):
            reports = [report for one in some if (report := report_of(one)) is not None]
            if passed := len(some) - len(reports):
                counts[Verdict.IGNORED] += passed
            for recorded in await self.record_batch(reports):
                assert isinstance(recorded.outcome, Verdict)
                counts[recorded.outcome] += 1
        return counts

    async def record_batch(self, reports: Sequence[Report]) -> Sequence[Recorded]:
        """Record some reports in their order, in one writing, and tell what came of each."""
        done: dict[int, Recorded] = {}
        waiting: dict[int, Report] = dict(enumerate(reports))
        while waiting:
            sids = list(dict.fromkeys(report.sid for report in waiting.values()))
            known = await self.store.look_up(
                sids,
                [
                    (report.sid, report.event_key)
                    for report in waiting.values()
                    if report.event_key is not None
                ],
            )
            changes, results = fold(known, waiting, self._clock())
            kept: Sequence[bool] = await self.store.write(changes) if changes else ()
            lost = {change.sid for change, taken in zip(changes, kept, strict=True) if not taken}
            done |= {
                number: result
                for number, result in results.items()
                if waiting[number].sid not in lost
            }
            waiting = {number: report for number, report in waiting.items() if report.sid in lost}
        return [done[number] for number in range(len(reports))]

    # --- what is asked ---------------------------------------------------------------------------------------------------------------

    async def get(self, sid: str) -> Entry | None:
        """Give what the book holds of a reservation; ``None`` when it holds nothing."""
        return (await self.store.look_up((sid,), ())).entries.get(sid)

    async def live(self) -> AsyncIterator[Entry]:
        """Go through the entries to which anything can still happen, by SID, some at a time."""
        after = ""
        while some := await self.store.live(after, _PAGE):
            for entry in some:
                yield entry
            after = some[-1].sid

    async def due(
        self,
        older_than: float = DEFAULT_OLDER_THAN,
        *,
        limit: int = 100,
        lease: float = DEFAULT_LEASE,
    ) -> Sequence[Entry]:
        """Claim what should be read again: what is in doubt, and what is live and was not heard of for so many seconds.

        :param lease: seconds for which no other sweeper is given the same, unless it is written to.
        """
        return await self._claim(Claim.DUE, self._ago(older_than), limit, lease)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Give all that was told of a reservation and done to it, and what came of it, in the order it was written."""
        return await self.store.history(sid)

    async def purge(self, older_than: float) -> int:
        """Delete what has ended and was not heard of for so many seconds, with its history; count the entries.

        Of what is deleted nothing is known any more: a late event of it is a first one. Keep it longer than events may be repeated,
        which is four hours in an event stream.
        """
        return await self.store.purge(self._ago(older_than))

    async def close(self) -> None:
        """Close the store."""
        await self.store.close()

    # --- what is done ----------------------------------------------------------------------------------------------------------------

    async def perform(
        self,
        sid: str,
        command: Command,
        gateway: AsyncGateway,
        *,
        route: Route | str = Route.TASK,
        policy: Policy = DEFAULT_POLICY,
        observer: Observer = NO_OBSERVER,
    ) -> Reservation:
        """Ask for a command to what the book holds, so that no crash loses it and none doubles it; else as :func:`aperform`.

        When the outcome is not known, the intent stays open, and :meth:`recover` finds out; but what nobody can tell apart is closed.

        :raises NotInBook: when the book holds no such reservation.
        :raises CommandInProgress: when another command to it is open.
        """
        intent = await self._intend(sid, command, Route(route))
        outcome = await self._deliver(intent, gateway, policy, observer, resume=False)
        if outcome.ending is not None:
            await self._close(sid, intent, outcome)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.reservation is not None
        return outcome.reservation

    async def _intend(self, sid: str, command: Command, route: Route) -> Intent:
        token = uuid4().hex
        while True:
            held = await self.get(sid)
            if held is None:
                raise NotInBook(sid)
            if held.intent is not None:
                if (
                    held.intent.token == token
                ):  # kept after all, when whoever kept it for several was interrupted
                    return held.intent
                raise CommandInProgress(sid, held.intent.command.trigger)
            prepare(held.reservation, command, route=route)  # refuses what must not be asked
            intent = Intent(
                token=token,
                command=command,
                reservation=held.reservation,
                route=route,
                created_at=self._clock(),
            )
            (taken,) = await self.store.write((intend(held, intent),))
            if taken:
                return intent

    async def _deliver(
        self,
        intent: Intent,
        gateway: AsyncGateway,
        policy: Policy,
        observer: Observer,
        *,
        resume: bool,
    ) -> DeliveryOutcome:
        try:
            now = await aperform(
                intent.reservation,
                intent.command,
                gateway,
                route=intent.route,
                policy=policy,
                observer=observer,
                sleep=self._sleep,
                resume=resume,
            )
        except ReservationError as error:
            return outcome_of(error, intent.command, resumed=resume)
        return DeliveryOutcome(Ending.DONE, now, None)

    async def _close(self, sid: str, intent: Intent, outcome: DeliveryOutcome) -> Recorded:
        assert outcome.ending is not None
        while (held := await self.get(sid)) is not None:
            closing = close(held, intent, outcome.ending, outcome.reservation, self._clock())
            (taken,) = await self.store.write((closing,))
            if taken:
                return Recorded(outcome.ending, closing.entry)
        return Recorded(outcome.ending, None)

    # --- what is made good -----------------------------------------------------------------------------------------------------------

    async def recover(
        self,
        gateway: AsyncGateway,
        *,
        older_than: float = DEFAULT_OLDER_THAN,
        limit: int = 1000,
        lease: float = DEFAULT_LEASE,
        policy: Policy = DEFAULT_POLICY,
        observer: Observer = NO_OBSERVER,
    ) -> Swept:
        """Find out what became of the commands that were left open so many seconds ago, and finish those that were not carried out.

        :param older_than: longer than a delivery takes, or a command that is being delivered may be taken up, too; 0 where the
            processes that delivered are known to have ended.
        :param lease: seconds for which nobody else takes up what this process does; what a process leaves that ends while it recovers
            is taken up when its lease has run out.
        :returns: how each ended, and what could not be read, which stays open.
        """
        settled: list[Recorded] = []
        failed: dict[str, ReservationError] = {}
        async for entry in self._each(Claim.OPEN, older_than, limit, lease):
            assert entry.intent is not None
            outcome = await self._deliver(entry.intent, gateway, policy, observer, resume=True)
            if outcome.ending is None:
                assert outcome.error is not None
                failed[entry.sid] = outcome.error
            else:
                settled.append(await self._close(entry.sid, entry.intent, outcome))
        return Swept(tuple(settled), failed)

    async def reconcile(
        self,
        gateway: AsyncGateway,
        *,
        older_than: float = DEFAULT_OLDER_THAN,
        limit: int = 1000,
        lease: float = DEFAULT_LEASE,
        route: Route | str = Route.TASK,
    ) -> Swept:
        """Read again what is in doubt, and what is live and was not heard of for so many seconds; what the platform shows settles it.

        :returns: what each came to, and what could not be read. What the platform has no more is marked as gone.
        """
        settled: list[Recorded] = []
        failed: dict[str, ReservationError] = {}
        async for entry in self._each(Claim.DUE, older_than, limit, lease):
            held = entry.reservation
            where = Address(
                workspace_sid=held.workspace_sid,
                sid=held.sid,
                task_sid=held.task_sid,
                worker_sid=held.worker_sid,
            )
            try:
                settled.append(await self._settle(entry, await afetch(where, gateway, route=route)))
            except NotFound:
                settled.append(await self._lose(entry))
            except ReservationError as error:
                failed[entry.sid] = error
        return Swept(tuple(settled), failed)

    async def _settle(self, entry: Entry, fetched: Reservation) -> Recorded:
        """Take over what was fetched; if anything was written meanwhile, it is a report like any other."""
        verdict, settling = settle(entry, fetched, self._clock())
        (taken,) = await self.store.write((settling,))
        return (
            Recorded(verdict, settling.entry)
            if taken
            else (await self.record_batch((reading(fetched, ReportSource.FETCH),)))[0]
        )

    async def _lose(self, entry: Entry) -> Recorded:
        losing = lose(entry, self._clock())
        (taken,) = await self.store.write((losing,))
        return Recorded(Ending.DELETED, losing.entry if taken else await self.get(entry.sid))

    async def _each(
        self, what: Claim, older_than: float, limit: int, lease: float
    ) -> AsyncIterator[Entry]:
        """Claim one after the other, so that no lease runs out while others are settled, and give each once."""
        before = self._ago(older_than)
        swept: set[str] = set()
        some = 1
        while len(swept) < limit:
            claimed = await self._claim(what, before, some, lease)
            new = [entry for entry in claimed if entry.sid not in swept]
            if not new and len(claimed) < some:
                return
            if not new:  # what could not be settled was claimed again, for its lease has run out: look behind it
                some *= 2
            for entry in new[: limit - len(swept)]:
                swept.add(entry.sid)
                yield entry

    async def _claim(
        self, what: Claim, before: datetime, limit: int, lease: float
    ) -> Sequence[Entry]:
        now = self._clock()
        return await self.store.claim(
            what, before=before, now=now, until=now + timedelta(seconds=lease), limit=limit
        )

    def _ago(self, seconds: float) -> datetime:
        return self._clock() - timedelta(seconds=seconds)
