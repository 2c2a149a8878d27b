"""What is asked and what is answered, as pure functions: a command becomes a request, a reply becomes a reservation or an error.

Nothing here does I/O. ``prepare`` and ``conclude`` are the update; ``prepare_fetch`` and ``conclude_fetch`` read one reservation.
"""

from __future__ import annotations

from functools import cache

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.decisions import decide, follow
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.redaction import Sensitivity, mask, shorten
from reservation_core.domain.refusals import require_allowed
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import (
    SID_PREFIXES,
    HasReservationSids,
    Route,
    reservation_path,
)
from reservation_core.rest.bodies import read_object
from reservation_core.rest.error_payload import read_error
from reservation_core.rest.errors import IllegalSuccession, MalformedReply, PayloadFault
from reservation_core.rest.messages import (
    FORM_HEADERS,
    IF_MATCH,
    Headers,
    Reply,
    Request,
    is_header_value,
)
from reservation_core.rest.reservation_payload import read_resource


def prepare(
    reservation: Reservation, command: Command, *, route: Route | str = Route.TASK
) -> Request:
    """Make the request that asks for a command, or refuse to.

    :param route: the task route by default; the worker route needs ``worker_sid`` and lacks supervise.
    :raises CommandNotAllowed: when the command is no step of the lifecycle from where the reservation stands.
    :raises InvalidCommand: when the route lacks the command, or the held ETag cannot be a header.
    :raises IncompleteReservation: when the reservation lacks a SID of its address.
    """
    if not isinstance(route, Route):
        route = Route(route)
    require_allowed(reservation, command)
    if command.is_task_route_only and route is not Route.TASK:
        remedy = "use the task route"
        lacks = [
            Violation(p.wire_name, p.field, "is not on the worker route", "<not shown>", remedy)
            for p in command.parameters
        ]
        raise InvalidCommand(type(command).__name__, tuple(lacks))
    headers = FORM_HEADERS
    if (etag := reservation.etag) is not None:
        if not is_header_value(etag):
            remedy = "hold the ETag as the platform sent it, or None"
            broken = Violation(
                IF_MATCH, "etag", "cannot be sent as a header", shorten(etag), remedy
            )
            raise InvalidCommand(type(command).__name__, (broken,))
        headers = Headers((*FORM_HEADERS.pairs, (IF_MATCH, etag)))
    return Request("POST", reservation_path(reservation, route), headers, command.form())


def conclude(reservation: Reservation, command: Command, reply: Reply) -> Reservation:
    """Read the answer to a command: the reservation as the platform now reports it.

    It may show the status the command sets, one that came later, or the old one: an instruction is taken long before it has effect,
    and then the reservation is on hold. SIDs the answer leaves out are kept; the version is the answer's own, or unknown.

    :raises ReplyError: for every other answer; see the tree in :mod:`reservation_core.domain.errors`.
    """
    return _read_reply(reservation, reply, command)


def _hidden_values(command: Command) -> dict[str, Sensitivity]:
    """Gather what the platform's message may repeat of the command and nobody may read."""
    hidden: dict[str, Sensitivity] = {}
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            hidden |= parameter.kind.redacted_parts(value)
    return hidden


def _read_reply(
    before: HasReservationSids, reply: Reply, command: Command | None = None
) -> Reservation:
    """Take a reservation out of a reply, check that it is the one asked for and that it may follow, and keep what the reply leaves out."""
    if not 200 <= reply.status < 300:
        raise read_error(reply, None if command is None else _hidden_values(command))
    held = before if isinstance(before, Reservation) else None
    try:
        after = read_resource(
            read_object(reply.body), etag=reply.etag, links=None if held is None else held.links
        )
    except MalformedReply as error:
        hidden = {} if command is None else _hidden_values(command)
        faults = (attrs.evolve(fault, value=mask(fault.value, hidden)) for fault in error.faults)
        raise attrs.evolve(error, faults=tuple(faults)) from None
    if held is None:
        return _complete(before, after)
    same = (  # spelled out, for it stands on every reply's way
        after.sid == held.sid
        and after.account_sid == held.account_sid
        and after.workspace_sid == held.workspace_sid
        and after.task_sid == held.task_sid
        and after.worker_sid == held.worker_sid
    )
    if not same:
        after = _complete(held, after)
    if (
        after.status is Status.PENDING
        and command is not None
        and leaves_pending(held.state, command.trigger, command.is_accepting)
    ):
        after = after.with_status(
            Status.PENDING, on_hold=True, etag=after.etag, date_updated=after.date_updated
        )
    return follow_report(held, after)


@cache
def leaves_pending(state: State, trigger: str, is_accepting: bool) -> bool:
    """Tell whether a command that was taken leads out of pending, be it later."""
    edge = decide(state, trigger, is_accepting).edge
    return edge is not None and edge.target in (Status.ACCEPTED, ON_HOLD)


def _complete(before: HasReservationSids, after: Reservation) -> Reservation:
    """Check that a reservation is the one asked for, and give it the SIDs that are known and that it leaves out."""
    held = {field: getattr(before, field, None) for field in SID_PREFIXES}
    other = [
        PayloadFault(field, "names another reservation's", shorten(told))
        for field, known in held.items()
        if known is not None and (told := getattr(after, field)) is not None and told != known
    ]
    if other:
        raise MalformedReply(tuple(other))
    lacking = {
        field: known
        for field, known in held.items()
        if known is not None and getattr(after, field) is None
    }
    return attrs.evolve(after, **lacking) if lacking else after


def follow_report(before: Reservation, after: Reservation) -> Reservation:
    """Let a report follow what was known: check that its status is reachable, and keep a hold that it says nothing new about.

    :raises IllegalSuccession: when no run of facts leads from the one status to the other.
    """
    if follow(before.status, after.status) is None:
        raise IllegalSuccession(before.status, after.status)
    return (
        attrs.evolve(after, on_hold=True)
        if before.on_hold and not is_newer(before, after)
        else after
    )


def is_newer(before: Reservation, after: Reservation) -> bool:
    """Tell a newer report from a repeated or late one: by its status, else by its date of update, else by its version."""
    if after.status is not before.status:
        return True
    if before.date_updated and after.date_updated and before.date_updated != after.date_updated:
        return after.date_updated > before.date_updated
    return None not in (before.etag, after.etag) and before.etag != after.etag


def prepare_fetch(where: HasReservationSids, *, route: Route | str = Route.TASK) -> Request:
    """Make the request that reads one reservation.

    :raises IncompleteReservation: when a SID of its address is missing or is none.
    """
    return Request("GET", reservation_path(where, Route(route)))


def conclude_fetch(where: HasReservationSids, reply: Reply) -> Reservation:
    """Read the reservation that was fetched; it may follow what was known of it by any run of facts.

    :raises ReplyError: for every other answer.
    """
    return _read_reply(where, reply)
