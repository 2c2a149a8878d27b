"""The book for an event loop.

It records reports, performs commands, recovers open ones and reconciles entries.

A command is performed in three steps:

1. It is checked and written down as an *intent*. This fails if another intent is open for the
   same reservation.
2. It is delivered as :func:`reservation_core.aperform` delivers it.
3. The reply is recorded and the intent is closed, in one change.

If the process ends between 1 and 3, the intent stays open. :meth:`AsyncBook.recover` then resumes
the delivery as if the reply had been lost: it fetches the reservation first. So no command is
lost, and no command is carried out twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from reservation_core.book.deliveries import (
    DeliveryOutcome,
    PolicyChoice,
    choose_policy,
    deliver_intent,
    require_policy_choice,
)
from reservation_core.book.errors import SHARED_FAILURES, NotInBook, UnreadableEntry
from reservation_core.book.records import (
    Entry,
    HistoryLine,
    Intent,
    Recorded,
    Report,
    StoredEntry,
    Swept,
    Verdict,
)
from reservation_core.book.reports import Recordable, report_of_reservation, to_report
from reservation_core.book.stores.group_commit import AsyncGroupCommit
from reservation_core.book.stores.port import AsyncStore, Claim, require_store
from reservation_core.book.transactions import Transactions, utc_now
from reservation_core.delivery.client import afetch, require_delivery
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, require_gateway
from reservation_core.rest.addresses import Address, Route, require_sid
from reservation_core.rest.errors import NotFound
from reservation_core.webhooks.responses import CallbackAnswer, answer

DEFAULT_OLDER_THAN: Final = 120.0
"""Default minimum age of the entries that a sweep claims, in seconds.

