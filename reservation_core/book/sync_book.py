"""The book for threads: the same as :class:`AsyncBook`, whose every step is taken at once.

Its store and its gateway never suspend, so that a coroutine of the book runs to its end when it is first resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from reservation_core.book.book import DEFAULT_LEASE, DEFAULT_OLDER_THAN, IGNORED, AsyncBook
from reservation_core.book.merging import Recordable, report_of
from reservation_core.book.records import (
    Change,
    Entry,
    EventRef,
    HistoryLine,
    LookupResult,
    Recorded,
    Report,
    StoreUnavailable,
    Swept,
    Verdict,
)
from reservation_core.book.stores.group_commit import GroupCommit
from reservation_core.book.stores.port import Claim, Store
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import Gateway
from reservation_core.rest.addresses import Route
from reservation_core.rest.messages import Reply, Request

T = TypeVar("T")


def _finish(steps: Coroutine[Any, Any, T]) -> T:
    """Run what never suspends."""
    try:
        steps.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("a book for threads was given what suspends")


class _AtOnce:
    """A store and a gateway for threads, in the spelling of an event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def look_up(self, sids: Sequence[str], events: Sequence[EventRef]) -> LookupResult:
        return self._store.look_up(sids, events)

    async def write(self, changes: Sequence[Change]) -> Sequence[bool]:
        return self._store.write(changes)

    async def claim(
        self, what: Claim, *, before: datetime, now: datetime, until: datetime, limit: int
    ) -> Sequence[Entry]:
        return self._store.claim(what, before=before, now=now, until=until, limit=limit)

    async def live(self, after: str, limit: int) -> Sequence[Entry]:
        return self._store.live(after, limit)

    async def history(self, sid: str) -> Sequence[HistoryLine]:
        return self._store.history(sid)

    async def purge(self, before: datetime) -> int:
        return self._store.purge(before)

    async def close(self) -> None:
        self._store.close()


class _Sending:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def asend(self, request: Request) -> Reply:
        return self._gateway.send(request)


class Book:
    """The record of reservations, for threads; they may share it.

    :param store: where it is kept.
    :param clock: gives the present as an aware datetime in UTC; of several machines on one store it should agree to some seconds.
    :param sleep: waits so many seconds between two attempts; for tests.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        async def wait(seconds: float) -> None:
            sleep(seconds)

        self.store: Final = store
        within = _AtOnce(store)
        self._recording: Final = GroupCommit[Report, Recorded](
            lambda reports: _finish(self._book.record_batch(reports)),
            shared_failures=StoreUnavailable,
        )
        self._book: Final = (
            AsyncBook(within, sleep=wait)
            if clock is None
            else AsyncBook(within, clock=clock, sleep=wait)
        )

    def record(self, told: Recordable) -> Recorded:
        """See :meth:`AsyncBook.record`."""
        report = report_of(told)
        return IGNORED if report is None else self._recording.do(report)

    def record_all(
        self, told: Iterable[Recordable], *, batch_size: int = 500
    ) -> Mapping[Verdict, int]:
        """See :meth:`AsyncBook.record_all`."""
        return _finish(self._book.record_all(told, batch_size=batch_size))

    def get(self, sid: str) -> Entry | None:
        """See :meth:`AsyncBook.get`."""
        return _finish(self._book.get(sid))

    def live(self) -> Iterator[Entry]:
        """See :meth:`AsyncBook.live`."""
        entries = aiter(self._book.live())

        async def following() -> Entry | None:
            return await anext(entries, None)

        while (entry := _finish(following())) is not None:
            yield entry

    def due(
        self,
        older_than: float = DEFAULT_OLDER_THAN,
        *,
        limit: int = 100,
        lease: float = DEFAULT_LEASE,
    ) -> Sequence[Entry]:
        """See :meth:`AsyncBook.due`."""
        return _finish(self._book.due(older_than, limit=limit, lease=lease))

    def history(self, sid: str) -> Sequence[HistoryLine]:
        """See :meth:`AsyncBook.history`."""
        return _finish(self._book.history(sid))

    def purge(self, older_than: float) -> int:
        """See :meth:`AsyncBook.purge`."""
        return _finish(self._book.purge(older_than))

    def close(self) -> None:
        """Close the store."""
        _finish(self._book.close())

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
        """See :meth:`AsyncBook.perform`."""
        return _finish(
            self._book.perform(
                sid, command, _Sending(gateway), route=route, policy=policy, observer=observer
            )
        )

    def recover(
        self,
        gateway: Gateway,
        *,
        older_than: float = DEFAULT_OLDER_THAN,
        limit: int = 1000,
        lease: float = DEFAULT_LEASE,
        policy: Policy = DEFAULT_POLICY,
        observer: Observer = NO_OBSERVER,
    ) -> Swept:
        """See :meth:`AsyncBook.recover`."""
        return _finish(
            self._book.recover(
                _Sending(gateway),
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
        """See :meth:`AsyncBook.reconcile`."""
        return _finish(
            self._book.reconcile(
                _Sending(gateway), older_than=older_than, limit=limit, lease=lease, route=route
            )
        )
