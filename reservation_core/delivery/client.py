"""Perform a command, fetch a reservation or list reservations through a gateway.

Each function exists twice: for a :class:`Gateway`, and with the prefix ``a`` for an
:class:`AsyncGateway` in an event loop. Both share the delivery and the paging.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from time import sleep as blocking_sleep
from typing import TYPE_CHECKING

import attrs

from reservation_core.delivery.observer import NO_OBSERVER, Observer, require_observer
from reservation_core.delivery.policy import DEFAULT_POLICY, Policy, require_policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.errors import ReplyError
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.gateways.port import AsyncGateway, Gateway, require_gateway
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.errors import GatewayError, MalformedReply
from reservation_core.rest.fetch import conclude_fetch, prepare_fetch
from reservation_core.rest.messages import Reply
from reservation_core.rest.update import conclude, prepare

if TYPE_CHECKING:
    from reservation_core.delivery.engine import Answer
    from reservation_core.delivery.pages import Pages


def perform(
    reservation: Reservation,
    command: Command,
    gateway: Gateway,
    *,
    route: Route | str = Route.TASK,
    policy: Policy = DEFAULT_POLICY,
    observer: Observer = NO_OBSERVER,
    resume: bool = False,
    may_send_again: Callable[[], bool] | None = None,
    clock: Callable[[], float] = monotonic,
    sleep: Callable[[float], object] = blocking_sleep,
    random: Callable[[], float] | None = None,
) -> Reservation:
    """Send a command and return the reported reservation.

    The command is not carried out twice, unless ``Policy.repeat_unknown`` allows it
    (:mod:`reservation_core.delivery.engine`).

    :param reservation: the reservation as it was last reported.
    :param command: the command, such as ``Accept()``.
    :param route: the path to use: ``task`` or ``worker``. The worker route has no supervise and no
        ETag.
    :param policy: the retry policy. ``ONCE`` sends one request and never fetches.
    :param observer: is notified of each attempt.
    :param resume: True if a process that ended may have sent this command for this reservation.
        Then the reservation is fetched first, as after a lost reply.
    :param may_send_again: asked before the command is sent again, and before it is sent by a
        resumed delivery. Return ``False`` if another process has taken the command over: a process
        may have been paused meanwhile. The delivery then ends with :class:`OutcomeUnknown`.
    :param clock: for tests; returns seconds.
    :param sleep: for tests; waits for a number of seconds.
    :param random: for tests; returns a number from 0 to 1. ``random.random`` by default.
    :raises CommandError: before anything is sent, if the command is not allowed or the reservation
        has no valid address.
    :raises Refused: if the command was not carried out. A :class:`LostRace` carries the
        reservation as it is now, if it could be fetched.
    :raises OutcomeUnknown: if the command may have been carried out. It is
        :class:`Indistinguishable`, with the reservation, if a concurrent writer may have done the
        same.
    :raises NotSent: if the last request was not sent, and no earlier one was carried out.
    :raises GatewayError, ReplyError: with ``Policy.reconcile`` off, any other failure as it is. Its
        class says if the outcome is unknown.
    """
    require_delivery(gateway, policy, observer, is_async=False, instead="aperform()")
    began, first = clock(), None
    if observer is NO_OBSERVER and not resume:
        # Most commands succeed at once and need no record. With one, an update takes 12 µs instead
        # of 8 µs (benchmark row 7).
        request = prepare(reservation, command, route=route, strict=policy.strict)
        reply: Reply | None = None
        try:
            reply = gateway.send(request)
            return conclude(reservation, command, reply)
        except (ReplyError, GatewayError) as error:
            first = request, reply, error
    # Imported lazily: with it, the import of the package takes 2.5 ms more (benchmark row 12).
    from reservation_core.delivery.engine import Pause, PermissionCheck, deliver  # noqa: PLC0415

    steps = deliver(
        reservation,
        command,
        route=route,
        policy=policy,
        observer=observer,
        clock=clock,
        random=random,
        began=began,
        first=first,
        resume=resume,
        has_permission_check=may_send_again is not None,
    )
    answer: Answer = None
    try:
        while not isinstance(step := steps.send(answer), Reservation):
            answer = None
            if isinstance(step, Pause):
                sleep(step.seconds)
            elif isinstance(step, PermissionCheck):
                answer = may_send_again is None or may_send_again()
            else:
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
    may_send_again: Callable[[], Awaitable[bool]] | None = None,
    clock: Callable[[], float] = monotonic,
    sleep: Callable[[float], Awaitable[object]] | None = None,
    random: Callable[[], float] | None = None,
) -> Reservation:
    """Send a command in an event loop and return the reported reservation.

    The command is not carried out twice, unless ``Policy.repeat_unknown`` allows it
    (:mod:`reservation_core.delivery.engine`). A delivery that is cancelled sends nothing more, and
    its outcome is unknown.

    :param reservation: the reservation as it was last reported.
    :param command: the command, such as ``Accept()``.
    :param route: the path to use: ``task`` or ``worker``. The worker route has no supervise and no
        ETag.
    :param policy: the retry policy. ``ONCE`` sends one request and never fetches.
    :param observer: is notified of each attempt.
    :param resume: True if a process that ended may have sent this command for this reservation.
        Then the reservation is fetched first, as after a lost reply.
    :param may_send_again: asked before the command is sent again, and before it is sent by a
        resumed delivery. Return ``False`` if another process has taken the command over: a process
        may have been paused meanwhile. The delivery then ends with :class:`OutcomeUnknown`.
    :param clock: for tests; returns seconds.
    :param sleep: for tests; waits for a number of seconds. ``asyncio.sleep`` by default.
    :param random: for tests; returns a number from 0 to 1. ``random.random`` by default.
    :raises CommandError: before anything is sent, if the command is not allowed or the reservation
        has no valid address.
    :raises Refused: if the command was not carried out. A :class:`LostRace` carries the
        reservation as it is now, if it could be fetched.
    :raises OutcomeUnknown: if the command may have been carried out. It is
        :class:`Indistinguishable`, with the reservation, if a concurrent writer may have done the
        same.
    :raises NotSent: if the last request was not sent, and no earlier one was carried out.
    :raises GatewayError, ReplyError: with ``Policy.reconcile`` off, any other failure as it is. Its
        class says if the outcome is unknown.
    """
    require_delivery(gateway, policy, observer, is_async=True, instead="perform()")
    began, first = clock(), None
    if observer is NO_OBSERVER and not resume:
        # Most commands succeed at once and need no record. With one, an update takes 12 µs instead
        # of 8 µs (benchmark row 7).
        request = prepare(reservation, command, route=route, strict=policy.strict)
        reply: Reply | None = None
        try:
            reply = await gateway.asend(request)
            return conclude(reservation, command, reply)
        except (ReplyError, GatewayError) as error:
            first = request, reply, error
    from reservation_core.delivery.engine import Pause, PermissionCheck, deliver  # noqa: PLC0415

    steps = deliver(
        reservation,
        command,
        route=route,
        policy=policy,
        observer=observer,
        clock=clock,
        random=random,
        began=began,
        first=first,
        resume=resume,
        has_permission_check=may_send_again is not None,
    )
    answer: Answer = None
    try:
        while not isinstance(step := steps.send(answer), Reservation):
            answer = None
            if isinstance(step, Pause):
                await (sleep or _asyncio_sleep)(step.seconds)
            elif isinstance(step, PermissionCheck):
                answer = may_send_again is None or await may_send_again()
            else:
                try:
                    answer = await gateway.asend(step)
                except GatewayError as error:
                    answer = error
        return step
    finally:
        steps.close()


def require_delivery(
    gateway: object, policy: object, observer: object, *, is_async: bool, instead: str
) -> None:
    """Raise TypeError for an argument of a delivery of another type.

    :param is_async: True if the gateway must be for an event loop.
    :param instead: the function or class that takes the other kind of gateway.
    """
    require_gateway(gateway, is_async=is_async, instead=instead)
    if policy is not DEFAULT_POLICY:
        require_policy(policy)
    if observer is not NO_OBSERVER:
        require_observer(observer)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - it takes 20 ms, and the whole package 45 ms (benchmark row 12)

    await asyncio.sleep(seconds)


def fetch(
    where: Address | Reservation, gateway: Gateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Fetch one reservation.

    :param where: an :class:`Address`, or the reservation as it was last reported. The fetched
        status must be reachable from the last reported one.
    :param route: the path to use: ``task`` or ``worker``.
    :raises IncompleteReservation: before anything is sent, if a SID in the path is unset or not a
        SID.
    :raises ReplyError: if the platform refused, or the reply is not that reservation.
    :raises GatewayError: if no complete reply was received.
    """
    require_gateway(gateway, is_async=False, instead="afetch()")
    request = prepare_fetch(where, route=route)
    with _reading():
        return conclude_fetch(where, gateway.send(request))


