"""The nine commands and the facts about their parameters.

The facts are from the endpoint's reference page. The error numbers are from the platform's error
dictionary.
"""

from collections.abc import Sequence
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.declaration import declare
from reservation_core.domain.commands.disputes import (
    CALL_TIMEOUT_LIMIT,
    CALLBACK_METHOD,
    CALLER_ID_REQUIRED,
    CONFERENCE_CALLER_ID_REQUIRED,
    CONFERENCE_IN_CALLBACK,
    CONTACT_FORMS,
    NEWER_REGION,
    POST_WORK_ACTIVITY_DEPRECATED,
    RECORD_TYPE,
    RECORDING_MODE,
    REDIRECT_ACCEPT_DEFAULT,
    REJECT_ACTIVITY_DEFAULT,
    SIP_CREDENTIALS_WITHOUT_SIP,
    SPACE_IN_URL,
    STATUS_OF_PLATFORM,
    SUPERVISE_UNLISTED,
    SUPERVISOR_FORM,
    WRAP_FOR_FLEX_ONLY,
)
from reservation_core.domain.commands.parameters import param
from reservation_core.domain.commands.rules import (
    NUMBER_CALLS_NUMBER,
    SIP_RINGS_600_SECONDS,
    USER_CALLS_SIP,
)
from reservation_core.domain.commands.types import (
    ACTIVITY_SID,
    BEEP,
    CALL_EVENTS,
    CALL_SID,
    CALLER,
    CHANNELS,
    CONFERENCE_EVENTS,
    CONFERENCE_RECORDING,
    CONTACT,
    HTTP_METHOD,
    JITTER_BUFFER,
    NAME,
    PARTICIPANTS,
    PASSWORD,
    RECORD_SWITCH,
    RECORDING,
    REGION,
    SECONDS,
    SETTABLE_STATUS,
    SUPERVISOR,
    SUPERVISOR_MODE,
    SWITCH,
    TRIM,
    URL,
    URL_OR_SILENCE,
    Beep,
    CallEvent,
    Channels,
    ConferenceEvent,
    ConferenceRecording,
    HttpMethod,
    JitterBuffer,
    Region,
    SupervisorMode,
    Trim,
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

    worker_activity_sid: str | None = param(
        ACTIVITY_SID, default=None, code=40100, callback_name="activity_sid",
        disputes=(REJECT_ACTIVITY_DEFAULT,))
    """Activity that the worker goes to."""


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

    post_work_activity_sid: str | None = param(
        ACTIVITY_SID, default=None, code=40130, disputes=(POST_WORK_ACTIVITY_DEPRECATED,))
    """Activity that the worker goes to after the work."""
    from_: str | None = param(CALLER, default=None, code=40132, disputes=(CALLER_ID_REQUIRED,))
    """Caller ID that the worker sees."""
    record: str | None = param(
        RECORDING, default=None, if_unset="do-not-record", disputes=(RECORDING_MODE,))
    """Recording mode, or the leg to record."""
    timeout: int | None = param(
        SECONDS, default=None, if_unset="60", disputes=(CALL_TIMEOUT_LIMIT,))
    """Seconds that the worker's phone rings."""
    to: str | None = param(
        CONTACT, default=None, if_unset="the worker's contact_uri", code=40131,
        disputes=CONTACT_FORMS)
    """Contact at which the worker is called."""
    status_callback_url: str | None = param(
        URL, default=None, code=40157, disputes=(CALLBACK_METHOD, SPACE_IN_URL))
    """URL that receives the events of the call."""
    status_callback_event: Sequence[CallEvent] | None = param(
        CALL_EVENTS, default=None, if_unset="completed", depends_on=("status_callback_url",),
        code=40134, callback_name="status_callback_events")
    """Events of the call that are sent."""


@declare(instruction="call", prefix="Call", rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER))
class Call(Command):
    """Call the worker and run TwiML on that call.

    The reservation is accepted when the call starts, if ``accept`` is set. Otherwise it stays
    pending.
    """

    from_: str = param(CALLER, code=40111)
    """Caller ID that the worker sees."""
    record: str | None = param(
        RECORDING, default=None, if_unset="do-not-record", disputes=(RECORDING_MODE,))
    """Recording mode, or the leg to record."""
    timeout: int | None = param(
        SECONDS, default=None, if_unset="60", disputes=(CALL_TIMEOUT_LIMIT,))
    """Seconds that the worker's phone rings."""
    to: str | None = param(
        CONTACT, default=None, if_unset="the worker's contact_uri", code=40110,
        disputes=CONTACT_FORMS)
    """Contact at which the worker is called."""
    url: str = param(URL, code=40112, disputes=(SPACE_IN_URL,))
    """TwiML that runs when the worker answers."""
    status_callback_url: str | None = param(URL, default=None, code=40158, disputes=(SPACE_IN_URL,))
    """URL that receives the completed event of the call."""
    accept: bool | None = param(SWITCH, default=None, if_unset="false")
    """Accept the reservation when the call starts."""


