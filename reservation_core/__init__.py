"""Domain library of Twilio TaskRouter reservations.

A reservation offers a task to a worker. The library knows which command is allowed in which status,
sends it as the official client does, and reads the reply::

    reservation = read_reservation(payload)                  # a REST body or a callback
    reservation = perform(reservation, Accept(), gateway)    # the reservation as now reported

An invalid command cannot be built. A command that the status does not allow is refused before
anything is sent, with the reason and its evidence. A command is not repeated blindly: after a lost
reply the reservation is fetched first.

The names below are the core. The rest is in subpackages, each with an overview in its docstring:

* :mod:`~reservation_core.domain`: commands, lifecycle and the reservation, without HTTP
* :mod:`~reservation_core.rest`: a command becomes a request, a reply becomes a reservation; no I/O
* :mod:`~reservation_core.delivery`: ``perform``, ``fetch`` and lists, with retries
* :mod:`~reservation_core.gateways`: HTTP clients that send the requests
* :mod:`~reservation_core.webhooks`: assignment callbacks and events that the platform sends
* :mod:`~reservation_core.book`: a durable record of a service's reservations
* :mod:`~reservation_core.emulator`: the platform in process or over HTTP, for tests
* :mod:`~reservation_core.testing`: fault injection, generated values and runs
* :mod:`~reservation_core.parity`: experiments that show how the platform of an account behaves
* :mod:`~reservation_core.diagrams`: pictures and tables of the lifecycle and the parameters
* :mod:`~reservation_core.cli`: the command line, ``python -m reservation_core.cli``

Every error is a :class:`ReservationError`. The three main branches:

* :class:`CommandError`: a wrong call; nothing was sent
* :class:`ReplyError`: the platform refused, or the reply is not usable
* :class:`GatewayError`: no complete reply; the command may have been carried out

:mod:`reservation_core.rest.errors` draws the whole tree, with the fields of each error.
"""

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
    SetStatus,
    Supervise,
    Wrap,
)
from reservation_core.domain.commands.cautions import Caution, Interpretation
from reservation_core.domain.commands.parameters import Parameter
from reservation_core.domain.decisions import Decision, build_machine, decide, follow
from reservation_core.domain.errors import (
    CommandError,
    IncompleteReservation,
    InvalidCommand,
    InvalidDocument,
    ReplyError,
    ReservationError,
    Violation,
)
from reservation_core.domain.evidence import Evidence, Source
from reservation_core.domain.lifecycle import ON_HOLD, Edge, Status
from reservation_core.domain.refusals import CommandNotAllowed
from reservation_core.domain.reservation import IllegalSuccession, Reservation, explain
from reservation_core.gateways.port import AsyncGateway, Gateway
from reservation_core.rest.addresses import Address, Route
from reservation_core.rest.errors import (
    Attempt,
    GatewayError,
    Indistinguishable,
    LostRace,
    MalformedReply,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PayloadFault,
    Refused,
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
    "InvalidDocument",
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
    "SetStatus",
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
    "build_machine",
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

# Registers the strategies of this package if hypothesis is in use. Never imports hypothesis.
if "hypothesis.strategies" in sys.modules:
    from reservation_core.testing import registration as _registration

    _registration.register()
