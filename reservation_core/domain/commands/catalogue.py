"""The nine commands, side by side: what each may carry, and what is known of every parameter.

Facts are those of the endpoint's reference page; error numbers are those of the platform's error dictionary.
"""

from typing import Annotated, Final

from reservation_core.domain.commands.base import Command, command
from reservation_core.domain.commands.parameters import ParameterInfo
from reservation_core.domain.commands.rules import (
    APP,
    BARE_NAME,
    CALLBACK_METHOD,
    CROWD,
    FLEX_ONLY,
    LEGS,
    NEWER_REGION,
    NO_ACTIVITY,
    NO_CALLER,
    NO_CONFERENCE_CALLER,
    NUMBER_CALLS_NUMBER,
    PARTICIPANT_RING,
    RECORD_TYPE,
    REDIRECT_ACCEPTS,
    RING,
    SINGLE_TASKING,
    SIP_ONLY,
    SIP_RINGS_600_SECONDS,
    SPACE_IN_URL,
    SPOKEN,
    UNLISTED,
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

# --- plain status updates --------------------------------------------------------------------------------------------------------


@command(status=Status.ACCEPTED)
class Accept(Command):
    """Take the task, at once."""


@command(status=Status.REJECTED)
class Reject(Command):
    """Refuse the task, at once; it goes back to routing."""

    worker_activity_sid: Annotated[
        ActivitySid | None,
        ParameterInfo(
            "The activity the worker goes to.",
            code=40100,
            callback_name="activity_sid",
            disputes=(NO_ACTIVITY,),
        ),
    ] = None


@command(status=Status.WRAPPING, disputes=(FLEX_ONLY,), can_answer_callback=False)
class Wrap(Command):
    """End the work and begin the after-work."""


@command(status=Status.COMPLETED, can_answer_callback=False)
class Complete(Command):
    """Finish the reservation; the task is completed with it when no other live reservation remains."""


# --- instructions ----------------------------------------------------------------------------------------------------------------


@command(
    instruction="dequeue", prefix="Dequeue", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER)
)
class Dequeue(Command):
    """Call the worker and bridge the caller who waits in the queue; accepted once both are bridged.

    The task must have been made by TwiML ``<Enqueue>`` (else 40140).
    """

    post_work_activity_sid: Annotated[
        ActivitySid | None,
        ParameterInfo(
            "The activity the worker goes to afterwards.", code=40130, disputes=(SINGLE_TASKING,)
        ),
    ] = None
    from_: Annotated[
        Caller | None,
        ParameterInfo("The caller ID the worker sees.", code=40132, disputes=(NO_CALLER,)),
    ] = None
    record: Annotated[
        Recording | None,
        ParameterInfo(
            "Whether, or which leg, to record.", default="do-not-record", disputes=(LEGS,)
        ),
    ] = None
    timeout: Annotated[
        Seconds | None,
        ParameterInfo("How long the worker's phone rings.", default="60", disputes=(RING,)),
    ] = None
    to: Annotated[
        Contact | None,
        ParameterInfo(
            "Where the worker is called.",
            default="the worker's contact_uri",
            code=40131,
            disputes=(APP,),
        ),
    ] = None
    status_callback_url: Annotated[
        Url | None,
        ParameterInfo(
            "Where the call's events are sent.",
            code=40157,
            disputes=(CALLBACK_METHOD, SPACE_IN_URL),
        ),
    ] = None
    status_callback_event: Annotated[
        CallEvents | None,
        ParameterInfo(
            "Which events are sent.",
            default="completed",
            depends_on=("status_callback_url",),
            code=40134,
            callback_name="status_callback_events",
        ),
    ] = None


