"""Evidence and sources of the rules.

Every edge, refusal and caution carries its evidence (:class:`Evidence`) and a source
(:class:`Source`). Where no source settles a rule, the library applies the safe interpretation. The
rule is then marked as this library's, not as the platform's.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from reservation_core.domain.member_docs import document_members


@document_members
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

    @property
    def is_certain(self) -> bool:
        """True if it is documented or observed. Otherwise the platform may decide."""
        return self in (Evidence.DOCUMENTED, Evidence.OBSERVED)


@document_members
class Source(Enum):
    """Source of a rule. The value is its URL, or a description."""

    ASSIGNMENT_CALLBACK = "https://www.twilio.com/docs/taskrouter/handle-assignment-callbacks"
    """Page about assignment callbacks and the instructions that answer them."""
    CALLS = "https://www.twilio.com/docs/voice/api/call-resource"
    """Reference of the call resource."""
    CALL_CONTROL = (
        "https://www.twilio.com/docs/taskrouter/contact-center-blueprint/call-control-concepts"
    )
    """Page about call control in the contact center blueprint."""
    CANCELED_HELP = "https://support.twilio.com/hc/en-us/articles/42786996187419"
    """Help article about canceled reservations."""
    CHANGELOG_2019 = (
        "https://twilio.com/en-us/changelog/"
        "taskrouter-now-dials-only-one-worker-for-multi-reservation"
    )
    """Changelog entry about tasks with several reservations."""
    CHANGELOG_TASKROUTER = "https://www.twilio.com/docs/taskrouter/changelog"
    """Changelog of TaskRouter until 2018."""
    DOUBLE_ACCEPT_HELP = "https://support.twilio.com/hc/en-us/articles/40136086868507"
    """Help article about a second accept of one reservation."""
    ERROR_DICTIONARY = "https://www.twilio.com/docs/api/errors"
    """Dictionary of the platform's error numbers."""
    EVENTS = "https://www.twilio.com/docs/taskrouter/api/event/reference"
    """Reference of the events."""
    LIFECYCLE = "https://www.twilio.com/docs/taskrouter/lifecycle-task-state"
    """Page about the lifecycle of a task."""
    LIMITS = "https://www.twilio.com/docs/taskrouter/limits"
    """Page about limits and timeouts."""
    OPENAPI = "https://github.com/twilio/twilio-oai (twilio_taskrouter_v1)"
    """OpenAPI description of the REST API."""
    OWN_INTERPRETATION = "this library's interpretation; no source settles it"
    """No source settles the rule. The library decides."""
    PARTICIPANTS = "https://www.twilio.com/docs/voice/api/conference-participant-resource"
    """Reference of the conference participant resource."""
    PARITY_RUN = "a parity run on your account"
    """Answers of the platform to experiments that you made with your account."""
    PHP_342 = "https://github.com/twilio/twilio-php/issues/342"
    """Issue in the official PHP client, with an answer of the platform."""
    PUBLIC_CODE = "public code of services that use the API"
    """Public code that works with the API, found by number only."""
    REPORT = "the platform's own report"
    """A reply or an event of the platform itself."""
    RESERVATIONS = "https://www.twilio.com/docs/taskrouter/api/reservations"
    """Reference of the reservation resource."""
    TASKS = "https://www.twilio.com/docs/taskrouter/api/task"
    """Reference of the task resource."""
    WORKER_CHANNELS = "https://www.twilio.com/docs/taskrouter/api/worker-channel"
    """Reference of the capacity of a worker."""
    WORKER_SDK = "https://github.com/twilio/twilio-taskrouter.js"
    """Code and tests of the official worker SDK."""

    def __str__(self) -> str:
        return self.value
