"""Pages of the reservations of a task or a worker."""

from __future__ import annotations

from reservation_core.domain.commands.extra import FormPairs
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.reservation import Reservation
from reservation_core.emulator.api.paging import (
    PageQuery,
    describe_page,
    find_start,
    page_reply,
    read_page_query,
)
from reservation_core.emulator.api.replies import show_status, write_reservation
from reservation_core.emulator.api.update_reading import UnreadableRequest
from reservation_core.emulator.platform.platform import Platform
from reservation_core.emulator.platform.settings import Settings
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.listing import WORKER_SID_FILTER
from reservation_core.rest.messages import Reply


def list_page(
    platform: Platform, origin: str, target: str, route: Route, address: Address, rates: FormPairs
) -> Reply:
    """Answer a request for a page.

    :param origin: start of the links to other pages.
    :param rates: the rate-limit headers.
    :raises UnreadableRequest: if the query is unreadable, the token unknown or, where the setting
        ``strict`` is on, the page size or the status invalid.
    """
    path, _, text = target.partition("?")
    settings = platform.settings
    query = read_page_query(text, is_strict=settings.strict)
    if settings.strict and query.fields.get(STATUS_FIELD, Status.PENDING).lower() not in [*Status]:
        raise UnreadableRequest(400, f"{STATUS_FIELD} must be one of {', '.join(Status)}")
    everything = [
        reservation
        for reservation in platform.all(address.task_sid or address.worker_sid)
        if reservation.workspace_sid == address.workspace_sid
    ]
    rows = [each for each in everything if _matches(query, each, route, settings)]
    sids = [str(each.sid) for each in rows]
    start = find_start(query, [str(each.sid) for each in everything], sids)
    meta = describe_page(query, sids, start, "reservations", origin + path)
    shown = rows[start : start + query.size]
    written = [write_reservation(each, route, origin, settings) for each in shown]
    return page_reply(meta, written, settings, rates)


def _matches(query: PageQuery, reservation: Reservation, route: Route, settings: Settings) -> bool:
    status, worker_sid = show_status(reservation, settings), reservation.worker_sid
    # Documented: the letter case of a status does not matter.
    return query.fields.get(STATUS_FIELD, status).lower() == status.lower() and (
        route is Route.WORKER or query.fields.get(WORKER_SID_FILTER, worker_sid) == worker_sid
    )
