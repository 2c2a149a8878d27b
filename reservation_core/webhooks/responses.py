"""Responses to webhooks.

1. The platform takes a response to an assignment callback that arrives within five seconds, with
   status 200 and a JSON body. An empty body leaves the decision for later. After any other response
   it calls the fallback URL.
2. Wrap, complete and supervise cannot be sent in a response. Send them with ``perform``.
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
"""The response to an event callback. It is due within fifteen seconds."""


def answer(command: Command | None = None) -> Reply:
    """Build the response to an assignment callback.

    :param command: the command that the platform is to carry out. ``None`` leaves the decision for
        later: send a command with ``perform`` before the reservation times out.
    :raises InvalidCommand: for wrap, complete and supervise, which cannot answer a callback.

    >>> from reservation_core import Accept
    >>> answer(Accept()).body
    b'{"instruction": "accept"}'
    """
    body = b"" if command is None else json.dumps(command.instruction()).encode()
    return Reply(200, _JSON_HEADERS, body)


def refuse_webhook(error: Forged | MalformedReply) -> Reply:
    """Build the response to a forged (403) or unreadable (400) webhook.

    It has no body, so that an attacker learns nothing.
    """
    status = 403 if isinstance(error, Forged) else 400
    return Reply(status, Headers((("Content-Type", "text/plain; charset=utf-8"),)))