async def afetch(
    where: Address | Reservation, gateway: AsyncGateway, *, route: Route | str = Route.TASK
) -> Reservation:
    """Fetch one reservation in an event loop.

    :param where: an :class:`Address`, or the reservation as it was last reported. The fetched
        status must be reachable from the last reported one.
    :param route: the path to use: ``task`` or ``worker``.
    :raises IncompleteReservation: before anything is sent, if a SID in the path is unset or not a
        SID.
    :raises ReplyError: if the platform refused, or the reply is not that reservation.
    :raises GatewayError: if no complete reply was received.
    """
    require_gateway(gateway, is_async=True, instead="fetch()")
    request = prepare_fetch(where, route=route)
    with _reading():
        return conclude_fetch(where, await gateway.asend(request))


def list_reservations(
    gateway: Gateway,
    *,
    workspace_sid: str,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: Status | None = None,
    page_size: int | None = None,
    on_unreadable: Callable[[MalformedReply], object] | None = None,
) -> Iterator[Reservation]:
    """List the reservations of a task or worker.

    A page is requested when the iteration reaches it.

    :param task_sid: list the reservations of this task. Without it, ``worker_sid`` is required.
    :param worker_sid: list the reservations of this worker, of the task if it is given too.
    :param status: list only the reservations in this status.
    :param page_size: reservations per page, 1 to 1000. The platform's default is 50.
    :param on_unreadable: called with the error of each unreadable reservation, such as one with an
        unknown status. The iteration continues with the others. Without it, one makes the page
        unreadable.
    :raises IncompleteReservation: at once, if a SID is unset or not a SID.
    :raises ValueError: at once, if the status or the page size is not valid.
    :raises ReplyError: during the iteration, if the platform refused or a page cannot be read. A
        link to a next page outside the gateway's origin is not followed.
    :raises GatewayError: during the iteration, if no complete reply was received.
    """
    require_gateway(gateway, is_async=False, instead="alist_reservations()")
    # Imported lazily: with it, the import of the package takes 3 ms more (benchmark row 12).
    from reservation_core.delivery.pages import Pages  # noqa: PLC0415
    from reservation_core.rest.listing import ListQuery  # noqa: PLC0415

    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _take(gateway, Pages(query, gateway, on_unreadable))


