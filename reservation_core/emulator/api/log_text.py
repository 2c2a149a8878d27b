"""Short, redacted text of requests and replies, for logs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import parse_qsl

from reservation_core.domain.commands.catalogue import COMMANDS
from reservation_core.domain.commands.parsing import STATUS_FIELD
from reservation_core.domain.lifecycle import Status
from reservation_core.domain.redaction import mask
from reservation_core.emulator.platform.model import TaskStatus
from reservation_core.rest.addresses import parse_path
from reservation_core.rest.messages import Reply
from reservation_core.webhooks.request import redact_url

_KNOWN_COMMANDS: Final = {
    *((STATUS_FIELD, status.value) for status in Status),
    *(command.first_pair for command in COMMANDS),
}
_SID: Final = re.compile(r"\b([A-Z]{2})[0-9a-fA-F]{26}([0-9a-fA-F]{6})\b")
_MAX_LENGTH: Final = 200
_STATUS_FIELDS: Final = ("reservation_status", "assignment_status")
_TASK_STATUSES: Final = {("AssignmentStatus", status.value) for status in TaskStatus}
_is_name: Final = re.compile("[A-Z][A-Za-z]{1,39}").fullmatch


def shorten_target(text: str) -> str:
    """Redact a text and shorten its SIDs."""
    return _SID.sub(r"\1…\2", mask(text, limit=_MAX_LENGTH))


def target_text(target: str) -> str:
    """Describe a target: without the workspace and the query's values, SIDs shortened."""
    return re.sub(r"^/v1/Workspaces/[^/]+", "…", shorten_target(redact_url(target)))


def form_text(body: bytes, target: str) -> str:
    """Name the status, the instruction or the parameters of a form."""
    try:
        pairs = parse_qsl(body.decode())
    except ValueError:
        return "not a form"
    names = [value for name, value in pairs if (name, value.lower()) in _KNOWN_COMMANDS]
    if not body or names:
        return " and ".join(names)
    if parse_path(target) is not None:
        return "neither status nor instruction"
    return ", ".join(
        f"{name}={value}" if (name, value) in _TASK_STATUSES else name
        for name, value in pairs
        if _is_name(name)
    )[:_MAX_LENGTH]


def reply_text(reply: Reply) -> str:
    """Describe a reply: status, and reservation or error."""
    try:
        body = cast("Mapping[str, object]", json.loads(reply.body or b"{}"))
    except ValueError:
        return f"{reply.status}, unreadable"
    meta: object = body.get("meta")
    if isinstance(meta, dict):
        key = str(cast("Mapping[str, object]", meta).get("key"))
        return f"{reply.status} {len(cast('list[object]', body.get(key, ())))} {key}"
    status = next((str(body[name]) for name in _STATUS_FIELDS if name in body), "")
    if status or "sid" in body:
        version = f"version {reply.etag}" if reply.etag else ""
        return f"{reply.status} {', '.join(filter(None, (status, version)))}".rstrip()
    details = (
        shorten_target(str(body[name]))
        for name in ("code", "message")
        if body.get(name) is not None
    )
    return " ".join((str(reply.status), *details))
