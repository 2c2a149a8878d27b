"""The domain library of TaskRouter reservations."""

import sys

from reservation_core.delivery.client import (
    afetch,
    alist_reservations,
    aperform,
    fetch,
    list_reservations,
    perform,
)
from reservation_core.delivery.observer import LoggingObserver, Observer
from reservation_core.delivery.policy import ONCE, Policy
from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import (
    Accept,
    Call,
    Complete,
    Conference,
    Dequeue,
    Redirect,
    Reject,
    Supervise,
    Wrap,
)
from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.commands.parameters import Parameter
from reservation_core.domain.decisions import Decision, decide, follow
from reservation_core.domain.errors import (
    CommandError,
    IncompleteReservation,
    InvalidCommand,
    ReservationError,
    Violation,
)
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Edge, Status
from reservation_core.domain.refusals import CommandNotAllowed
from reservation_core.domain.reservation import Reservation, explain
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.errors import (
    Attempt,
    GatewayError,
    IllegalSuccession,
    Indistinguishable,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayloadFault,
    Refused,
    ReplyError,
    ServerFailed,
    Throttled,
    Unauthorized,
    UnknownStatus,
)
from reservation_core.rest.fetch import conclude_fetch, prepare_fetch
from reservation_core.rest.messages import Headers, RateLimit, Reply, Request
from reservation_core.rest.reservation_payload import read_reservation
from reservation_core.rest.update import conclude, prepare

__all__ = [
    "ONCE",
    "ON_HOLD",
    "Accept",
    "Address",
    "AsyncGateway",
    "Attempt",
    "Call",
    "Caution",
    "Command",
    "CommandError",
    "CommandNotAllowed",
    "Complete",
    "Conference",
    "Decision",
    "Dequeue",
    "Edge",
    "Evidence",
    "Gateway",
    "GatewayError",
    "Headers",
    "IllegalSuccession",
    "IncompleteReservation",
    "Indistinguishable",
    "Interpretation",
    "InvalidCommand",
    "LoggingObserver",
    "LostRace",
    "MalformedReply",
    "NotFound",
    "NotSent",
    "Observer",
    "OutcomeUnknown",
    "Parameter",
    "PayloadFault",
    "Policy",
    "RateLimit",
    "Redirect",
    "Refused",
    "Reject",
    "Reply",
    "ReplyError",
    "Request",
    "Reservation",
    "ReservationError",
    "Route",
    "ServerFailed",
    "Source",
    "Status",
    "Supervise",
    "Throttled",
    "Unauthorized",
    "UnknownStatus",
    "Violation",
    "Wrap",
    "afetch",
    "alist_reservations",
    "aperform",
    "conclude",
    "conclude_fetch",
    "decide",
    "explain",
    "fetch",
    "follow",
    "list_reservations",
    "perform",
    "prepare",
    "prepare_fetch",
    "read_reservation",
]

if (
    "hypothesis.strategies" in sys.modules
):  # so that it draws our classes aright; it is never imported for that
    from reservation_core.testing import registration as _registration

    _registration.register()