@declare(instruction="redirect", prefix="Redirect")
class Redirect(Command):
    """Redirect the parked call to other TwiML.

    The reservation is accepted with the redirect, if ``accept`` is set. Otherwise it stays pending.
    """

    call_sid: str = param(CALL_SID, code=40121)
    """The live, parked call."""
    accept: bool | None = param(
        SWITCH, default=None, if_unset="false", disputes=(REDIRECT_ACCEPT_DEFAULT,))
    """Accept the reservation with the redirect."""
    url: str = param(URL, code=40120, disputes=(SPACE_IN_URL,))
    """TwiML that the call is sent to."""


@declare(instruction="conference", disputes=(CONFERENCE_IN_CALLBACK,),
         rules=(SIP_RINGS_600_SECONDS, NUMBER_CALLS_NUMBER, USER_CALLS_SIP))
class Conference(Command):
    """Call the worker into a conference and move the caller there.

    The reservation is accepted only when both are in the conference. Until then it is on hold: it
    stays pending, and no other command is allowed. The attributes of the task must hold
    ``call_sid`` (inbound) or ``outbound_to`` (outbound), else error 40142. Set ``from_``: without
    it the platform may refuse (40138, 40141).
    """

    to: str | None = param(
        CONTACT, default=None, if_unset="the worker's contact_uri", code=40137,
        disputes=CONTACT_FORMS)
    """Contact at which the worker is called."""
    from_: str | None = param(
        CALLER, default=None, code=40141, disputes=(CONFERENCE_CALLER_ID_REQUIRED,))
    """Caller ID that the worker sees."""
    status_callback: str | None = param(URL, default=None, code=40159, disputes=(SPACE_IN_URL,))
    """URL that receives the events of the worker's leg."""
    status_callback_method: HttpMethod | None = param(
        HTTP_METHOD, default=None, if_unset="POST", depends_on=("status_callback",))
    """HTTP method that reports the events of the worker's leg."""
    status_callback_event: Sequence[CallEvent] | None = param(
        CALL_EVENTS, default=None, if_unset="completed", depends_on=("status_callback",))
    """Events of the worker's leg that are sent."""
    timeout: int | None = param(SECONDS, default=None, if_unset="60", code=14233)
    """Seconds that the worker's phone rings."""
    record: bool | None = param(
        RECORD_SWITCH, default=None, if_unset="false", disputes=(RECORD_TYPE,))
    """Record the participant."""
    muted: bool | None = param(SWITCH, default=None, if_unset="false")
    """Let the worker join muted."""
    beep: Beep | None = param(BEEP, default=None, if_unset="true")
    """Occasions on which a beep is played."""
    start_conference_on_enter: bool | None = param(SWITCH, default=None, if_unset="true")
    """Start the conference when the worker joins."""
    end_conference_on_exit: bool | None = param(SWITCH, default=None, if_unset="false")
    """End the conference when the worker leaves."""
    wait_url: str | None = param(
        URL_OR_SILENCE, default=None, if_unset="hold music", disputes=(SPACE_IN_URL,))
    """URL of the music that is played while waiting."""
    wait_method: HttpMethod | None = param(
        HTTP_METHOD, default=None, if_unset="POST", depends_on=("wait_url",))
    """HTTP method that fetches the music."""
    early_media: bool | None = param(SWITCH, default=None, if_unset="true")
    """Let the worker hear the call setup."""
    max_participants: int | None = param(
        PARTICIPANTS, default=None, if_unset="250")
    """Maximum number of participants. Set it for more than 10: one source gives that default."""
    conference_status_callback: str | None = param(URL, default=None, disputes=(SPACE_IN_URL,))
    """URL that receives the events of the conference."""
    conference_status_callback_method: HttpMethod | None = param(
        HTTP_METHOD, default=None, if_unset="POST", depends_on=("conference_status_callback",))
    """HTTP method that reports the events of the conference."""
    conference_status_callback_event: Sequence[ConferenceEvent] | None = param(
        CONFERENCE_EVENTS, default=None, if_unset="start, end",
        depends_on=("conference_status_callback",))
    """Events of the conference that are sent."""
    conference_record: ConferenceRecording | None = param(
        CONFERENCE_RECORDING, default=None, if_unset="false")
    """Record the conference."""
    conference_trim: Trim | None = param(
        TRIM, default=None, if_unset="trim-silence", depends_on=("conference_record", "record"))
    """Trim silence from the recording."""
    recording_channels: Channels | None = param(
        CHANNELS, default=None, if_unset="mono", depends_on=("record",))
    """Channels of the recording."""
    recording_status_callback: str | None = param(
        URL, default=None, depends_on=("record",), disputes=(SPACE_IN_URL,))
    """URL that receives the events of the recording."""
    recording_status_callback_method: HttpMethod | None = param(
        HTTP_METHOD, default=None, if_unset="POST", depends_on=("recording_status_callback",))
    """HTTP method that reports the events of the recording."""
    conference_recording_status_callback: str | None = param(
        URL, default=None, depends_on=("conference_record", "record"), disputes=(SPACE_IN_URL,))
    """URL that receives the events of the conference recording."""
    conference_recording_status_callback_method: HttpMethod | None = param(
        HTTP_METHOD, default=None, if_unset="POST",
        depends_on=("conference_recording_status_callback",))
    """HTTP method that reports the events of the conference recording."""
    region: Region | None = param(REGION, default=None, disputes=(NEWER_REGION,))
    """Region in which the audio is mixed."""
    sip_auth_username: str | None = param(
        NAME, default=None, disputes=(SIP_CREDENTIALS_WITHOUT_SIP,))
    """User name for the worker's SIP address."""
    sip_auth_password: str | None = param(
        PASSWORD, default=None, disputes=(SIP_CREDENTIALS_WITHOUT_SIP,))
    """Password for the worker's SIP address."""
    post_work_activity_sid: str | None = param(
        ACTIVITY_SID, default=None, code=40139, disputes=(POST_WORK_ACTIVITY_DEPRECATED,))
    """Activity that the worker goes to after the work."""
    end_conference_on_customer_exit: bool | None = param(SWITCH, default=None, if_unset="false")
    """End the conference when the customer leaves."""
    beep_on_customer_entrance: bool | None = param(SWITCH, default=None, if_unset="true")
    """Play a beep when the customer joins."""
    jitter_buffer_size: JitterBuffer | None = param(JITTER_BUFFER, default=None, if_unset="large")
    """Size of the jitter buffer of the conference."""


