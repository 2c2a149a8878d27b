"""Update of a reservation: the request of a command, and its reply. No I/O."""

from __future__ import annotations

from functools import cache

from reservation_core.domain.commands.base import Command, wrong_command
from reservation_core.domain.decisions import find_effects, follow
from reservation_core.domain.errors import InvalidCommand, Violation
from reservation_core.domain.lifecycle import ON_HOLD, State, Status
from reservation_core.domain.redaction import shorten
from reservation_core.domain.refusals import find_refusal_cautions, require_allowed
from reservation_core.domain.reservation import Reservation, require_reservation
from reservation_core.rest.addresses import Route, reservation_path
from reservation_core.rest.messages import (
    FORM_HEADERS,
    IF_MATCH,
    Headers,
    Reply,
    Request,
    is_header_value,
)
from reservation_core.rest.reports import read_report


def prepare(
    reservation: Reservation,
    command: Command,
    *,
    route: Route | str = Route.TASK,
    strict: bool = True,
) -> Request:
    """Build the request of a command.

    It carries the reservation's ``etag``, if there is one, as ``If-Match``.

    :param reservation: the reservation as it was last reported.
    :param route: the path to use: ``task`` or ``worker``. The worker route has no supervise.
    :param strict: refuse a command on any evidence. Otherwise only on documented or observed
        evidence. A request on weaker evidence has a caution in ``cautions``.
    :raises CommandNotAllowed: if the lifecycle does not allow the command in this state.
    :raises InvalidCommand: if the route does not have the command, or the reservation's ETag
        cannot be sent as a header.
    :raises IncompleteReservation: if a SID in the path is unset or not a SID.
    """
    require_reservation(reservation)
    if not isinstance(route, Route):
        route = Route(route)
    decision = require_allowed(reservation.state, command, strict=strict)
    if command.is_task_route_only and route is not Route.TASK:
        rule, remedy = "is not available on the worker route", "use the task route"
        raise InvalidCommand(
            type(command).__name__,
            tuple(
                Violation(parameter.wire_name, parameter.field, rule, "<not shown>", remedy)
                for parameter in command.parameters
            ),
        )
    headers = FORM_HEADERS
    if (etag := reservation.etag) is not None:
        if not is_header_value(etag):
            rule, remedy = "cannot be sent as a header", "set the ETag that was received, or None"
            violation = Violation(IF_MATCH, "etag", rule, shorten(etag), remedy)
            raise InvalidCommand(type(command).__name__, (violation,))
        headers = Headers((*FORM_HEADERS.pairs, (IF_MATCH, etag)))
    path, cautions = reservation_path(reservation, route), find_refusal_cautions(decision, command)
    return Request("POST", path, headers, command.form(), cautions)


def conclude(reservation: Reservation, command: Command, reply: Reply) -> Reservation:
    """Read the reply to a command.

    :param reservation: the reservation that the command was prepared for.
    :returns: the reservation as now reported. Its status is the one that the command sets, a later
        one, or still pending. In the last case it is on hold if the command is still being carried
        out. SIDs that the reply leaves out are kept. The ``etag`` is that of the reply, or
        ``None``.
    :raises IllegalSuccession: if the status cannot follow. The error has the reservation.
    :raises ReplyError: for any other reply. :mod:`reservation_core.rest.errors` draws the tree.
    """
    if not isinstance(command, Command):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong_command(command)
    require_reservation(reservation)
    report = read_report(reservation, reply, command)
    state, trigger, is_accepting = reservation.state, command.trigger, command.is_accepting
    if report.status is Status.PENDING and leaves_pending(state, trigger, is_accepting):
        report = report.with_status(
            Status.PENDING,
            on_hold=True,
            on_hold_since=report.date_updated,
            etag=report.etag,
            date_updated=report.date_updated,
        )
    if is_effect(report.status, state, trigger, is_accepting):
        return report  # also of a command that the lifecycle's tables refuse
    return reservation.follow(report)


@cache
def leaves_pending(state: State, trigger: str, is_accepting: bool) -> bool:
    """Return True if the command is allowed and ends the pending status."""
    effects = find_effects(state, trigger, is_accepting)
    return state == Status.PENDING and (Status.ACCEPTED in effects or ON_HOLD in effects)


@cache
def is_effect(status: Status, state: State, trigger: str, is_accepting: bool) -> bool:
    """Return True if a changed status can follow from the command's effect."""
    effects = find_effects(state, trigger, is_accepting)
    return status != state and any(follow(effect, status) is not None for effect in effects)
