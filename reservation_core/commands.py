"""The nine commands, side by side: what each may carry, and what is known of every parameter.

Facts are those of the endpoint's reference page; error numbers are those of the platform's error dictionary.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from reservation_core.declaration import About, Dispute, Reading, Rule
from reservation_core.evidence import Evidence, Source
from reservation_core.lifecycle import Status
from reservation_core.parameters import Command, command
from reservation_core.vocabulary import (
    ActivitySid,
    Beep,
    Caller,
    CallEvents,
    CallSid,
    Channels,
    ConferenceEvents,
    ConferenceRecording,
    Contact,
    HttpMethod,
    JitterBuffer,
    Name,
    NamedContact,
    Participants,
    Password,
    Recording,
    Region,
    Seconds,
    SupervisorMode,
    SupervisorName,
    Switch,
    Trim,
    Url,
    UrlOrSilence,
)

# --- rules over several parameters -----------------------------------------------------------------------------------------------

_number = re.compile(r"\+?[0-9]{3,15}").fullmatch  # documented examples have caller IDs without the plus
_sip_user = re.compile(r"[^\s@:]+").fullmatch


_is_sip = re.compile("sips?:", re.IGNORECASE).match


def _rings_too_long(timeout: int, to: str) -> bool:
    return timeout > 600 and _is_sip(to) is not None


def _no_number(from_: str, to: str) -> bool:
    return to[0] == "+" and not _number(from_)


def _no_sip_user(from_: str, to: str) -> bool:
    return to[0] != "+" and _is_sip(to) is not None and not _sip_user(from_)


SIP_RINGS_600_SECONDS: Final = Rule(
    ("timeout", "to"), _rings_too_long, "must be at most 600 seconds when the contact is a SIP address", "give 600 or less"
)
NUMBER_CALLS_NUMBER: Final = Rule(
    ("from_", "to"), _no_number, "must be a phone number when the contact is one", "give a number of yours, + and its country code first"
)
USER_CALLS_SIP: Final = Rule(
    ("from_", "to"), _no_sip_user, "must be a SIP user part when the contact is a SIP address", "give the part before the @, without sip:"
)

# --- rules that sources dispute --------------------------------------------------------------------------------------------------


_Case: TypeAlias = Callable[[object, Command], bool]


def _unset(value: object, _: Command) -> bool:
    return value is None


def _set(value: object, _: Command) -> bool:
    return value is not None


def _like(pattern: str) -> _Case:
    return lambda value, _: isinstance(value, str) and re.search(pattern, value, re.IGNORECASE) is not None


def _outside(minimum: int, maximum: int) -> _Case:
    return lambda value, _: isinstance(value, int) and not minimum <= value <= maximum


def _without_sip(value: object, command: Command) -> bool:
    to = getattr(command, "to", None)
    return value is not None and to is not None and not _is_sip(to)


def _dispute(
    when: _Case, first: tuple[str, Source], second: tuple[str, Source], taken: str, evidence: Evidence = Evidence.DOCUMENTED
) -> Dispute:
    return Dispute(when, (Reading(*first), Reading(*second)), taken, evidence)


LEGS: Final = _dispute(
    _like(r"^(?!(?:record-from-answer|do-not-record)$)"),
    ("record-from-answer and do-not-record are the values", Source.ASSIGNMENT_CALLBACK),
    ("a value may also say which leg to record", Source.RESERVATIONS),
    "any word is sent",
)
BARE_NAME: Final = _dispute(
    _like(r"^(?!\+|client:|sips?:|app:)"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("an example calls a client by its bare name", Source.ASSIGNMENT_CALLBACK),
    "sent as given; client:name is the sure way to say it",
)
APP: Final = _dispute(
    _like("^app:"),
    ("a contact is a number, client:name or a SIP address", Source.RESERVATIONS),
    ("the participants API also takes an application", Source.PARTICIPANTS),
    "sent as given",
)
RING: Final = _dispute(
    _outside(1, 600),
    ("a call rings up to 999 seconds", Source.RESERVATIONS),
    ("the calls API stops at 600", Source.CALLS),
    "1 to 999, and 600 for a SIP address",
)
PARTICIPANT_RING: Final = _dispute(
    _outside(5, 600),
    ("a call rings up to 999 seconds", Source.RESERVATIONS),
    ("the participants API takes 5 to 600", Source.PARTICIPANTS),
    "1 to 999, and 600 for a SIP address",
)
NO_CALLER: Final = _dispute(
    _unset,
    ("the caller ID is required", Source.RESERVATIONS),
    ("without it the number that the caller dialled is shown", Source.ASSIGNMENT_CALLBACK),
    "sent without; give it to be sure",
)
NO_CONFERENCE_CALLER: Final = _dispute(
    _unset,
    ("the caller ID is optional", Source.RESERVATIONS),
    ("40138 and 40141 are the answers to its absence", Source.ERROR_DICTIONARY),
    "sent without; give it to be sure",
)
NO_ACTIVITY: Final = _dispute(
    _unset,
    ("without it the worker's previous activity is taken", Source.RESERVATIONS),
    ("it is listed as required, and without it the activity stays", Source.ASSIGNMENT_CALLBACK),
    "sent without",
)
REDIRECT_ACCEPTS: Final = _dispute(
    _unset,
    ("unset means that nothing is accepted", Source.RESERVATIONS),
    ("a redirect is said to accept the reservation", Source.ASSIGNMENT_CALLBACK),
    "unset accepts nothing; say which you mean",
)
CALLBACK_METHOD: Final = _dispute(
    _set,
    ("the callback is a GET", Source.ASSIGNMENT_CALLBACK),
    ("the method is not stated", Source.RESERVATIONS),
    "unknown: be ready for both methods",
)
SPACE_IN_URL: Final = _dispute(
    _like(" "),
    ("a URL must be well formed", Source.ERROR_DICTIONARY),
    ("the official clients send one with a space as it is", Source.WORKER_SDK),
    "sent as given; write %20 to be sure",
)
RECORD_TYPE: Final = _dispute(
    _set,
    ("the value is a boolean", Source.RESERVATIONS),
    ("the worker SDK sends a word such as do-not-record", Source.WORKER_SDK),
    "a boolean",
)
NEWER_REGION: Final = _dispute(
    _like("^(?:us2|de1)$"),
    ("there are eight regions", Source.RESERVATIONS),
    ("the worker SDK knows six, without us2 and de1", Source.WORKER_SDK),
    "eight",
)
CROWD: Final = _dispute(
    _unset,
    ("250 take part unless it is said otherwise", Source.RESERVATIONS),
    ("the worker SDK says 10", Source.WORKER_SDK),
    "250",
)
SINGLE_TASKING: Final = _dispute(
    _set,
    ("the activity is changed after the work", Source.RESERVATIONS),
    ("it is deprecated, and not valid in a multitasking workspace", Source.ERROR_DICTIONARY),
    "sent as given",
)
SIP_ONLY: Final = _dispute(
    _without_sip,
    ("it can have an effect only when the contact is a SIP address", Source.PARTICIPANTS),
    ("nothing says that the platform refuses it otherwise", Source.OPENAPI),
    "it is sent as given",
    Evidence.INFERRED,
)
FLEX_ONLY: Final = _dispute(
    _set,
    ("wrapping is for Flex accounts", Source.RESERVATIONS),
    ("it is for multitasking workspaces in general", Source.LIFECYCLE),
    "allowed everywhere",
)
SPOKEN: Final = _dispute(
    _set,
    ("the callback page does not have conference among its answers", Source.ASSIGNMENT_CALLBACK),
    ("the call-control page answers a callback with it", Source.CALL_CONTROL),
    "allowed there as over REST",
)
UNLISTED: Final = _dispute(
    _set,
    ("the reservations page does not list supervise", Source.RESERVATIONS),
    ("the API description, the error dictionary and the worker SDK have it", Source.OPENAPI),
    "allowed on the task route",
)

# --- plain status updates --------------------------------------------------------------------------------------------------------


@command(status=Status.ACCEPTED)
class Accept(Command):
    """Take the task, at once."""


@command(status=Status.REJECTED)
class Reject(Command):
    """Refuse the task, at once; it goes back to routing."""

    worker_activity_sid: Annotated[
        ActivitySid | None,
        About("The activity the worker goes to.", code=40100, spoken="activity_sid", disputes=(NO_ACTIVITY,)),
    ] = None


@command(status=Status.WRAPPING, disputes=(FLEX_ONLY,), speaks=False)
class Wrap(Command):
    """End the work and begin the after-work."""


@command(status=Status.COMPLETED, speaks=False)
class Complete(Command):
    """Finish the reservation; the task is completed with it when no other live reservation remains."""


# --- instructions ----------------------------------------------------------------------------------------------------------------


@command(instruction="dequeue", prefix="Dequeue", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Dequeue(Command):
    """Call the worker and bridge the caller who waits in the queue; accepted once both are bridged.

    The task must have been made by TwiML ``<Enqueue>`` (else 40140).
    """

    post_work_activity_sid: Annotated[
        ActivitySid | None, About("The activity the worker goes to afterwards.", code=40130, disputes=(SINGLE_TASKING,))
    ] = None
    from_: Annotated[Caller | None, About("The caller ID the worker sees.", code=40132, disputes=(NO_CALLER,))] = None
    record: Annotated[Recording | None, About("Whether, or which leg, to record.", default="do-not-record", disputes=(LEGS,))] = None
    timeout: Annotated[Seconds | None, About("How long the worker's phone rings.", default="60", disputes=(RING,))] = None
    to: Annotated[Contact | None, About("Where the worker is called.", default="the worker's contact_uri", code=40131, disputes=(APP,))] = (
        None
    )
    status_callback_url: Annotated[
        Url | None, About("Where the call's events are sent.", code=40157, disputes=(CALLBACK_METHOD, SPACE_IN_URL))
    ] = None
    status_callback_event: Annotated[
        CallEvents | None,
        About("Which events are sent.", default="completed", needs=("status_callback_url",), code=40134, spoken="status_callback_events"),
    ] = None


@command(instruction="call", prefix="Call", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Call(Command):
    """Call the worker and run TwiML on that leg."""

    from_: Annotated[Caller, About("The caller ID the worker sees.", code=40111)]
    record: Annotated[Recording | None, About("Whether, or which leg, to record.", default="do-not-record", disputes=(LEGS,))] = None
    timeout: Annotated[Seconds | None, About("How long the worker's phone rings.", default="60", disputes=(RING,))] = None
    to: Annotated[
        NamedContact | None,
        About("Where the worker is called.", default="the worker's contact_uri", code=40110, disputes=(BARE_NAME, APP)),
    ] = None
    url: Annotated[Url, About("The TwiML run when the worker answers.", code=40112, disputes=(SPACE_IN_URL,))]
    status_callback_url: Annotated[Url | None, About("Where the call's completed event is sent.", code=40158, disputes=(SPACE_IN_URL,))] = (
        None
    )
    accept: Annotated[Switch | None, About("Whether the reservation is accepted as the call starts.", default="false")] = None


@command(instruction="redirect", prefix="Redirect")
class Redirect(Command):
    """Send the parked call to other TwiML."""

    call_sid: Annotated[CallSid, About("The live, parked call.", code=40121)]
    accept: Annotated[
        Switch | None, About("Whether the reservation is accepted with it.", default="false", disputes=(REDIRECT_ACCEPTS,))
    ] = None
    url: Annotated[Url, About("The TwiML the call goes to.", code=40120, disputes=(SPACE_IN_URL,))]


@command(instruction="conference", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER, USER_CALLS_SIP), disputes=(SPOKEN,))
class Conference(Command):
    """Call the worker into a conference and move the caller there; accepted only when both are in it.

    The task's attributes must hold ``call_sid`` (inbound) or ``outbound_to`` (outbound), else 40142.
    """

    to: Annotated[Contact | None, About("Where the worker is called.", default="the worker's contact_uri", code=40137, disputes=(APP,))] = (
        None
    )
    from_: Annotated[Caller | None, About("The caller ID the worker sees.", code=40141, disputes=(NO_CONFERENCE_CALLER,))] = None
    status_callback: Annotated[Url | None, About("Where the worker leg's events go.", code=40159, disputes=(SPACE_IN_URL,))] = None
    status_callback_method: Annotated[HttpMethod | None, About("How they are sent.", default="POST", needs=("status_callback",))] = None
    status_callback_event: Annotated[
        CallEvents | None, About("Which of them are sent.", default="completed", needs=("status_callback",))
    ] = None
    timeout: Annotated[Seconds | None, About("How long the worker's phone rings.", default="60", disputes=(PARTICIPANT_RING,))] = None
    record: Annotated[Switch | None, About("Whether to record the participant.", default="false", disputes=(RECORD_TYPE,))] = None
    muted: Annotated[Switch | None, About("Whether the worker joins muted.", default="false")] = None
    beep: Annotated[Beep | None, About("When a beep is played.", default="true")] = None
    start_conference_on_enter: Annotated[Switch | None, About("Whether it starts when the worker joins.", default="true")] = None
    end_conference_on_exit: Annotated[Switch | None, About("Whether it ends when the worker leaves.", default="false")] = None
    wait_url: Annotated[UrlOrSilence | None, About("The music while waiting.", default="hold music", disputes=(SPACE_IN_URL,))] = None
    wait_method: Annotated[HttpMethod | None, About("How the music is fetched.", default="POST", needs=("wait_url",))] = None
    early_media: Annotated[Switch | None, About("Whether the worker hears the call's set-up.", default="true")] = None
    max_participants: Annotated[Participants | None, About("How many may take part.", default="250", disputes=(CROWD,))] = None
    conference_status_callback: Annotated[Url | None, About("Where its events go.", disputes=(SPACE_IN_URL,))] = None
    conference_status_callback_method: Annotated[
        HttpMethod | None, About("How they are sent.", default="POST", needs=("conference_status_callback",))
    ] = None
    conference_status_callback_event: Annotated[
        ConferenceEvents | None, About("Which of them are sent.", default="start, end", needs=("conference_status_callback",))
    ] = None
    conference_record: Annotated[ConferenceRecording | None, About("Whether to record the conference.", default="false")] = None
    conference_trim: Annotated[
        Trim | None, About("Whether silence is cut off the recording.", default="trim-silence", needs=("conference_record", "record"))
    ] = None
    recording_channels: Annotated[Channels | None, About("The recording's channels.", default="mono", needs=("record",))] = None
    recording_status_callback: Annotated[
        Url | None, About("Where the recording's events go.", needs=("record",), disputes=(SPACE_IN_URL,))
    ] = None
    recording_status_callback_method: Annotated[
        HttpMethod | None, About("How they are sent.", default="POST", needs=("recording_status_callback",))
    ] = None
    conference_recording_status_callback: Annotated[
        Url | None, About("Where the conference recording's events go.", needs=("conference_record", "record"), disputes=(SPACE_IN_URL,))
    ] = None
    conference_recording_status_callback_method: Annotated[
        HttpMethod | None, About("How they are sent.", default="POST", needs=("conference_recording_status_callback",))
    ] = None
    region: Annotated[Region | None, About("Where the audio is mixed.", disputes=(NEWER_REGION,))] = None
    sip_auth_username: Annotated[Name | None, About("The user at the worker's SIP address.", disputes=(SIP_ONLY,))] = None
    sip_auth_password: Annotated[Password | None, About("That user's password.", disputes=(SIP_ONLY,))] = None
    post_work_activity_sid: Annotated[
        ActivitySid | None, About("The activity the worker goes to afterwards.", code=40139, disputes=(SINGLE_TASKING,))
    ] = None
    end_conference_on_customer_exit: Annotated[Switch | None, About("Whether it ends when the customer leaves.", default="false")] = None
    beep_on_customer_entrance: Annotated[Switch | None, About("Whether a beep announces the customer.", default="true")] = None
    jitter_buffer_size: Annotated[JitterBuffer | None, About("The conference's jitter buffer.", default="large")] = None


@command(instruction="supervise", disputes=(UNLISTED,), speaks=False, task_route_only=True)
class Supervise(Command):
    """Let a supervisor join; the reservation's status stays as it is. Only the task route has it.

    The supervisor's attributes must hold ``contact_uri`` (else 40147) and the task's a valid ``from`` (else 40148).
    """

    supervisor_mode: Annotated[SupervisorMode, About("Listen only, speak to the worker, or to both.")]
    supervisor: Annotated[SupervisorName, About("Who joins.")]


COMMANDS: Final[tuple[type[Command], ...]] = (Accept, Reject, Dequeue, Call, Redirect, Conference, Supervise, Wrap, Complete)
"""The nine, in the lifecycle's order."""
