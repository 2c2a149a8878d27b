"""The nine commands and the facts about their parameters.

The facts are from the endpoint's reference page. The error numbers are from the platform's error
dictionary.
"""

from typing import Annotated, Final

from reservation_core.domain.commands.base import Command, declare
from reservation_core.domain.commands.disputes import (
    APPLICATION_CONTACT,
    BARE_CLIENT_NAME,
    CALL_TIMEOUT_LIMIT,
    CALLBACK_METHOD,
    CALLER_ID_REQUIRED,
    CONFERENCE_CALLER_ID_REQUIRED,
    CONFERENCE_IN_CALLBACK,
    MAX_PARTICIPANTS_DEFAULT,
    NEWER_REGION,
    PARTICIPANT_TIMEOUT_LIMITS,
    POST_WORK_ACTIVITY_DEPRECATED,
    RECORD_TYPE,
    RECORDING_MODE,
    REDIRECT_ACCEPT_DEFAULT,
    REJECT_ACTIVITY_DEFAULT,
    SIP_CREDENTIALS_WITHOUT_SIP,
    SPACE_IN_URL,
    SUPERVISE_UNLISTED,
    WRAP_FOR_FLEX_ONLY,
)
from reservation_core.domain.commands.parameters import ParameterInfo
from reservation_core.domain.commands.rules import (
    NUMBER_CALLS_NUMBER,
    SIP_RINGS_600_SECONDS,
    USER_CALLS_SIP,
)
from reservation_core.domain.commands.types import (
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
from reservation_core.domain.lifecycle import Status

# --- plain status updates ------------------------------------------------------------------------

# fmt: off


@declare(status=Status.ACCEPTED)
class Accept(Command):
    """Take the task at once."""


@declare(status=Status.REJECTED)
class Reject(Command):
    """Reject the task at once. It goes back to routing."""

    worker_activity_sid: Annotated[ActivitySid | None, ParameterInfo(
        "Activity that the worker goes to.",
        code=40100, callback_name="activity_sid", disputes=(REJECT_ACTIVITY_DEFAULT,))] = None


@declare(status=Status.WRAPPING, disputes=(WRAP_FOR_FLEX_ONLY,), can_answer_callback=False)
class Wrap(Command):
    """End the work and begin the after-work."""


@declare(status=Status.COMPLETED, can_answer_callback=False)
class Complete(Command):
    """Finish the reservation.

    The task is completed too, unless another of its reservations is still open.
    """


# --- instructions --------------------------------------------------------------------------------


@declare(instruction="dequeue", prefix="Dequeue",
         rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Dequeue(Command):
    """Call the worker and bridge the caller who waits in the queue.

    The reservation is accepted once both are bridged. The task must have been created by the TwiML
    verb ``<Enqueue>`` (else error 40140).
    """

    post_work_activity_sid: Annotated[ActivitySid | None, ParameterInfo(
        "Activity that the worker goes to after the work.",
        code=40130, disputes=(POST_WORK_ACTIVITY_DEPRECATED,))] = None
    from_: Annotated[Caller | None, ParameterInfo(
        "Caller ID that the worker sees.", code=40132, disputes=(CALLER_ID_REQUIRED,))] = None
    record: Annotated[Recording | None, ParameterInfo(
        "Recording mode, or the leg to record.",
        default="do-not-record", disputes=(RECORDING_MODE,))] = None
    timeout: Annotated[Seconds | None, ParameterInfo(
        "Seconds that the worker's phone rings.",
        default="60", disputes=(CALL_TIMEOUT_LIMIT,))] = None
    to: Annotated[Contact | None, ParameterInfo(
        "Contact at which the worker is called.",
        default="the worker's contact_uri", code=40131, disputes=(APPLICATION_CONTACT,))] = None
    status_callback_url: Annotated[Url | None, ParameterInfo(
        "URL that receives the events of the call.",
        code=40157, disputes=(CALLBACK_METHOD, SPACE_IN_URL))] = None
    status_callback_event: Annotated[CallEvents | None, ParameterInfo(
        "Events of the call that are sent.",
        default="completed", depends_on=("status_callback_url",), code=40134,
        callback_name="status_callback_events")] = None


@declare(instruction="call", prefix="Call", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Call(Command):
    """Call the worker and run TwiML on that call.

    The reservation is accepted when the call starts, if ``accept`` is set. Otherwise it stays
    pending.
    """

    from_: Annotated[Caller, ParameterInfo("Caller ID that the worker sees.", code=40111)]
    record: Annotated[Recording | None, ParameterInfo(
        "Recording mode, or the leg to record.",
        default="do-not-record", disputes=(RECORDING_MODE,))] = None
    timeout: Annotated[Seconds | None, ParameterInfo(
        "Seconds that the worker's phone rings.",
        default="60", disputes=(CALL_TIMEOUT_LIMIT,))] = None
    to: Annotated[NamedContact | None, ParameterInfo(
        "Contact at which the worker is called.",
        default="the worker's contact_uri", code=40110,
        disputes=(BARE_CLIENT_NAME, APPLICATION_CONTACT))] = None
    url: Annotated[Url, ParameterInfo(
        "TwiML that runs when the worker answers.", code=40112, disputes=(SPACE_IN_URL,))]
    status_callback_url: Annotated[Url | None, ParameterInfo(
        "URL that receives the completed event of the call.",
        code=40158, disputes=(SPACE_IN_URL,))] = None
    accept: Annotated[Switch | None, ParameterInfo(
        "Accept the reservation when the call starts.", default="false")] = None


@declare(instruction="redirect", prefix="Redirect")
class Redirect(Command):
    """Redirect the parked call to other TwiML.

    The reservation is accepted with the redirect, if ``accept`` is set. Otherwise it stays pending.
    """

    call_sid: Annotated[CallSid, ParameterInfo("The live, parked call.", code=40121)]
    accept: Annotated[Switch | None, ParameterInfo(
        "Accept the reservation with the redirect.",
        default="false", disputes=(REDIRECT_ACCEPT_DEFAULT,))] = None
    url: Annotated[Url, ParameterInfo(
        "TwiML that the call is sent to.", code=40120, disputes=(SPACE_IN_URL,))]


@declare(instruction="conference", disputes=(CONFERENCE_IN_CALLBACK,),
         rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER, USER_CALLS_SIP))
class Conference(Command):
    """Call the worker into a conference and move the caller there.

    The reservation is accepted only when both are in the conference. The attributes of the task
    must hold ``call_sid`` (inbound) or ``outbound_to`` (outbound), else error 40142.
    """

    to: Annotated[Contact | None, ParameterInfo(
        "Contact at which the worker is called.",
        default="the worker's contact_uri", code=40137, disputes=(APPLICATION_CONTACT,))] = None
    from_: Annotated[Caller | None, ParameterInfo(
        "Caller ID that the worker sees.",
        code=40141, disputes=(CONFERENCE_CALLER_ID_REQUIRED,))] = None
    status_callback: Annotated[Url | None, ParameterInfo(
        "URL that receives the events of the worker's leg.",
        code=40159, disputes=(SPACE_IN_URL,))] = None
    status_callback_method: Annotated[HttpMethod | None, ParameterInfo(
        "HTTP method of these callbacks.", default="POST", depends_on=("status_callback",))] = None
    status_callback_event: Annotated[CallEvents | None, ParameterInfo(
        "Events of the worker's leg that are sent.",
        default="completed", depends_on=("status_callback",))] = None
    timeout: Annotated[Seconds | None, ParameterInfo(
        "Seconds that the worker's phone rings.",
        default="60", disputes=(PARTICIPANT_TIMEOUT_LIMITS,))] = None
    record: Annotated[Switch | None, ParameterInfo(
        "Record the participant.", default="false", disputes=(RECORD_TYPE,))] = None
    muted: Annotated[Switch | None, ParameterInfo(
        "Let the worker join muted.", default="false")] = None
    beep: Annotated[Beep | None, ParameterInfo(
        "Occasions on which a beep is played.", default="true")] = None
    start_conference_on_enter: Annotated[Switch | None, ParameterInfo(
        "Start the conference when the worker joins.", default="true")] = None
    end_conference_on_exit: Annotated[Switch | None, ParameterInfo(
        "End the conference when the worker leaves.", default="false")] = None
    wait_url: Annotated[UrlOrSilence | None, ParameterInfo(
        "URL of the music that is played while waiting.",
        default="hold music", disputes=(SPACE_IN_URL,))] = None
    wait_method: Annotated[HttpMethod | None, ParameterInfo(
        "HTTP method that fetches the music.", default="POST", depends_on=("wait_url",))] = None
    early_media: Annotated[Switch | None, ParameterInfo(
        "Let the worker hear the call setup.", default="true")] = None
    max_participants: Annotated[Participants | None, ParameterInfo(
        "Maximum number of participants.",
        default="250", disputes=(MAX_PARTICIPANTS_DEFAULT,))] = None
    conference_status_callback: Annotated[Url | None, ParameterInfo(
        "URL that receives the events of the conference.", disputes=(SPACE_IN_URL,))] = None
    conference_status_callback_method: Annotated[HttpMethod | None, ParameterInfo(
        "HTTP method of these callbacks.",
        default="POST", depends_on=("conference_status_callback",))] = None
    conference_status_callback_event: Annotated[ConferenceEvents | None, ParameterInfo(
        "Events of the conference that are sent.",
        default="start, end", depends_on=("conference_status_callback",))] = None
    conference_record: Annotated[ConferenceRecording | None, ParameterInfo(
        "Record the conference.", default="false")] = None
    conference_trim: Annotated[Trim | None, ParameterInfo(
        "Trim silence from the recording.",
        default="trim-silence", depends_on=("conference_record", "record"))] = None
    recording_channels: Annotated[Channels | None, ParameterInfo(
        "Channels of the recording.", default="mono", depends_on=("record",))] = None
    recording_status_callback: Annotated[Url | None, ParameterInfo(
        "URL that receives the events of the recording.",
        depends_on=("record",), disputes=(SPACE_IN_URL,))] = None
    recording_status_callback_method: Annotated[HttpMethod | None, ParameterInfo(
        "HTTP method of these callbacks.",
        default="POST", depends_on=("recording_status_callback",))] = None
    conference_recording_status_callback: Annotated[Url | None, ParameterInfo(
        "URL that receives the events of the conference recording.",
        depends_on=("conference_record", "record"), disputes=(SPACE_IN_URL,))] = None
    conference_recording_status_callback_method: Annotated[HttpMethod | None, ParameterInfo(
        "HTTP method of these callbacks.",
        default="POST", depends_on=("conference_recording_status_callback",))] = None
    region: Annotated[Region | None, ParameterInfo(
        "Region in which the audio is mixed.", disputes=(NEWER_REGION,))] = None
    sip_auth_username: Annotated[Name | None, ParameterInfo(
        "User name for the worker's SIP address.", disputes=(SIP_CREDENTIALS_WITHOUT_SIP,))] = None
    sip_auth_password: Annotated[Password | None, ParameterInfo(
        "Password for the worker's SIP address.", disputes=(SIP_CREDENTIALS_WITHOUT_SIP,))] = None
    post_work_activity_sid: Annotated[ActivitySid | None, ParameterInfo(
        "Activity that the worker goes to after the work.",
        code=40139, disputes=(POST_WORK_ACTIVITY_DEPRECATED,))] = None
    end_conference_on_customer_exit: Annotated[Switch | None, ParameterInfo(
        "End the conference when the customer leaves.", default="false")] = None
    beep_on_customer_entrance: Annotated[Switch | None, ParameterInfo(
        "Play a beep when the customer joins.", default="true")] = None
    jitter_buffer_size: Annotated[JitterBuffer | None, ParameterInfo(
        "Size of the jitter buffer of the conference.", default="large")] = None


@declare(instruction="supervise", disputes=(SUPERVISE_UNLISTED,), can_answer_callback=False,
         is_task_route_only=True)
class Supervise(Command):
    """Let a supervisor join the worker's call. The reservation keeps its status.

    Only the task route has this command. The attributes of the supervisor must hold
    ``contact_uri`` (else error 40147) and those of the task a valid ``from`` (else error 40148).
    """

    supervisor_mode: Annotated[SupervisorMode, ParameterInfo(
        "Listen only, speak to the worker, or speak to both.")]
    supervisor: Annotated[SupervisorName, ParameterInfo("Worker SID or contact of the supervisor.")]


# fmt: on

COMMANDS: Final[tuple[type[Command], ...]] = (
    Accept, Reject, Dequeue, Call, Redirect, Conference, Supervise, Wrap, Complete,
)  # fmt: skip
"""The nine commands, in the order of the lifecycle."""
