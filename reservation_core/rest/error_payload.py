"""Reader of error replies: the class of the error, and the platform's message."""

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

_STATE_MESSAGE: Final = (
    r"(?i)(?:already in|not in expected) state \w+ and cannot be updated to \w"
    r"|is not currently in an? \w+ state"
).replace(" ", r"\W+")
"""The observed messages of a conflict with the reservation's state.

White space and punctuation between the words may differ. The first two messages answer a status
update, the last one an instruction. The platform guarantees error codes, not texts, so a message
counts only as a hint where the code is not known.
"""

TRANSFER_CODE: Final = 40151
"""Error code of an instruction that a task under transfer does not have."""

CONFLICT_CODES: Final = frozenset({20409, 20412, TRANSFER_CODE})
"""Error codes of a conflict that says nothing about the status.

A conflict (20409), a stale version (20412), and an instruction that a transferred task lacks.
"""

_MAX_TEXT: Final = 4096  # much more than is shown of a text

_STATE_CODES: Final = frozenset({*STATE_ERROR_CODES.values(), 40144, *CONFLICT_CODES})
"""Error codes of a state that does not fit, and of other conflicts.

The platform checks the state when it receives an instruction, or later while it carries it out.
"""

_ERROR_TYPES: Final[Mapping[int, type[Refused]]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: LostRace,
    412: LostRace,
}


def read_error(
    reply: Reply,
    hidden: Mapping[str, Sensitivity] | None = None,
    *,
    is_read_only: bool = False,
) -> Refused:
    """Read the error of a reply outside 2xx.

    :param hidden: values to mask in the platform's message, besides contacts.
    :param is_read_only: True if the request read only, so that nothing was commanded.
    """
    code, message, more_info = _read_body(reply)
    is_verdict = 400 <= reply.status < 500  # 1xx and 3xx say nothing about the command, as 5xx
    kind = _ERROR_TYPES.get(reply.status, Refused if is_verdict else ServerFailed)
    if reply.status == 400 and (code in _STATE_CODES or re.search(_STATE_MESSAGE, message or "")):
        kind = LostRace
    message, more_info = (text and mask(text, hidden) for text in (message, more_info))
    if reply.status == 429:
        return Throttled(reply.status, code, message, more_info, reply.retry_after)
    if kind is ServerFailed:
        return ServerFailed(reply.status, code, message, more_info, is_read_only=is_read_only)
    return kind(reply.status, code, message, more_info)


def _read_body(reply: Reply) -> tuple[int | None, str | None, str | None]:
    """Read code, message and link of a platform error or RFC 9457."""
    if not reply.body.strip():
        return None, None, None
    try:
        body = read_object(reply.body)
    except MalformedReply:
        content_type = mask(reply.headers.get("Content-Type", "of unknown type"), limit=60)
        return None, f"the body is not a JSON object ({content_type})", None
    texts = {
        name: text[:_MAX_TEXT]
        for name in ("message", "title", "detail", "more_info", "type")
        if isinstance(text := body.get(name), str) and text.strip()
    }
    code = body.get("code")
    message = ": ".join(texts[name] for name in ("message", "title", "detail") if name in texts)
    links = [texts.get(name, "") for name in ("more_info", "type")]
    return (
        code if type(code) is int and 0 < code < 100_000 else None,
        message or None,
        next((link for link in links if link.startswith("http")), None),
    )
