"""Inputs to begin with: a body of each kind, and what fuzzing has found."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlencode

_ZEROS: Final = "0" * 32
_SIDS: Final[dict[str, object]] = {
    "sid": f"WR{_ZEROS}",
    "account_sid": f"AC{_ZEROS}",
    "workspace_sid": f"WS{_ZEROS}",
    "task_sid": f"WT{_ZEROS}",
    "worker_sid": f"WK{_ZEROS}",
}
_ROW: Final[dict[str, object]] = {
    **_SIDS,
    "reservation_status": "pending",
    "worker_name": "Zoë",
    "date_created": "2020-01-01T00:00:00Z",
    "date_updated": "1577836800",
    "url": "https://taskrouter.twilio.com/v1",
    "links": {"task": "https://taskrouter.twilio.com/v1"},
}
_FORM: Final[dict[str, object]] = {
    "EventType": "reservation.accepted",
    "ReservationSid": f"WR{_ZEROS}",
    "TaskAttributes": '{"language": "en"}',
    "TimestampMs": "1577836800123",
    "TaskAge": "7",
}
_DATA: Final[dict[str, object]] = {"reservation_sid": f"WR{_ZEROS}", "timestamp_ms": 1577836800123}
_CLOUD: Final[dict[str, object]] = {
    "type": "com.twilio.taskrouter.reservation.created",
    "id": "x",
    "time": "2020-01-01T00:00:00Z",
    "data": {"payload": _DATA},
}
_RESOURCE: Final[dict[str, object]] = {
    "event_type": "task.created",
    "event_date_ms": 1577836800123,
    "resource_sid": f"WT{_ZEROS}",
    "event_data": json.dumps({"TaskSid": f"WT{_ZEROS}"}),
}
_SEED: Final[dict[str, object]] = {
    "workers": [{"workspace_sid": f"WS{_ZEROS}", "sid": f"WK{_ZEROS}", "attributes": {}}],
    "tasks": [
        {
            "workspace_sid": f"WS{_ZEROS}",
            "reservations": [{"worker_sid": f"WK{_ZEROS}", "facts": ["accepted"]}],
        }
    ],
}
_CONFERENCE: Final = (
    ("Instruction", "conference"),
    ("ConferenceFrom", "client:a"),
    ("ConferenceStatusCallbackEvent", "start"),
    ("ConferenceTimeout", "60"),
    ("More", "x"),
)

_DOCUMENTS: Final[tuple[object, ...]] = (
    _ROW,
    {"reservations": [_ROW], "meta": {"next_page_url": "https://a/b?Page=1"}},
    [_CLOUD, _RESOURCE],
    {"events": [_RESOURCE]},
    {"code": 20001, "message": "already in state [x] and cannot be updated to [y]", "status": 400},
    {"instruction": "conference", "from": "+14155550123", "record": True, "timeout": 60},
    {"form": [["ReservationStatus", "accepted"]]},
    {"status": "pending", "on_hold": True, "etag": "1", **_SIDS},
    {"reservation": _ROW, "revision": 1, "refreshed_at": "2020-01-01T00:00:00Z", "intent": {}},
    {"assignment_url": "https://a:b@c/d?e=f", "event_types": ["accepted"], "duplicates": 0.5},
    _SEED,
    {**_ROW, "version": 3, "task": {"sid": f"WT{_ZEROS}"}, "reservation_status": "wrapup"},
)

SEEDS: Final[tuple[bytes, ...]] = (
    *(json.dumps(document, ensure_ascii=False).encode() for document in _DOCUMENTS),
    urlencode(_FORM).encode(),
    urlencode(_CONFERENCE).encode(),
    b"ReservationStatus=accepted",
    b"https://user:word@example.com:8443/path?query=+14155550123#fragment",
    b'[1e999, NaN, -0, 1577836800.5, "\\ud800", null]',
    b"\xff\xfe\x00",
    b"",
)
"""The inputs."""
