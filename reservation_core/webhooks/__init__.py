"""Webhooks in: whether they are the platform's, what they report, and how they are answered.

``signature`` tells the platform's requests from everybody else's, ``assignment`` and ``events`` read them, ``answers`` says what they are
answered with and by when. ``starlette``, ``flask`` and ``django`` connect that to a framework, and import it.
"""

from reservation_core.rest.bodies import Attributes, Json
from reservation_core.webhooks.assignment import Assignment, read_assignment
from reservation_core.webhooks.events import (
    EVENT_STATUSES,
    EVENT_TYPES,
    Event,
    read_event,
    read_events,
)
from reservation_core.webhooks.request import Forged, Webhook
from reservation_core.webhooks.responses import (
    ACKNOWLEDGEMENT,
    ANSWER_TIMEOUT,
    Deadline,
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
    "Deadline",
    "Event",
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
