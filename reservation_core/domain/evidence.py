"""Evidence and sources of the rules.

Every edge, refusal and caution carries its evidence (:class:`Evidence`) and a source
(:class:`Source`). Where no source settles a rule, the library applies the safe interpretation. The
rule is then marked as this library's, not as the platform's.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Evidence(StrEnum):
    """Strength of the evidence for a rule, strongest first."""

    DOCUMENTED = "documented"
    """Stated by the platform's documentation, API description, help pages or changelog."""
    OBSERVED = "observed"
    """Seen in official client code and tests, or in a published answer of the platform."""
    INFERRED = "inferred"
    """Concluded from documented and observed facts. Plausible, not confirmed."""
    UNKNOWN = "unknown"
    """Searched for and not found. The rule is the safe interpretation."""


class Source(Enum):
    """Source of a rule. The value is its URL, or a description."""

    ASSIGNMENT_CALLBACK = "https://www.twilio.com/docs/taskrouter/handle-assignment-callbacks"
    CALLS = "https://www.twilio.com/docs/voice/api/call-resource"
    CALL_CONTROL = (
        "https://www.twilio.com/docs/taskrouter/contact-center-blueprint/call-control-concepts"
    )
    CANCELED_HELP = "https://support.twilio.com/hc/en-us/articles/42786996187419"
    CHANGELOG_2019 = (
        "https://twilio.com/en-us/changelog/"
        "taskrouter-now-dials-only-one-worker-for-multi-reservation"
    )
    DOUBLE_ACCEPT_HELP = "https://support.twilio.com/hc/en-us/articles/40136086868507"
    ERROR_DICTIONARY = "https://www.twilio.com/docs/api/errors"
    EVENTS = "https://www.twilio.com/docs/taskrouter/api/event/reference"
    LIFECYCLE = "https://www.twilio.com/docs/taskrouter/lifecycle-task-state"
    LIMITS = "https://www.twilio.com/docs/taskrouter/limits"
    OPENAPI = "https://github.com/twilio/twilio-oai (twilio_taskrouter_v1)"
    OWN_INTERPRETATION = "this library's interpretation; no source settles it"
    PARTICIPANTS = "https://www.twilio.com/docs/voice/api/conference-participant-resource"
    PHP_342 = "https://github.com/twilio/twilio-php/issues/342"
    RESERVATIONS = "https://www.twilio.com/docs/taskrouter/api/reservations"
    WORKER_SDK = "https://github.com/twilio/twilio-taskrouter.js"

    def __str__(self) -> str:
        return self.value
