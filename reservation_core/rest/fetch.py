"""Fetch of one reservation: its request, and the reader of its reply. No I/O."""

from __future__ import annotations

from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import Address, Route, reservation_path
from reservation_core.rest.messages import Reply, Request
from reservation_core.rest.reports import read_report


def prepare_fetch(where: Address | Reservation, *, route: Route | str = Route.TASK) -> Request:
    """Build the request that fetches one reservation.

    :param where: the reservation, or its address.
    :param route: the path to use: ``task`` or ``worker``.
    :raises IncompleteReservation: if a SID in the path is unset or not a SID.
    :raises TypeError: for anything else, such as a SID.
    """
    if not isinstance(where, (Address, Reservation)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"not an address: it is of type {type(where).__name__}. Give a Reservation, or an "
            "Address(workspace_sid=..., task_sid=..., sid=...)"
        )
    return Request("GET", reservation_path(where, Route(route)))


def conclude_fetch(where: Address | Reservation, reply: Reply) -> Reservation:
    """Read the reply to a fetch.

    :param where: the known reservation that was fetched, or its address.
    :returns: the reservation as reported. Its status can be reached from the known one, over any
        number of steps.
    :raises IllegalSuccession: if the status cannot follow the known one. The error has the
        reservation. A fetch by an :class:`Address` accepts any status.
    :raises ReplyError: for any other reply.
    """
    report = read_report(where, reply, is_read_only=True)
    return where.follow(report) if isinstance(where, Reservation) else report