def alist_reservations(
    gateway: AsyncGateway,
    *,
    workspace_sid: str,
    task_sid: str | None = None,
    worker_sid: str | None = None,
    status: Status | None = None,
    page_size: int | None = None,
    on_unreadable: Callable[[MalformedReply], object] | None = None,
) -> AsyncIterator[Reservation]:
    """List the reservations of a task or worker in an event loop.

    A page is requested when the iteration reaches it.

    :param task_sid: list the reservations of this task. Without it, ``worker_sid`` is required.
    :param worker_sid: list the reservations of this worker, of the task if it is given too.
    :param status: list only the reservations in this status.
    :param page_size: reservations per page, 1 to 1000. The platform's default is 50.
    :param on_unreadable: called with the error of each unreadable reservation, such as one with an
        unknown status. The iteration continues with the others. Without it, one makes the page
        unreadable.
    :raises IncompleteReservation: at once, if a SID is unset or not a SID.
    :raises ValueError: at once, if the status or the page size is not valid.
    :raises ReplyError: during the iteration, if the platform refused or a page cannot be read. A
        link to a next page outside the gateway's origin is not followed.
    :raises GatewayError: during the iteration, if no complete reply was received.
    """
    require_gateway(gateway, is_async=True, instead="list_reservations()")
    from reservation_core.delivery.pages import Pages  # noqa: PLC0415
    from reservation_core.rest.listing import ListQuery  # noqa: PLC0415

    query = ListQuery(
        workspace_sid=workspace_sid,
        task_sid=task_sid,
        worker_sid=worker_sid,
        status=status,
        page_size=page_size,
    )
    return _atake(gateway, Pages(query, gateway, on_unreadable))


def _take(gateway: Gateway, pages: Pages) -> Iterator[Reservation]:
    for request in pages.requests():
        with _reading():
            reply = gateway.send(request)
        yield from pages.read(reply)


async def _atake(gateway: AsyncGateway, pages: Pages) -> AsyncIterator[Reservation]:
    for request in pages.requests():
        with _reading():
            reply = await gateway.asend(request)
        for reservation in pages.read(reply):
            yield reservation


@contextmanager
def _reading() -> Generator[None]:
    """Mark the error of a gateway: nothing was commanded."""
    try:
        yield
    except GatewayError as error:
        marked = attrs.evolve(error, is_read_only=True)
        raise marked.with_traceback(error.__traceback__) from error.__cause__
