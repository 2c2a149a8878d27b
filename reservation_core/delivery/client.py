"""Perform a command, fetch a reservation or list reservations through a gateway.

Each function exists twice: with a :class:`Gateway`, and with an :class:`AsyncGateway` in an event
loop. Both drive the same delivery and the same list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from random import random as random_fraction
from time import monotonic
from time import sleep as blocking_sleep

from reservation_core.delivery.engine import Answer, Pause, deliver
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.errors import GatewayError, MalformedReply, PayloadFault
from reservation_core.rest.fetch import conclude_fetch, prepare_fetch
from reservation_core.rest.listing import ListQuery, conclude_list, prepare_list
from reservation_core.rest.messages import Reply, Request


def perform(
    reservation: Reservation,
    command: Command,
    gateway: Gateway,
    *,
    route: Route | str = Route.TASK,
    policy: Policy = DEFAULT_POLICY,
    observer: Observer = NO_OBSERVER,
    resume: bool = False,
    clock: Callable[[], float] = monotonic,
    sleep: Callable[[float], object] = blocking_sleep,
    random: Callable[[], float] = random_fraction,
) -> Reservation:
    """Send a command and return the reported reservation.

    The command is never carried out twice (:mod:`reservation_core.delivery.engine`).

    :param route: the task's address of the reservation, or the worker's.
    :param policy: how often and how long to try. ``ONCE`` sends one request and never fetches.
    :param observer: is notified of each attempt.
    :param resume: True if a process that ended may have sent this command for this reservation.
        Then the reservation is fetched first, as after a lost reply.
    :param clock: for tests; returns seconds.
    :param sleep: for tests; waits for a number of seconds.
    :param random: for tests; returns a number from 0 to 1.
    :raises CommandError: before anything is sent, if the command is not allowed.
    :raises Refused: if the command was not carried out. A :class:`LostRace` carries the
        reservation as it is now.
    :raises OutcomeUnknown: if the command may have been carried out. It is
        :class:`Indistinguishable`, with the reservation, if another writer may have done the same.
    :raises NotSent: if no request was sent.
    """
    steps = deliver(
        reservation,
        command,
        route=route,
        policy=policy,
        observer=observer,
        clock=clock,
        random=random,
        resume=resume,
    )
    answer: Answer = None
    try:
        while not isinstance(step := steps.send(answer), Reservation):
            answer = None
            if isinstance(step, Pause):
                sleep(step.seconds)
                continue
            try:
                answer = gateway.send(step)
            except GatewayError as error:
                answer = error
        return step
    finally:
        steps.close()


async def aperform(
    reservation: Reservation,
    command: Command,
    gateway: AsyncGateway,
    *,
    route: Route | str = Route.TASK,
    policy: Policy = DEFAULT_POLICY,
    observer: Observer = NO_OBSERVER,
    resume: bool = False,
    clock: Callable[[], float] = monotonic,
    sleep: Callable[[float], Awaitable[object]] | None = None,
    random: Callable[[], float] = random_fraction,
) -> Reservation:
    """Send a command in an event loop and return the reported reservation.

    The command is never carried out twice (:mod:`reservation_core.delivery.engine`). A delivery
    that is cancelled sends nothing more, and its outcome is unknown.

    :param route: the task's address of the reservation, or the worker's.
    :param policy: how often and how long to try. ``ONCE`` sends one request and never fetches.
    :param observer: is notified of each attempt.
    :param resume: True if a process that ended may have sent this command for this reservation.
        Then the reservation is fetched first, as after a lost reply.
    :param clock: for tests; returns seconds.
    :param sleep: for tests; waits for a number of seconds. ``asyncio.sleep`` by default.
    :param random: for tests; returns a number from 0 to 1.
    :raises CommandError: before anything is sent, if the command is not allowed.
    :raises Refused: if the command was not carried out. A :class:`LostRace` carries the
        reservation as it is now.
    :raises OutcomeUnknown: if the command may have been carried out. It is
        :class:`Indistinguishable`, with the reservation, if another writer may have done the same.
    :raises NotSent: if no request was sent.
    """
    steps = deliver(
        reservation,
        command,
        route=route,
        policy=policy,
        observer=observer,
        clock=clock,
        random=random,
        resume=resume,
    )
    answer: Answer = None
    try:
        while not isinstance(step := steps.send(answer), Reservation):
            answer = None
            if isinstance(step, Pause):
                await (sleep or _asyncio_sleep)(step.seconds)
                continue
            try:
                answer = await gateway.asend(step)
            except GatewayError as error:
                answer = error
        return step
    finally:
        steps.close()


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - it takes 20 ms, and the whole package 45 ms (benchmark row 12)

    await asyncio.sleep(seconds)


def fetch(
    where: Address | Reservation, gateway: Gateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Fetch one reservation.

    :param where: an :class:`Address`, or the reservation as it was last reported. The fetched
        reservation must be able to follow the last reported one.
    :param route: the task's address of the reservation, or the worker's.
    :raises IncompleteReservation: before anything is sent, if a SID of the address is missing.
    :raises ReplyError: if the platform refused, or the reply is not that reservation.
    :raises GatewayError: if no usable answer was received.
    """
    return conclude_fetch(where, gateway.send(prepare_fetch(where, route=route)))


