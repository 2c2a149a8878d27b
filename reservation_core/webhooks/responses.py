"""Responses to webhooks.

1. The platform takes a response to an assignment callback that arrives within five seconds, with
   status 200 and a JSON body. An empty body leaves the decision for later. After any other response
   it calls the fallback URL.
2. Wrap, complete and supervise cannot be sent in a response. Send them with ``perform``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final, NamedTuple, overload

from reservation_core.domain.commands.base import Command, wrong_command
from reservation_core.domain.reservation import Reservation, require_reservation
from reservation_core.rest.errors import MalformedReply
from reservation_core.rest.messages import Headers, Reply
from reservation_core.webhooks.request import Forged

_JSON_HEADERS: Final = Headers((("Content-Type", "application/json"),))

ACKNOWLEDGEMENT: Final = Reply(204, _JSON_HEADERS)
"""The response to an event callback. It is due within fifteen seconds."""


class CallbackAnswer(NamedTuple):
    """Response to an assignment callback, and the reservation then held.

    :param response: the response to send.
    :param reservation: the reservation once the platform has taken the response.
    """

    response: Reply
    reservation: Reservation


@overload
def answer(command: Command | None = None) -> Reply: ...


@overload
def answer(
    command: Command | None,
    reservation: Reservation,
    *,
    strict: bool = True,
    at: datetime | None = None,
) -> CallbackAnswer: ...


def answer(
    command: Command | None = None,
    reservation: Reservation | None = None,
    *,
    strict: bool = True,
    at: datetime | None = None,
) -> Reply | CallbackAnswer:
    """Build the response to an assignment callback.

    :param command: the command that the platform is to carry out. ``None`` leaves the decision for
        later: send a command with ``perform`` before the reservation times out.
    :param reservation: the reservation of the callback. With it, a command that is not allowed is
        refused, and the reservation that is then held is returned, too: on hold after a conference,
        for example.
    :param strict: refuse the command on any evidence. Otherwise only on documented or observed
        evidence.
    :param at: the time of the answer; the present time by default. A reservation on hold keeps it.
    :returns: the response, or the response and the reservation if one was given.
    :raises InvalidCommand: for wrap, complete and supervise, which cannot answer a callback.
    :raises CommandNotAllowed: if the command is not allowed now. ``answer()`` then leaves the
        decision for later.

    >>> from reservation_core import Accept, Conference, Reservation
    >>> answer(Accept()).body
    b'{"instruction": "accept"}'
    >>> response, held = answer(Conference(), Reservation(status="pending"))
    >>> held.on_hold
    True
    """
    if not (command is None or isinstance(command, Command)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise wrong_command(command)
    if reservation is not None:
        require_reservation(reservation)
    body = b"" if command is None else json.dumps(command.instruction()).encode()
    response = Reply(200, _JSON_HEADERS, body)
    if reservation is None:
        return response
    if command is None:
        return CallbackAnswer(response, reservation)
    held = reservation.after(command, strict=strict, at=at or datetime.now(UTC))
    return CallbackAnswer(response, held)


def refuse_webhook(error: Forged | MalformedReply) -> Reply:
    """Build the response to a forged (403) or unreadable (400) webhook.

    It has no body, so that an attacker learns nothing.
    """
    status = 403 if isinstance(error, Forged) else 400
    return Reply(status, Headers((("Content-Type", "text/plain; charset=utf-8"),)))
