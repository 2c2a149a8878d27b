"""The domain library of TaskRouter reservations: what may be asked of one, how it is asked, and what the answer means."""

import sys

from reservation_core.addresses import Address, Route
from reservation_core.commands import Accept, Call, Complete, Conference, Dequeue, Redirect, Reject, Supervise, Wrap
from reservation_core.declaration import Caution, Parameter, Reading
from reservation_core.delivery import ONCE, Attempt, LoggingWatch, Policy, Watch
from reservation_core.errors import (
    CommandError,
    CommandNotAllowed,
    Fault,
    GatewayError,
    IllegalSuccession,
    IncompleteReservation,
    Indistinguishable,
    InvalidCommand,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Refused,
    ReplyError,
    ReservationError,
    ServerFailed,
    Throttled,
    Unauthorized,
    UnknownStatus,
    Violation,
)
from reservation_core.evidence import Evidence, Source
from reservation_core.exchange import conclude, conclude_fetch, prepare, prepare_fetch
from reservation_core.gateway import (
    AsyncGateway,
    Gateway,
    afetch,
    alist_reservations,
    aperform,
    fetch,
    list_reservations,
    perform,
)
from reservation_core.lifecycle import ON_HOLD, Decision, Edge, Status, decide, follow
from reservation_core.messages import Headers, RateLimit, Reply, Request
from reservation_core.parameters import Command
from reservation_core.payload import read_reservation
from reservation_core.reservation import Reservation, explain

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
    "Fault",
    "Gateway",
    "GatewayError",
    "Headers",
    "IllegalSuccession",
    "IncompleteReservation",
    "Indistinguishable",
    "InvalidCommand",
    "LoggingWatch",
    "LostRace",
    "MalformedReply",
    "NotFound",
    "NotSent",
    "OutcomeUnknown",
    "Parameter",
    "Policy",
    "RateLimit",
    "Reading",
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
    "Watch",
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

if "hypothesis.strategies" in sys.modules:  # so that it draws our classes aright; it is never imported for that
    from reservation_core.testing import registration as _registration

    _registration.register()
