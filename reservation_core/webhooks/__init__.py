"""Webhooks in: whether they are the platform's, what they report, and how they are answered.

``signature`` tells the platform's requests from everybody else's, ``assignment`` and ``events`` read them, ``answers`` says what they are
answered with and by when. ``starlette``, ``flask`` and ``django`` connect that to a framework, and import it.
"""

from reservation_core.webhooks.answers import ACKNOWLEDGED, ANSWER_WITHIN, Budget, answer, turn_away
from reservation_core.webhooks.assignment import Assignment, read_assignment
from reservation_core.webhooks.events import EVENT_TYPES, FACTS, Event, read_event, read_events
from reservation_core.webhooks.incoming import Forged, Webhook
from reservation_core.webhooks.reading import Attributes, Json
from reservation_core.webhooks.signature import Algorithm, Verifier, sign, with_body_hash

__all__ = [
    "ACKNOWLEDGED",
    "ANSWER_WITHIN",
    "EVENT_TYPES",
    "FACTS",
    "Algorithm",
    "Assignment",
    "Attributes",
    "Budget",
    "Event",
    "Forged",
    "Json",
    "Verifier",
    "Webhook",
    "answer",
    "read_assignment",
    "read_event",
    "read_events",
    "sign",
    "turn_away",
    "with_body_hash",
]