It is longer than a delivery with its deadline and the timeout of the last request. It is also the
platform's usual reservation timeout.
"""

DEFAULT_LEASE: Final = 120.0
"""Default lease of a claimed entry, in seconds. It is longer than it takes to settle one."""

IGNORED: Final = Recorded(Verdict.IGNORED, None)
"""Result for an event that does not concern a reservation."""

BATCH_SIZE: Final = 500
"""Default number of entries or reports that are read or written at once."""


class AsyncBook:
    """Durable record of reservations, for an event loop.

    :param store: where the book is kept. Wrap a store for threads in ``ThreadedStore(store)``.
    :param clock: returns the present time as an aware datetime in UTC. The clocks of several
        machines on one store should agree to a few seconds.
    :param sleep: waits between two attempts, in seconds; for tests.
    :raises TypeError: for a store for threads, or anything but a store.
    """

    def __init__(
        self,
        store: AsyncStore,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        require_store(store, is_async=True)
        self.store: Final = store
        self._clock: Final = clock
        self._sleep: Final = sleep
        self._transactions: Final = Transactions(store, clock)
        self._recording: Final = AsyncGroupCommit[Report, Recorded](
            self.record_batch, shared_failures=SHARED_FAILURES
        )

    # --- recording -------------------------------------------------------------------------------

    async def record(self, item: Recordable) -> Recorded:
        """Record an event, a reservation or a reply durably.

        Recording the same item again changes nothing. Calls at the same time share one commit.

        :param item: an event, a reservation that the platform showed, or a reply that shows one.
        :returns: the verdict, and the entry after it.
        :raises IncompleteReservation: for a reservation without a valid SID.
        :raises ReplyError: for a reply that does not show a reservation.
        :raises StoreFailed: if it could not be written.
        """
        report = to_report(item)
        return IGNORED if report is None else await self._recording.submit(report)

    async def record_all(
        self, items: Iterable[Recordable], *, batch_size: int = BATCH_SIZE
    ) -> Mapping[Verdict, int]:
        """Record many items in their order, and count the verdicts.

        Memory use does not grow with the number of items.

        :param items: events, reservations or replies, as for :meth:`record`.
        :param batch_size: how many items share one commit.
        :raises IncompleteReservation: for a reservation without a valid SID.
        :raises ReplyError: for a reply that does not show a reservation.
        :raises UnreadableEntry: at the end, for the first entry that cannot be read. The items of
            other reservations are recorded.
        :raises StoreFailed: if a batch could not be written. Earlier batches are.
        """
        counts = Counter[Verdict]()
        unreadable: dict[str, UnreadableEntry] = {}
        remaining = iter(items)
        while batch := tuple(islice(remaining, batch_size)):
            reports = [report for item in batch if (report := to_report(item)) is not None]
            if ignored := len(batch) - len(reports):
                counts[Verdict.IGNORED] += ignored
            for recorded in await self._record_readable(reports, unreadable):
                assert isinstance(recorded.outcome, Verdict)
                counts[recorded.outcome] += 1
        for error in unreadable.values():
            raise error
        return counts

    async def _record_readable(
        self, reports: Sequence[Report], unreadable: dict[str, UnreadableEntry]
    ) -> Sequence[Recorded]:
        """Record the reports of readable entries. Collect the other errors."""
        while True:
            try:
                return await self.record_batch(
                    [report for report in reports if report.sid not in unreadable]
                )
            except UnreadableEntry as error:
                unreadable[error.sid] = error

    async def record_batch(self, reports: Sequence[Report]) -> Sequence[Recorded]:
        """Record reports in their order in one commit.

        :returns: the result of each report.
        :raises StoreFailed: if they could not be written.
        """
        return await self._transactions.record(reports)

    async def answer(
        self, reservation: Reservation, command: Command | None, *, strict: bool = True
    ) -> CallbackAnswer:
        """Record an assignment callback and its answer durably, and return the response.

        Both are written in one change. The book then holds the reservation as pending and on hold
        until the platform reports the outcome: an answer that arrives too late has no effect. A
        command from elsewhere is refused meanwhile. A second callback, such as to the fallback URL
        after a late response, is answered again if the command is the same. :meth:`release` gives
        the hold up.

        :param reservation: the reservation of the callback.
        :param command: the command that answers it. ``None`` leaves the decision for later.
        :param strict: refuse the command on any evidence. Otherwise only on documented or observed
            evidence.
        :returns: the response to send, and the reservation as the book holds it.
        :raises IncompleteReservation: for a reservation without a valid SID.
        :raises InvalidCommand: for a command that cannot answer a callback.
        :raises CommandInProgress: if another command to the reservation is open.
        :raises CommandNotAllowed: if the command is not allowed, for example because the callback
            is late. Nothing is written. Answer with ``None`` then.
        :raises StoreFailed: if it could not be written.
        """
        response = answer(command)
        report = report_of_reservation(reservation)
        entry = await self._transactions.record_answer(report, command, strict=strict)
        return CallbackAnswer(response, entry.reservation)

    async def release(self, sid: str) -> Entry:
        """Give up the hold of a reservation, and return its entry.

        Use it if the command behind the hold was certainly not carried out, for example because
        the answer to the callback was too late. The commands of a pending reservation are then
        allowed again.

        :raises NotInBook: if the book has no entry of the reservation.
        :raises StoreFailed: if the store failed.
        """
        return await self._transactions.release(sid)

    # --- reading ---------------------------------------------------------------------------------

    async def get(self, sid: str) -> Entry | None:
        """Return the entry of a reservation, or ``None``.

        :raises UnreadableEntry: if the store holds one that cannot be read.
        :raises StoreFailed: if the store failed.
        """
        return await self._transactions.get(sid)

    async def live(
        self, *, on_unreadable: Callable[[UnreadableEntry], object] | None = None
    ) -> AsyncIterator[Entry]:
        """Iterate over the entries that can still change, ordered by SID.

        Entries that are added behind the last one meanwhile are left out, so that it ends.

        :param on_unreadable: called with the error of each entry that cannot be read. Without it,
            the first error is raised at the end.
        :raises UnreadableEntry: after the others, if an entry cannot be read.
        :raises StoreFailed: if the store failed.
        """
        first: UnreadableEntry | None = None
        async for page in self._transactions.live_pages(BATCH_SIZE):
            for entry in page:
                if isinstance(entry, Entry):
                    yield entry
                elif on_unreadable is not None:
                    on_unreadable(entry)
                else:
                    first = first or entry
        if first is not None:
            raise first

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation, in the order it was written.

        It is empty for a reservation that the book does not know.

        :raises UnreadableEntry: if a line of it cannot be read.
        :raises StoreFailed: if the store failed.
        """
        require_sid(sid)
        return await self.store.history(sid)

    # --- housekeeping ----------------------------------------------------------------------------

    async def due(
        self,
        older_than: float = DEFAULT_OLDER_THAN,
        *,
        limit: int = 100,
        lease: float = DEFAULT_LEASE,
    ) -> Sequence[Entry]:
        """Claim entries to fetch again: live ones without news, and doubtful ones.

        :param older_than: seconds without news after which a live entry is due.
        :param limit: maximum number of entries.
        :param lease: seconds for which no other caller gets the same entries. A claim also ends
            when its entry is written without an open intent.
        :returns: the claimed entries, longest waiting first. Those that cannot be read are left
            out: :meth:`reconcile` reports them.
        :raises StoreFailed: if the store failed.
        """
        before = self._ago(older_than)
        claimed = await self._transactions.claim(Claim.DUE, before, limit, lease)
        return [entry for entry in claimed if isinstance(entry, Entry)]

    async def purge(self, older_than: float) -> int:
        """Delete ended entries with their history, and return how many entries.

        A late event of a deleted reservation counts as its first report. So keep entries for
        longer than events may be repeated: an event stream repeats them for four hours.

        :param older_than: seconds without news after which an ended entry is deleted.
        :raises StoreFailed: if the store failed.
        """
        return await self.store.purge(self._ago(older_than))

    async def forget(self, sid: str) -> bool:
        """Delete the entry of one reservation and its history, in any status.

        Use it if a person asks for it, or for an entry that cannot be read. A later event of the
        reservation counts as its first report.

        :param sid: SID of the reservation.
        :returns: false if the book had no entry of it.
        :raises CommandInProgress: if a command to the reservation is open. An entry that cannot be
            read is deleted all the same: look on the platform how its command ended.
        :raises StoreFailed: if the store failed.
        """
        return await self._transactions.forget(sid)

    async def close(self) -> None:
        """Close the store. Closing it twice is allowed."""
        await self.store.close()

    # --- commands --------------------------------------------------------------------------------

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
        """Perform a command on a reservation of the book, safely across crashes.

        The command is written down before it is sent and closed after. If the outcome is not
        known, it stays open until :meth:`resume` or :meth:`recover` finds out. If no fetch can
        tell the outcome, it is closed as unknown.

        :param sid: SID of the reservation.
        :param command: the command to perform.
        :param gateway: sends the requests.
        :param route: the address to use, by task or by worker.
        :param policy: retries, pauses and deadline of the delivery.
        :param observer: is notified of each attempt.
        :returns: the reservation as the platform reported it.
        :raises NotInBook: if the book has no entry of the reservation.
        :raises CommandInProgress: if another command to the reservation is open.
        :raises CommandError: if the command is not allowed. Nothing is written or sent.
        :raises Refused: if the platform did not carry it out. A :class:`LostRace` carries the
            reservation as it is now, if it could be fetched.
        :raises OutcomeUnknown: if the outcome is not known. Then call :meth:`resume`. It is
            :class:`Indistinguishable`, with the reservation, if a concurrent writer may have done
            the same.
        :raises NotSent: if the last request was not sent, and no earlier one was carried out.
        :raises GatewayError, ReplyError: with ``Policy.reconcile`` off, any other failure as it is.
            Its class says if the outcome is unknown.
        :raises StoreFailed: if the store failed.
        """
        require_delivery(gateway, policy, observer, is_async=True, instead="Book")
        intent = await self._transactions.open_intent(
            sid, command, Route(route), strict=policy.strict
        )
        return await self._deliver(sid, intent, gateway, policy, observer, resume=False)

    async def resume(
        self,
        sid: str,
        gateway: AsyncGateway,
        *,
        policy: Policy = DEFAULT_POLICY,
        observer: Observer = NO_OBSERVER,
    ) -> Reservation:
        """Resume the open command of one reservation, as after a lost reply.

        The reservation is fetched first. Use it when the delivery has certainly ended, as in a
        step that a workflow engine repeats after a crash. :meth:`recover` does it for all
        reservations.

        :param sid: SID of the reservation.
        :param gateway: sends the requests.
        :param policy: retries, pauses and deadline of the delivery.
        :param observer: is notified of each attempt.
        :returns: the reservation as the platform reported it. If no command is open, nothing is
            sent, and it is the reservation of the entry.
        :raises NotInBook: if the book has no entry of the reservation.
        :raises Refused: if the platform did not carry it out. A :class:`LostRace` carries the
            reservation as it is now, if it could be fetched.
        :raises OutcomeUnknown: if the outcome is not known. It is :class:`Indistinguishable`, with
            the reservation, if a concurrent writer may have done the same.
        :raises NotSent: if the last request was not sent, and no earlier one was carried out.
        :raises GatewayError, ReplyError: with ``Policy.reconcile`` off, any other failure as it is.
            Its class says if the outcome is unknown.
        :raises StoreFailed: if the store failed.
        """
        require_delivery(gateway, policy, observer, is_async=True, instead="Book")
        entry = await self._transactions.get(sid)
        if entry is None:
            raise NotInBook(sid)
        if entry.intent is None:
            return entry.reservation
        intent = await self._transactions.take_over(sid, entry.intent)
        if intent is None:
            return await self.resume(sid, gateway, policy=policy, observer=observer)
        return await self._deliver(sid, intent, gateway, policy, observer, resume=True)

    async def _deliver(
        self,
        sid: str,
        intent: Intent,
        gateway: AsyncGateway,
        policy: Policy,
        observer: Observer,
        *,
        resume: bool,
    ) -> Reservation:
        outcome = await self._deliver_intent(sid, intent, gateway, policy, observer, resume=resume)
        await self._transactions.close_intent(sid, intent, outcome)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.reservation is not None
        return outcome.reservation

    async def _deliver_intent(
        self,
        sid: str,
        intent: Intent,
        gateway: AsyncGateway,
        policy: Policy,
        observer: Observer,
        *,
        resume: bool,
    ) -> DeliveryOutcome:
        return await deliver_intent(
            intent,
            gateway,
            policy,
            observer,
            self._sleep,
            may_send_again=lambda: self._transactions.holds(sid, intent),
            resume=resume,
        )

    async def recover(
        self,
        gateway: AsyncGateway,
        *,
        older_than: float = DEFAULT_OLDER_THAN,
        limit: int = 1000,
        lease: float = DEFAULT_LEASE,
        policy: PolicyChoice = DEFAULT_POLICY,
        observer: Observer = NO_OBSERVER,
    ) -> Swept:
        """Find out how open commands ended, and finish those not carried out.

        :param gateway: sends the requests.
        :param older_than: minimum age of a command in seconds. Use more than a delivery takes, or
            a command that is still being delivered is recovered, too. Use 0 if the processes that
            delivered have ended.
        :param limit: maximum number of commands.
        :param lease: seconds for which no other process recovers the same command. If this
            process ends, others can continue after that time.
        :param policy: retries, pauses and deadline of each delivery. It may be a function that
            chooses the policy of each intent, for example because you are the sole writer of some
            commands only.
        :param observer: is notified of each attempt.
        :returns: the ending of each command, and the errors of those that stay open.
        :raises StoreFailed: if the store failed.
        """
        require_delivery(gateway, DEFAULT_POLICY, observer, is_async=True, instead="Book")
        require_policy_choice(policy)
        settled: list[Recorded] = []
        failed: dict[str, ReservationError] = {}
        before = self._ago(older_than)
        async for entry in self._transactions.claim_each(Claim.OPEN, before, limit, lease):
            ended = await self._recover_entry(entry, gateway, policy, observer)
            if isinstance(ended, Recorded):
                settled.append(ended)
            elif ended is not None:
                failed[entry.sid] = ended
        return Swept(tuple(settled), failed)

    async def _recover_entry(
        self, entry: StoredEntry, gateway: AsyncGateway, policy: PolicyChoice, observer: Observer
    ) -> Recorded | ReservationError | None:
        """Recover the command of one entry.

        :returns: the error if it stays open, and ``None`` if another process settles it.
        """
        if isinstance(entry, UnreadableEntry):
            return entry
        if entry.intent is None:
            return UnreadableEntry("its open command is missing", entry.sid)
        chosen = choose_policy(policy, entry.intent)
        try:
            intent = await self._transactions.take_over(entry.sid, entry.intent)
            if intent is None:
                return None
            outcome = await self._deliver_intent(
                entry.sid, intent, gateway, chosen, observer, resume=True
            )
            closed = await self._transactions.close_intent(entry.sid, intent, outcome)
        except UnreadableEntry as error:  # it was damaged meanwhile
            return error
        return outcome.error if closed is None else closed

    async def reconcile(
        self,
        gateway: AsyncGateway,
        *,
        older_than: float = DEFAULT_OLDER_THAN,
        limit: int = 1000,
        lease: float = DEFAULT_LEASE,
        route: Route | str = Route.TASK,
    ) -> Swept:
        """Fetch doubtful entries and live entries without news, and record the result.

        A reservation that the platform no longer has is marked as deleted. An entry with news from
        the last five minutes is not: the platform keeps a reservation for that time, so a 404 may
        be wrong. It is then one of those that failed, and is fetched again.

        :param gateway: sends the requests.
        :param older_than: seconds without news after which a live entry is fetched.
        :param limit: maximum number of entries.
        :param lease: seconds for which no other process fetches the same entry.
        :param route: the address to use, by task or by worker.
        :returns: the result of each fetch, and the errors of those that failed.
        :raises StoreFailed: if the store failed.
        """
        require_gateway(gateway, is_async=True, instead="Book")
        settled: list[Recorded] = []
        failed: dict[str, ReservationError] = {}
        before = self._ago(older_than)
        async for entry in self._transactions.claim_each(Claim.DUE, before, limit, lease):
            if isinstance(entry, UnreadableEntry):
                failed[entry.sid] = entry
                continue
            try:
                settled.append(await self._fetch_again(entry, gateway, route))
            except ReservationError as error:
                failed[entry.sid] = error
        return Swept(tuple(settled), failed)

    async def _fetch_again(
        self, entry: Entry, gateway: AsyncGateway, route: Route | str
    ) -> Recorded:
        try:
            fetched = await afetch(_address_of(entry.reservation), gateway, route=route)
        except NotFound:
            deleted = await self._transactions.record_deletion(entry)
            if deleted is None:
                raise
            return deleted
        return await self._transactions.record_fetch(entry, fetched)

    def _ago(self, seconds: float) -> datetime:
        return self._clock() - timedelta(seconds=seconds)


def _address_of(reservation: Reservation) -> Address:
    """Return the address alone.

    Then a fetch may contradict the entry.
    """
    return Address(
        workspace_sid=reservation.workspace_sid,
        sid=reservation.sid,
        task_sid=reservation.task_sid,
        worker_sid=reservation.worker_sid,
    )