@declare(instruction="supervise", disputes=(SUPERVISE_UNLISTED,), can_answer_callback=False,
         is_task_route_only=True)
class Supervise(Command):
    """Let a supervisor join the worker's call. The reservation keeps its status.

    Only the task route has this command. The attributes of the supervisor must hold
    ``contact_uri`` (else error 40147) and those of the task a valid ``from`` (else error 40148).
    """

    supervisor_mode: SupervisorMode = param(SUPERVISOR_MODE)
    """Listen only, speak to the worker, or speak to both."""
    supervisor: str = param(SUPERVISOR, disputes=(SUPERVISOR_FORM,))
    """Worker SID or contact of the supervisor."""


# --- the way out ---------------------------------------------------------------------------------


@declare(statuses=(Status.CANCELED, Status.TIMEOUT, Status.RESCINDED), prefix="Reservation",
         disputes=(STATUS_OF_PLATFORM,), can_answer_callback=False)
class SetStatus(Command):
    """Set a status that only the platform is known to set.

    No source shows the platform's answer. It is allowed while the reservation is pending, accepted
    or wrapping, and it is never listed among the allowed commands.
    """

    status: Status = param(SETTABLE_STATUS, kw_only=False)
    """The status to set: canceled, timeout or rescinded."""


# fmt: on

COMMANDS: Final[tuple[type[Command], ...]] = (
    Accept, Reject, Dequeue, Call, Redirect, Conference, Supervise, Wrap, Complete,
)  # fmt: skip
"""The nine commands, in the order of the lifecycle."""
