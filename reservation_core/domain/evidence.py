"""How sure we are of each rule, and where it comes from.

Two rules hold for the lifecycle's edges and refusals, and for the cautions of commands:

* each carries a mark (:class:`Evidence`) and a source (:class:`Source`), so that it can say on what ground it stands;
* what no source settles is marked, read the safe way, and shown; it is never presented as the platform's word.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Evidence(StrEnum):
    """How a rule is known, strongest first."""

    DOCUMENTED = "documented"  #: stated by the platform's documentation, API description, help pages or changelog
    OBSERVED = "observed"  #: seen in official client code and tests, or in a real answer somebody published
    INFERRED = "inferred"  #: concluded from documented and observed facts; plausible, not confirmed
    UNKNOWN = "unknown"  #: looked for and not found; what stands here is the safe reading


class Source(Enum):
    """Where a rule can be read up. The value is the place, as a reader would look for it."""

    ASSIGNMENT_CALLBACK = "https://www.twilio.com/docs/taskrouter/handle-assignment-callbacks"
    CALLS = "https://www.twilio.com/docs/voice/api/call-resource"
    CALL_CONTROL = (
        "https://www.twilio.com/docs/taskrouter/contact-center-blueprint/call-control-concepts"
    )
    CANCELED_HELP = "https://support.twilio.com/hc/en-us/articles/42786996187419"
    CHANGELOG_2019 = "https://twilio.com/en-us/changelog/taskrouter-now-dials-only-one-worker-for-multi-reservation"
    DOUBLE_ACCEPT_HELP = "https://support.twilio.com/hc/en-us/articles/40136086868507"
    ERROR_DICTIONARY = "https://www.twilio.com/docs/api/errors"
    EVENTS = "https://www.twilio.com/docs/taskrouter/api/event/reference"
    LIFECYCLE = "https://www.twilio.com/docs/taskrouter/lifecycle-task-state"
    LIMITS = "https://www.twilio.com/docs/taskrouter/limits"
    OPENAPI = "https://github.com/twilio/twilio-oai (twilio_taskrouter_v1)"
    OWN_INTERPRETATION = "the reading this library takes; no source settles it"
    PARTICIPANTS = "https://www.twilio.com/docs/voice/api/conference-participant-resource"
    PHP_342 = "https://github.com/twilio/twilio-php/issues/342"
    RESERVATIONS = "https://www.twilio.com/docs/taskrouter/api/reservations"
    WORKER_SDK = "https://github.com/twilio/twilio-taskrouter.js"

    def __str__(self) -> str:
        return self.value
