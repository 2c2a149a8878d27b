"""Perform, fetch and list through a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from time import monotonic
from time import sleep as wait
from typing import TYPE_CHECKING

from reservation_core.delivery.engine import FirstFailure, Flow, Pause, deliver
from reservation_core.delivery.observer import NO_OBSERVER, Observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import HasReservationSids, Route
from reservation_core.rest.errors import GatewayError, MalformedReply, PayloadFault, ReplyError
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.update import conclude, conclude_fetch, prepare, prepare_fetch

if TYPE_CHECKING:
    from reservation_core.rest.listing import ListQuery, ReservationPage


def random_fraction() -> float:
    """Draw from 0 to 1."""
    from random import random  # noqa: PLC0415 - who never waits does not pay for it

    return random()  # noqa: S311 - for a pause


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
    sleep: Callable[[float], object] = wait,
    random: Callable[[], float] = random_fraction,
) -> Reservation:
    """Ask for a command, and hold the reservation as the platform then reports it; it is never carried out twice.

    :param policy: how hard to try (:mod:`reservation_core.delivery.engine`); ``ONCE`` sends one request, whatever comes of it.
    :param observer: what is told of each attempt.
    :param resume: whether the command may have been sent already, for this reservation as it was held then, by a process that ended:
        then the reservation is read first, as after a reply that was lost.
    :param clock, sleep, random: for tests; seconds, and a number from 0 to 1.
    :raises CommandError: before anything is sent, when it must not be asked.
    :raises Refused: when it was not carried out; a :class:`LostRace` carries the reservation as it now is.
    :raises OutcomeUnknown: when nobody can tell whether it was; :class:`Indistinguishable`, which carries the reservation, when it is
        done but perhaps by somebody else.
    :raises NotSent: when nothing ever left.
    """
    first: FirstFailure | None = None
    if (
        observer is NO_OBSERVER and not resume
    ):  # nearly always the first answer is good: nothing is put on record before it is not
        began, request = clock(), prepare(reservation, command, route=route)
        try:
            return conclude(reservation, command, gateway.send(request))
        except (GatewayError, ReplyError) as failure:
            first = FirstFailure(request, began, failure)
    flow = deliver(
        reservation, command, policy, Route(route), clock, random, observer, first, resume=resume
    )
    try:
        step = _resume(flow, None)
        while not isinstance(step, Reservation):
            answer: Reply | GatewayError | None = None
            if isinstance(step, Pause):
                sleep(step.seconds)
            else:
                try:
                    answer = gateway.send(step)
                except GatewayError as error:
                    answer = error
            step = _resume(flow, answer)
        return step
    finally:
        flow.close()


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
    """Ask for a command in an event loop; else as :func:`perform`. Cancelled, it sends nothing more, and the outcome is not known."""
    first: FirstFailure | None = None
    if observer is NO_OBSERVER and not resume:
        began, request = clock(), prepare(reservation, command, route=route)
        try:
            return conclude(reservation, command, await gateway.asend(request))
        except (GatewayError, ReplyError) as failure:
            first = FirstFailure(request, began, failure)
    flow = deliver(
        reservation, command, policy, Route(route), clock, random, observer, first, resume=resume
    )
    try:
        step = _resume(flow, None)
        while not isinstance(step, Reservation):
            answer: Reply | GatewayError | None = None
            if isinstance(step, Pause):
                await (sleep or _asyncio_sleep)(step.seconds)
            else:
                try:
                    answer = await gateway.asend(step)
                except GatewayError as error:
                    answer = error
            step = _resume(flow, answer)
        return step
    finally:
        flow.close()


def _resume(flow: Flow, answer: Reply | GatewayError | None) -> Request | Pause | Reservation:
    try:
        return flow.send(answer)
    except StopIteration as end:
        done: Reservation = end.value
        return done


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - who never awaits does not pay for it

    await asyncio.sleep(seconds)


def fetch(
    where: HasReservationSids, gateway: Gateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Read one reservation.

    :param where: the reservation as it was known, which the newer one must be able to follow; or an :class:`Address`.
    :raises IncompleteReservation, ReplyError, GatewayError: as :func:`perform`.
    """
    return conclude_fetch(where, gateway.send(prepare_fetch(where, route=route)))


async def afetch(
    where: HasReservationSids, gateway: AsyncGateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Read one reservation in an event loop; else as :func:`fetch`."""
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
    """List the reservations of a task, or of a worker, a page at a time and only as far as they are taken.

    :param worker_sid: with a task, only that worker's; without one, all of the worker's (the worker route).
    :param page_size: how many a page, 1 to 1000; the platform's default is 50.
    :raises IncompleteReservation: at once, when a SID is missing or is none.
    :raises ReplyError, GatewayError: when a page is taken; a next page outside the gateway's own origin is refused, not followed.
    """
    from reservation_core.rest.listing import ListQuery, prepare_list  # noqa: PLC0415 - who never lists does not pay for it

    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _walk(gateway, query, prepare_list(query))


def _walk(gateway: Gateway, query: ListQuery, request: Request | None) -> Iterator[Reservation]:
    from reservation_core.rest.listing import conclude_list  # noqa: PLC0415

    seen: set[str] = set()
    while request is not None:
        page = conclude_list(query, gateway.send(request), origin=getattr(gateway, "origin", None))
        yield from page.reservations
        request = _turn(page, request, seen)


def alist_reservations(
    gateway: AsyncGateway,
    *,
    workspace_sid: str,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: Status | None = None,
    page_size: int | None = None,
) -> AsyncIterator[Reservation]:
    """List the reservations of a task, or of a worker, in an event loop; else as :func:`list_reservations`."""
    from reservation_core.rest.listing import ListQuery, prepare_list  # noqa: PLC0415 - who never lists does not pay for it

    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _awalk(gateway, query, prepare_list(query))


async def _awalk(
    gateway: AsyncGateway, query: ListQuery, request: Request | None
) -> AsyncIterator[Reservation]:
    from reservation_core.rest.listing import conclude_list  # noqa: PLC0415

    seen: set[str] = set()
    while request is not None:
        page = conclude_list(
            query, await gateway.asend(request), origin=getattr(gateway, "origin", None)
        )
        for reservation in page.reservations:
            yield reservation
        request = _turn(page, request, seen)


def _turn(page: ReservationPage, request: Request, seen: set[str]) -> Request | None:
    """Turn to the next page, unless the platform leads in a circle."""
    seen.add(request.path)
    if page.next_request is not None and page.next_request.path in seen:
        raise MalformedReply(
            (
                PayloadFault(
                    "meta.next_page_url",
                    "leads back to a page that was read already",
                    "<not followed>",
                ),
            )
        )
    return page.next_request
