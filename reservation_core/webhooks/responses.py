"""Responses to webhooks.

1. The response to an assignment callback counts if it arrives within five seconds, with status 200
   and as JSON. An empty one leaves the decision for later. Otherwise the platform calls the
   fallback URL.
2. Wrap, complete and supervise cannot be sent this way. They are refused, and can be sent with
   ``perform``.
"""

from __future__ import annotations

import json
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.rest.errors import MalformedReply
from reservation_core.rest.messages import Headers, Reply
from reservation_core.webhooks.request import Forged

_JSON_HEADERS: Final = Headers((("Content-Type", "application/json"),))

ACKNOWLEDGEMENT: Final = Reply(204, _JSON_HEADERS)
"""The response to an event callback, due within fifteen seconds."""


def answer(command: Command | None = None) -> Reply:
    """Build the response to an assignment callback.

    :param command: ``None`` to decide later, over the API, before the reservation times out.
    :raises InvalidCommand: for a command that cannot be sent this way. It names the remedy.

    >>> from reservation_core import Accept
    >>> answer(Accept()).body
    b'{"instruction": "accept"}'
    """
    body = b"" if command is None else json.dumps(command.instruction()).encode()
    return Reply(200, _JSON_HEADERS, body)


def refuse_webhook(error: Forged | MalformedReply) -> Reply:
    """Build the response to a forged (403) or unreadable (400) webhook.

    It has no body, so that a forger learns nothing.
    """
    status = 403 if isinstance(error, Forged) else 400
    return Reply(status, Headers((("Content-Type", "text/plain; charset=utf-8"),)))
