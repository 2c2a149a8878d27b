"""The samples of every comparison, modelled on the reference's examples."""

import json
from typing import Any, Final

from reservation_core import Conference, Headers, Reply, Reservation, read_reservation

WORKSPACE, TASK, WORKER, RESERVATION = (
    prefix + "0123456789abcdef" * 2 for prefix in ("WS", "WT", "WK", "WR")
)
_WORKSPACES: Final = f"https://taskrouter.twilio.com/v1/Workspaces/{WORKSPACE}"

BODY: Final[dict[str, object]] = {
    "sid": RESERVATION,
    "account_sid": "AC" + "0123456789abcdef" * 2,
    "workspace_sid": WORKSPACE,
    "task_sid": TASK,
    "worker_sid": WORKER,
    "worker_name": "Doug",
    "reservation_status": "accepted",
    "date_created": "2014-05-14T10:50:02Z",
    "date_updated": "2014-05-15T16:03:42Z",
    "url": f"{_WORKSPACES}/Tasks/{TASK}/Reservations/{RESERVATION}",
    "links": {
        "task": f"{_WORKSPACES}/Tasks/{TASK}",
        "worker": f"{_WORKSPACES}/Workers/{WORKER}",
        "workspace": _WORKSPACES,
    },
}
"""A REST body, all of its fields given."""


def as_json(body: dict[str, object]) -> bytes:
    """Encode a body as JSON."""
    return json.dumps(body).encode()


ACCEPTED: Final = as_json(BODY)
PENDING: Final = as_json({**BODY, "reservation_status": "pending"})

HEADERS: Final = {"Content-Type": "application/json", "ETag": "4"}
REPLY_HEADERS: Final = Headers(tuple(HEADERS.items()))

# Any: the peers take these as keywords, of whatever type each has.
CONFERENCE: Final[dict[str, Any]] = {
    "to": "+15005550009",
    "from_": "+15005550006",
    "status_callback": "https://example.com/status",
    "status_callback_method": "POST",
    "status_callback_event": ["initiated", "ringing", "answered", "completed"],
    "timeout": 20,
    "record": True,
    "muted": False,
    "beep": "onEnter",
    "start_conference_on_enter": True,
    "end_conference_on_exit": False,
    "wait_url": "https://example.com/wait music.mp3",
    "wait_method": "GET",
    "early_media": True,
    "max_participants": 10,
    "conference_status_callback": "https://example.com/conf",
    "conference_status_callback_method": "GET",
    "conference_status_callback_event": [
        "start",
        "end",
        "join",
        "leave",
        "mute",
        "hold",
        "speaker",
    ],
    "conference_record": "record-from-start",
    "conference_trim": "do-not-trim",
    "recording_channels": "dual",
    "recording_status_callback": "https://example.com/rec",
    "recording_status_callback_method": "POST",
    "conference_recording_status_callback": "https://example.com/confrec",
    "conference_recording_status_callback_method": "POST",
    "region": "us1",
    "post_work_activity_sid": "WA" + "0123456789abcdef" * 2,
}
"""27 of the 32 parameters: all but those of a SIP address, and the three newest."""


def pending() -> Reservation:
    """Read the pending reservation, its version unknown, as after an assignment callback."""
    return read_reservation(PENDING)


def conference() -> Conference:
    """Build the conference."""
    return Conference(**CONFERENCE)


def reply(body: bytes) -> Reply:
    """Build a reply with a body."""
    return Reply(200, REPLY_HEADERS, body)
