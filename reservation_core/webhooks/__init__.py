"""Incoming webhooks: verification, reading, responses.

A webhook is an assignment callback or an event, which the platform sends to the service. This
package does not know how a reservation is stored or how a command is delivered.

* ``signature``: the signature of a webhook, and its :class:`Verifier`
* ``request``: a webhook as it was received, and the URL that the platform called
* ``assignment``, ``events``: readers of assignment callbacks and of events
* ``responses``: the responses to webhooks
* ``deadline``: the time limit of a response
* ``starlette``, ``flask``, ``django``: ``receive`` and ``respond``, for each framework
* ``asgi``, ``wsgi``: the webhook of an ASGI scope and of a WSGI environment
"""

from reservation_core.rest.bodies import Attributes, Json
from reservation_core.webhooks.assignment import Assignment, read_assignment
from reservation_core.webhooks.deadline import ANSWER_TIMEOUT, Deadline
from reservation_core.webhooks.events import (
    EVENT_STATUSES,
    EVENT_TYPES,
    Event,
    EventShape,
    read_event,
    read_events,
)
from reservation_core.webhooks.request import Forged, Webhook
from reservation_core.webhooks.responses import (
    ACKNOWLEDGEMENT,
    CallbackAnswer,
    answer,
    refuse_webhook,
)
from reservation_core.webhooks.signature import Algorithm, Verifier, add_body_hash, sign

__all__ = [
    "ACKNOWLEDGEMENT",
    "ANSWER_TIMEOUT",
    "EVENT_STATUSES",
    "EVENT_TYPES",
    "Algorithm",
    "Assignment",
    "Attributes",
    "CallbackAnswer",
    "Deadline",
    "Event",
    "EventShape",
    "Forged",
    "Json",
    "Verifier",
    "Webhook",
    "add_body_hash",
    "answer",
    "read_assignment",
    "read_event",
    "read_events",
    "refuse_webhook",
    "sign",
]
