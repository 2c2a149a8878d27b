"""Named types of parameters, annotated with their kinds of value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from reservation_core.domain.commands.kinds import (
    Boolean,
    Choice,
    Integer,
    MultipleChoice,
    Text,
    Uri,
    sid_kind,
)
from reservation_core.domain.redaction import Sensitivity

PHONE: Final = r"\+[1-9][0-9]{1,14}"
_REACHABLE: Final = (
    rf"{PHONE}|client:\S.*|[sS][iI][pP][sS]?:[^\s@]+@[^\s@]+|app:AP[0-9a-fA-F]{{32}}"
)
_CONTACT_DESCRIPTION: Final = "a contact: +E.164 number, client:name, or sip:user@domain"

ReservationSid: TypeAlias = Annotated[str, sid_kind("WR")]
WorkspaceSid: TypeAlias = Annotated[str, sid_kind("WS")]
TaskSid: TypeAlias = Annotated[str, sid_kind("WT")]
WorkerSid: TypeAlias = Annotated[str, sid_kind("WK")]
AccountSid: TypeAlias = Annotated[str, sid_kind("AC")]
ActivitySid: TypeAlias = Annotated[str, sid_kind("WA")]
CallSid: TypeAlias = Annotated[str, sid_kind("CA")]

Contact: TypeAlias = Annotated[str, Text(_REACHABLE, _CONTACT_DESCRIPTION, Sensitivity.PERSONAL)]
NamedContact: TypeAlias = Annotated[
    str,
    Text(
        rf"{_REACHABLE}|[A-Za-z_][\w.@-]*",
        f"{_CONTACT_DESCRIPTION}, or a client's bare name",
        Sensitivity.PERSONAL,
    ),
]
Caller: TypeAlias = Annotated[
    str,
    Text(
        r".*\S.*",
        "a caller ID: a number of yours, or a name for client calls",
        Sensitivity.PERSONAL,
    ),
]
SupervisorName: TypeAlias = Annotated[
    str,
    Text(
        rf"WK[0-9a-fA-F]{{32}}|{_REACHABLE}",
        "a worker SID (WK and 32 hexadecimal digits) or a contact URI",
        Sensitivity.PERSONAL,
    ),
]
Name: TypeAlias = Annotated[str, Text(sensitivity=Sensitivity.PERSONAL)]
Password: TypeAlias = Annotated[str, Text(sensitivity=Sensitivity.SECRET)]
Url: TypeAlias = Annotated[str, Uri()]
UrlOrSilence: TypeAlias = Annotated[
    str,
    Uri(
        pattern=rf"(?:{Uri().pattern})?",
        description="an absolute http or https URL, or an empty text for silence",
    ),
]
Recording: TypeAlias = Annotated[
    str, Text(r"[A-Za-z-]+", "a recording mode such as record-from-answer or do-not-record")
]
Seconds: TypeAlias = Annotated[int, Integer(1, 999, "seconds")]
Participants: TypeAlias = Annotated[int, Integer(2, 250)]
Switch: TypeAlias = Annotated[bool, Boolean()]
HttpMethod: TypeAlias = Annotated[Literal["GET", "POST"], Choice()]
CallEvents: TypeAlias = Annotated[
    Sequence[Literal["initiated", "ringing", "answered", "completed"]], MultipleChoice()
]
ConferenceEvents: TypeAlias = Annotated[
    Sequence[Literal["start", "end", "join", "leave", "mute", "hold", "speaker"]], MultipleChoice()
]
Beep: TypeAlias = Annotated[Literal["true", "false", "onEnter", "onExit"], Choice()]
ConferenceRecording: TypeAlias = Annotated[
    Literal["true", "false", "record-from-start", "do-not-record"], Choice()
]
Trim: TypeAlias = Annotated[Literal["trim-silence", "do-not-trim"], Choice()]
Channels: TypeAlias = Annotated[Literal["mono", "dual"], Choice()]
Region: TypeAlias = Annotated[
    Literal["us1", "us2", "ie1", "de1", "sg1", "br1", "au1", "jp1"], Choice()
]
SupervisorMode: TypeAlias = Annotated[Literal["monitor", "whisper", "barge"], Choice()]
JitterBuffer: TypeAlias = Annotated[Literal["small", "medium", "large", "off"], Choice()]