@command(instruction="call", prefix="Call", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Call(Command):
    """Call the worker and run TwiML on that leg."""

    from_: Annotated[Caller, ParameterInfo("The caller ID the worker sees.", code=40111)]
    record: Annotated[
        Recording | None,
        ParameterInfo(
            "Whether, or which leg, to record.", default="do-not-record", disputes=(LEGS,)
        ),
    ] = None
    timeout: Annotated[
        Seconds | None,
        ParameterInfo("How long the worker's phone rings.", default="60", disputes=(RING,)),
    ] = None
    to: Annotated[
        NamedContact | None,
        ParameterInfo(
            "Where the worker is called.",
            default="the worker's contact_uri",
            code=40110,
            disputes=(BARE_NAME, APP),
        ),
    ] = None
    url: Annotated[
        Url,
        ParameterInfo(
            "The TwiML run when the worker answers.", code=40112, disputes=(SPACE_IN_URL,)
        ),
    ]
    status_callback_url: Annotated[
        Url | None,
        ParameterInfo(
            "Where the call's completed event is sent.", code=40158, disputes=(SPACE_IN_URL,)
        ),
    ] = None
    accept: Annotated[
        Switch | None,
        ParameterInfo("Whether the reservation is accepted as the call starts.", default="false"),
    ] = None


@command(instruction="redirect", prefix="Redirect")
class Redirect(Command):
    """Send the parked call to other TwiML."""

    call_sid: Annotated[CallSid, ParameterInfo("The live, parked call.", code=40121)]
    accept: Annotated[
        Switch | None,
        ParameterInfo(
            "Whether the reservation is accepted with it.",
            default="false",
            disputes=(REDIRECT_ACCEPTS,),
        ),
    ] = None
    url: Annotated[
        Url, ParameterInfo("The TwiML the call goes to.", code=40120, disputes=(SPACE_IN_URL,))
    ]


@command(
    instruction="conference",
    rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER, USER_CALLS_SIP),
    disputes=(SPOKEN,),
)
class Conference(Command):
    """Call the worker into a conference and move the caller there; accepted only when both are in it.

    The task's attributes must hold ``call_sid`` (inbound) or ``outbound_to`` (outbound), else 40142.
    """

    to: Annotated[
        Contact | None,
        ParameterInfo(
            "Where the worker is called.",
            default="the worker's contact_uri",
            code=40137,
            disputes=(APP,),
        ),
    ] = None
    from_: Annotated[
        Caller | None,
        ParameterInfo(
            "The caller ID the worker sees.", code=40141, disputes=(NO_CONFERENCE_CALLER,)
        ),
    ] = None
    status_callback: Annotated[
        Url | None,
        ParameterInfo("Where the worker leg's events go.", code=40159, disputes=(SPACE_IN_URL,)),
    ] = None
    status_callback_method: Annotated[
        HttpMethod | None,
        ParameterInfo("How they are sent.", default="POST", depends_on=("status_callback",)),
    ] = None
    status_callback_event: Annotated[
        CallEvents | None,
        ParameterInfo(
            "Which of them are sent.", default="completed", depends_on=("status_callback",)
        ),
    ] = None
    timeout: Annotated[
        Seconds | None,
        ParameterInfo(
            "How long the worker's phone rings.", default="60", disputes=(PARTICIPANT_RING,)
        ),
    ] = None
    record: Annotated[
        Switch | None,
        ParameterInfo(
            "Whether to record the participant.", default="false", disputes=(RECORD_TYPE,)
        ),
    ] = None
    muted: Annotated[
        Switch | None, ParameterInfo("Whether the worker joins muted.", default="false")
    ] = None
    beep: Annotated[Beep | None, ParameterInfo("When a beep is played.", default="true")] = None
    start_conference_on_enter: Annotated[
        Switch | None, ParameterInfo("Whether it starts when the worker joins.", default="true")
    ] = None
    end_conference_on_exit: Annotated[
        Switch | None, ParameterInfo("Whether it ends when the worker leaves.", default="false")
    ] = None
    wait_url: Annotated[
        UrlOrSilence | None,
        ParameterInfo("The music while waiting.", default="hold music", disputes=(SPACE_IN_URL,)),
    ] = None
    wait_method: Annotated[
        HttpMethod | None,
        ParameterInfo("How the music is fetched.", default="POST", depends_on=("wait_url",)),
    ] = None
    early_media: Annotated[
        Switch | None, ParameterInfo("Whether the worker hears the call's set-up.", default="true")
    ] = None
    max_participants: Annotated[
        Participants | None,
        ParameterInfo("How many may take part.", default="250", disputes=(CROWD,)),
    ] = None
    conference_status_callback: Annotated[
        Url | None, ParameterInfo("Where its events go.", disputes=(SPACE_IN_URL,))
    ] = None
    conference_status_callback_method: Annotated[
        HttpMethod | None,
        ParameterInfo(
            "How they are sent.", default="POST", depends_on=("conference_status_callback",)
        ),
    ] = None
    conference_status_callback_event: Annotated[
        ConferenceEvents | None,
        ParameterInfo(
            "Which of them are sent.",
            default="start, end",
            depends_on=("conference_status_callback",),
        ),
    ] = None
    conference_record: Annotated[
        ConferenceRecording | None,
        ParameterInfo("Whether to record the conference.", default="false"),
    ] = None
    conference_trim: Annotated[
        Trim | None,
        ParameterInfo(
            "Whether silence is cut off the recording.",
            default="trim-silence",
            depends_on=("conference_record", "record"),
        ),
    ] = None
    recording_channels: Annotated[
        Channels | None,
        ParameterInfo("The recording's channels.", default="mono", depends_on=("record",)),
    ] = None
    recording_status_callback: Annotated[
        Url | None,
        ParameterInfo(
            "Where the recording's events go.", depends_on=("record",), disputes=(SPACE_IN_URL,)
        ),
    ] = None
    recording_status_callback_method: Annotated[
        HttpMethod | None,
        ParameterInfo(
            "How they are sent.", default="POST", depends_on=("recording_status_callback",)
        ),
    ] = None
    conference_recording_status_callback: Annotated[
        Url | None,
        ParameterInfo(
            "Where the conference recording's events go.",
            depends_on=("conference_record", "record"),
            disputes=(SPACE_IN_URL,),
        ),
    ] = None
    conference_recording_status_callback_method: Annotated[
        HttpMethod | None,
        ParameterInfo(
            "How they are sent.",
            default="POST",
            depends_on=("conference_recording_status_callback",),
        ),
    ] = None
    region: Annotated[
        Region | None, ParameterInfo("Where the audio is mixed.", disputes=(NEWER_REGION,))
    ] = None
    sip_auth_username: Annotated[
        Name | None, ParameterInfo("The user at the worker's SIP address.", disputes=(SIP_ONLY,))
    ] = None
    sip_auth_password: Annotated[
        Password | None, ParameterInfo("That user's password.", disputes=(SIP_ONLY,))
    ] = None
    post_work_activity_sid: Annotated[
        ActivitySid | None,
        ParameterInfo(
            "The activity the worker goes to afterwards.", code=40139, disputes=(SINGLE_TASKING,)
        ),
    ] = None
    end_conference_on_customer_exit: Annotated[
        Switch | None, ParameterInfo("Whether it ends when the customer leaves.", default="false")
    ] = None
    beep_on_customer_entrance: Annotated[
        Switch | None, ParameterInfo("Whether a beep announces the customer.", default="true")
    ] = None
    jitter_buffer_size: Annotated[
        JitterBuffer | None, ParameterInfo("The conference's jitter buffer.", default="large")
    ] = None


@command(
    instruction="supervise",
    disputes=(UNLISTED,),
    can_answer_callback=False,
    is_task_route_only=True,
)
class Supervise(Command):
    """Let a supervisor join; the reservation's status stays as it is. Only the task route has it.

    The supervisor's attributes must hold ``contact_uri`` (else 40147) and the task's a valid ``from`` (else 40148).
    """

    supervisor_mode: Annotated[
        SupervisorMode, ParameterInfo("Listen only, speak to the worker, or to both.")
    ]
    supervisor: Annotated[SupervisorName, ParameterInfo("Who joins.")]


COMMANDS: Final[tuple[type[Command], ...]] = (
    Accept,
    Reject,
    Dequeue,
    Call,
    Redirect,
    Conference,
    Supervise,
    Wrap,
    Complete,
)
"""The nine, in the lifecycle's order."""
