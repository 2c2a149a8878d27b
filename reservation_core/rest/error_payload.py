"""Reading an answer that is no reservation: which error of ours it is, and what the platform says about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reservation_core.domain.lifecycle import STATE_ERROR_CODES
from reservation_core.domain.redaction import Sensitivity, mask
from reservation_core.rest.bodies import read_object
from reservation_core.rest.errors import (
    LostRace,
    MalformedReply,
    NotFound,
    Refused,
    ServerFailed,
    Throttled,
    Unauthorized,
)
from reservation_core.rest.messages import Reply

_MOVED_ON: Final = (
    r"already in state \[\w+\] and cannot be updated to \[\w+\]"
    r"|not in expected state \[\w+\] and cannot be updated to \[\w+\]"
    r"|is not currently in a \w+ state"
)
"""The two observed families of messages about a state, and the one about instructions. Text is no contract: a hint, besides the codes."""

_MOVED_ON_CODES: Final = frozenset({*STATE_ERROR_CODES.values(), 40144, 20409, 20412})
"""An instruction that does not fit the state when it is given, or no longer while it is carried out; a conflict; a stale version."""

_BY_STATUS: Final = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: LostRace,
    412: LostRace,
}


def read_error(reply: Reply, hidden: Mapping[str, Sensitivity] | None = None) -> Refused:
    """Make the error of an answer outside 2xx; ``hidden`` values are masked in the platform's message."""
    code, said, more = _read_error(reply)
    kind = _BY_STATUS.get(reply.status, ServerFailed if reply.status >= 500 else Refused)
    if reply.status == 400 and (code in _MOVED_ON_CODES or re.search(_MOVED_ON, said or "")):
        kind = LostRace
    message, more_info = (None if text is None else mask(text, hidden) for text in (said, more))
    if reply.status == 429:
        return Throttled(reply.status, code, message, more_info, reply.retry_after)
    return kind(reply.status, code, message, more_info)


def _read_error(reply: Reply) -> tuple[int | None, str | None, str | None]:
    """Read an error body of either family (the platform's own, RFC 9457), or say what it is instead."""
    try:
        body = read_object(reply.body)
    except MalformedReply:
        if not reply.body.strip():
            return None, None, None
        return (
            None,
            f"an answer that is no JSON object ({mask(reply.headers.get('Content-Type', 'of no stated type'), limit=60)})",
            None,
        )
    code = body.get("code")
    said = [
        text
        for key in ("message", "title", "detail")
        if isinstance(text := body.get(key), str) and text.strip()
    ]
    more = next(
        (
            text
            for key in ("more_info", "type")
            if isinstance(text := body.get(key), str) and text.startswith("http")
        ),
        None,
    )
    return code if type(code) is int and 0 < code < 100_000 else None, ": ".join(said) or None, more
