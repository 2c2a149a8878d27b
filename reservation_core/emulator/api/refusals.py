"""Error replies of the emulated API."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from reservation_core.domain.commands.base import Command
from reservation_core.domain.commands.catalogue import Accept
from reservation_core.domain.commands.parsing import INSTRUCTION_FIELD
from reservation_core.domain.errors import InvalidCommand
from reservation_core.domain.lifecycle import COMMAND_EDGES, ON_HOLD, STATE_ERROR_CODES, Status
from reservation_core.emulator.api.replies import json_reply
from reservation_core.emulator.api.update_reading import UnreadableRequest
from reservation_core.emulator.platform.errors import StateConflict
from reservation_core.emulator.platform.settings import ErrorCodes
from reservation_core.rest.messages import Reply

GENERIC_CODE: Final = 20001
"""Error number of a bad request."""


def refuse(
    status: int, code: int | None, message: str, *, headers: Iterable[tuple[str, str]] = ()
) -> Reply:
    """Return an error reply, with the error number if there is one."""
    body: dict[str, object] = {} if code is None else {"code": code}
    body["message"] = message
    if code is not None:
        body["more_info"] = f"https://www.twilio.com/docs/errors/{code}"
    return json_reply(status, json.dumps({**body, "status": status}).encode(), headers=headers)


UNAUTHORIZED: Final = refuse(
    401, 20003, "Authenticate", headers=(("WWW-Authenticate", 'Basic realm="Twilio API"'),)
)
STALE: Final = refuse(412, 20412, "The version in If-Match is not the resource's current version")


def not_found(target: str) -> Reply:
    """Return the reply for an address without a resource."""
    path = target.partition("?")[0]
    return refuse(404, 20404, f"The requested resource {path} was not found")


def method_not_allowed(allowed: Iterable[str]) -> Reply:
    """Return the reply for a wrong HTTP method."""
    return refuse(405, 20004, "Method not allowed", headers=(("Allow", list_methods(allowed)),))


def list_methods(allowed: Iterable[str]) -> str:
    """Return the value of an Allow header. HEAD is allowed where GET is."""
    return ", ".join(allowed).replace("GET", "GET, HEAD")


def too_many_requests(rates: Iterable[tuple[str, str]]) -> Reply:
    """Return the reply for a request beyond the rate limit.

    :param rates: the rate-limit headers.
    """
    return refuse(429, 20429, "Too Many Requests", headers=rates)


def unreadable(error: UnreadableRequest) -> Reply:
    """Return the reply for an unreadable form or query."""
    code = GENERIC_CODE if error.status == 400 else None
    return refuse(error.status, code, error.reason)


def bad_request(code: int, message: str, codes: ErrorCodes) -> Reply:
    """Return the reply for an invalid update.

    :param code: the error number in the platform's dictionary.
    :param codes: the setting for the number that is shown.
    """
    shown = {ErrorCodes.DICTIONARY: code, ErrorCodes.GENERIC: GENERIC_CODE, ErrorCodes.NONE: None}
    return refuse(400, shown[codes], message)


def invalid_command(error: InvalidCommand, codes: ErrorCodes) -> Reply:
    """Return the reply for an update whose parameters are invalid."""
    code = next((violation.code for violation in error.violations if violation.code), GENERIC_CODE)
    message = "; ".join(f"{each.parameter} {each.rule}" for each in error.violations)
    return bad_request(code, message, codes)


def state_conflict(
    conflict: StateConflict, update: Command | Status | None, codes: ErrorCodes
) -> Reply:
    """Return the reply for an update that does not fit the state.

    The platform has one family of messages for statuses and another for instructions (observed).
    """
    trigger = conflict.trigger
    # No message of supervise is known. Its error number makes it recognizable.
    has_own_code = codes is ErrorCodes.DICTIONARY or trigger == "supervise"
    code = STATE_ERROR_CODES.get(trigger, GENERIC_CODE) if has_own_code else GENERIC_CODE
    message = _conflict_message(conflict, update)
    return refuse(400, None if codes is ErrorCodes.NONE else code, message)


def _conflict_message(conflict: StateConflict, update: Command | Status | None) -> str:
    sid, state, trigger = conflict.sid, conflict.state, conflict.trigger
    if isinstance(update, Command) and update.first_pair[0] == INSTRUCTION_FIELD:
        instruction = f"Unable to execute {type(update).__name__} instruction"
        if update.is_task_route_only:
            return f"{instruction} on reservation {sid} in its present state."
        return f"{instruction}. Reservation {sid} is not currently in a Pending state."
    word = update.first_pair[1] if isinstance(update, Command) else trigger
    if state == word:
        return f"Reservation {sid} is already in state [{word}] and cannot be updated to [{word}]"
    sources = (edge.source for edge in COMMAND_EDGES if edge.trigger == trigger)
    expected = next(sources, Status.PENDING)
    # Documented for a second accept only: the first one made the step to on hold.
    target = ON_HOLD if (trigger, state) == (Accept.trigger, ON_HOLD) else word
    return (
        f"Reservation {sid} not in expected state [{expected}] and cannot be updated to [{target}]"
    )