async def afetch(
    where: Address | Reservation, gateway: AsyncGateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Fetch one reservation in an event loop.

    :param where: an :class:`Address`, or the reservation as it was last reported. The fetched
        reservation must be able to follow the last reported one.
    :param route: the task's address of the reservation, or the worker's.
    :raises IncompleteReservation: before anything is sent, if a SID of the address is missing.
    :raises ReplyError: if the platform refused, or the reply is not that reservation.
    :raises GatewayError: if no usable answer was received.
    """
    return conclude_fetch(where, await gateway.asend(prepare_fetch(where, route=route)))


def list_reservations(
    gateway: Gateway,
    *,
    workspace_sid: str,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: Status | None = None,
    page_size: int | None = None,
) -> Iterator[Reservation]:
    """List the reservations of a task or worker.

    A page is requested when its first reservation is taken.

    :param worker_sid: with a task, list only this worker's. Without one, list all of the worker's
        reservations, on the worker route.
    :param status: list only the reservations in this status.
    :param page_size: reservations per page, 1 to 1000. The platform's default is 50.
    :raises IncompleteReservation: at once, if a SID is missing or not valid.
    :raises ReplyError: when a page is taken. A next page outside the gateway's origin is refused,
        not followed.
    :raises GatewayError: when a page is taken and no usable answer was received.
    """
    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _take(gateway, _Pages(query, gateway))


def alist_reservations(
    gateway: AsyncGateway,
    *,
    workspace_sid: str,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: Status | None = None,
    page_size: int | None = None,
) -> AsyncIterator[Reservation]:
    """List the reservations of a task or worker in an event loop.

    A page is requested when its first reservation is taken.

    :param worker_sid: with a task, list only this worker's. Without one, list all of the worker's
        reservations, on the worker route.
    :param status: list only the reservations in this status.
    :param page_size: reservations per page, 1 to 1000. The platform's default is 50.
    :raises IncompleteReservation: at once, if a SID is missing or not valid.
    :raises ReplyError: when a page is taken. A next page outside the gateway's origin is refused,
        not followed.
    :raises GatewayError: when a page is taken and no usable answer was received.
    """
    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _atake(gateway, _Pages(query, gateway))


class _Pages:
    """The requests of a list, and the reservations of each reply."""

    def __init__(self, query: ListQuery, gateway: Gateway | AsyncGateway) -> None:
        self._query = query
        self._origin: str | None = getattr(gateway, "origin", None)
        self._next: Request | None = prepare_list(query)

    def requests(self) -> Iterator[Request]:
        """Yield the request for each page. Refuse a page read before."""
        paths: set[str] = set()
        while (request := self._next) is not None:
            if request.path in paths:
                problem = "leads back to a page that was read already"
                raise MalformedReply(
                    (PayloadFault("meta.next_page_url", problem, "<not followed>"),)
                )
            paths.add(request.path)
            yield request

    def read(self, reply: Reply) -> tuple[Reservation, ...]:
        """Return the reservations of one page."""
        page = conclude_list(self._query, reply, origin=self._origin)
        self._next = page.next_request
        return page.reservations


def _take(gateway: Gateway, pages: _Pages) -> Iterator[Reservation]:
    for request in pages.requests():
        yield from pages.read(gateway.send(request))


async def _atake(gateway: AsyncGateway, pages: _Pages) -> AsyncIterator[Reservation]:
    for request in pages.requests():
        for reservation in pages.read(await gateway.asend(request)):
            yield reservation
