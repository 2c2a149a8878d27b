"""The book for threads: the same as :class:`AsyncBook`, without an event loop.

Each method runs the coroutine of :class:`AsyncBook`. The store and the gateway block here and never
suspend it, so it runs to its end in one step.
"""

from __future__ import annotations

import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Any, Final, TypeVar

from reservation_core.book.book import (
    BATCH_SIZE,
    DEFAULT_LEASE,
    DEFAULT_OLDER_THAN,
    IGNORED,
    AsyncBook,
)
from reservation_core.book.deliveries import PolicyChoice
from reservation_core.book.errors import SHARED_FAILURES, UnreadableEntry
from reservation_core.book.records import Entry, HistoryLine, Recorded, Report, Swept, Verdict
from reservation_core.book.reports import Recordable, to_report
from reservation_core.book.stores.adapters import InlineStore
from reservation_core.book.stores.group_commit import GroupCommit
from reservation_core.book.stores.port import Store, require_store
from reservation_core.book.transactions import utc_now
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReservationError
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import Gateway, require_gateway
from reservation_core.rest.addresses import Route
from reservation_core.rest.messages import Reply, Request
from reservation_core.webhooks.responses import CallbackAnswer

_T = TypeVar("_T")


def _run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never suspends, in one step."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise AssertionError("a coroutine of a book for threads suspended")


def _iterate(items: AsyncIterator[_T]) -> Iterator[_T]:
    """Iterate over items whose iterator never suspends."""

    async def take_next() -> _T:
        return await anext(items)

    while True:
        try:
            item = _run(take_next())
        except StopAsyncIteration:
            return
        yield item


class _InlineGateway:
    """Adapter that gives a gateway for threads an async method."""

    def __init__(self, gateway: Gateway) -> None:
        require_gateway(gateway, is_async=False, instead="AsyncBook")
        self._gateway = gateway

    async def asend(self, request: Request) -> Reply:
        return self._gateway.send(request)


class Book:
    """Durable record of reservations, for threads. Threads may share it.

    :param store: where the book is kept.
    :param clock: returns the present time as an aware datetime in UTC. The clocks of several
        machines on one store should agree to a few seconds.
    :param sleep: waits between two attempts, in seconds; for tests.
    :raises TypeError: for a store for an event loop, or anything but a store.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        require_store(store, is_async=False)

        async def inline_sleep(seconds: float) -> None:
            sleep(seconds)

        self.store: Final = store
        self._book: Final = AsyncBook(InlineStore(store), clock=clock, sleep=inline_sleep)
        self._recording: Final = GroupCommit[Report, Recorded](
            self.record_batch, failures=ReservationError, shared_failures=SHARED_FAILURES
        )

    # --- recording -------------------------------------------------------------------------------

    def record(self, item: Recordable) -> Recorded:
        """Record an event, a reservation or a reply durably.

        Recording the same item again changes nothing. Calls at the same time share one commit.

        :param item: an event, a reservation that the platform showed, or a reply that shows one.
        :returns: the verdict, and the entry after it.
        :raises IncompleteReservation: for a reservation without a valid SID.
        :raises ReplyError: for a reply that does not show a reservation.
        :raises StoreFailed: if it could not be written.
        """
        report = to_report(item)
        return IGNORED if report is None else self._recording.submit(report)

    def record_all(
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
        return _run(self._book.record_all(items, batch_size=batch_size))

    def record_batch(self, reports: Sequence[Report]) -> Sequence[Recorded]:
        """Record reports in their order in one commit.

        :returns: the result of each report.
        :raises StoreFailed: if they could not be written.
        """
        return _run(self._book.record_batch(reports))

    def answer(
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
        return _run(self._book.answer(reservation, command, strict=strict))

    def release(self, sid: str) -> Entry:
        """Give up the hold of a reservation, and return its entry.

        Use it if the command behind the hold was certainly not carried out, for example because
        the answer to the callback was too late. The commands of a pending reservation are then
        allowed again.

        :raises NotInBook: if the book has no entry of the reservation.
        :raises StoreFailed: if the store failed.
        """
        return _run(self._book.release(sid))

    # --- reading ---------------------------------------------------------------------------------

    def get(self, sid: str) -> Entry | None:
        """Return the entry of a reservation, or ``None``.

        :raises UnreadableEntry: if the store holds one that cannot be read.
        :raises StoreFailed: if the store failed.
        """
        return _run(self._book.get(sid))

    def live(
        self, *, on_unreadable: Callable[[UnreadableEntry], object] | None = None
    ) -> Iterator[Entry]:
        """Iterate over the entries that can still change, ordered by SID.

        Entries that are added behind the last one meanwhile are left out, so that it ends.

        :param on_unreadable: called with the error of each entry that cannot be read. Without it,
            the first error is raised at the end.
        :raises UnreadableEntry: after the others, if an entry cannot be read.
        :raises StoreFailed: if the store failed.
        """
        return _iterate(self._book.live(on_unreadable=on_unreadable))

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """Return the history of a reservation, in the order it was written.

        It is empty for a reservation that the book does not know.

        :raises UnreadableEntry: if a line of it cannot be read.
        :raises StoreFailed: if the store failed.
        """
        return _run(self._book.history(sid))

    # --- housekeeping ----------------------------------------------------------------------------

    def due(
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
        return _run(self._book.due(older_than, limit=limit, lease=lease))

    def purge(self, older_than: float) -> int:
        """Delete ended entries with their history, and return how many entries.

        A late event of a deleted reservation counts as its first report. So keep entries for
        longer than events may be repeated: an event stream repeats them for four hours.

        :param older_than: seconds without news after which an ended entry is deleted.
        :raises StoreFailed: if the store failed.
        """
        return _run(self._book.purge(older_than))

    def forget(self, sid: str) -> bool:
        """Delete the entry of one reservation and its history, in any status.

        Use it if a person asks for it, or for an entry that cannot be read. A later event of the
        reservation counts as its first report.

        :param sid: SID of the reservation.
        :returns: false if the book had no entry of it.
        :raises CommandInProgress: if a command to the reservation is open. An entry that cannot be
            read is deleted all the same: look on the platform how its command ended.
        :raises StoreFailed: if the store failed.
        """
        return _run(self._book.forget(sid))

    def close(self) -> None:
        """Close the store. Closing it twice is allowed."""
        self.store.close()

    # --- commands --------------------------------------------------------------------------------

    def perform(
        self,
        sid: str,
        command: Command,
        gateway: Gateway,
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
        return _run(
            self._book.perform(
                sid,
                command,
                _InlineGateway(gateway),
                route=route,
                policy=policy,
                observer=observer,
            )
        )

    def resume(
        self,
        sid: str,
        gateway: Gateway,
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
        return _run(
            self._book.resume(sid, _InlineGateway(gateway), policy=policy, observer=observer)
        )

    def recover(
        self,
        gateway: Gateway,
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
        return _run(
            self._book.recover(
                _InlineGateway(gateway),
                older_than=older_than,
                limit=limit,
                lease=lease,
                policy=policy,
                observer=observer,
            )
        )

    def reconcile(
        self,
        gateway: Gateway,
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
        return _run(
            self._book.reconcile(
                _InlineGateway(gateway),
                older_than=older_than,
                limit=limit,
                lease=lease,
                route=route,
            )
        )
