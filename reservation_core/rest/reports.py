"""Reports of reservations in replies, compared with the known reservations."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

import attrs

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.extra import redacted_extra_parts
from reservation_core.domain.redaction import Sensitivity, mask, shorten
from reservation_core.domain.reservation import Reservation
from reservation_core.rest.addresses import SID_PREFIXES, Address
from reservation_core.rest.bodies import read_object
from reservation_core.rest.error_payload import read_error
from reservation_core.rest.errors import MalformedReply, PayloadFault
from reservation_core.rest.messages import Reply
from reservation_core.rest.reservation_payload import read_resource

_get_sids: Final = attrgetter(*SID_PREFIXES)


def read_report(
    before: Address | Reservation,
    reply: Reply,
    command: Command | None = None,
    *,
    is_read_only: bool = False,
) -> Reservation:
    """Read the reservation of a reply, and add the SIDs it lacks.

    :param before: the reservation that was requested, or its address.
    :param command: the command that was sent. Errors do not show its sensitive values.
    :param is_read_only: True if the request read only, so that nothing was commanded.
    :raises ReplyError: if the reply is not a reservation, or is another one.
    """
    if not 200 <= reply.status < 300:
        raise read_error(reply, _sensitive_values(command), is_read_only=is_read_only)
    links = before.links if isinstance(before, Reservation) else None
    try:
        after = read_resource(read_object(reply.body), etag=reply.etag, links=links)
    except MalformedReply as error:
        failure = _mask_values(error, command)
    else:
        if isinstance(before, Reservation) and _get_sids(before) == _get_sids(after):
            return after
        return _complete(before, after)
    raise failure  # outside the except clause, so that the unmasked error is not its context


def _mask_values(error: MalformedReply, command: Command | None) -> MalformedReply:
    values = _sensitive_values(command)
    faults = (fault._replace(value=mask(fault.value, values)) for fault in error.faults)
    return attrs.evolve(error, faults=tuple(faults))


def _sensitive_values(command: Command | None) -> dict[str, Sensitivity]:
    """Return the values of a command that the platform's message may repeat."""
    if command is None:
        return {}
    values = redacted_extra_parts(command.extra)
    for parameter in command.parameters:
        if (value := getattr(command, parameter.field)) is not None:
            values |= parameter.kind.redacted_parts(value)
    return values


def _complete(before: Address | Reservation, after: Reservation) -> Reservation:
    missing: dict[str, Any] = {}
    faults: list[PayloadFault] = []
    for field in SID_PREFIXES:
        known: str | None = getattr(before, field, None)
        reported: str | None = getattr(after, field)
        if known is not None and reported is None:
            missing[field] = known
        elif known is not None and reported != known:
            faults.append(PayloadFault(field, "belongs to another reservation", shorten(reported)))
    if faults:
        raise MalformedReply(tuple(faults))
    return attrs.evolve(after, **missing) if missing else after
